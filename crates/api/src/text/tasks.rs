//! Tasks: their titles, their steps, and their summaries in the audit log.

use chrono::{DateTime, Utc};
use ecoman_model::{FixedDisk, Obstacle, Step, TaskRequest};

/// The texts of tasks that the servers write.
#[derive(Clone, Copy, Debug)]
pub struct Tasks {
    /// The title of a task, with the VM's name and its node: `Power on metrics-b on hoge`.
    pub title: fn(request: &TaskRequest, vm: &str, node: &str) -> String,
    /// A step, as an order: `Create the disk (30 GB, thin)`.
    pub step: fn(step: Step) -> String,
    /// What the audit log says of a request, in a few words: `power on`.
    pub summary: fn(request: &TaskRequest) -> String,
    /// What forbids deleting a VM's files, as a sentence or two.
    pub obstacle: fn(obstacle: &Obstacle) -> String,
    /// Why a disk cannot be made larger, as a sentence or two.
    pub fixed_disk: fn(fixed: &FixedDisk) -> String,
    /// What the audit log says of a cancellation, with the summary of the cancelled request.
    pub cancel_summary: fn(request: &str) -> String,
    /// What the audit log says of a change that waits until the VM is off, with its summary.
    pub pending_summary: fn(request: &str) -> String,
    /// What it says of one whose requester may not do it any more.
    pub pending_not_permitted: &'static str,
    /// What it says of one that was taken back.
    pub pending_cancelled: &'static str,
    /// What it says of a poll that somebody asked for.
    pub poll_summary: &'static str,
    /// Who changed the power of a VM through ECoMan, and when: `Power off web on hoge, by alice, ended
    /// at …`.
    pub changed_by: fn(title: &str, actor: Option<&str>, at: DateTime<Utc>) -> String,
    /// That somebody changed it on the node itself, seen at a time.
    pub changed_outside: fn(seen_at: DateTime<Utc>) -> String,
    /// A task that was not handed to the executor: why, as a sentence, and its node.
    pub not_handed_over: fn(why: &str, node: &str) -> String,
    /// What to do about it.
    pub not_handed_over_hint: &'static str,
    /// Why a task is not handed over any more.
    pub too_late: &'static str,
    /// The executor died over a task on this node.
    pub interrupted: fn(node: &str) -> String,
    /// What to do about it.
    pub interrupted_hint: &'static str,
    /// Of a step or a command that was under way when the executor died.
    pub executor_died: &'static str,
    /// How many snapshots a VM has: `No snapshot.`, `3 snapshots.`
    pub snapshots_left: fn(count: usize) -> String,
    /// A VM without a name.
    pub vm_by_id: fn(vmid: u32) -> String,
    /// A VM of which neither name nor id is known.
    pub some_vm: &'static str,
}
