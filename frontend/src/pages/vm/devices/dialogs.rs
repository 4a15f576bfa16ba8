//! The dialogs of devices: what is there, and what comes in its place.

use std::sync::Arc;

use ecoman_api::{DISK_GB, GrowDisk, VirtualDisk, Vm as VmFacts};
use leptos::prelude::*;

use crate::api;
use crate::components::{Icon, dialog, icon};
use crate::live::LiveData;
use crate::pages::vm::open::Open;
use crate::state::format;
use crate::state::inventory::VmKey;
use crate::state::text;

/// The heading of the dialog.
const HEADING: &str = "device-heading";
/// What has the focus first in it.
const FIRST: &str = "device-first";

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    /// A larger disk.
    Grow(VirtualDisk),
}

/// The dialog, while something is asked for.
pub(super) fn dialogs(
    live: LiveData,
    key: VmKey,
    vm: Memo<Option<Arc<VmFacts>>>,
    asked: RwSignal<Option<Asked>>,
) -> AnyView {
    let is_open = Memo::new(move |_| asked.with(Option::is_some));
    let key = StoredValue::new(key);
    let content = move || {
        let wanted = asked.get()?;
        let vm = vm.get_untracked()?;
        let open = Open::new(live, key, FIRST, move || asked.set(None));
        Some(match wanted {
            Asked::Grow(disk) => grow(open, &vm, disk),
        })
    };
    dialog(
        is_open,
        (HEADING, FIRST),
        move || asked.set(None),
        content.into_any(),
    )
}

fn grow(open: Open, vm: &VmFacts, disk: VirtualDisk) -> AnyView {
    let texts = &text::deferred().devices;
    let now = disk.size_bytes.unwrap_or_default();
    let shown = format::bytes(now);
    let typed = RwSignal::new(String::new());
    let wanted = Memo::new(move |_| typed.with(|typed| typed.trim().parse::<u64>().ok()));
    let larger = (texts.larger_than)(&shown);
    let wrong = Memo::new(move |_| match wanted.get() {
        None => typed
            .with(|typed| !typed.is_empty())
            .then(|| larger.clone()),
        Some(gb) if gb > DISK_GB => Some((texts.at_most)(DISK_GB)),
        Some(gb) => (gb.saturating_mul(1 << 30) <= now).then(|| larger.clone()),
    });
    let ready = move || wanted.get().is_some() && wrong.with(Option::is_none);
    let key = disk.key.clone();
    let confirm = move || {
        let Some(size_gb) = wanted.get_untracked() else {
            return;
        };
        let wanted = GrowDisk {
            size_gb,
            if_size_gb: disk.size_gb,
        };
        let disk = disk.key.clone();
        open.send(move |vm, idempotency_key| async move {
            api::grow_disk(&vm, &disk, wanted, &idempotency_key).await
        });
    };
    let question = (texts.grow_question)(key.as_str(), format::vm_name(vm));
    view! {
        <form novalidate>
            <h2 id=HEADING>{icon(Icon::Edit)} {question}</h2>
            <p>{texts.now} ": " <strong>{shown}</strong></p>
            <label class="field">
                <span>{texts.new_size}</span>
                <input
                    type="text"
                    inputmode="numeric"
                    autocomplete="off"
                    id=FIRST
                    aria-describedby="device-wrong"
                    aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                    prop:value=typed
                    on:input=move |event| typed.set(event_target_value(&event))
                />
            </label>
            <p class="bad" id="device-wrong" role="status">{move || wrong.get()}</p>
            <p>{texts.grow_is_final} " " {texts.guest_grows_itself}</p>
            {open.choices(("button primary", texts.grow), ready, confirm, false)}
        </form>
    }
    .into_any()
}
