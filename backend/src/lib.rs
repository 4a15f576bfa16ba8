//! JSON API over the store, and the web page.
//!
//! Knows the store and its view over HTTP: lists, filters, events, problems. Does *not* know ESXi,
//! SSH, `hosts.yml` or any key. The crawler alone writes the state of nodes and VMs; the executor
//! changes them, and this crate records the changes as tasks.
//!
//! State: `inventory` turns every change of the store into an immutable snapshot and events;
//! handlers under `routes` answer from the snapshot alone and never wait for the database.
//! Commands: handlers make tasks; `tasks` hands each to the executor and follows it to its end.

// The layers: each imports only from those above it.
mod clock;
mod error_chain;

mod http;

mod inventory;

mod metrics;

mod audit;

mod retention;

mod tasks;

mod access;

mod routes;

mod openapi;

mod config;

mod server;

pub use access::{
    AccessArgs, AccessConfig, AccessConfigError, AccessDirectoryArgs, AccessSettings, ProxyRoles,
    ProxyTrust, SignIn,
};
pub use clock::Clock;
pub use config::{Config, ConfigError, DashboardArgs, DashboardSettings, ExecutorArgs};
pub use http::base_path::BasePath;
pub use http::tls::{TlsArgs, TlsError, TlsFiles};
pub use inventory::note_patterns::{NotePattern, NotePatternError};
pub use openapi::{UndeclaredPermissions, openapi_3_0_json, openapi_json};
pub use server::{BackendError, Dashboard};
pub use tasks::executor::ExecutorAccess;
