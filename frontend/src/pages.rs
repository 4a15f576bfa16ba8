//! The pages, one per file, and what several of them share.

mod administration;
mod banner;
mod later;
mod new;
mod node;
mod nodes;
mod not_found;
pub(crate) mod power;
mod sign_in;
mod tasks;
mod vm;
mod vms;

use leptos::prelude::*;

pub(crate) use crate::components::focus;
use crate::components::{Icon, icon, link};
use crate::state::inventory::VmKey;
use crate::state::route::Page;

pub(crate) use banner::{ConnectionBanner, UnreachableNodes};
pub(crate) use later::Later;
pub(crate) use power::PowerDesk;
pub(crate) use vms::Vms;

/// Where the reader was in the list, so that they come back to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visit {
    /// The query part of the list's address, with its question mark.
    pub(crate) query: RwSignal<String>,
    /// How far it was scrolled.
    pub(crate) top: StoredValue<f64>,
    /// The row that the keyboard was on.
    pub(crate) active: RwSignal<Option<VmKey>>,
}

impl Visit {
    /// The list as it was left.
    pub(crate) fn list_path(self) -> String {
        format!("{}{}", Page::Vms.path(), self.query.get())
    }
}

/// Sets the window's title for as long as the page is there.
pub(crate) fn set_title(title: impl Fn() -> String + 'static) {
    Effect::new(move || document().set_title(&format!("{} · ECoMan", title())));
}

/// The link from one thing back to the list of them.
pub(crate) fn back(href: String, label: &'static str) -> AnyView {
    link(
        "crumb",
        href,
        view! { {icon(Icon::Previous)} {label} }.into_any(),
    )
}

/// Whether the keyboard is busy with text.
pub(crate) fn is_typing() -> bool {
    document().active_element().is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
    })
}
