//! The dashboard as its clients see it: real HTTP, the embedded store.

mod events;
mod list;
mod nodes;
mod openapi;
mod page;
mod problems;
mod protection;
mod server;
mod stale;
mod stop;
