//! The page of a VM.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use crate::text::Template;

/// The page of a VM.
#[derive(Clone, Copy, Debug)]
pub struct VmPage {
    pub title: fn(vmid: u32, node: &str) -> String,
    pub title_named: fn(name: &str, node: &str) -> String,
    pub loading: &'static str,
    pub not_loaded: &'static str,
    pub place_in_list: &'static str,
    pub previous: &'static str,
    pub next: &'static str,
    pub gone: fn(vmid: u32, node: &str) -> String,
    pub gone_named: fn(name: &str, vmid: u32, node: &str) -> String,
    pub gone_why: fn(node: &str) -> String,
    /// `{0}`: how long ago.
    pub stale: Template<1>,
    pub not_seen_again: &'static str,
    pub large: &'static str,
    /// `{0}`: the reason.
    pub large_because: Template<1>,
    pub overview: &'static str,
    pub node: &'static str,
    pub vmid: &'static str,
    pub guest_os: &'static str,
    pub host_name: &'static str,
    pub ip_address: &'static str,
    pub copy_ip_address: &'static str,
    /// `{0}`: the time.
    pub last_known: Template<1>,
    pub uptime: &'static str,
    /// `{0}`: the time.
    pub since: Template<1>,
    pub tools: &'static str,
    pub tools_running: &'static str,
    pub tools_old: &'static str,
    pub tools_not_running: &'static str,
    pub tools_not_installed: &'static str,
    pub status: &'static str,
    pub status_with_files: fn(status: &str, files: &str) -> String,
    pub last_seen: &'static str,
    pub owner: &'static str,
    pub expires_on: &'static str,
    pub comment: &'static str,
    pub hardware: &'static str,
    pub cpu: &'static str,
    pub ram: &'static str,
    pub ram_exact: fn(mb: u64) -> String,
    pub storage_in_use: &'static str,
    pub storage_exact: fn(bytes: u64) -> String,
    pub may_grow_by: &'static str,
    pub disks: &'static str,
    pub network_cards: &'static str,
    pub hardware_version: &'static str,
    pub usage: &'static str,
    pub guest_memory: &'static str,
    pub host_memory: &'static str,
    pub storage: &'static str,
    pub files: &'static str,
    pub datastore: &'static str,
    pub configuration: &'static str,
    pub copy_path: &'static str,
    pub bios_uuid: &'static str,
    pub copy_uuid: &'static str,
    /// `{0}`: the node.
    pub log_in_to: Template<1>,
    pub ask_for_this_vm: &'static str,
    pub copy_vim_cmd_line: &'static str,
    pub raw_facts: &'static str,
    pub copy_json: &'static str,
}
