//! What is about to be made, in words.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::form::Form;
use crate::components::ago;
use crate::state::format;

/// What is about to be made, in words.
pub(super) fn summary(form: Form) -> AnyView {
    let draft = form.draft.get();
    let node = form.node.get();
    let wanted = draft.request();
    let faults = form.faults.with(BTreeMap::len);
    let name = if draft.name.is_empty() {
        String::from("A VM without a name yet")
    } else {
        draft.name.clone()
    };
    let on = node.as_ref().map_or_else(
        || String::from("on no node yet"),
        |node| format!("on {}", node.name),
    );
    let size = format!(
        "{}, {} of memory, a disk of up to {} GB",
        format::plural(wanted.cpus as usize, "CPU", "CPUs"),
        format::megabytes(wanted.memory_mb),
        format::grouped(wanted.disk_gb),
    );
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
        Some("") => String::from("an empty CD drive"),
        Some(path) => format!(
            "{} in the CD drive",
            path.rsplit('/').next().unwrap_or(path)
        ),
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
                <li>"on the network " {network}</li>
                <li>{iso}</li>
                <li>{if draft.power_on { "powered on at the end" } else { "left powered off" }}</li>
            </ul>
            {directory.map(|directory| view! { <p class="small wrap">{directory}</p> })}
            {read.map(|read| view! { <p class="small">"By what the node told " {ago(read)} "."</p> })}
            {(faults > 0)
                .then(|| {
                    view! {
                        <p class="small">{format::plural(faults, "thing is", "things are")} " to be mended first."</p>
                    }
                })}
        </div>
    }
    .into_any()
}
