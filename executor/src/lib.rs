//! The executor: carries out the dashboard's orders over SSH, and reports their progress.
//!
//! It holds hosts.yml and the keys, and no store: it remembers a finished task until the dashboard
//! has stored its end. The same task twice is one task, and a VM has one change at a time. The HTTP
//! API between the two is in [`ecoman_api::executor`].

mod acts;
mod cancellation;
mod config;
mod hardware;
mod job;
mod locks;
mod nodes;
mod reading;
mod registry;
mod routes;
mod server;
mod snapshot_tree;
mod vm_files;
mod volumes;

pub use config::{Config, ConfigError, ExecutorArgs};
pub use routes::openapi_json;
pub use server::{Executor, ExecutorError};
