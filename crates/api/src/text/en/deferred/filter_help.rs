//! The help on filters.

use crate::text::deferred::FilterHelp;

pub(super) const FILTER_HELP: FilterHelp = FilterHelp {
    terms: "All terms must match. Not case-sensitive.",
    fields: "Insert a field",
    field: |meaning| format!(": {meaning}"),
    word: "in name, notes, IP, host name, guest OS or host",
    quotes: "exact phrase",
    values: "any of these values",
    compare: "both comparisons must hold",
    network: "address in this network",
    not: "notes do not contain it",
    or: "either; brackets group",
    star: "begins with it",
    whole: "exactly this name",
};
