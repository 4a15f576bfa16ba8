//! Every node: whether it answers, what runs on it, how much room it has.

use std::sync::Arc;

use ecoman_api::Node as NodeFacts;
use leptos::prelude::*;

use super::parts::{
    cpu_use, datastore, free_memory, memory_bar, provisioned, ratio, state, troubles, version, vms,
};
use crate::components::{Item, empty_state, failed_state, keyed, link, or_unknown, set_title};
use crate::live::use_live;
use crate::location::use_location;
use crate::state::error::Error;
use crate::state::format;
use crate::state::node_table::{Column, Order, Totals};
use crate::state::route::Route;
use crate::state::text;

/// How many columns the table has.
const COLUMNS: usize = 10;

/// The page.
#[component]
pub(crate) fn Nodes() -> impl IntoView {
    let live = use_live();
    let location = use_location();
    let order = Memo::new(move |_| location.query.with(|query| Order::from_query(query)));
    let listed = Memo::new(move |before: Option<&Option<Listed>>| {
        let order = order.get();
        let names = live.nodes.with(|nodes| Some(order.names(nodes.data()?)))?;
        let before = before.and_then(Option::as_ref);
        match before.filter(|before| before.order == order && before.is_of(&names)) {
            // Rows that trade places would do so under the pointer, and throw out the focus.
            Some(before) if is_in_use() => Some(before.clone()),
            _ => Some(Listed { order, names }),
        }
    });
    let names = Memo::new(move |_| listed.with(|listed| Some(listed.as_ref()?.names.clone())));
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
                            {heading(order, Column::Name, texts.node)}
                            <th scope="col">{texts.state}</th>
                            {heading(order, Column::VmsOn, texts.vms_of_which_on)}
                            {heading(order, Column::Cpu, texts.cpu)}
                            <th scope="col">{texts.memory}</th>
                            {heading(order, Column::FreeMemory, texts.free_memory)}
                            {heading(order, Column::ProvisionedOn, texts.provisioned_on)}
                            {heading(order, Column::Provisioned, texts.provisioned_all)}
                            {heading(order, Column::Datastore, texts.datastores)}
                            <th scope="col">{texts.esxi}</th>
                        </tr>
                    </thead>
                    {keyed(bodies)}
                    {footer()}
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

/// The nodes as they stand in the table.
#[derive(Clone, Debug, PartialEq)]
struct Listed {
    order: Order,
    names: Vec<String>,
}

impl Listed {
    fn is_of(&self, names: &[String]) -> bool {
        let mut now: Vec<_> = names.iter().collect();
        let mut before: Vec<_> = self.names.iter().collect();
        now.sort_unstable();
        before.sort_unstable();
        now == before
    }
}

/// Whether somebody points at a row or has the focus in one.
fn is_in_use() -> bool {
    let found = document().query_selector(".nodes tbody:hover, .nodes tbody :focus");
    found.is_ok_and(|found| found.is_some())
}

/// The heading of a column that the table can be ordered by.
fn heading(order: Memo<Order>, column: Column, title: &'static str) -> AnyView {
    let location = use_location();
    let texts = &text::deferred().nodes;
    let is_number = !matches!(column, Column::Name | Column::Cpu | Column::Datastore);
    let sorted = move || {
        let order = order.get();
        (order.column == column).then_some(order.descending)
    };
    view! {
        <th
            scope="col"
            class:number=is_number
            aria-sort=move || match sorted() {
                None => "none",
                Some(false) => "ascending",
                Some(true) => "descending",
            }
        >
            <button
                type="button"
                class="sort"
                title=(texts.sort_by)(title)
                on:click=move |_| location.replace(&order.get_untracked().click(column).to_url())
            >
                <span>{title}</span>
                <svg class="icon arrow" viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M8 4l4 5H4z"></path>
                </svg>
            </button>
        </th>
    }
    .into_any()
}

/// What all nodes have together.
fn footer() -> AnyView {
    let live = use_live();
    let texts = &text::deferred().nodes;
    let totals = Memo::new(move |_| live.nodes.with(|nodes| Some(Totals::of(nodes.data()?))));
    let row = move || {
        let totals = totals.get().filter(|totals| totals.nodes > 1)?;
        let share = |mb: u64| {
            let whole = totals.memory_mb;
            (whole > 0).then(|| mb.saturating_mul(100) / whole)
        };
        let vms = format!(
            "{} / {}",
            format::grouped(totals.vms_on),
            format::grouped(totals.vms)
        );
        Some(view! {
            <tr>
                <th scope="row">
                    {texts.totals}
                    <div class="small">{(texts.title)(totals.nodes)}</div>
                </th>
                <td></td>
                <td class="number" data-label=texts.vms_of_which_on>{vms}</td>
                <td></td>
                <td></td>
                <td class="number" data-label=texts.free_memory>
                    <strong>{format::megabytes(totals.free_mb)}</strong>
                    <div class="small">{(texts.of_memory)(totals.memory_mb)}</div>
                </td>
                <td class="number" data-label=texts.provisioned_on>
                    {ratio(share(totals.provisioned_on_mb), totals.provisioned_on_mb)}
                </td>
                <td class="number" data-label=texts.provisioned_all>
                    {ratio(share(totals.provisioned_mb), totals.provisioned_mb)}
                </td>
                <td></td>
                <td></td>
            </tr>
        })
    };
    view! { <tfoot>{row}</tfoot> }.into_any()
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
                <td class="measured number vms">
                    {cell(node, |a, b| a.vms == b.vms, |node| vms(&node.name, node.vms))}
                </td>
                <td class="measured measure" data-label=texts.cpu>
                    {cell(node, |a, b| a.cpu == b.cpu && a.allocated == b.allocated, cpu_use)}
                </td>
                <td class="measured measure" data-label=texts.memory>
                    {cell(
                        node,
                        |a, b| a.memory == b.memory && a.allocated_on == b.allocated_on,
                        memory_bar,
                    )}
                </td>
                <td class="measured number" data-label=texts.free_memory>
                    {cell(node, |a, b| a.memory == b.memory, free_memory)}
                </td>
                <td class="measured number" data-label=texts.provisioned_on>
                    {cell(
                        node,
                        |a, b| a.memory == b.memory && a.allocated_on == b.allocated_on,
                        |node| provisioned(node, node.allocated_on),
                    )}
                </td>
                <td class="measured number" data-label=texts.provisioned_all>
                    {cell(
                        node,
                        |a, b| a.memory == b.memory && a.allocated == b.allocated,
                        |node| provisioned(node, node.allocated),
                    )}
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
                                <div class="nowrap">{or_unknown(version(node))}</div>
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
                            <td colspan=COLUMNS>
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
