//! Creating a VM: the request as facts and as a form, and the draft, which the browser keeps over
//! reloads and visits of other pages.

use ecoman_api::{CreateVm, NewVm, Node, Task, volume_of};
use leptos::prelude::*;

use super::{ActView, Again};
use crate::components::text_fact;
use crate::live::use_live;
use crate::state::draft::{Draft, SavedDraft};
use crate::state::format;
use crate::state::text;

impl ActView for NewVm {
    fn again(&self, node: &str) -> Option<Again> {
        let vm = self.clone();
        Some(Again::Create(CreateVm {
            node: node.to_owned(),
            name: vm.name,
            cpus: vm.cpus,
            memory_mb: vm.memory_mb,
            disk_gb: vm.disk_gb,
            comment: vm.comment,
            guest_os: Some(vm.guest_os),
            datastore: vm.datastore,
            network: vm.network,
            iso_path: vm.iso_path,
            power_on: vm.power_on,
        }))
    }

    fn draft(&self, node: &str) -> Option<Draft> {
        Some(Draft::of(node, self))
    }

    /// Until the VM is registered.
    fn cancel_label(&self, task: &Task) -> Option<&'static str> {
        let is_registered = task.vm.is_some();
        (!is_registered).then_some(text::deferred().tasks.cancel)
    }

    fn facts(&self, task: &Task) -> Vec<AnyView> {
        let texts = &text::deferred().tasks;
        let live = use_live();
        let size = (texts.size_of)(
            &self.cpus.to_string(),
            &format::megabytes(self.memory_mb),
            &self.disk_gb.to_string(),
        );
        let guest = live.config.with(|config| {
            let known = config.iter().flat_map(|config| &config.guest_oses);
            let named = { known }.find(|guest| guest.id == self.guest_os);
            named.map(|guest| guest.name.clone())
        });
        // Before it is checked, what hosts.yml says now, which may be changed by then.
        let default = |of: fn(&Node) -> &str| {
            let node = live.nodes.with_untracked(|nodes| {
                let nodes = nodes.data()?;
                nodes.get(&task.node).map(|node| of(node).to_owned())
            });
            node.map_or_else(
                || texts.as_hosts_yml_says.to_owned(),
                |value| (texts.by_hosts_yml)(&value),
            )
        };
        let place = task.place.as_ref();
        let datastore = place.map(|place| place.datastore.clone());
        let network = place.map(|place| place.network.clone());
        let iso_path = match place {
            Some(place) => Some(place.iso_path.clone().unwrap_or_default()),
            None => self.iso_path.clone(),
        };
        vec![
            text_fact(texts.size, Some(size)),
            text_fact(
                texts.guest_os,
                Some(guest.unwrap_or_else(|| self.guest_os.clone())),
            ),
            text_fact(
                texts.datastore,
                datastore
                    .or_else(|| self.datastore.clone())
                    .or_else(|| Some(default(|node| volume_of(&node.datastore_path)))),
            ),
            text_fact(
                texts.network,
                network
                    .or_else(|| self.network.clone())
                    .or_else(|| Some(default(|node| &node.network_port_group))),
            ),
            text_fact(
                texts.iso_image,
                Some(match iso_path.as_deref() {
                    None => default(|node| &node.installer_iso_path),
                    Some("") => texts.no_iso.to_owned(),
                    Some(path) => path.to_owned(),
                }),
            ),
            text_fact(
                text::deferred().vm.comment,
                Some(self.comment.clone()).filter(|comment| !comment.is_empty()),
            ),
        ]
    }
}

/// The key of the draft in the storage of the tab.
const KEY: &str = "ecoman-new-vm";

/// Stores a draft until the page is opened again.
pub(crate) fn keep(kept: &SavedDraft) {
    let text = serde_json::to_string(kept).unwrap_or_default();
    if let Some(storage) = storage() {
        // A browser without storage forgets it with the page.
        let _ = storage.set_item(KEY, &text);
    }
}

/// The stored draft.
pub(crate) fn read() -> Option<SavedDraft> {
    let text = storage()?.get_item(KEY).ok()??;
    serde_json::from_str(&text).ok()
}

/// Forgets the draft, because the VM was requested.
pub(crate) fn forget() {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(KEY);
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}
