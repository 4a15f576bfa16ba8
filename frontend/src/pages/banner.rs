//! Problems, shown above the page: the connection to the server, nodes that do not answer.

use std::sync::Arc;
use std::time::Duration;

use ecoman_api::{Node, Notice, NoticeKind};
use leptos::prelude::*;

use crate::components::{Icon, ago, icon, link, sentence, when};
use crate::live::{Connection, use_live};
use crate::state::node_error::{cause, symptom};
use crate::state::route::Route;
use crate::state::text;

/// A cut that is mended sooner than this is not worth a word.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Says how old what is shown is while the server cannot be reached.
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
    let texts = &text::first_load().banner;
    // Above the form to sign in it would be wrong: the server has answered.
    let something_shown =
        Memo::new(move |_| !live.signed_out.get() && live.vms.with(|vms| vms.data().is_some()));

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
                                    {sentence(
                                        texts.shown_from,
                                        [
                                            view! {
                                                <strong>
                                                    {sentence(
                                                        texts.no_connection,
                                                        [when(since, false)],
                                                    )}
                                                </strong>
                                            }
                                            .into_any(),
                                            ago(since),
                                        ],
                                    )}
                                </p>
                                <button
                                    type="button"
                                    class="button small"
                                    on:click=move |_| live.connect()
                                >
                                    {text::first_load().parts.try_now}
                                </button>
                            </div>
                        }
                    })
            }}
        </div>
    }
}

/// Says what is wrong with the server as a whole.
#[component]
pub(crate) fn ServerNotices() -> impl IntoView {
    let live = use_live();
    let notices = Memo::new(move |_| {
        live.config
            .with(|config| config.as_ref().map(|config| config.notices.clone()))
            .unwrap_or_default()
    });
    view! {
        <div role="status">
            {move || notices.get().into_iter().map(notice).collect_view()}
        </div>
    }
}

fn notice(notice: Notice) -> impl IntoView {
    let texts = &text::first_load().banner;
    let message = notice.message.into_any();
    let (class, what) = match (notice.kind, notice.since) {
        (NoticeKind::StoreUnwritable, Some(since)) => {
            let what = sentence(texts.store_unwritable_since, [when(since, false), message]);
            ("strip bad", what)
        }
        (NoticeKind::StoreUnwritable, None) => {
            ("strip bad", sentence(texts.store_unwritable, [message]))
        }
        (NoticeKind::HostsFile, _) => ("strip warn", sentence(texts.hosts_file, [message])),
    };
    view! {
        <div class=class>
            {icon(Icon::Warning)}
            <p>{what}</p>
        </div>
    }
}

/// Says which nodes do not answer, and how many VMs are shown as they were.
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

fn one(node: &Node) -> impl IntoView + use<> {
    let page = Route::Node {
        name: node.name.clone(),
    };
    let texts = &text::first_load().banner;
    let link = link("", page.path(), strong(node.name.clone()));
    let what = match &node.last_error {
        Some(error) => sentence(
            texts.node_failed,
            [
                link,
                symptom(error.kind).into_any(),
                when(error.since, false),
                cause(&node.name, &error.message).to_owned().into_any(),
            ],
        ),
        None => sentence(texts.node_silent, [link]),
    };
    let shown = shown(node.vms.total, node.observed_at);
    view! {
        <div class="strip warn">
            {icon(Icon::Warning)}
            <p>
                {what}
                {shown}
            </p>
        </div>
    }
}

fn many(nodes: &[Arc<Node>]) -> impl IntoView + use<> {
    let texts = &text::first_load().banner;
    let vms = nodes.iter().map(|node| node.vms.total).sum();
    let oldest = nodes.iter().filter_map(|node| node.observed_at).min();
    let count = (text::format().nodes)(nodes.len());
    let links: Vec<_> = nodes
        .iter()
        .enumerate()
        .map(|(place, node)| {
            let page = Route::Node {
                name: node.name.clone(),
            };
            let name = node.name.clone();
            view! {
                {(place > 0).then_some(texts.between_nodes)}
                {link("", page.path(), name.into_any())}
            }
        })
        .collect();
    view! {
        <div class="strip warn">
            {icon(Icon::Warning)}
            <p>
                {sentence(
                    texts.nodes_failed,
                    [link("", Route::Nodes.path(), strong(count)), links.into_any()],
                )}
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
    let vms = (text::format().vms)(usize::try_from(vms).unwrap_or(usize::MAX));
    // The blank outside: a line may end there.
    Some(view! {
        " "
        <span class="nowrap">{sentence(text::first_load().banner.shown_as_seen, [vms.into_any(), ago(observed_at)])}</span>
    })
}
