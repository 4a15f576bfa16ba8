//! What is wrong, told above the page: the connection to the server, nodes that do not answer.

use std::sync::Arc;
use std::time::Duration;

use ecoman_api::{FailureKind, Node};
use leptos::prelude::*;

use crate::components::{Icon, ago, icon, link, when};
use crate::live::{Connection, use_live};
use crate::state::format;
use crate::state::route::Page;

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
        Connection::Connecting | Connection::Live => lasting.set(None),
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

/// The message of a node's error without the node, which stands beside it: messages begin with
/// `NAME: ` or, where the address matters, with `node NAME (ADDRESS): `.
pub(crate) fn cause<'a>(node: &str, message: &'a str) -> &'a str {
    let rest = message.strip_prefix("node ").unwrap_or(message);
    let Some(rest) = rest.strip_prefix(node) else {
        return message;
    };
    rest.strip_prefix(": ")
        .or_else(|| {
            rest.strip_prefix(" (")?
                .split_once("): ")
                .map(|(_, rest)| rest)
        })
        .unwrap_or(message)
}

fn one(node: &Node) -> impl IntoView + use<> {
    let page = Page::Node {
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
            let page = Page::Node {
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
                {link("", Page::Nodes.path(), strong(count))}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_node_is_not_said_twice() {
        assert_eq!(cause("hoge", "hoge: no route to it"), "no route to it");
        assert_eq!(cause("hoge", "hoge2: no route"), "hoge2: no route");
        assert_eq!(cause("hoge", "no route"), "no route");
        let with_address = "node hoge (192.0.2.1:22): no route to it";
        assert_eq!(cause("hoge", with_address), "no route to it");
        assert_eq!(cause("hog", with_address), with_address);
    }
}
