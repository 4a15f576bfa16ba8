//! What is known when a change of power is thought about.

use ecoman_api::{PowerAction, Vm};
use leptos::prelude::*;

use crate::live::LiveData;
use crate::state::inventory::{Nodes, seen_at};
use crate::state::power_plan::Known;
use crate::state::tasks::power_of;

/// What is known at this moment, by tracked reads.
pub(crate) fn known<T>(live: LiveData, read: impl FnOnce(Known<'_>) -> T) -> T {
    let no_nodes = Nodes::new();
    live.nodes.with(|nodes| {
        live.tasks.with(|tasks| {
            live.config.with(|config| {
                read(Known {
                    nodes: nodes.data().unwrap_or(&no_nodes),
                    tasks: tasks.data(),
                    config: config.as_ref(),
                })
            })
        })
    })
}

/// The change of a VM's power that is being made, by tracked reads.
pub(crate) fn change_of(live: LiveData, vm: &Vm) -> Option<PowerAction> {
    known(live, |known| {
        let task = known.tasks?.changing(vm, seen_at(vm, known.nodes))?;
        power_of(task).map(|(action, _)| action)
    })
}
