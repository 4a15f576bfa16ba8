//! Lists the fields of the filter language for help and errors. A field is declared in
//! `model/src/vm/facts.rs`, or in `vm.rs` where it is no fact.

use std::sync::LazyLock;

use strsim::osa_distance;

use super::error::{Correction, FilterFault, Mistake};
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
            also,
            meaning,
            example,
        } = field;
        let also: Vec<_> = also.iter().map(|name| format!("`{name}`")).collect();
        let also = also.join(", ");
        format!("| `{name}` | {also} | {meaning} | `{example}` |\n")
    });
    let head = "| field | or | looks at | example |\n| --- | --- | --- | --- |\n".to_owned();
    std::iter::once(head).chain(rows).collect()
}

/// The order in which help and errors name the fields: what people look for most comes first. Those
/// that are not here come behind them.
const LISTED_FIRST: [&str; 18] = [
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
    "seen",
    "large",
    "stale",
];

/// The field of a VM that a filter calls so.
pub(super) fn named(name: &str) -> Option<&'static VmField> {
    let is_called = |field: &&&VmField| {
        field
            .filter
            .is_some_and(|filter| filter.name == name || filter.also.contains(&name))
    };
    VM_FIELDS.iter().find(is_called).copied()
}

/// What people write of VMs that is no field of them, and the term or field that finds it.
const MEANT: [(&str, Meant); 3] = [
    ("running", Meant::Term("power:on")),
    ("stopped", Meant::Term("power:off")),
    ("suspended", Meant::Term("power:suspended")),
];

#[derive(Clone, Copy)]
enum Meant {
    /// In place of the whole term.
    Term(&'static str),
    /// In place of the field.
    Field(&'static str),
}

/// The mistake of a term whose field does not exist.
pub(super) fn unknown_field(text: &[char], start: usize, typed: &str) -> Mistake {
    let name = typed.to_lowercase();
    let meant = MEANT
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, meant)| *meant)
        .or_else(|| similar(&name).map(Meant::Field));
    let fault = |meant| FilterFault::UnknownField {
        typed: typed.to_owned(),
        meant,
    };
    let Some(meant) = meant else {
        return Mistake::new(start, fault(None));
    };
    let (length, instead) = match meant {
        Meant::Field(name) => (typed.chars().count(), name),
        Meant::Term(term) => {
            let rest = text.iter().skip(start);
            let length = rest.take_while(|next| !next.is_whitespace() && **next != ')');
            (length.count(), term)
        }
    };
    let correction = Correction {
        start,
        end: start + length,
        text: instead.to_owned(),
    };
    Mistake::new(start, fault(Some(instead))).corrected(Some(correction))
}

/// The field whose name is most like the typed one, if any is.
fn similar(typed: &str) -> Option<&'static str> {
    let names = filter_fields().iter().flat_map(|field| {
        field
            .also
            .iter()
            .chain([&field.name])
            .map(|name| (*name, field.name))
    });
    names
        .filter_map(|(name, field)| {
            let distance = match name.starts_with(typed) && typed.chars().count() > 1 {
                true => 0,
                false => osa_distance(name, typed),
            };
            (distance * 3 <= typed.chars().count()).then_some((distance, field))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, field)| field)
}
