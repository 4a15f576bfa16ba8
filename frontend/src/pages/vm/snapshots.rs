//! The card with the snapshots of a VM.

mod dialogs;

use std::sync::Arc;

use ecoman_api::{Permission, PowerState, Snapshot, SnapshotTree, Vm as VmFacts};
use leptos::prelude::*;

use self::dialogs::{Asked, Dialogs, dialogs};
use super::reading::reading;
use crate::api;
use crate::components::{Icon, ago, busy, icon};
use crate::live::LiveData;
use crate::state::format;
use crate::state::inventory::VmKey;
use crate::state::load::Load;
use crate::state::text;

/// The card.
pub(super) fn snapshots(live: LiveData, key: &VmKey, vm: Memo<Option<Arc<VmFacts>>>) -> AnyView {
    let texts = &text::deferred().snapshots;
    let reading = reading(live, key.clone(), |key| {
        Box::pin(async move { api::snapshots(&key.node, key.vmid).await })
    });
    let asked = RwSignal::new(None::<Asked>);
    let tree = reading.read;
    let may_take = why_not(live, key.clone(), Permission::Power);
    let may_delete = why_not(live, key.clone(), Permission::Delete);
    let ask = move |wanted: Asked| asked.set(Some(wanted));
    let many = Memo::new(move |_| tree.with(|tree| tree.data().map_or(0, |tree| tree.items.len())));
    let take = action(
        ("button small", "take-snapshot"),
        Icon::Plus,
        (texts.take, texts.take_tip),
        may_take,
        move || ask(Asked::Take),
    );
    let remove_all = move || {
        let count = many.get();
        (count > 0).then(|| {
            action(
                ("button small danger", "remove-snapshots"),
                Icon::Close,
                (texts.remove_all, texts.remove_all_keeps_vm),
                may_delete,
                move || ask(Asked::RemoveAll(count)),
            )
        })
    };
    let body = move || tree.with(|tree| list(tree, may_delete, ask));
    let dialogs = dialogs(Dialogs {
        live,
        key: key.clone(),
        vm,
        tree,
        asked,
    });
    let reload = move |_| reading.again();
    view! {
        <section class="card wide from-host" aria-labelledby="snapshots">
            <h2 id="snapshots">
                {texts.title}
                <span class="aside count">{move || (many.get() > 0).then(|| many.get())}</span>
                {move || reading.runs.get().then(busy)}
                <span class="actions">
                    {take}
                    {remove_all}
                    <button
                        type="button"
                        class="button small quiet"
                        aria-label=texts.reload
                        data-tip=texts.reload
                        on:click=reload
                    >
                        {icon(Icon::Again)}
                    </button>
                </span>
            </h2>
            {body}
        </section>
        {dialogs}
    }
    .into_any()
}

/// Why the snapshots of the VM cannot be changed now, with this permission.
pub(super) fn why_not(live: LiveData, key: VmKey, permission: Permission) -> Memo<Option<String>> {
    Memo::new(move |_| {
        let texts = &text::deferred().snapshots;
        if !live.may(permission) {
            return Some(texts.not_permitted.to_owned());
        }
        let read_only = live.nodes.with(|nodes| {
            let node = nodes.data().and_then(|nodes| nodes.get(&key.node));
            node.is_some_and(|node| node.read_only)
        });
        if read_only {
            return Some(texts.read_only.to_owned());
        }
        let busy = live.tasks.with(|tasks| {
            let newest = tasks.data().and_then(|tasks| tasks.newest_of(&key));
            newest.is_some_and(|task| !task.state.is_final())
        });
        busy.then(|| texts.busy.to_owned())
    })
}

