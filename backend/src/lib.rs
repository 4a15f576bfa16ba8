//! JSON API over the store, and the web page.
//!
//! Knows what is in the store and how it is told over HTTP: lists, filters, events, problems.
//! Does *not* know ESXi, SSH, `hosts.yml` or any key. What nodes and VMs are like is written by
//! the crawler alone; changes are asked of the executor, and written down here as tasks.
//!
//! The way of the data: `inventory` takes every change of the store into an immutable
//! snapshot plus the latest events; handlers under `routes` answer from the snapshot alone and
//! never wait for the database. The way of a command: handlers make tasks, `tasks` hands them over
//! to the executor and brings each to its end.

// The layers: each imports only from those above it.
mod clock;
mod error_chain;

mod http;

mod inventory;

mod metrics;

mod audit;

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
pub use http::tls::{TlsArgs, TlsError, TlsFiles};
pub use openapi::{UndeclaredPermissions, openapi_3_0_json, openapi_json};
pub use server::{BackendError, Dashboard};
pub use tasks::executor::ExecutorAccess;
