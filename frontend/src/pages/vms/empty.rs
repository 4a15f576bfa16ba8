//! What stands in place of the rows while there are none.

use leptos::prelude::*;

use super::controls::ListControls;
use crate::api;
use crate::components::{Icon, empty_state, focus, icon, link};
use crate::live::use_live;
use crate::state::format;
use crate::state::list::{Chips, Listing};
use crate::state::route::Route;

pub(super) fn skeleton() -> AnyView {
    let rows: Vec<_> = (0..14)
        .map(|_| {
            let bars: Vec<_> = (0..7)
                .map(|_| view! { <span class="bone"></span> })
                .collect();
            view! { <div class="skeleton-row">{bars}</div> }
        })
        .collect();
    let live = use_live();
    let starting = live
        .vms
        .with(|vms| vms.error().is_some_and(api::Error::is_not_ready));
    let (class, words) = if starting {
        (
            "starting",
            "The server has just started and reads what it knows.",
        )
    } else {
        ("sr", "Loading the VMs")
    };
    view! {
        <div class="skeleton">
            <p class=class role="status">{words}</p>
            <div aria-hidden="true">{rows}</div>
        </div>
    }
    .into_any()
}

pub(super) fn no_nodes() -> AnyView {
    let next = view! {
        <figure class="example">
            <figcaption>"hosts.yml"</figcaption>
            <pre>{HOSTS_EXAMPLE}</pre>
        </figure>
        <p class="hint">
            "Then " <code>"ecoman trust hoge"</code> " pins its host key, and "
            <code>"ecoman doctor"</code> " says what else is missing."
        </p>
    };
    empty_state(
        String::from("No nodes yet"),
        String::from(
            "ECoMan looks at the ESXi nodes that hosts.yml names, and has found none there so \
             far. Name one, and its VMs appear here by themselves within a minute.",
        ),
        next.into_any(),
    )
}

const HOSTS_EXAMPLE: &str = "\
hoge:
  addr: 'hoge.example.org'
  username: 'root'
  identity_file_path: 'ssh/id_rsa'
  datastore_path: '/vmfs/volumes/datastore1/'
  installer_iso_path: '/vmfs/volumes/datastore1/os-images/ubuntu2004.iso'
  network_port_group: 'Management Network'
";

pub(super) fn no_vms() -> AnyView {
    let live = use_live();
    let (answered, all) = live.nodes.with(|nodes| {
        let nodes = nodes.data().into_iter().flat_map(|nodes| nodes.values());
        nodes.fold((0, 0), |(answered, all), node| {
            (answered + usize::from(node.observed_at.is_some()), all + 1)
        })
    });
    let nodes = format::plural(all, "node", "nodes");
    let sentence = if answered == 0 {
        format!("None of {nodes} has told its VMs so far.")
    } else if answered < all {
        format!("{answered} of {nodes} have answered, and have none.")
    } else {
        format!("{nodes} answered, and nothing is registered there.")
    };
    let next = link(
        "button",
        Route::Nodes.path(),
        "Look at the nodes".into_any(),
    );
    empty_state(String::from("No VMs"), sentence, next)
}

pub(super) fn no_match(controls: ListControls, listing: Memo<Listing>) -> AnyView {
    let total = listing.with(|listing| listing.total);
    let what = controls.query.with(
        |query| match (query.filter.trim(), query.chips.is_empty()) {
            ("", _) => String::from("the chips that are pressed"),
            (filter, true) => format!("“{filter}”"),
            (filter, false) => format!("“{filter}” and the chips that are pressed"),
        },
    );
    let clear = move |_| {
        controls.set(|query| {
            query.filter.clear();
            query.chips = Chips::default();
        });
        focus("filter");
    };
    let next = view! {
        <button type="button" class="button primary" on:click=clear>
            {icon(Icon::Close)}
            "Clear the filter"
        </button>
    };
    empty_state(
        String::from("No match"),
        format!(
            "None of {} matches {what}.",
            format::plural(total, "VM", "VMs")
        ),
        next.into_any(),
    )
}
