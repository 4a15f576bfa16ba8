//! Every node: whether it answers, what runs on it, how much room it has.

use leptos::prelude::*;

use super::parts::{cpu, datastore, memory, state, tally, troubles, version};
use crate::components::{empty_state, failed_state, link, or_unknown, set_title};
use crate::live::use_live;
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
    let texts = &text::pages().nodes;
    set_title(move || match summary.get() {
        Some((answering, all)) if answering < all => (texts.title_some)(answering, all),
        Some((_, all)) => (texts.title)(all),
        None => texts.nodes.to_owned(),
    });

    let content = move || {
        let error = live.nodes.with(|nodes| nodes.error().cloned());
        match (names.get(), error) {
            (Some(names), _) if names.is_empty() => empty_state(
                texts.none.to_owned(),
                texts.none_why.to_owned(),
                ().into_any(),
            ),
            (Some(names), _) => view! {
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
                        {names.into_iter().map(|name| view! { <Body name /> }).collect::<Vec<_>>()}
                    </table>
                </div>
            }
            .into_any(),
            (None, Some(error)) if !error.is_not_ready() => {
                let retry = move || live.connect();
                failed_state(texts.not_loaded, &error.to_string(), retry)
            }
            (None, _) => view! {
                <p class="skeleton" role="status">
                    {texts.loading}
                </p>
            }
            .into_any(),
        }
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

/// One node, two rows at most: what it has, and what is wrong with it.
#[component]
fn Body(name: String) -> impl IntoView {
    let live = use_live();
    let texts = &text::pages().nodes;
    let node = Memo::new(move |_| live.nodes.with(|nodes| nodes.data()?.get(&name).cloned()));
    move || {
        node.get().map(|node| {
            let trouble = troubles(&node);
            let has_trouble = trouble.is_some();
            let page = Route::Node {
                name: node.name.clone(),
            };
            let stale = node.stale;
            let name = node.name.clone();
            let store_cells: Vec<_> = node.datastores.iter().map(datastore).collect();
            view! {
                <tbody class:stale=stale>
                    <tr class:has-trouble=has_trouble>
                        <th scope="row">
                            {link("name", page.path(), name.into_any())}
                            <div class="small">{node.address.clone()}</div>
                        </th>
                        <td>{state(&node)}</td>
                        <td class="measured">{tally(&node.name, node.vms)}</td>
                        <td class="measured measure" data-label=texts.cpu>{cpu(&node)}</td>
                        <td class="measured measure" data-label=texts.memory>{memory(&node)}</td>
                        <td class="measured measure" data-label=texts.datastores>
                            {if store_cells.is_empty() {
                                or_unknown(None)
                            } else {
                                store_cells.into_any()
                            }}
                        </td>
                        <td class="measured">
                            <div>{or_unknown(version(&node))}</div>
                            <div class="small">{node.model.clone()}</div>
                        </td>
                    </tr>
                    {trouble
                        .map(|trouble| {
                            view! {
                                <tr class="trouble">
                                    <td colspan="7">{trouble}</td>
                                </tr>
                            }
                        })}
                </tbody>
            }
        })
    }
}
