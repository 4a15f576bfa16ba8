//! The dialogs of snapshots: what is taken, and what is lost.

use std::sync::Arc;

use ecoman_api::{
    CreateSnapshot, PowerState, RevertToSnapshot, SNAPSHOT_NAME_CHARACTERS, Snapshot, SnapshotTree,
    Vm as VmFacts, least_snapshot_bytes,
};
use leptos::prelude::*;

use super::super::open::Open;
use crate::api;
use crate::clock::{use_clock, zone};
use crate::components::{Icon, ago, dialog, icon, sentence};
use crate::live::LiveData;
use crate::state::format;
use crate::state::inventory::VmKey;
use crate::state::load::Load;
use crate::state::text;

/// The heading of the dialog.
const HEADING: &str = "snapshot-heading";
/// What has the focus first in it.
const FIRST: &str = "snapshot-first";

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    /// A snapshot.
    Take,
    /// To go back to one.
    Revert(Snapshot),
    /// To remove one, with so many below it.
    Remove(Snapshot, usize),
    /// To remove all, so many.
    RemoveAll(usize),
}

#[derive(Clone)]
pub(super) struct Dialogs {
    pub(super) live: LiveData,
    pub(super) key: VmKey,
    pub(super) vm: Memo<Option<Arc<VmFacts>>>,
    pub(super) tree: RwSignal<Load<SnapshotTree>>,
    pub(super) asked: RwSignal<Option<Asked>>,
}

/// The dialog, while something is asked for.
pub(super) fn dialogs(all: Dialogs) -> AnyView {
    let Dialogs {
        live,
        key,
        vm,
        tree,
        asked,
    } = all;
    let open = Memo::new(move |_| asked.with(Option::is_some));
    let key = StoredValue::new(key);
    let content = move || {
        let wanted = asked.get()?;
        let vm = vm.get_untracked()?;
        let free = tree.with_untracked(|tree| tree.data()?.free_bytes);
        let open = Open::new(live, key, FIRST, move || asked.set(None));
        Some(match wanted {
            Asked::Take => take(open, &vm, free),
            Asked::Revert(snapshot) => revert(open, &vm, &snapshot),
            Asked::Remove(snapshot, below) => remove(open, &vm, &snapshot, below, free),
            Asked::RemoveAll(count) => remove_all(open, &vm, count, free),
        })
    };
    dialog(
        open,
        (HEADING, FIRST),
        move || asked.set(None),
        content.into_any(),
    )
}

fn take(open: Open, vm: &VmFacts, free: Option<u64>) -> AnyView {
    let texts = &text::deferred().snapshots;
    // Not by a tracked read: the dialog would be built again each second, over what is typed.
    let now = use_clock().exact();
    let name = RwSignal::new(format::timestamp(now, zone(now)));
    let description = RwSignal::new(String::new());
    let memory = RwSignal::new(false);
    let quiesce = RwSignal::new(false);
    let runs = vm.power == PowerState::On;
    let tools = matches!(vm.tools_status.as_deref(), Some("toolsOk" | "toolsOld"));
    let memory_mb = vm.memory_mb.unwrap_or_default();
    let needed = move || least_snapshot_bytes(memory.get().then_some(memory_mb));
    let lacking = Memo::new(move |_| {
        let (needed, free) = (needed(), free?);
        (free < needed)
            .then(|| (texts.too_little_space)(&format::bytes(needed), &format::bytes(free)))
    });
    let ready = move || !name.with(|name| name.trim().is_empty()) && lacking.with(Option::is_none);
    let confirm = move || {
        let wanted = CreateSnapshot {
            name: name.get_untracked().trim().to_owned(),
            description: description.get_untracked(),
            memory: memory.get_untracked(),
            quiesce: quiesce.get_untracked(),
        };
        open.send(move |key, idempotency_key| async move {
            api::create_snapshot(&key.node, key.vmid, &wanted, &idempotency_key).await
        });
    };
    let memory_label = (texts.memory_takes)(&format::bytes(memory_mb << 20));
    let of_running = runs.then(|| {
        view! {
            {checkbox(memory, memory_label, None)}
            {tools.then(|| checkbox(quiesce, texts.quiesce.to_owned(), Some(texts.quiesce_tip)))}
        }
    });
    view! {
        <form novalidate>
            <h2 id=HEADING>{icon(Icon::Plus)} {(texts.take_of)(format::vm_name(vm))}</h2>
            <label class="field">
                <span>{texts.name}</span>
                <input
                    type="text"
                    id=FIRST
                    autocomplete="off"
                    maxlength=SNAPSHOT_NAME_CHARACTERS.to_string()
                    prop:value=name
                    on:focus=move |event| select_all(&event)
                    on:input=move |event| name.set(event_target_value(&event))
                />
            </label>
            <label class="field">
                <span>{texts.description}</span>
                <textarea
                    rows="2"
                    prop:value=description
                    on:input=move |event| description.set(event_target_value(&event))
                ></textarea>
            </label>
            {of_running}
            {move || lacking.get().map(warning)}
            {open.choices(("button primary", texts.take), ready, confirm, false)}
        </form>
    }
    .into_any()
}

