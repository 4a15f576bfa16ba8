//! Changes of power: the dialog, and the result of the last one.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use crate::text::Template;

/// Changes of power: the dialog, and the result of the last one.
#[derive(Clone, Copy, Debug)]
pub struct PowerPages {
    pub list_not_loaded: &'static str,
    /// `{0}`: the task, `{1}`: its step.
    pub under_way: Template<2>,
    /// `{0}`: the task, `{1}`: how long ago, `{2}`: why.
    pub unsuccessful: Template<3>,
    pub more: &'static str,
    pub still_on: &'static str,
    pub wait_longer: &'static str,
    pub wait_longer_tip: fn(time: &str) -> String,
    pub power_off: &'static str,
    pub power_off_now: &'static str,
    pub stop_waiting: &'static str,
    pub stop_waiting_tip: &'static str,
    pub waits_for_answer: &'static str,
    /// `{0}`: the number.
    pub type_the_number: Template<1>,
    pub seconds_to_wait: fn(least: u32, most: u32) -> String,
    pub none_of_these: fn(order: &str) -> String,
    pub question: fn(order: &str, vms: &str) -> String,
    pub heading: fn(order: &str, vms: &str) -> String,
    pub confirm_many: fn(order: &str, vms: usize) -> String,
    pub instead: fn(order: &str) -> String,
    pub instead_for_some: fn(order: &str, some: usize, all: usize) -> String,
    pub no_vm_left: &'static str,
    pub from_to: fn(from: &str, to: &str) -> String,
    pub loses_memory: &'static str,
    pub many_lose_memory: fn(vms: usize) -> String,
    pub short_of_memory: fn(node: &str, wanted: &str, free: &str) -> String,
    pub changed_meanwhile: &'static str,
    /// `{0}`: the VM, `{1}`: its node.
    pub was_removed: Template<2>,
    /// `{0}`: the VM, `{1}`: from and to which state, `{2}`: the change.
    pub is_other: Template<3>,
    /// `{0}`: the VM, `{1}`: the change.
    pub is_changing: Template<2>,
    /// `{0}`: the VM, `{1}`: the change.
    pub was_changed: Template<2>,
    /// `{0}`: the VM, `{1}`: why.
    pub cannot_now: Template<2>,
    /// `{0}`: the change, `{1}`: when.
    pub change: Template<2>,
    /// `{0}`: the change, `{1}`: the user, `{2}`: when.
    pub change_by: Template<3>,
    pub change_outside: &'static str,
    /// `{0}`: the node, `{1}`: the time.
    pub node_silent: Template<2>,
    pub review: &'static str,
    pub review_tip: &'static str,
    pub and_more: fn(vms: usize) -> String,
    pub left_out_listed_last: fn(vms: usize) -> String,
    pub all_left_out: fn(vms: usize) -> String,
    pub preview: &'static str,
    pub left_out: &'static str,
    pub sending: &'static str,
    pub tally: fn(done: usize, failed: usize, under_way: usize) -> String,
    pub results: &'static str,
    /// `{0}`: the link to the tasks.
    pub goes_on: Template<1>,
    /// `{0}`: the link to the tasks.
    pub is_over: Template<1>,
    pub tasks: &'static str,
    pub vm_on_node: fn(vm: &str, node: &str) -> String,
    pub vms: fn(vms: usize) -> String,
    pub vms_on_nodes: fn(vms: usize, nodes: usize) -> String,
}
