//! Every node: whether it answers, what runs on it, how much room it has.

use std::sync::Arc;

use ecoman_api::Node as NodeFacts;
use leptos::prelude::*;

use super::parts::{cpu, datastore, memory, state, tally, troubles, version};
use crate::components::{Item, empty_state, failed_state, keyed, link, or_unknown, set_title};
use crate::live::use_live;
use crate::state::error::Error;
use crate::state::route::Route;
use crate::state::text;

/// The page.
#[component]
pub(crate) fn Nodes() -> impl IntoView {
    let live = use_live();
    let names = Memo::new(move |_| {
        live.nodes
            .with(|nodes| Some(nodes.data()?.keys().cloned().collect::<Vec<_>>()))
    });
    let summary = Memo::new(move |_| {
        live.nodes.with(|nodes| {
            let nodes = nodes.data()?;
            let answering = nodes
                .values()
                .filter(|node| node.reachable == Some(true))
                .count();
            Some((answering, nodes.len()))
        })
    });
    let texts = &text::deferred().nodes;
    set_title(move || match summary.get() {
        Some((answering, all)) if answering < all => (texts.title_some)(answering, all),
        Some((_, all)) => (texts.title)(all),
        None => texts.nodes.to_owned(),
    });

    // The table stays while nodes come and go: what has the focus keeps it.
    let state = Memo::new(move |_| {
        let error = live.nodes.with(|nodes| nodes.error().cloned());
        match (names.with(|names| names.as_ref().map(Vec::len)), error) {
            (Some(0), _) => Shown::Nothing,
            (Some(_), _) => Shown::Table,
            (None, Some(error)) if !error.is_not_ready() => Shown::Failed(error),
            (None, _) => Shown::Loading,
        }
    });
    let bodies = move || {
        let names = names.get().unwrap_or_default();
        let body = |name: String| -> Item {
            let key = name.clone();
            (key, Box::new(move || Body(BodyProps { name }).into_any()))
        };
        names.into_iter().map(body).collect()
    };
    let content = move || match state.get() {
        Shown::Nothing => empty_state(
            texts.none.to_owned(),
            texts.none_why.to_owned(),
            ().into_any(),
        ),
        Shown::Table => view! {
            <div class="table-frame" tabindex="0" role="region" aria-label=texts.nodes>
                <table class="nodes">
                    <thead>
                        <tr>
                            <th scope="col">{texts.node}</th>
                            <th scope="col">{texts.state}</th>
                            <th scope="col">{texts.vms}</th>
                            <th scope="col">{texts.cpu}</th>
                            <th scope="col">{texts.memory}</th>
                            <th scope="col">{texts.datastores}</th>
                            <th scope="col">{texts.esxi}</th>
                        </tr>
                    </thead>
                    {keyed(bodies)}
                </table>
            </div>
        }
        .into_any(),
        Shown::Failed(error) => {
            let retry = move || live.connect();
            failed_state(texts.not_loaded, &error.to_string(), retry)
        }
        Shown::Loading => view! {
            <p class="skeleton" role="status">
                {texts.loading}
            </p>
        }
        .into_any(),
    };
    view! {
        <div class="page">
            <div class="column">
                <header class="heading">
                    <h1>{texts.nodes}</h1>
                    <p class="aside" role="status">
                        {move || {
                            summary
                                .get()
                                .filter(|(_, all)| *all > 0)
                                .map(|(answering, all)| (texts.some_answer)(answering, all))
                        }}
                    </p>
                </header>
                {content}
            </div>
        </div>
    }
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq)]
enum Shown {
    Loading,
    Failed(Error),
    Nothing,
    Table,
}

/// One node, two rows at most: what it has, and what is wrong with it. Each cell is drawn again only when
/// its own facts have changed, so that a crawl disturbs neither the focus nor a selection.
#[component]
fn Body(name: String) -> impl IntoView {
    let live = use_live();
    let texts = &text::deferred().nodes;
    let page = Route::Node { name: name.clone() };
    let node = {
        let name = name.clone();
        Memo::new(move |_| live.nodes.with(|nodes| nodes.data()?.get(&name).cloned()))
    };
    let stale = Memo::new(move |_| node.with(|node| node.as_ref().is_some_and(|node| node.stale)));
    let trouble = Memo::new(move |_| {
        let node = node.get()?;
        troubles(&node).is_some().then_some(())
    });
    view! {
        <tbody class:stale=stale>
            <tr class:has-trouble=move || trouble.get().is_some()>
                <th scope="row">
                    {link("name", page.path(), name.into_any())}
                    <div class="small">
                        {cell(node, |a, b| a.address == b.address, |node| node.address.clone().into_any())}
                    </div>
                </th>
                <td>
                    {cell(
                        node,
                        |a, b| {
                            (a.reachable, a.stale, a.observed_at, a.in_maintenance_mode, a.read_only)
                                == (b.reachable, b.stale, b.observed_at, b.in_maintenance_mode, b.read_only)
                        },
                        state,
                    )}
                </td>
                <td class="measured">
                    {cell(node, |a, b| a.vms == b.vms, |node| tally(&node.name, node.vms))}
                </td>
                <td class="measured measure" data-label=texts.cpu>
                    {cell(node, |a, b| a.cpu == b.cpu && a.allocated == b.allocated, cpu)}
                </td>
                <td class="measured measure" data-label=texts.memory>
                    {cell(node, |a, b| a.memory == b.memory && a.allocated == b.allocated, memory)}
                </td>
                <td class="measured measure" data-label=texts.datastores>
                    {cell(
                        node,
                        |a, b| a.datastores == b.datastores,
                        |node| {
                            let stores: Vec<_> = node.datastores.iter().map(datastore).collect();
                            if stores.is_empty() { or_unknown(None) } else { stores.into_any() }
                        },
                    )}
                </td>
                <td class="measured">
                    {cell(
                        node,
                        |a, b| (&a.version, &a.build, &a.model) == (&b.version, &b.build, &b.model),
                        |node| {
                            view! {
                                <div>{or_unknown(version(node))}</div>
                                <div class="small">{node.model.clone()}</div>
                            }
                            .into_any()
                        },
                    )}
                </td>
            </tr>
            {move || {
                trouble.get().map(|()| {
                    view! {
                        <tr class="trouble">
                            <td colspan="7">
                                {cell(
                                    node,
                                    |a, b| {
                                        a.last_error == b.last_error && a.stale == b.stale
                                            && a.stale_reason == b.stale_reason && a.warnings == b.warnings
                                    },
                                    |node| troubles(node).into_any(),
                                )}
                            </td>
                        </tr>
                    }
                })
            }}
        </tbody>
    }
}

/// A part of a node, drawn again when it is not the same any more.
fn cell(
    node: Memo<Option<Arc<NodeFacts>>>,
    is_same: fn(&NodeFacts, &NodeFacts) -> bool,
    draw: fn(&NodeFacts) -> AnyView,
) -> AnyView {
    let shown = Memo::new(move |before: Option<&Option<Arc<NodeFacts>>>| {
        let now = node.get()?;
        match before {
            Some(Some(before)) if is_same(before, &now) => Some(Arc::clone(before)),
            _ => Some(now),
        }
    });
    (move || shown.with(|node| node.as_deref().map(draw))).into_any()
}
