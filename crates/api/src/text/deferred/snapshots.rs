//! Snapshots: the card of a VM, its dialogs, and their tasks.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use crate::text::Template;

/// Snapshots: the card of a VM, its dialogs, and their tasks.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotPages {
    pub title: &'static str,
    pub loading: &'static str,
    pub none: &'static str,
    pub none_why: &'static str,
    pub not_loaded: fn(why: &str) -> String,
    pub reload: &'static str,
    pub take: &'static str,
    pub take_tip: &'static str,
    pub remove_all: &'static str,
    pub revert: &'static str,
    pub remove: &'static str,
    pub revert_to: fn(name: &str) -> String,
    pub remove_this: fn(name: &str) -> String,
    pub you_are_here: &'static str,
    pub with_memory: &'static str,
    pub suspended: &'static str,
    pub quiesced: &'static str,
    pub free: fn(free: &str) -> String,
    pub name: &'static str,
    pub description: &'static str,
    pub memory: &'static str,
    pub memory_takes: fn(size: &str) -> String,
    pub quiesce: &'static str,
    pub quiesce_tip: &'static str,
    pub snapshot_id: &'static str,
    pub yes: &'static str,
    pub no: &'static str,
    pub step_at: fn(step: &str, percent: u8) -> String,
    pub take_of: fn(vm: &str) -> String,
    pub too_little_space: fn(needed: &str, free: &str) -> String,
    pub revert_question: fn(vm: &str, snapshot: &str) -> String,
    /// `{0}`: the snapshot's age.
    pub revert_loses: Template<1>,
    pub revert_loses_state: &'static str,
    pub revert_jumps_back: &'static str,
    pub revert_runs: &'static str,
    pub revert_off: &'static str,
    pub revert_suspended: &'static str,
    pub keep_off: &'static str,
    pub remove_question: fn(vm: &str, snapshot: &str) -> String,
    pub remove_keeps_vm: &'static str,
    pub remove_takes_time: &'static str,
    pub children: fn(count: usize) -> String,
    pub remove_all_question: fn(vm: &str, count: usize) -> String,
    pub remove_all_keeps_vm: &'static str,
    pub full_warning: fn(free: &str) -> String,
    pub read_only: &'static str,
    pub not_permitted: &'static str,
    pub busy: &'static str,
}
