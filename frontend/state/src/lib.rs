//! What the page knows and what follows from it: plain Rust without Leptos and without a browser,
//! with native tests.

pub mod text;

pub mod format;
pub mod route;

pub mod error;
pub mod inventory;
pub mod leadership;
pub mod load;
pub mod tasks;
pub mod updates;
pub mod wire;

pub mod seen;

pub mod audit_filter;
pub mod history;
pub mod history_filter;
pub mod list;
pub mod selection;
pub mod task_filter;
pub mod viewport;

pub mod draft;
pub mod node_error;
pub mod node_links;
pub mod node_table;
pub mod notes_plan;
pub mod placement;
pub mod power_plan;
pub mod settings_draft;

pub mod confirmation;

#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
