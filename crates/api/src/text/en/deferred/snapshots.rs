//! Snapshots: the card of a VM, its dialogs, and their tasks.

use crate::text::Template;
use crate::text::deferred::SnapshotPages;

pub(super) const SNAPSHOTS: SnapshotPages = SnapshotPages {
    title: "Snapshots",
    loading: "Asking the host for its snapshots",
    none: "No snapshots",
    none_why: "One that is taken before a change is the way back.",
    not_loaded: |why| format!("The snapshots could not be read. {why}"),
    reload: "Ask the host again",
    take: "Take snapshot",
    take_tip: "Keeps the disks as they are now, to come back to.",
    remove_all: "Remove all",
    revert: "Revert",
    remove: "Remove",
    revert_to: |name| format!("Revert to {name}"),
    remove_this: |name| format!("Remove {name}"),
    you_are_here: "You are here",
    with_memory: "with memory",
    suspended: "suspended",
    quiesced: "Quiesced",
    free: |free| format!("{free} free on the datastore"),
    name: "Name",
    description: "Description",
    memory: "Memory of the VM",
    memory_takes: |size| format!("Keep the memory, which takes {size}"),
    quiesce: "Quiesce the guest's file systems (VMware Tools)",
    quiesce_tip: "VMware Tools have the guest write everything first.",
    snapshot_id: "Snapshot id",
    yes: "yes",
    no: "no",
    step_at: |step, percent| format!("{step}, {percent}%"),
    take_of: |vm| format!("Take a snapshot of {vm}"),
    too_little_space: |needed, free| {
        format!("The datastore has {free} free, and the snapshot takes {needed} at least.")
    },
    revert_question: |vm, snapshot| format!("Revert {vm} to {snapshot}?"),
    revert_loses: Template::new(
        "What has been written to its disks since then, {0}, is lost, unless a later snapshot has it.",
    ),
    revert_loses_state: "The VM runs: what it is doing is lost without a question to the guest.",
    revert_jumps_back: "Memory, CPUs, networks and notes become those of that time.",
    revert_runs: "It then runs on from that moment.",
    revert_off: "It is off after that.",
    revert_suspended: "It is suspended after that.",
    keep_off: "Leave it off",
    remove_question: |vm, snapshot| format!("Remove {snapshot} of {vm}?"),
    remove_keeps_vm: "The VM stays as it is now; only the way back to this snapshot is lost.",
    remove_takes_time: "The host writes the changes into the disk below, which can take long and slow the \
         VM down. It cannot be stopped.",
    children: |count| match count {
        1 => "Remove the snapshot below it, too".to_owned(),
        count => format!("Remove the {count} snapshots below it, too"),
    },
    remove_all_question: |vm, count| match count {
        1 => format!("Remove the only snapshot of {vm}?"),
        count => format!("Remove all {count} snapshots of {vm}?"),
    },
    remove_all_keeps_vm: "The VM stays as it is now; the ways back are lost.",
    full_warning: |free| {
        format!("The datastore has only {free} free, which the host may need while it does that.")
    },
    read_only: "The host is read-only: hosts.yml says read_only: true.",
    not_permitted: "Your role does not permit it.",
    busy: "Another change of this VM is under way.",
};
