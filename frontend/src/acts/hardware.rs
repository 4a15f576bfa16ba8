//! Changes of a VM's virtual hardware: how their tasks are shown.

use ecoman_api::{CdromChange, DiskGrow, NicMove, Task};
use leptos::prelude::*;

use super::ActView;
use crate::components::text_fact;
use crate::state::text;

/// A value before and after.
fn from_to(before: Option<String>, after: String) -> Option<String> {
    Some(match before {
        Some(before) => (text::deferred().power.from_to)(&before, &after),
        None => after,
    })
}

impl ActView for DiskGrow {
    fn facts(&self, _: &Task) -> Vec<AnyView> {
        let texts = &text::deferred().devices;
        let gb = |size: u64| (texts.gb)(size);
        vec![
            text_fact(texts.disk, Some(self.disk.to_string())),
            text_fact(
                texts.size,
                from_to(self.if_size_gb.map(gb), gb(self.size_gb)),
            ),
        ]
    }
}

impl ActView for CdromChange {
    fn facts(&self, _: &Task) -> Vec<AnyView> {
        let texts = &text::deferred().devices;
        let image = |path: &str| match path {
            "" => texts.no_iso.to_owned(),
            path => path.to_owned(),
        };
        let before = self.if_iso_path.as_deref().map(image);
        let after = image(self.iso_path.as_deref().unwrap_or_default());
        vec![text_fact(texts.iso, from_to(before, after))]
    }
}

impl ActView for NicMove {
    fn facts(&self, _: &Task) -> Vec<AnyView> {
        let texts = &text::deferred().devices;
        let before = self.if_network.clone();
        vec![
            text_fact(texts.nic, Some(self.nic.to_string())),
            text_fact(texts.port_group, from_to(before, self.network.clone())),
        ]
    }
}
