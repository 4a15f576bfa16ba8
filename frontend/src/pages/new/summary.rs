//! What is about to be made, in words.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::form::Form;
use crate::components::{ago, sentence};
use crate::state::text;

/// What is about to be made, in words.
pub(super) fn summary(form: Form) -> AnyView {
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
    let directory = settings.map(|node| format!("{}/{}", node.datastore_path, draft.name));
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
