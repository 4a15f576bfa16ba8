//! The executor: carries out what the dashboard asks, over SSH, and tells how it goes on.
//!
//! It holds hosts.yml and the keys, and no store: a finished task is remembered until the
//! dashboard says that it was kept. The same task twice is one task, and there is one change at a
//! time per VM. What is said between the two is in [`ecoman_api::executor`].

mod acts;
mod config;
mod job;
mod locks;
mod nodes;
mod registry;
mod routes;
mod server;

pub use config::{Config, ConfigError, ExecutorArgs};
pub use routes::openapi_json;
pub use server::{Executor, ExecutorError};