/// A button; greyed, with the reason, where it cannot be used.
fn action(
    (class, id): (&'static str, &str),
    sign: Icon,
    (label, tip): (&'static str, &'static str),
    why_not: Memo<Option<String>>,
    ask: impl Fn() + 'static,
) -> AnyView {
    let id = format!("why-not-{id}");
    let described = id.clone();
    view! {
        <button
            type="button"
            class=class
            aria-disabled=move || why_not.with(Option::is_some).then_some("true")
            aria-describedby=move || why_not.with(Option::is_some).then(|| described.clone())
            data-tip=move || Some(why_not.get().unwrap_or_else(|| tip.to_owned()))
            on:click=move |_| {
                if why_not.with_untracked(Option::is_none) {
                    ask();
                }
            }
        >
            {icon(sign)}
            {label}
        </button>
        <span class="sr" id=id>{move || why_not.get()}</span>
    }
    .into_any()
}

fn list(
    tree: &Load<SnapshotTree>,
    may_delete: Memo<Option<String>>,
    ask: impl Fn(Asked) + Copy + Send + Sync + 'static,
) -> AnyView {
    let texts = &text::deferred().snapshots;
    let error = tree.error().map(|error| {
        let why = (texts.not_loaded)(&error.to_string());
        view! { <p class="bad lines" role="status">{why}</p> }
    });
    let Some(tree) = tree.data() else {
        return match error {
            Some(error) => error.into_any(),
            None => view! { <p class="skeleton" role="status">{texts.loading}</p> }.into_any(),
        };
    };
    let free = tree
        .free_bytes
        .map(|free| view! { <p class="foot aside">{(texts.free)(&format::bytes(free))}</p> });
    if tree.items.is_empty() {
        return view! {
            {error}
            <p class="lines">{texts.none} ". " <span class="aside">{texts.none_why}</span></p>
            {free}
        }
        .into_any();
    }
    let rows: Vec<_> = tree
        .items
        .iter()
        .map(|snapshot| row(tree, snapshot, may_delete, ask))
        .collect();
    view! {
        {error}
        <ul class="tree">{rows}</ul>
        {free}
    }
    .into_any()
}

fn row(
    tree: &SnapshotTree,
    snapshot: &Snapshot,
    may_delete: Memo<Option<String>>,
    ask: impl Fn(Asked) + Copy + Send + Sync + 'static,
) -> AnyView {
    let texts = &text::deferred().snapshots;
    let depth = tree.depth(snapshot.id);
    let here = (tree.current == Some(snapshot.id)).then(|| {
        view! { <span class="state good here">{icon(Icon::On)} {texts.you_are_here}</span> }
    });
    let power = match snapshot.power {
        PowerState::On => Some(texts.with_memory),
        PowerState::Suspended => Some(texts.suspended),
        PowerState::Off | PowerState::Unknown => None,
    };
    let quiesced = snapshot
        .quiesced
        .unwrap_or_default()
        .then_some(texts.quiesced);
    let marks: Vec<_> = power
        .into_iter()
        .chain(quiesced)
        .map(|mark| view! { <span class="mark">{mark}</span> })
        .collect();
    let (revert, remove) = (snapshot.clone(), snapshot.clone());
    let below = tree.below(snapshot.id).len();
    let button = |class, label: &'static str, name: String, wanted: Asked| {
        view! {
            <button
                type="button"
                class=class
                aria-label=name
                aria-disabled=move || may_delete.with(Option::is_some).then_some("true")
                data-tip=move || may_delete.get()
                on:click=move |_| {
                    if may_delete.with_untracked(Option::is_none) {
                        ask(wanted.clone());
                    }
                }
            >
                {label}
            </button>
        }
        .into_any()
    };
    view! {
        <li style=("--depth", depth.min(12).to_string())>
            <div class="what">
                <span class="name">{snapshot.name.clone()}</span>
                {here}
                {marks}
                {snapshot
                    .description
                    .clone()
                    .map(|text| view! { <p class="description aside">{text}</p> })}
            </div>
            <span class="age aside">{snapshot.created_at.map(ago)}</span>
            <span class="size">{snapshot.size_bytes.map(format::bytes)}</span>
            <span class="buttons">
                {button(
                    "button small",
                    texts.revert,
                    (texts.revert_to)(&snapshot.name),
                    Asked::Revert(revert),
                )}
                {button(
                    "button small",
                    texts.remove,
                    (texts.remove_this)(&snapshot.name),
                    Asked::Remove(remove, below),
                )}
            </span>
        </li>
    }
    .into_any()
}
