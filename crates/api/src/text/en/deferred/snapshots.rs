//! Snapshots: the card of a VM, its dialogs, and their tasks.

use crate::text::Template;
use crate::text::deferred::SnapshotPages;

pub(super) const SNAPSHOTS: SnapshotPages = SnapshotPages {
    title: "Snapshots",
    loading: "Reading snapshots from the host",
    none: "No snapshots",
    none_why: "Take one before a risky change, to be able to revert.",
    not_loaded: |why| format!("Could not read the snapshots. {why}"),
    reload: "Read again",
    take: "Take snapshot",
    take_tip: "Saves the state of the disks, to revert to later.",
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
    memory: "Memory",
    memory_takes: |size| format!("Include the memory ({size})"),
    quiesce: "Quiesce the guest's file systems (VMware Tools)",
    quiesce_tip: "VMware Tools flush pending writes in the guest first.",
    snapshot_id: "Snapshot ID",
    yes: "yes",
    no: "no",
    step_at: |step, percent| format!("{step}, {percent}%"),
    take_of: |vm| format!("Take a snapshot of {vm}"),
    too_little_space: |needed, free| {
        format!(
            "Does not fit: the snapshot needs at least {needed}, the datastore has {free} free."
        )
    },
    revert_question: |vm, snapshot| format!("Revert {vm} to {snapshot}?"),
    revert_loses: Template::new(
        "Everything written to its disks since then ({0}) is lost, unless a later snapshot has it.",
    ),
    revert_loses_state: "The VM is on: its running state is lost, and the guest is not shut down first.",
    revert_jumps_back: "Memory, CPUs, networks and notes revert too.",
    revert_runs: "It continues to run from that moment.",
    revert_off: "It is powered off afterwards.",
    revert_suspended: "It is suspended afterwards.",
    keep_off: "Keep powered off",
    remove_question: |vm, snapshot| format!("Remove {snapshot} of {vm}?"),
    remove_keeps_vm: "The VM keeps its current state; you can no longer revert to this snapshot.",
    remove_takes_time: "The host merges the disks. That can take long, slows the VM down and cannot be \
         stopped.",
    children: |count| match count {
        1 => "Also remove the snapshot below it".to_owned(),
        count => format!("Also remove the {count} snapshots below it"),
    },
    remove_all_question: |vm, count| match count {
        1 => format!("Remove the only snapshot of {vm}?"),
        count => format!("Remove all {count} snapshots of {vm}?"),
    },
    remove_all_keeps_vm: "The VM keeps its current state; you can no longer revert.",
    full_warning: |free| {
        format!("The datastore has only {free} free; the host may need it for the merge.")
    },
    read_only: "The host is read-only (read_only: true in hosts.yml).",
    not_permitted: "Your role does not permit this.",
    busy: "Another change of this VM is in progress.",
};
