//! Making a VM: the draft of it, which outlives a reload and a look at another page.

use leptos::prelude::*;

use crate::state::draft::SavedDraft;

/// Where a draft is kept, for as long as the tab is open.
const KEY: &str = "ecoman-new-vm";

/// Keeps a draft for the next time that the page is opened.
pub(crate) fn keep(kept: &SavedDraft) {
    let text = serde_json::to_string(kept).unwrap_or_default();
    if let Some(storage) = storage() {
        // A browser that keeps nothing forgets it with the page.
        let _ = storage.set_item(KEY, &text);
    }
}

/// The draft that was kept.
pub(crate) fn read() -> Option<SavedDraft> {
    let text = storage()?.get_item(KEY).ok()??;
    serde_json::from_str(&text).ok()
}

/// Forgets the draft: it was asked for.
pub(crate) fn forget() {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(KEY);
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}
