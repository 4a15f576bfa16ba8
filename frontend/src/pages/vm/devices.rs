//! The card with the disks, CD/DVD drives and network adapters of a VM.

mod dialogs;

use std::sync::Arc;

use ecoman_api::{
    CdromDrive, NetworkAdapter, Permission, PowerState, VirtualDisk, Vm as VmFacts, VmHardware,
};
use leptos::prelude::*;

use self::dialogs::{Asked, dialogs};
use super::reading::reading;
use super::snapshots::why_not;
use crate::api;
use crate::components::{Icon, busy, icon};
use crate::live::LiveData;
use crate::state::format;
use crate::state::inventory::VmKey;
use crate::state::load::Load;
use crate::state::text;

/// The card; nothing for those who may not change the hardware.
pub(super) fn devices(live: LiveData, key: &VmKey, vm: Memo<Option<Arc<VmFacts>>>) -> AnyView {
    let key = StoredValue::new(key.clone());
    let may = Memo::new(move |_| {
        live.config.with(|config| {
            let config = config.as_ref()?;
            Some(config.identity.may.contains(&Permission::Hardware))
        })
    });
    (move || (may.get() == Some(true)).then(|| card(live, key.get_value(), vm))).into_any()
}

fn card(live: LiveData, key: VmKey, vm: Memo<Option<Arc<VmFacts>>>) -> AnyView {
    let texts = &text::deferred().devices;
    let reading = reading(live, key.clone(), |key| {
        Box::pin(async move { api::hardware(&key).await })
    });
    let asked = RwSignal::new(None::<Asked>);
    let may = why_not(live, key.clone(), Permission::Hardware);
    let why_not = Memo::new(move |_| {
        let is_off = vm.with(|vm| {
            let power = vm.as_ref().map(|vm| vm.power);
            matches!(power, Some(PowerState::Off | PowerState::Unknown))
        });
        may.get().or((!is_off).then(|| texts.not_off.to_owned()))
    });
    let body = move || reading.read.with(|hardware| list(hardware, why_not, asked));
    let dialogs = dialogs(live, key, vm, asked);
    view! {
        <section class="card wide from-host" aria-labelledby="devices">
            <h2 id="devices">
                {texts.title}
                {move || reading.runs.get().then(busy)}
                <span class="actions">
                    <button
                        type="button"
                        class="button small quiet"
                        aria-label=texts.reload
                        data-tip=texts.reload
                        on:click=move |_| reading.again()
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

fn list(
    hardware: &Load<VmHardware>,
    why_not: Memo<Option<String>>,
    asked: RwSignal<Option<Asked>>,
) -> AnyView {
    let texts = &text::deferred().devices;
    let error = hardware.error().map(|error| {
        let why = (texts.not_loaded)(&error.to_string());
        view! { <p class="bad lines" role="status">{why}</p> }
    });
    let Some(hardware) = hardware.data() else {
        return match error {
            Some(error) => error.into_any(),
            None => view! { <p class="skeleton" role="status">{texts.loading}</p> }.into_any(),
        };
    };
    let VmHardware {
        disks,
        cdroms,
        nics,
    } = hardware;
    let rows: Vec<_> = disks
        .iter()
        .map(|it| disk(it, why_not, asked))
        .chain(cdroms.iter().map(|it| cdrom(it, why_not, asked)))
        .chain(nics.iter().map(|it| nic(it, why_not, asked)))
        .collect();
    if rows.is_empty() {
        return view! { {error} <p class="lines">{texts.none}</p> }.into_any();
    }
    view! { {error} <ul class="tree devices">{rows}</ul> }.into_any()
}

fn disk(
    disk: &VirtualDisk,
    why_not: Memo<Option<String>>,
    asked: RwSignal<Option<Asked>>,
) -> AnyView {
    let texts = &text::deferred().devices;
    let size = disk.size_bytes.map(format::bytes);
    let thin = disk.thin.map(|thin| match thin {
        true => texts.thin,
        false => texts.thick,
    });
    let fixed = disk.fixed.as_ref().map(texts.fixed);
    let value = view! {
        <strong>{size.unwrap_or_else(|| format::UNKNOWN.to_owned())}</strong>
        " "
        <span class="aside">{thin}</span>
        <p class="aside"><code>{disk.file.clone()}</code></p>
        {fixed.clone().map(|why| view! { <p class="aside">{why}</p> })}
    };
    let wanted = Asked::Grow(disk.clone());
    let change = change(
        (texts.grow_this)(disk.key.as_str()),
        Memo::new(move |_| why_not.get().or_else(|| fixed.clone())),
        move || asked.set(Some(wanted.clone())),
    );
    row(texts.disk, disk.key.as_str(), value.into_any(), change)
}

fn cdrom(
    drive: &CdromDrive,
    why_not: Memo<Option<String>>,
    asked: RwSignal<Option<Asked>>,
) -> AnyView {
    let texts = &text::deferred().devices;
    let image = match &drive.iso_path {
        Some(path) => view! { <code>{path.clone()}</code> }.into_any(),
        None => texts.no_iso.into_any(),
    };
    let off = (!drive.connected && drive.iso_path.is_some()).then_some(texts.disconnected);
    let value = view! { {image} " " <span class="aside">{off}</span> };
    let wanted = Asked::Cdrom(drive.clone());
    let change = change(
        (texts.change_cdrom)(drive.key.as_str()),
        why_not,
        move || {
            asked.set(Some(wanted.clone()));
        },
    );
    row(texts.cdrom, drive.key.as_str(), value.into_any(), change)
}

fn nic(
    nic: &NetworkAdapter,
    why_not: Memo<Option<String>>,
    asked: RwSignal<Option<Asked>>,
) -> AnyView {
    let texts = &text::deferred().devices;
    let network = nic
        .network
        .clone()
        .unwrap_or_else(|| texts.no_network.to_owned());
    let off = (!nic.connected).then_some(texts.disconnected);
    let details: Vec<_> = [nic.adapter.clone(), nic.mac_address.clone()]
        .into_iter()
        .flatten()
        .chain(off.map(str::to_owned))
        .collect();
    let value = view! {
        <strong>{network}</strong>
        " "
        <span class="aside">{details.join(" · ")}</span>
    };
    let wanted = Asked::Nic(nic.clone());
    let change = change((texts.move_nic)(nic.key.as_str()), why_not, move || {
        asked.set(Some(wanted.clone()));
    });
    row(texts.nic, nic.key.as_str(), value.into_any(), change)
}

fn row(kind: &'static str, key: &str, value: AnyView, change: AnyView) -> AnyView {
    view! {
        <li>
            <span class="what">{kind} " " <span class="aside" translate="no">{key.to_owned()}</span></span>
            <div class="value">{value}</div>
            <span class="buttons">{change}</span>
        </li>
    }
    .into_any()
}

/// The button of a device; greyed, with the reason, where it cannot be used.
fn change(name: String, why_not: Memo<Option<String>>, ask: impl Fn() + Send + 'static) -> AnyView {
    let tip = name.clone();
    view! {
        <button
            type="button"
            class="button small quiet"
            aria-label=name
            aria-description=move || why_not.get()
            aria-disabled=move || why_not.with(Option::is_some).then_some("true")
            data-tip=move || Some(why_not.get().unwrap_or_else(|| tip.clone()))
            on:click=move |_| {
                if why_not.with_untracked(Option::is_none) {
                    ask();
                }
            }
        >
            {icon(Icon::Edit)}
        </button>
    }
    .into_any()
}
