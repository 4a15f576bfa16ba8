//! What forms and tables here read and write alike.

use leptos::{html, prelude::*};

use crate::api;
use crate::state::text;

/// What is typed in a field.
pub(super) fn value(field: NodeRef<html::Input>) -> String {
    let field = field.get_untracked();
    field.map(|field| field.value()).unwrap_or_default()
}

/// The rules of single fields, where the server has reported them; else the whole.
pub(super) fn error_text(error: &api::Error) -> String {
    let fields = error.fields();
    if fields.is_empty() {
        return error.to_string();
    }
    let fields = fields.into_iter().map(|(field, rule)| {
        (text::deferred().access.field_wrong)(&field.replace('_', " "), &rule)
    });
    fields.collect::<Vec<_>>().join(" ")
}

/// The names of nodes that somebody is limited to.
pub(super) fn limits(nodes: Option<&Vec<String>>) -> String {
    match nodes {
        None => text::deferred().access.all_nodes_limit.to_owned(),
        Some(nodes) if nodes.is_empty() => text::deferred().access.no_node_limit.to_owned(),
        Some(nodes) => (text::format().list)(nodes),
    }
}
