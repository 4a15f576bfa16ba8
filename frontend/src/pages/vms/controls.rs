//! What the list shows, and what it has to show.

use leptos::prelude::*;

use crate::api;
use crate::location::Location;
use crate::state::format;
use crate::state::list::{ListQuery, Listing};
use crate::state::route::Route;
use crate::state::text;

/// What the list is to show: the address holds it, and every control of the page changes it.
#[derive(Clone, Copy)]
pub(super) struct ListControls {
    pub(super) query: RwSignal<ListQuery>,
    /// Set while the address does not say yet what was typed.
    pub(super) is_unwritten: StoredValue<bool>,
    pub(super) location: Location,
}

impl ListControls {
    /// By a click: the way back leads to the query before.
    pub(super) fn set(self, change: impl FnOnce(&mut ListQuery)) {
        self.write_address(true);
        self.query.update(change);
        self.is_unwritten.set_value(true);
        self.write_address(false);
    }

    /// By typing: letters are no stations on the way back.
    pub(super) fn set_typed(self, change: impl FnOnce(&mut ListQuery)) {
        self.query.update(change);
        self.is_unwritten.set_value(true);
    }

    pub(super) fn write_address(self, replace: bool) {
        if !self.is_unwritten.try_get_value().unwrap_or_default() {
            return;
        }
        self.is_unwritten.set_value(false);
        let url = self.query.with_untracked(ListQuery::to_url);
        let url = format!("{}{url}", Route::Vms.path());
        if replace {
            self.location.replace(&url);
        } else {
            self.location.go(&url);
        }
    }
}

/// What the list has to show.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    Rows,
    Loading,
    Failed(api::Error),
    NoNodes,
    NoVms,
    NoMatch,
}

/// `340`, or `12 of 340`.
pub(super) fn counted(listing: &Listing) -> String {
    let total = format::grouped(listing.total as u64);
    if listing.rows.len() == listing.total {
        total
    } else {
        (text::first_load().list.some_of_all)(&format::grouped(listing.rows.len() as u64), &total)
    }
}
