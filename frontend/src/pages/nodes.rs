//! Every node: whether it answers, what runs on it, how much room it has.

use ecoman_api::{Datastore, Node, VmCounts};
use leptos::prelude::*;

use super::banner::symptom;
use super::set_title;
use crate::components::{Icon, ago, empty_state, failed_state, icon, link, meter, text, when};
use crate::live::use_live;
use crate::state::format::{self, UNKNOWN};
use crate::state::list::ListQuery;
use crate::state::node_error::cause;
use crate::state::route::Page;

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
            let page = Page::Node {
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

/// Whether it answers, and since when it was last seen.
pub(crate) fn state(node: &Node) -> AnyView {
    let (class, word, sign) = match node.reachable {
        None => ("state", "Not tried yet", Icon::Unknown),
        Some(false) => ("state bad", "Not answering", Icon::Warning),
        Some(true) if node.stale => ("state", "Not heard of", Icon::Stale),
        Some(true) => ("state good", "Reachable", Icon::On),
    };
    let maintenance = node
        .in_maintenance_mode
        .unwrap_or_default()
        .then(|| view! { <div class="small">"In maintenance mode"</div> });
    let read_only = node
        .read_only
        .then(|| view! { <div class="small">"Read only"</div> });
    view! {
        <span class=class>{icon(sign)} {word}</span>
        {node
            .observed_at
            .map(|time| view! { <div class="small">"seen " {ago(time)}</div> })}
        {maintenance}
        {read_only}
    }
    .into_any()
}

/// What is wrong with it, a notice for each.
pub(crate) fn troubles(node: &Node) -> Option<AnyView> {
    let error = node.last_error.as_ref().map(|error| {
        let what = format!("{} {}: ", node.name, symptom(error.kind));
        let why = cause(&node.name, &error.message).to_owned();
        view! {
            <div class="notice bad">
                {icon(Icon::Warning)}
                <div>
                    <p>
                        <strong>{what}</strong>
                        {why}
                        <span class="aside">" — since " {when(error.since, false)}</span>
                    </p>
                    <p class="hint">{error.hint.clone()}</p>
                </div>
            </div>
        }
    });
    // A node that answers can be stale too: the crawler has stopped reporting.
    let stale = node
        .stale_reason
        .clone()
        .filter(|_| node.stale && node.last_error.is_none())
        .map(|reason| {
            view! {
                <div class="notice warn">
                    {icon(Icon::Stale)}
                    <p>{reason}</p>
                </div>
            }
        });
    let warnings: Vec<_> = node
        .warnings
        .iter()
        .map(|warning| {
            view! {
                <div class="notice warn">
                    {icon(Icon::Warning)}
                    <p>{cause(&node.name, warning).to_owned()}</p>
                </div>
            }
        })
        .collect();
    (error.is_some() || stale.is_some() || !warnings.is_empty()).then(|| {
        view! {
            {error}
            {stale}
            {warnings}
        }
        .into_any()
    })
}

/// Its VMs by power state; leads to them.
pub(crate) fn tally(node: &str, counts: VmCounts) -> AnyView {
    let list = format!("{}{}", Page::Vms.path(), ListQuery::of_node(node).to_url());
    let kinds = [
        ("on", Icon::On, counts.on, "on"),
        ("", Icon::Off, counts.off, "off"),
        ("", Icon::Suspended, counts.suspended, "suspended"),
        ("", Icon::Unknown, counts.unknown, "unknown"),
        ("big", Icon::Large, counts.large, "large"),
    ];
    let kinds: Vec<_> = kinds
        .into_iter()
        .filter(|(_, _, count, _)| *count > 0)
        .map(|(class, sign, count, word)| {
            view! { <span class=class>{icon(sign)} {format::grouped(count)} " " {word}</span> }
        })
        .collect();
    let total = usize::try_from(counts.total).unwrap_or(usize::MAX);
    view! {
        {link("", list, format::plural(total, "VM", "VMs").into_any())}
        <div class="tally small">{kinds}</div>
    }
    .into_any()
}

/// Use and allocation of its CPUs.
pub(crate) fn cpu(node: &Node) -> AnyView {
    let total = node
        .cpu
        .cores
        .zip(node.cpu.mhz)
        .map(|(cores, mhz)| u64::from(cores) * mhz);
    let use_text = match (node.cpu.usage_mhz, total) {
        (Some(used), Some(total)) => {
            format!(
                "{} of {}",
                format::megahertz(used),
                format::megahertz(total)
            )
        }
        (Some(used), None) => format::megahertz(used),
        (None, Some(total)) => format!("{} in all", format::megahertz(total)),
        (None, None) => UNKNOWN.to_owned(),
    };
    let given = node.cpu.threads.map_or_else(
        || format!("{} virtual CPUs", node.allocated.cpus),
        |threads| {
            format!(
                "{} virtual CPUs on {}",
                node.allocated.cpus,
                format::plural(
                    usize::try_from(threads).unwrap_or_default(),
                    "thread",
                    "threads"
                )
            )
        },
    );
    let label = format!("CPU of {}", node.name);
    view! {
        <div>{use_text}</div>
        {node.cpu.usage_mhz.zip(total).map(|(used, total)| view! { {meter(label, used, total, false)} })}
        <div class="small">{given}</div>
    }
    .into_any()
}

/// Use and allocation of its memory.
pub(crate) fn memory(node: &Node) -> AnyView {
    let used = node
        .memory
        .usage_mb
        .map(|mb| mb.saturating_mul(1024 * 1024));
    let total = node.memory.capacity_bytes;
    let use_text = match (used, total) {
        (Some(used), Some(total)) => {
            format!("{} of {}", format::bytes(used), format::bytes(total))
        }
        (Some(used), None) => format::bytes(used),
        (None, Some(total)) => format!("{} in all", format::bytes(total)),
        (None, None) => UNKNOWN.to_owned(),
    };
    let label = format!("Memory of {}", node.name);
    view! {
        <div>{use_text}</div>
        {used.zip(total).map(|(used, total)| view! { {meter(label, used, total, false)} })}
        <div class="small">{format::megabytes(node.allocated.memory_mb)} " given to VMs"</div>
    }
    .into_any()
}

/// A datastore with its free space.
pub(crate) fn datastore(store: &Datastore) -> AnyView {
    let name = store.name.clone().unwrap_or_else(|| store.path.clone());
    let free = match (store.accessible, store.free_bytes) {
        (false, _) => String::from("not accessible"),
        (true, Some(free)) => format!("{} free", format::bytes(free)),
        (true, None) => UNKNOWN.to_owned(),
    };
    let used = store
        .capacity_bytes
        .zip(store.free_bytes)
        .map(|(total, free)| (total.saturating_sub(free), total));
    let exact = store
        .capacity_bytes
        .map(|total| format!("{} in all", format::bytes(total)));
    let label = format!("Datastore {name}");
    view! {
        <div class="store" data-tip=exact>
            <div class="line">
                <span class="fit">{name}</span>
                <span class="nowrap aside">{free}</span>
            </div>
            {used.map(|(used, total)| view! { {meter(label, used, total, false)} })}
        </div>
    }
    .into_any()
}

/// Version and build.
pub(crate) fn version(node: &Node) -> Option<String> {
    match (&node.version, &node.build) {
        (Some(version), Some(build)) => Some(format!("{version} ({build})")),
        (version, _) => version.clone(),
    }
}