/// What is proposed is typed over.
fn select_all(event: &web_sys::FocusEvent) {
    let input: web_sys::HtmlInputElement = event_target(event);
    input.select();
}

fn revert(open: Open, vm: &VmFacts, snapshot: &Snapshot) -> AnyView {
    let texts = &text::deferred().snapshots;
    let keep_off = RwSignal::new(false);
    let with_memory = snapshot.power == PowerState::On;
    let then = match snapshot.power {
        PowerState::On => texts.revert_runs,
        PowerState::Suspended => texts.revert_suspended,
        PowerState::Off | PowerState::Unknown => texts.revert_off,
    };
    let loses_state = (vm.power == PowerState::On).then(|| {
        view! { <p>{texts.revert_loses_state}</p> }
    });
    let age = snapshot
        .created_at
        .map(ago)
        .unwrap_or_else(|| snapshot.name.clone().into_any());
    let id = snapshot.id;
    let confirm = move || {
        let wanted = RevertToSnapshot {
            keep_off: keep_off.get_untracked(),
        };
        open.send(move |key, idempotency_key| async move {
            api::revert_to_snapshot(&key.node, key.vmid, id, wanted, &idempotency_key).await
        });
    };
    let question = (texts.revert_question)(format::vm_name(vm), &snapshot.name);
    view! {
        <h2 id=HEADING class="danger">{icon(Icon::Undone)} {question}</h2>
        <div class="notice warn">
            {icon(Icon::Warning)}
            <div>
                <p>{sentence(texts.revert_loses, [age])}</p>
                {loses_state}
            </div>
        </div>
        <p>{texts.revert_jumps_back} " " {then}</p>
        {with_memory.then(|| checkbox(keep_off, texts.keep_off.to_owned(), None))}
        {open.choices(("button danger solid", texts.revert), || true, confirm, true)}
    }
    .into_any()
}

fn remove(
    open: Open,
    vm: &VmFacts,
    snapshot: &Snapshot,
    below: usize,
    free: Option<u64>,
) -> AnyView {
    let texts = &text::deferred().snapshots;
    let children = RwSignal::new(false);
    let id = snapshot.id;
    let confirm = move || {
        let children = children.get_untracked();
        open.send(move |key, idempotency_key| async move {
            api::remove_snapshot(&key.node, key.vmid, id, children, &idempotency_key).await
        });
    };
    let question = (texts.remove_question)(format::vm_name(vm), &snapshot.name);
    view! {
        <h2 id=HEADING class="danger">{icon(Icon::Close)} {question}</h2>
        <p>{texts.remove_keeps_vm}</p>
        <p class="aside">{texts.remove_takes_time}</p>
        {(below > 0).then(|| checkbox(children, (texts.children)(below), None))}
        {full(free)}
        {open.choices(("button danger solid", texts.remove), || true, confirm, true)}
    }
    .into_any()
}

fn remove_all(open: Open, vm: &VmFacts, count: usize, free: Option<u64>) -> AnyView {
    let texts = &text::deferred().snapshots;
    let confirm = move || {
        open.send(move |key, idempotency_key| async move {
            api::remove_all_snapshots(&key.node, key.vmid, &idempotency_key).await
        });
    };
    let question = (texts.remove_all_question)(format::vm_name(vm), count);
    view! {
        <h2 id=HEADING class="danger">{icon(Icon::Close)} {question}</h2>
        <p>{texts.remove_all_keeps_vm}</p>
        <p class="aside">{texts.remove_takes_time}</p>
        {full(free)}
        {open.choices(("button danger solid", texts.remove_all), || true, confirm, true)}
    }
    .into_any()
}

/// A datastore that is nearly full.
fn full(free: Option<u64>) -> Option<AnyView> {
    let free = free.filter(|free| *free < 1 << 30)?;
    Some(warning((text::deferred().snapshots.full_warning)(
        &format::bytes(free),
    )))
}

fn warning(text: String) -> AnyView {
    view! { <div class="notice warn">{icon(Icon::Warning)} <p>{text}</p></div> }.into_any()
}

fn checkbox(checked: RwSignal<bool>, label: String, tip: Option<&'static str>) -> AnyView {
    view! {
        <label class="check" data-tip=tip>
            <input
                type="checkbox"
                prop:checked=checked
                on:change=move |event| checked.set(event_target_checked(&event))
            />
            <span>{label}</span>
        </label>
    }
    .into_any()
}
