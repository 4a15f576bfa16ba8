//! What ECoMan says over HTTP: requests, views and problems, and the languages of `q` and `sort`.
//!
//! Data and pure functions over it, for the server, the page and every other client in Rust.
//! Knows neither the store nor ESXi, and builds for WASM. With the feature `openapi` every type
//! describes itself for the OpenAPI document.

mod config;
mod event;
mod filter;
mod node;
mod problem;
mod sort;
mod vm;

pub use config::{Config, Identity, Permission, Preset, SignInMode, Thresholds};
pub use event::{Event, NodeRemoved, Reset, VmRemoved};
pub use filter::{FILTER_FIELDS, Filter, FilterError, FilterField, Searchable};
pub use node::{
    Allocated, Cpu, Datastore, FailureKind, Memory, Node, NodeError, NodePage, PortGroup, VmCounts,
};
pub use problem::{FieldError, Problem};
pub use sort::{SORTED_CHARACTERS, Sort, SortBy, SortError, SortKey, natural};
pub use vm::{PowerState, Resource, Vm, VmPage};
