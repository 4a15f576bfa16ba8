//! Parts that several of these pages show.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use crate::text::Template;

/// Parts that several of these pages show.
#[derive(Clone, Copy, Debug)]
pub struct PageParts {
    pub copied: &'static str,
    pub not_copied: &'static str,
    /// `{0}`: how long ago.
    pub in_brackets: Template<1>,
    pub all_vms: &'static str,
    pub all_nodes: &'static str,
    pub all_tasks: &'static str,
    pub up: &'static str,
    pub cancel: &'static str,
    pub close: &'static str,
    pub show_only: &'static str,
    pub every_node: &'static str,
    pub show_others: &'static str,
    pub host_client: &'static str,
    pub shell: &'static str,
    pub copy_ssh_line: &'static str,
    pub used_of: fn(used: &str, total: &str) -> String,
    pub vm_by_id: fn(vmid: u32) -> String,
    pub actions: &'static str,
    pub task_queued: &'static str,
    pub task_running: &'static str,
    pub task_succeeded: &'static str,
    pub task_failed: &'static str,
    pub task_interrupted: &'static str,
    pub task_cancelled: &'static str,
    pub not_found: &'static str,
    pub no_such_page: &'static str,
    pub no_such_page_why: &'static str,
}
