//! What the page knows and what follows from it: plain Rust without Leptos and without a browser,
//! with native tests.

pub(crate) mod text;

pub(crate) mod format;
pub(crate) mod route;

pub(crate) mod error;
pub(crate) mod inventory;
pub(crate) mod load;
pub(crate) mod tasks;
pub(crate) mod updates;
pub(crate) mod wire;

pub(crate) mod audit_filter;
pub(crate) mod list;
pub(crate) mod selection;
pub(crate) mod task_filter;
pub(crate) mod viewport;

pub(crate) mod draft;
pub(crate) mod node_error;
pub(crate) mod node_links;
pub(crate) mod placement;
pub(crate) mod power_plan;
