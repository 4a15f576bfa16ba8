//! Lists the fields of the filter language for help and errors. A field is declared in
//! `model/src/vm/facts.rs`, or in `vm.rs` where it is no fact.

use std::sync::LazyLock;

use crate::sort::listed;
use crate::{FilterField, VM_FIELDS, VmField};

/// The fields that can stand before a colon, for help texts.
#[must_use]
pub fn filter_fields() -> &'static [FilterField] {
    static FIELDS: LazyLock<Vec<FilterField>> = LazyLock::new(|| {
        let fields = VM_FIELDS.iter().filter_map(|field| field.filter);
        listed(fields, &LISTED_FIRST, |field| field.name)
    });
    &FIELDS
}

/// The fields as a table in Markdown, for `docs/filter.md`.
#[must_use]
pub fn filter_table() -> String {
    let rows = filter_fields().iter().map(|field| {
        let FilterField {
            name,
            meaning,
            example,
        } = field;
        format!("| `{name}` | {meaning} | `{example}` |\n")
    });
    let head = "| field | looks at | example |\n| --- | --- | --- |\n".to_owned();
    std::iter::once(head).chain(rows).collect()
}

/// The order in which help and errors name the fields: what people look for most comes first. Those
/// that are not here come behind them.
const LISTED_FIRST: [&str; 17] = [
    "name",
    "node",
    "vmid",
    "ip",
    "hostname",
    "comment",
    "guest",
    "power",
    "tools",
    "datastore",
    "uuid",
    "cpus",
    "memory",
    "storage",
    "uptime",
    "large",
    "stale",
];

/// The field of a VM that a filter calls so.
pub(super) fn named(name: &str) -> Option<&'static VmField> {
    let is_called = |field: &&&VmField| field.filter.is_some_and(|filter| filter.name == name);
    VM_FIELDS.iter().find(is_called).copied()
}
