//! The list of VMs.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use crate::text::Template;

/// The list of VMs.
#[derive(Clone, Copy, Debug)]
pub struct List {
    pub heading: &'static str,
    pub title: &'static str,
    pub title_counted: fn(counted: &str) -> String,
    pub some_of_all: fn(some: &str, all: &str) -> String,
    /// `{0}`: how many.
    pub counted: Template<1>,
    pub loading: &'static str,
    pub server_starting: &'static str,
    pub not_loaded: &'static str,
    pub no_nodes: &'static str,
    pub no_nodes_why: &'static str,
    /// `{0}` and `{1}`: commands.
    pub no_nodes_next: Template<2>,
    pub no_vms: &'static str,
    pub no_node_listed: fn(nodes: usize) -> String,
    pub some_nodes_empty: fn(answered: usize, nodes: usize) -> String,
    pub all_nodes_empty: fn(nodes: usize) -> String,
    pub to_nodes: &'static str,
    pub no_match: &'static str,
    pub no_match_chips: fn(vms: usize) -> String,
    pub no_match_filter: fn(vms: usize, filter: &str) -> String,
    pub no_match_both: fn(vms: usize, filter: &str) -> String,
    pub clear_filter: &'static str,
    pub search: &'static str,
    pub show_only: &'static str,
    pub filter: &'static str,
    pub filter_help: &'static str,
    pub at_character: fn(place: usize) -> String,
    /// On the button that takes a filter that was guessed.
    pub use_suggestion: fn(filter: &str) -> String,
    pub order: &'static str,
    pub save_csv: &'static str,
    pub csv_needs_filter: &'static str,
    pub new_vm: &'static str,
    pub no_new_vm: &'static str,
    pub chips: Chips,
    pub columns: Columns,
    pub edit_vm: fn(name: &str) -> String,
    pub pending: &'static str,
    pub answer_vm: fn(name: &str) -> String,
    pub failed_change: fn(order: &str, why: &str) -> String,
    pub select_all: &'static str,
    pub select_vm: fn(name: &str) -> String,
    pub stale_spoken: fn(reason: &str) -> String,
    pub not_seen_again: &'static str,
    pub large: &'static str,
    pub large_because: fn(reason: &str) -> String,
    pub large_spoken: &'static str,
    pub large_spoken_because: fn(reason: &str) -> String,
    pub last_known: fn(time: &str) -> String,
    pub last_known_spoken: &'static str,
    pub large_cpus: fn(cpus: u32, limit: u32) -> String,
    pub large_memory: fn(mb: u64, limit_mb: u64) -> String,
    pub large_storage: fn(bytes: u64, limit_gb: u64) -> String,
    pub by_cpu: fn(reason: &str) -> String,
    pub by_memory: fn(reason: &str) -> String,
    pub by_storage: fn(reason: &str) -> String,
    pub selected_vms: &'static str,
    /// `{0}`: how many.
    pub selected: Template<1>,
    /// `{0}`: how many, `{1}`: how many of them the filter hides.
    pub selected_hidden: Template<2>,
    pub none_can: fn(vms: usize, why: &str) -> String,
    pub order_for_some: fn(order: &str, vms: &str) -> String,
    pub power: &'static str,
    pub select_none: &'static str,
}

/// The chips above the list.
#[derive(Clone, Copy, Debug)]
pub struct Chips {
    pub running: &'static str,
    pub off: &'static str,
    pub large: &'static str,
    pub stale: &'static str,
    pub question: &'static str,
    pub pending: &'static str,
}

/// The headings of the list.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    pub power: &'static str,
    pub node: &'static str,
    pub vmid: &'static str,
    pub name: &'static str,
    pub ip: &'static str,
    pub uptime: &'static str,
    pub cpus: &'static str,
    pub memory: &'static str,
    pub storage: &'static str,
    pub guest_os: &'static str,
    pub comment: &'static str,
    pub age: &'static str,
}
