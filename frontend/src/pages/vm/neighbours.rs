//! The ways to the VMs before and after this one.

use std::sync::Arc;

use ecoman_api::Filter;
use leptos::prelude::*;

use crate::clock::use_clock;
use crate::components::{Icon, follow, icon};
use crate::list_position::ListPosition;
use crate::live::LiveData;
use crate::state::inventory::{Nodes, Row, VmKey};
use crate::state::list::{ListQuery, Listing, ordered};
use crate::state::route::Route;
use crate::state::text;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Neighbours {
    previous: Option<VmKey>,
    next: Option<VmKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Previous,
    Next,
}

/// The VMs before and after this one in the list that the reader came from.
pub(super) fn neighbours(
    live: LiveData,
    list_position: ListPosition,
    key: VmKey,
) -> Memo<Neighbours> {
    let clock = use_clock();
    let loaded = Memo::new(move |_| live.vms.with(|vms| vms.data().is_some()));
    Memo::new(move |_| {
        // The order of the moment it was opened: one that moved would be of no use here.
        if !loaded.get() {
            return Neighbours::default();
        }
        let query = list_position
            .query
            .with_untracked(|query| ListQuery::parse(query));
        let none = Nodes::new();
        live.nodes.with_untracked(|nodes| {
            live.vms.with_untracked(|vms| {
                let Some(table) = vms.data() else {
                    return Neighbours::default();
                };
                let nodes = nodes.data().unwrap_or(&none);
                let all = ordered(table, &query.sort, nodes);
                let filter = Filter::parse(&query.filter).unwrap_or_default();
                let listed = Listing::select(&all, &filter, query.chips, nodes, clock.exact()).rows;
                around(&listed, &key)
                    // It was opened past the filter.
                    .or_else(|| around(&all, &key))
                    .unwrap_or_default()
            })
        })
    })
}

fn around(rows: &[Arc<Row>], key: &VmKey) -> Option<Neighbours> {
    let place = rows.iter().position(|row| row.is(key))?;
    let at = |place: Option<usize>| rows.get(place?).map(|row| VmKey::of(&row.vm));
    Some(Neighbours {
        previous: at(place.checked_sub(1)),
        next: at(Some(place + 1)),
    })
}

#[component]
pub(super) fn Neighbour(neighbours: Memo<Neighbours>, to: Side) -> impl IntoView {
    let (label, sign) = match to {
        Side::Previous => (text::deferred().vm.previous, Icon::Previous),
        Side::Next => (text::deferred().vm.next, Icon::Next),
    };
    move || {
        let key = neighbours.with(|neighbours| match to {
            Side::Previous => neighbours.previous.clone(),
            Side::Next => neighbours.next.clone(),
        });
        match key {
            Some(VmKey { node, vmid }) => view! {
                <a
                    class="button quiet"
                    href=Route::Vm { node, vmid }.path()
                    aria-label=label
                    on:click=follow()
                >
                    {icon(sign)}
                </a>
            }
            .into_any(),
            None => view! {
                <span class="button quiet" role="link" aria-disabled="true" aria-label=label>
                    {icon(sign)}
                </span>
            }
            .into_any(),
        }
    }
}
