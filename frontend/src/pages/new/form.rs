//! The form: what was typed, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ecoman_api::Node;
use leptos::prelude::*;

use crate::live::LiveData;
use crate::state::draft::{Draft, Field};

/// The fields, in the order on the page.
pub(super) const FIELDS: [Field; 10] = [
    "node",
    "name",
    "cpus",
    "memory_mb",
    "disk_gb",
    "datastore",
    "guest_os",
    "network",
    "iso_path",
    "comment",
];

/// What the parts of the form share.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) live: LiveData,
    pub(super) draft: RwSignal<Draft>,
    /// The fields that were typed in, or all once it was to be sent: what was not touched yet is
    /// not wrong yet.
    pub(super) touched: RwSignal<BTreeSet<Field>>,
    /// What is wrong, by field: found here, or reported by the server for what it was sent.
    pub(super) faults: Memo<BTreeMap<String, String>>,
    pub(super) refused: RwSignal<BTreeMap<String, String>>,
    pub(super) node: Memo<Option<Arc<Node>>>,
}

impl Form {
    pub(super) fn change(self, field: Field, change: impl FnOnce(&mut Draft)) {
        self.draft.update(change);
        self.touched.update(|touched| {
            touched.insert(field);
        });
        self.refused.update(|refused| {
            refused.remove(field);
        });
    }

    /// What is wrong with a field, as far as the reader should know.
    pub(super) fn wrong(self, field: Field) -> Memo<Option<String>> {
        Memo::new(move |_| {
            let refused = self.refused.with(|refused| refused.get(field).cloned());
            let touched = self.touched.with(|touched| touched.contains(field));
            refused.or_else(|| {
                let fault = self.faults.with(|faults| faults.get(field).cloned());
                fault.filter(|_| touched)
            })
        })
    }
}

/// The first field on the page with a fault.
pub(super) fn first_fault(faults: &BTreeMap<String, String>) -> Option<Field> {
    FIELDS.into_iter().find(|field| faults.contains_key(*field))
}
