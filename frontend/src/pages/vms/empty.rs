//! What stands in place of the rows while there are none.

use leptos::prelude::*;

use super::controls::ListControls;
use crate::api;
use crate::components::{Icon, empty_state, focus, icon, link, sentence};
use crate::live::use_live;
use crate::state::list::{Chips, Listing};
use crate::state::route::Route;
use crate::state::text;

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
    let texts = &text::first_load().list;
    let (class, words) = if starting {
        ("starting", texts.server_starting)
    } else {
        ("sr", texts.loading)
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
    let texts = &text::first_load().list;
    let code = |command: &'static str| view! { <code>{command}</code> }.into_any();
    let next = view! {
        <figure class="example">
            <figcaption>"hosts.yml"</figcaption>
            <pre>{HOSTS_EXAMPLE}</pre>
        </figure>
        <p class="hint">
            {sentence(texts.no_nodes_next, [code("ecoman trust hoge"), code("ecoman doctor")])}
        </p>
    };
    empty_state(
        texts.no_nodes.to_owned(),
        texts.no_nodes_why.to_owned(),
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
    let texts = &text::first_load().list;
    let sentence = if answered == 0 {
        (texts.no_node_listed)(all)
    } else if answered < all {
        (texts.some_nodes_empty)(answered, all)
    } else {
        (texts.all_nodes_empty)(all)
    };
    let next = link("button", Route::Nodes.path(), texts.to_nodes.into_any());
    empty_state(texts.no_vms.to_owned(), sentence, next)
}

pub(super) fn no_match(controls: ListControls, listing: Memo<Listing>) -> AnyView {
    let total = listing.with(|listing| listing.total);
    let texts = &text::first_load().list;
    let sentence =
        controls.query.with(
            |query| match (query.filter.trim(), query.chips.is_empty()) {
                ("", _) => (texts.no_match_chips)(total),
                (filter, true) => (texts.no_match_filter)(total, filter),
                (filter, false) => (texts.no_match_both)(total, filter),
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
            {texts.clear_filter}
        </button>
    };
    empty_state(texts.no_match.to_owned(), sentence, next.into_any())
}
