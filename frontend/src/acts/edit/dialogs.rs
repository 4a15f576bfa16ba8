//! Where changes of settings are asked for, from anywhere in the page.

use std::sync::Arc;

use leptos::prelude::*;

use crate::acts::results::Outcomes;
use crate::state::inventory::{Row, VmKey};

/// The ids of the heading of the settings of one VM, and of its notes.
pub(super) const ONE: (&str, &str) = ("edit-heading", "edit-comment");
/// The ids of the heading of the notes of many, and of what has the focus first.
pub(super) const MANY: (&str, &str) = ("notes-heading", "notes-first");

/// Where changes of settings are asked for, from anywhere in the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EditDialogs {
    /// The VM whose settings are shown.
    pub(super) one: RwSignal<Option<VmKey>>,
    /// The VMs whose notes are changed.
    pub(super) many: RwSignal<Option<ManyNotes>>,
}

/// The VMs whose notes are changed, as the reader saw them.
#[derive(Clone, Debug)]
pub(super) struct ManyNotes {
    pub(super) rows: Vec<Arc<Row>>,
    /// `None`: it is not sent yet.
    pub(super) outcomes: Option<Outcomes>,
}

impl EditDialogs {
    /// Nothing is asked.
    pub(crate) fn new() -> Self {
        Self {
            one: RwSignal::new(None),
            many: RwSignal::new(None),
        }
    }

    /// Shows the settings of a VM.
    pub(crate) fn ask_one(self, key: VmKey) {
        self.one.set(Some(key));
    }

    /// Asks for a change of the notes of many VMs.
    pub(crate) fn ask_notes(self, rows: Vec<Arc<Row>>) {
        let outcomes = None;
        self.many.set(Some(ManyNotes { rows, outcomes }));
    }
}

/// The dialogs, from anywhere in the page.
pub(crate) fn use_edit_dialogs() -> EditDialogs {
    expect_context()
}
