//! All of the page that is about the VM.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ecoman_api::Vm as VmFacts;
use leptos::prelude::*;

use super::cards::{Place, files, hardware, overview, raw, shell, usage};
use super::deletion::{Deletion, deletion_dialog};
use super::devices::devices;
use super::snapshots::snapshots;
use crate::acts::edit::{edit_button, waiting};
use crate::acts::power::{change_of, power_bar, vm_task};
use crate::components::{Icon, ago, changing_badge, icon, part, sentence};
use crate::live::LiveData;
use crate::pages::history::history_card;
use crate::state::format;
use crate::state::history_filter::HistoryFilter;
use crate::state::inventory::VmKey;
use crate::state::text;

/// All of the page that is about the VM: built once, and each part again when what it shows has
/// changed. A reader's selection, and the word that something was copied, outlive a round.
pub(super) fn details(live: LiveData, key: VmKey, vm: Memo<Option<Arc<VmFacts>>>) -> AnyView {
    // While it is going, what was shown last.
    let vm = Memo::new(move |last: Option<&Option<Arc<VmFacts>>>| {
        vm.get().or_else(|| last.cloned().flatten())
    });
    let lasting = Memo::new(move |_| vm.get().map(|vm| Arc::new(lasting(&vm))));
    let place = Memo::new(move |_| {
        vm.with(|vm| {
            let vm = vm.as_ref()?;
            live.nodes
                .with(|nodes| Some(Place::of(nodes.data()?.get(&vm.node)?, vm.vmid)))
        })
    });
    let deletion = Deletion::of(live, &key, vm);
    view! {
        {part(
            move || Some((lasting.get()?, place.get())),
            move |(shown, place)| heading(live, vm, &shown, place.as_ref(), deletion),
        )}
        {deletion_dialog(live, key.clone(), vm, deletion)}
        <div class="vm-actions">{power_bar(vm)} {edit_button(vm)}</div>
        {vm_task(vm)}
        {waiting(vm)}
        {part(
            move || vm.get().filter(|vm| vm.stale).map(|vm| (vm.stale_reason.clone(), vm.observed_at)),
            |(reason, seen)| stale(reason, seen),
        )}
        <div class="cards">
            {part(move || lasting.get(), move |lasting| overview(live, vm, &lasting))}
            {part(
                move || Some((still(&*vm.get()?), live.config.get())),
                |(vm, config)| hardware(&vm, config.as_ref()),
            )}
            {part(
                move || {
                    let seen = Arc::unwrap_or_clone(vm.get()?);
                    let mhz = place.with(|place| place.as_ref()?.mhz);
                    Some((VmFacts { observed_at: DateTime::UNIX_EPOCH, uptime_seconds: None, ..seen }, mhz))
                },
                |(vm, mhz)| usage(&vm, mhz),
            )}
            {part(move || lasting.get(), |vm| files(&vm))}
            {part(move || place.get(), |place| shell(&place))}
            {devices(live, &key, vm)}
            {snapshots(live, &key, vm)}
            {history(key, lasting)}
            {raw(vm)}
        </div>
    }
    .into_any()
}

/// The newest of what happened to it.
fn history(key: VmKey, lasting: Memo<Option<Arc<VmFacts>>>) -> AnyView {
    history_card(&HistoryFilter::of_vm(key), move || lasting.track())
}

/// The VM without what moves from round to round.
fn lasting(vm: &VmFacts) -> VmFacts {
    VmFacts {
        storage_bytes: None,
        storage_uncommitted_bytes: None,
        ..still(vm)
    }
}

/// The VM without what moves while it runs.
fn still(vm: &VmFacts) -> VmFacts {
    VmFacts {
        uptime_seconds: None,
        cpu_usage_mhz: None,
        guest_memory_mb: None,
        host_memory_mb: None,
        observed_at: DateTime::UNIX_EPOCH,
        stale: false,
        stale_reason: None,
        ..vm.clone()
    }
}

fn heading(
    live: LiveData,
    now: Memo<Option<Arc<VmFacts>>>,
    vm: &VmFacts,
    place: Option<&Place>,
    deletion: Deletion,
) -> AnyView {
    let power = vm.power;
    let change = Memo::new(move |_| change_of(live, &*now.get()?));
    let host_client = place.map(|place| {
        view! {
            <a
                class="button"
                href=place.host_client.clone()
                target="_blank"
                rel="noopener noreferrer"
            >
                {text::deferred().parts.host_client}
                {icon(Icon::External)}
            </a>
        }
    });
    view! {
        <header class="heading">
            <h1>{format::vm_name(vm).to_owned()}</h1>
            <span class="state" role="status">
                {move || changing_badge(power, change.get())}
            </span>
            {(!vm.large.is_empty())
                .then(|| view! { <span class="state large-size">{icon(Icon::Large)} {text::deferred().vm.large}</span> })}
            <div class="actions">{deletion.button()} {host_client}</div>
        </header>
    }
    .into_any()
}

fn stale(reason: Option<String>, seen: DateTime<Utc>) -> AnyView {
    let reason = reason.unwrap_or_else(|| text::deferred().vm.not_seen_again.to_owned());
    view! {
        <div class="notice warn">
            {icon(Icon::Stale)}
            <p>
                <strong>{sentence(text::deferred().vm.stale, [ago(seen)])}</strong>
                {reason}
            </p>
        </div>
    }
    .into_any()
}
