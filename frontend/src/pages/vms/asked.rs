//! What the list is asked for, and what it has to show.

use leptos::prelude::*;

use crate::api;
use crate::location::Location;
use crate::state::format;
use crate::state::list::{ListQuery, Listing};
use crate::state::route::Page;

/// What the list is asked for: the address says it, and everything on the page may change it.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) query: RwSignal<ListQuery>,
    /// Set while the address does not say yet what was typed.
    pub(super) late: StoredValue<bool>,
    pub(super) location: Location,
}

impl Asked {
    /// By a click: the way back leads to what was asked before.
    pub(super) fn set(self, change: impl FnOnce(&mut ListQuery)) {
        self.write_address(true);
        self.query.update(change);
        self.late.set_value(true);
        self.write_address(false);
    }

    /// By typing: letters are no stations on the way back.
    pub(super) fn set_typed(self, change: impl FnOnce(&mut ListQuery)) {
        self.query.update(change);
        self.late.set_value(true);
    }

    pub(super) fn write_address(self, replace: bool) {
        if !self.late.try_get_value().unwrap_or_default() {
            return;
        }
        self.late.set_value(false);
        let url = self.query.with_untracked(ListQuery::to_url);
        let url = format!("{}{url}", Page::Vms.path());
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
        format!("{} of {total}", format::grouped(listing.rows.len() as u64))
    }
}
