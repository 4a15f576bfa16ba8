//! What is about to be made, in words.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::form::Form;
use crate::components::{ago, sentence};
use crate::state::placement::{Place, Then};
use crate::state::text;

/// What is about to be made, in words.
pub(super) fn summary(form: Form, places: Memo<Option<Vec<Place>>>) -> AnyView {
    let texts = &text::deferred().new_vm;
    let draft = form.draft.get();
    let node = form.node.get();
    let wanted = draft.request();
    let faults = form.faults.with(BTreeMap::len);
    let name = if draft.name.is_empty() {
        texts.no_name_yet.to_owned()
    } else {
        draft.name.clone()
    };
    let on = node.as_ref().map_or_else(
        || texts.on_no_node.to_owned(),
        |node| (texts.on_node)(&node.name),
    );
    let size = (texts.size)(wanted.cpus, wanted.memory_mb, wanted.disk_gb);
    let guest = form.live.config.with(|config| {
        let guests = config.iter().flat_map(|config| &config.guest_oses);
        guests
            .into_iter()
            .find(|guest| guest.id == draft.guest_os)
            .map_or_else(|| draft.guest_os.clone(), |guest| guest.name.clone())
    });
    let settings = node.as_ref();
    let network = draft
        .network
        .clone()
        .or_else(|| settings.map(|node| node.network_port_group.clone()));
    let iso = draft
        .iso_path
        .clone()
        .or_else(|| settings.map(|node| node.installer_iso_path.clone()));
    let iso = match iso.as_deref() {
        None => String::new(),
        Some("") => texts.empty_drive.to_owned(),
        Some(path) => (texts.in_drive)(path.rsplit('/').next().unwrap_or(path)),
    };
    let directory = settings.map(|node| {
        let parent = draft.datastore.as_ref().map_or_else(
            || node.datastore_path.clone(),
            |name| format!("/vmfs/volumes/{name}"),
        );
        format!("{parent}/{}", draft.name)
    });
    let room = places.with(|places| {
        let name = &node.as_ref()?.name;
        let place = places.as_ref()?.iter().find(|place| place.node == *name)?;
        Some(room(place, wanted.disk_gb))
    });
    let read = settings.and_then(|node| node.observed_at);
    view! {
        <div class="lines">
            <p>
                <strong class="wrap">{name}</strong>
                " "
                {on}
            </p>
            <ul class="plain">
                <li>{size}</li>
                <li>{guest}</li>
                <li>{(texts.on_network)(network.as_deref().unwrap_or_default())}</li>
                <li>{iso}</li>
                <li>{if draft.power_on { texts.powered_on } else { texts.left_off }}</li>
            </ul>
            {room}
            {directory.map(|directory| view! { <p class="small wrap">{directory}</p> })}
            {read.map(|read| view! { <p class="small">{sentence(texts.as_of, [ago(read)])}</p> })}
            {(faults > 0)
                .then(|| {
                    view! {
                        <p class="small">{(texts.errors_to_fix)(faults)}</p>
                    }
                })}
        </div>
    }
    .into_any()
}

/// What is left on the node once the VM is on.
fn room(place: &Place, disk_gb: u64) -> AnyView {
    let texts = &text::deferred().new_vm;
    let memory = place.then.map(|then| match then {
        Then::Free(mb) => view! { <li>{(texts.memory_after)(mb, &place.node)}</li> }.into_any(),
        Then::Short(mb) => {
            view! { <li class="short">{place.node.clone()} ": " {(texts.does_not_fit)(mb)}</li> }
                .into_any()
        }
    });
    let disk = place.disk.as_ref().and_then(|(name, free)| {
        let left = free.checked_sub(disk_gb.checked_mul(1 << 30)?)?;
        Some(view! { <li>{(texts.disk_after)(left, name)}</li> })
    });
    view! { <ul class="plain">{memory}{disk}</ul> }.into_any()
}
