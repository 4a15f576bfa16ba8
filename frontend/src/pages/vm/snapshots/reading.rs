//! When the snapshots are read from the node: at first, and when a task of the VM has ended.

use ecoman_api::SnapshotTree;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::live::LiveData;
use crate::state::inventory::VmKey;
use crate::state::load::Load;

/// The snapshots of a VM as they were read last.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) tree: RwSignal<Load<SnapshotTree>>,
    /// Whether they are being read.
    pub(super) runs: RwSignal<bool>,
    key: StoredValue<VmKey>,
    /// Whether they have to be read once more after that.
    again: StoredValue<bool>,
}

impl Reading {
    /// Reads them now, or once more after the reading that runs.
    pub(super) fn again(self) {
        if self.runs.get_untracked() {
            self.again.set_value(true);
            return;
        }
        self.runs.set(true);
        spawn_local(async move {
            loop {
                self.again.try_set_value(false);
                let Some(VmKey { node, vmid }) = self.key.try_get_value() else {
                    return;
                };
                let read = api::snapshots(&node, vmid).await;
                if self.tree.try_update(|tree| tree.take(read)).is_none() {
                    // The page is gone.
                    return;
                }
                if self.again.try_get_value() != Some(true) {
                    break;
                }
            }
            self.runs.try_set(false);
        });
    }
}

pub(super) fn reading(live: LiveData, key: VmKey) -> Reading {
    let reading = Reading {
        tree: RwSignal::new(Load::default()),
        runs: RwSignal::new(false),
        key: StoredValue::new(key.clone()),
        again: StoredValue::new(false),
    };
    // The newest task that has ended may have changed them.
    let ended = Memo::new(move |_| {
        live.tasks.with(|tasks| {
            let mut tasks = tasks.data()?.of(&key);
            tasks.find(|task| task.state.is_final()).map(|task| task.id)
        })
    });
    Effect::new(move || {
        // Read, since a memo that is only tracked is never worked out, and so never changes.
        let _newest = ended.get();
        reading.again();
    });
    reading
}
