//! The dialogs of devices: what is there, and what comes in its place.

use std::sync::Arc;

use ecoman_api::{
    CdromDrive, ChangeCdrom, DISK_GB, GrowDisk, MoveNic, NetworkAdapter, Node, VirtualDisk,
    Vm as VmFacts,
};
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
    /// Another image in a CD/DVD drive.
    Cdrom(CdromDrive),
    /// Another port group of a network adapter.
    Nic(NetworkAdapter),
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
            Asked::Cdrom(drive) => cdrom(open, live, &vm, &drive),
            Asked::Nic(adapter) => nic(open, live, &vm, &adapter),
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

/// What the host of the VM has.
fn of_node(live: LiveData, vm: &VmFacts, list: impl Fn(&Node) -> Vec<String>) -> Vec<String> {
    live.nodes.with_untracked(|nodes| {
        let node = nodes.data().and_then(|nodes| nodes.get(&vm.node));
        node.map(|node| list(node)).unwrap_or_default()
    })
}

/// A choice among texts, each with its label; the first is `now`, which is kept.
fn choice(
    label: &'static str,
    now: &str,
    options: Vec<(String, String)>,
    chosen: RwSignal<String>,
) -> AnyView {
    let is_listed = options.iter().any(|(value, _)| value == now);
    let gone = (!is_listed).then(|| {
        let label = format!("{now} ({})", text::deferred().devices.not_listed);
        (now.to_owned(), label)
    });
    let options: Vec<_> = gone
        .into_iter()
        .chain(options)
        .map(|(value, label)| {
            let is_now = value == now;
            view! { <option value=value selected=is_now>{label}</option> }
        })
        .collect();
    view! {
        <label class="field">
            <span>{label}</span>
            <select id=FIRST on:change=move |event| chosen.set(event_target_value(&event))>
                {options}
            </select>
        </label>
    }
    .into_any()
}

/// What is there, and what comes in its place.
fn from_to(now: String, label: impl Fn() -> String + Send + 'static) -> AnyView {
    let texts = &text::deferred().devices;
    let line = move || (text::deferred().power.from_to)(&now, &label());
    view! { <p>{texts.change} ": " <strong>{line}</strong></p> }.into_any()
}

fn cdrom(open: Open, live: LiveData, vm: &VmFacts, drive: &CdromDrive) -> AnyView {
    let texts = &text::deferred().devices;
    let now = drive.iso_path.clone().unwrap_or_default();
    let named = |path: &str| match path {
        "" => texts.no_iso.to_owned(),
        path => path.to_owned(),
    };
    let images = of_node(live, vm, |node| {
        let images = node.iso_images.iter();
        images.map(|image| image.path.clone()).collect()
    });
    let options = std::iter::once(String::new())
        .chain(images)
        .map(|path| (path.clone(), named(&path)))
        .collect();
    let chosen = RwSignal::new(now.clone());
    let before = now.clone();
    let ready = Memo::new(move |_| chosen.with(|chosen| *chosen != before));
    let key = drive.key.clone();
    let question = (texts.cdrom_question)(key.as_str(), format::vm_name(vm));
    let line = from_to(named(&now), move || chosen.with(|path| named(path)));
    let select = choice(texts.iso, &now, options, chosen);
    let confirm = move || {
        let wanted = ChangeCdrom {
            iso_path: Some(chosen.get_untracked()).filter(|path| !path.is_empty()),
            key: Some(key.clone()),
            if_iso_path: Some(now.clone()),
        };
        open.send(move |vm, idempotency_key| async move {
            api::change_cdrom(&vm, &wanted, &idempotency_key).await
        });
    };
    view! {
        <form novalidate>
            <h2 id=HEADING>{icon(Icon::Edit)} {question}</h2>
            {select}
            {line}
            {open.choices(("button primary", texts.save), move || ready.get(), confirm, false)}
        </form>
    }
    .into_any()
}

fn nic(open: Open, live: LiveData, vm: &VmFacts, adapter: &NetworkAdapter) -> AnyView {
    let texts = &text::deferred().devices;
    let now = adapter.network.clone().unwrap_or_default();
    let groups = of_node(live, vm, |node| {
        let groups = node.port_groups.iter();
        groups.map(|group| group.name.clone()).collect()
    });
    let options = groups
        .into_iter()
        .map(|name| (name.clone(), name))
        .collect();
    let chosen = RwSignal::new(now.clone());
    let before = now.clone();
    let ready = Memo::new(move |_| chosen.with(|chosen| *chosen != before));
    let key = adapter.key.clone();
    let question = (texts.nic_question)(key.as_str(), format::vm_name(vm));
    let line = from_to(now.clone(), move || chosen.get());
    let select = choice(texts.port_group, &now, options, chosen);
    let confirm = move || {
        let wanted = MoveNic {
            network: chosen.get_untracked(),
            if_network: Some(now.clone()),
        };
        let nic = key.clone();
        open.send(move |vm, idempotency_key| async move {
            api::move_nic(&vm, &nic, &wanted, &idempotency_key).await
        });
    };
    view! {
        <form novalidate>
            <h2 id=HEADING>{icon(Icon::Edit)} {question}</h2>
            {select}
            {line}
            {open.choices(("button primary", texts.save), move || ready.get(), confirm, false)}
        </form>
    }
    .into_any()
}
