//! Every node: whether it answers, what runs on it, how much room it has.

use leptos::prelude::*;

use super::parts::{cpu, datastore, memory, state, tally, troubles, version};
use crate::components::{empty_state, failed_state, link, set_title, text};
use crate::live::use_live;
use crate::state::format;
use crate::state::route::Route;

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
    set_title(move || match summary.get() {
        Some((answering, all)) if answering < all => format!("{answering} of {all} nodes"),
        Some((_, all)) => format::plural(all, "node", "nodes"),
        None => String::from("Nodes"),
    });

    let content = move || {
        let error = live.nodes.with(|nodes| nodes.error().cloned());
        match (names.get(), error) {
            (Some(names), _) if names.is_empty() => empty_state(
                String::from("No nodes yet"),
                String::from(
                    "hosts.yml names none, or the crawler has not read it yet. Name a node there, \
                     and it appears here by itself.",
                ),
                ().into_any(),
            ),
            (Some(names), _) => view! {
                <div class="table-frame" tabindex="0" role="region" aria-label="Nodes">
                    <table class="nodes">
                        <thead>
                            <tr>
                                <th scope="col">"Node"</th>
                                <th scope="col">"State"</th>
                                <th scope="col">"VMs"</th>
                                <th scope="col">"CPU"</th>
                                <th scope="col">"Memory"</th>
                                <th scope="col">"Datastores"</th>
                                <th scope="col">"ESXi"</th>
                            </tr>
                        </thead>
                        {names.into_iter().map(|name| view! { <Body name /> }).collect::<Vec<_>>()}
                    </table>
                </div>
            }
            .into_any(),
            (None, Some(error)) if !error.is_not_ready() => {
                let retry = move || live.connect();
                failed_state("The nodes could not be loaded", &error.to_string(), retry)
            }
            (None, _) => view! {
                <p class="skeleton" role="status">
                    "Loading the nodes"
                </p>
            }
            .into_any(),
        }
    };
    view! {
        <div class="page">
            <div class="column">
                <header class="heading">
                    <h1>"Nodes"</h1>
                    <p class="aside" role="status">
                        {move || {
                            summary
                                .get()
                                .filter(|(_, all)| *all > 0)
                                .map(|(answering, all)| format!("{answering} of {all} answer"))
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
                        <td class="measured measure" data-label="CPU">{cpu(&node)}</td>
                        <td class="measured measure" data-label="Memory">{memory(&node)}</td>
                        <td class="measured measure" data-label="Datastores">
                            {if store_cells.is_empty() {
                                text(None)
                            } else {
                                store_cells.into_any()
                            }}
                        </td>
                        <td class="measured">
                            <div>{text(version(&node))}</div>
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
