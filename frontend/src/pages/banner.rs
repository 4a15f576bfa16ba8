//! What is wrong, told above the page: the connection to the server, nodes that do not answer.

use std::sync::Arc;
use std::time::Duration;

use ecoman_api::{FailureKind, Node};
use leptos::prelude::*;

use crate::components::{Icon, ago, icon, link, when};
use crate::live::{Connection, use_live};
use crate::state::format;
use crate::state::node_error::cause;
use crate::state::route::Route;

/// A cut that is mended sooner than this is not worth a word.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Tells how old what is shown is while the server cannot be reached.
#[component]
pub(crate) fn ConnectionBanner() -> impl IntoView {
    let live = use_live();
    let lasting = RwSignal::new(None);
    Effect::new(move || match live.connection.get() {
        Connection::Lost { since } => set_timeout(
            move || {
                if let Some(Connection::Lost { since: now }) = live.connection.try_get_untracked() {
                    lasting.set(Some(now.min(since)));
                }
            },
            PATIENCE,
        ),
        Connection::Connecting | Connection::Established => lasting.set(None),
    });
    let something_shown = Memo::new(move |_| live.vms.with(|vms| vms.data().is_some()));

    view! {
        <div role="status">
            {move || {
                lasting
                    .get()
                    .filter(|_| something_shown.get())
                    .map(|since| {
                        view! {
                            <div class="strip bad">
                                {icon(Icon::Warning)}
                                <p>
                                    <strong>"No connection to the server since " {when(since, false)}</strong>
                                    ". What is shown is from " {ago(since)} "."
                                </p>
                                <button
                                    type="button"
                                    class="button small"
                                    on:click=move |_| live.connect()
                                >
                                    "Try now"
                                </button>
                            </div>
                        }
                    })
            }}
        </div>
    }
}

/// Tells which nodes do not answer, and how many VMs are shown as they were.
#[component]
pub(crate) fn UnreachableNodes() -> impl IntoView {
    let live = use_live();
    let silent = Memo::new(move |_| {
        live.nodes.with(|nodes| {
            let nodes = nodes.data().into_iter().flat_map(|nodes| nodes.values());
            nodes
                .filter(|node| node.reachable == Some(false))
                .cloned()
                .collect::<Vec<_>>()
        })
    });
    move || {
        silent.with(|silent| match silent.as_slice() {
            [] => None,
            [node] => Some(one(node).into_any()),
            several => Some(many(several).into_any()),
        })
    }
}

/// What a kind of failure looks like from here, after the name of the node.
pub(crate) fn symptom(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Configuration => "cannot be used as it is configured",
        FailureKind::Unreachable | FailureKind::Timeout | FailureKind::Disconnected => {
            "does not answer"
        }
        FailureKind::HostKey => "shows a host key that is not trusted",
        FailureKind::Authentication => "refuses the login",
        FailureKind::Hostd => "is there, but its management agent does not answer",
        FailureKind::Protocol => "answers with something that cannot be read",
    }
}

fn one(node: &Node) -> impl IntoView + use<> {
    let page = Route::Node {
        name: node.name.clone(),
    };
    let error = node.last_error.as_ref();
    let what = error.map_or("does not answer", |error| symptom(error.kind));
    let since = error.map(|error| view! { " since " {when(error.since, false)} });
    let why = error.map(|error| format!(" — {}", cause(&node.name, &error.message)));
    let name = node.name.clone();
    let shown = shown(node.vms.total, node.observed_at);
    view! {
        <div class="strip warn">
            {icon(Icon::Warning)}
            <p>
                {link("", page.path(), strong(name))}
                " "
                {what}
                {since}
                {why}
                "."
                {shown}
            </p>
        </div>
    }
}

fn many(nodes: &[Arc<Node>]) -> impl IntoView + use<> {
    let vms = nodes.iter().map(|node| node.vms.total).sum();
    let oldest = nodes.iter().filter_map(|node| node.observed_at).min();
    let count = format::plural(nodes.len(), "node", "nodes");
    let links: Vec<_> = nodes
        .iter()
        .enumerate()
        .map(|(place, node)| {
            let page = Route::Node {
                name: node.name.clone(),
            };
            let name = node.name.clone();
            view! {
                {(place > 0).then_some(", ")}
                {link("", page.path(), name.into_any())}
            }
        })
        .collect();
    view! {
        <div class="strip warn">
            {icon(Icon::Warning)}
            <p>
                {link("", Route::Nodes.path(), strong(count))}
                " cannot be read: "
                {links}
                "."
                {shown(vms, oldest)}
            </p>
        </div>
    }
}

fn strong(text: String) -> AnyView {
    view! { <strong>{text}</strong> }.into_any()
}

fn shown(
    vms: u64,
    observed_at: Option<chrono::DateTime<chrono::Utc>>,
) -> Option<impl IntoView + use<>> {
    let observed_at = observed_at.filter(|_| vms > 0)?;
    let vms = format::plural(usize::try_from(vms).unwrap_or(usize::MAX), "VM", "VMs");
    // The blank outside: a line may end there.
    Some(view! {
        " "
        <span class="nowrap">{vms} " shown as seen " {ago(observed_at)} "."</span>
    })
}
