//! JSON API over the store, and the web page.
//!
//! Knows what is in the store and how it is told over HTTP: lists, filters, events, problems.
//! Does *not* know ESXi, SSH, `hosts.yml` or any key, and writes nothing: only the crawler
//! writes what it saw.
//!
//! The way of the data: `follow` takes every change of the store into `live`, an immutable
//! snapshot plus the latest events; handlers under `routes` answer from the snapshot alone and
//! never wait for the database.

mod config;
mod server;

mod routes;
mod view;

mod follow;
mod live;
mod staleness;

mod body;
mod listing;
mod parameters;

mod error;
mod openapi;
mod request;
mod security;
mod spa;
mod state;

pub use config::{Config, DashboardArgs};
pub use openapi::openapi_json;
pub use server::{BackendError, Dashboard};
pub use state::Clock;
