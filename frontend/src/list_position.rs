//! Where the reader was in the list, so that they come back to it.

use leptos::prelude::*;

use crate::state::inventory::VmKey;
use crate::state::route::Route;

/// Where the reader was in the list, so that they come back to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ListPosition {
    /// The query part of the list's address, with its question mark.
    pub(crate) query: RwSignal<String>,
    /// How far it was scrolled.
    pub(crate) top: StoredValue<f64>,
    /// The row that the keyboard was on.
    pub(crate) active: RwSignal<Option<VmKey>>,
}

impl ListPosition {
    /// The list as it was left.
    pub(crate) fn list_path(self) -> String {
        format!("{}{}", Route::Vms.path(), self.query.get())
    }
}
