//! Tasks: their titles, their steps, and their summaries in the audit log.

use chrono::{DateTime, SecondsFormat, Utc};
use ecoman_model::{
    Edit, FixedDisk, FixedDiskKind, Obstacle, ObstacleKind, PowerAction, Setting, Step, TaskRequest,
};

use super::acts::ACTS;
use crate::text::Tasks;

pub(super) static TASKS: Tasks = Tasks {
    title,
    step,
    summary,
    obstacle,
    fixed_disk,
    cancel_summary: |request| format!("cancel: {request}"),
    pending_summary: |request| format!("{request}, once it is off"),
    pending_not_permitted: "When the VM was off, its initiator no longer had permission to change it.",
    pending_cancelled: "discard the change that waits until it is off",
    poll_summary: "poll",
    changed_by: |title, actor, at| {
        let actor = actor.map_or_else(String::new, |actor| format!(", requested by {actor}"));
        format!("{title}{actor}, completed at {}.", time(at))
    },
    changed_outside: |seen_at| format!("It was changed outside ECoMan, seen at {}.", time(seen_at)),
    not_handed_over: |why, node| format!("{why} Nothing was sent to {node}."),
    not_handed_over_hint: "Try again once the executor runs.",
    too_late: "The executor did not take it in time.",
    interrupted: |node| {
        format!(
            "The executor stopped while this was in progress on {node}. How far it came is unknown."
        )
    },
    interrupted_hint: "Nothing is repeated automatically. The crawler is reading the host: check the \
                       state, then try again if needed.",
    executor_died: "The executor stopped meanwhile. The result is unknown.",
    snapshots_left: |count| match count {
        0 => "No snapshot.".to_owned(),
        1 => "1 snapshot.".to_owned(),
        count => format!("{count} snapshots."),
    },
    vm_by_id: |vmid| format!("VM {vmid}"),
    some_vm: "a VM",
};

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn title(request: &TaskRequest, vm: &str, node: &str) -> String {
    match request {
        TaskRequest::Power(change) => {
            format!("{} {vm} on {node}", ACTS.order.of(change.action))
        }
        TaskRequest::Create(new_vm) => format!("Create {} on {node}", new_vm.name),
        TaskRequest::Answer(_) => format!("Answer the question of {vm} on {node}"),
        TaskRequest::CleanUp(clean_up) => format!(
            "Clean up after the interrupted creation of {} on {node}",
            clean_up.vm.name
        ),
        TaskRequest::SnapshotCreate(_) => format!("Take a snapshot of {vm} on {node}"),
        TaskRequest::SnapshotRevert(_) => format!("Revert {vm} on {node} to a snapshot"),
        TaskRequest::SnapshotRemove(act) if act.children => {
            format!("Remove a snapshot of {vm} on {node} with those below it")
        }
        TaskRequest::SnapshotRemove(_) => format!("Remove a snapshot of {vm} on {node}"),
        TaskRequest::SnapshotRemoveAll(_) => format!("Remove all snapshots of {vm} on {node}"),
        TaskRequest::Unregister(_) => format!("Unregister {vm} on {node}"),
        TaskRequest::Destroy(_) => format!("Delete {vm} on {node} from disk"),
        TaskRequest::Edit(edit) => format!("Edit {} of {vm} on {node}", settings(edit)),
        TaskRequest::CdromChange(act) => match act.iso_path {
            Some(_) => format!("Insert an ISO image into {vm} on {node}"),
            None => format!("Eject the ISO image of {vm} on {node}"),
        },
        TaskRequest::NicMove(act) => {
            format!("Move {} of {vm} on {node} to {}", act.nic, act.network)
        }
        TaskRequest::DiskGrow(act) => {
            format!(
                "Expand disk {} of {vm} on {node} to {} GB",
                act.disk, act.size_gb
            )
        }
    }
}

/// Which settings are changed.
fn settings(edit: &Edit) -> String {
    let words: Vec<_> = edit
        .settings
        .named()
        .map(|(setting, _)| (ACTS.setting)(setting))
        .collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn step(step: Step) -> String {
    let order = match step {
        Step::Power {
            action: PowerAction::Shutdown,
        } => "Shut down guest",
        Step::Power {
            action: PowerAction::Reboot,
        } => "Restart guest",
        Step::Power { action } => ACTS.order.of(action),
        Step::WaitFor { power } => return format!("Wait until the VM is {power}"),
        Step::CreateDisk { gb } => return format!("Create the disk ({gb} GB, thin)"),
        Step::GrowDisk { gb } => return format!("Expand the disk to {gb} GB"),
        Step::RemoveSnapshots { count } if count > 1 => {
            return format!("Remove {count} snapshots, the last first");
        }
        Step::RemoveSnapshots { count: 0 } => "Remove all snapshots",
        Step::RemoveSnapshots { .. } => "Remove the snapshot",
        Step::ReadSnapshots => "Read the VM and its snapshots",
        Step::TakeSnapshot => "Take the snapshot",
        Step::RevertToSnapshot => "Revert to the snapshot",
        Step::CompareSnapshots => "Verify the snapshots",
        Step::LookAtDisk => "Read the disk and what uses it",
        Step::CompareDisk => "Verify the size",
        Step::LookAtFiles => "Read the VM and its files",
        Step::Unregister => "Unregister the VM",
        Step::Destroy => "Delete the VM from disk",
        Step::LookWhatIsLeft => "Verify that it is gone",
        Step::FollowOnNode => "Check the progress on the host",
        Step::LookAtVm => "Check power state",
        Step::SeeThatOn => "Verify power state",
        Step::LookAtQuestion => "Read the question",
        Step::Answer => "Answer the question",
        Step::WaitForVm => "Wait until the VM continues",
        Step::CheckNewVm => "Check name, space, network and ISO",
        Step::MakeDirectory => "Create the directory",
        Step::WriteConfiguration => "Write the configuration",
        Step::Register => "Register the VM",
        Step::CompareVm => "Verify the configuration",
        Step::ReadConfiguration => "Read and compare the configuration",
        Step::WriteBeside => "Write the new configuration to a temporary file",
        Step::ReplaceConfiguration => "Replace the old configuration",
        Step::Reload => "Reload the VM",
        Step::CompareSettings => "Verify the settings",
        Step::PutBack => "Roll back: restore the old configuration",
        Step::Undo => "Roll back: remove what was created",
        Step::LookForLeftovers => "Look for leftovers",
        Step::RemoveLeftovers => "Remove leftovers",
    };
    order.to_owned()
}

fn summary(request: &TaskRequest) -> String {
    match request {
        TaskRequest::Power(change) => match change.action {
            PowerAction::On | PowerAction::Off => change.action.to_string(),
            other => other.word().to_owned(),
        },
        TaskRequest::Create(vm) => format!(
            "create with {} CPU, {} MB memory, {} GB disk",
            vm.cpus, vm.memory_mb, vm.disk_gb
        ),
        TaskRequest::Answer(answer) => format!("answer a question with choice {}", answer.choice),
        TaskRequest::CleanUp(clean_up) => format!("clean up after task {}", clean_up.task),
        TaskRequest::SnapshotCreate(act) => format!(
            "snapshot {:?}{}{}",
            act.name,
            if act.memory { ", with memory" } else { "" },
            if act.quiesce { ", quiesced" } else { "" },
        ),
        TaskRequest::SnapshotRevert(act) => format!(
            "revert to snapshot {}{}",
            act.snapshot,
            if act.keep_off { ", kept off" } else { "" },
        ),
        TaskRequest::SnapshotRemove(act) => format!(
            "remove snapshot {}{}",
            act.snapshot,
            if act.children {
                " with those below it"
            } else {
                ""
            },
        ),
        TaskRequest::SnapshotRemoveAll(_) => "remove all snapshots".to_owned(),
        TaskRequest::Unregister(_) => "unregister".to_owned(),
        TaskRequest::Destroy(_) => "delete from disk".to_owned(),
        TaskRequest::Edit(edit) => {
            let changes: Vec<_> = edit.settings.named().map(new_value).collect();
            format!("edit {}", changes.join(", "))
        }
        TaskRequest::CdromChange(act) => match &act.iso_path {
            Some(path) => format!("insert {path}"),
            None => "eject the ISO image".to_owned(),
        },
        TaskRequest::NicMove(act) => format!("move {} to {}", act.nic, act.network),
        TaskRequest::DiskGrow(act) => format!("expand disk {} to {} GB", act.disk, act.size_gb),
    }
}

pub(super) fn obstacle(it: &Obstacle) -> String {
    let Obstacle { kind, path, by } = it;
    match (kind, by) {
        (ObstacleKind::Elsewhere, _) => format!(
            "{path} is outside the VM's directory. Remove the disk from the VM first, or unregister \
             the VM."
        ),
        (ObstacleKind::Shared, by) => {
            let by = by.as_deref().unwrap_or("another VM");
            format!("{path} is needed by {by}.")
        }
        (ObstacleKind::Link, _) => format!("{path} is a link. Check its target."),
        (ObstacleKind::InUse, Some(by)) => format!("{path} is in use; its lock is held by {by}."),
        (ObstacleKind::InUse, None) => format!("{path} is locked."),
        (ObstacleKind::OtherNode, by) => {
            let by = by.as_deref().unwrap_or("another host");
            format!("{by} has a VM in {path}, on the same volume. Unregister one of the two.")
        }
        (ObstacleKind::Unsure, _) => {
            format!("{path} cannot be read, so it is unknown what uses the VM's files.")
        }
    }
}

pub(super) fn fixed_disk(it: &FixedDisk) -> String {
    let by = it.by.as_deref();
    match it.kind {
        FixedDiskKind::Snapshots => {
            "The VM has snapshots, or the disk is built on another one. Remove the snapshots first."
                .to_owned()
        }
        FixedDiskKind::RawDevice => "It is a raw device mapping.".to_owned(),
        FixedDiskKind::Shared => "It is shared: several VMs may write to it.".to_owned(),
        FixedDiskKind::Needed => format!("It is needed by {}.", by.unwrap_or("another VM")),
        FixedDiskKind::Format => format!(
            "Disks of the type {} cannot be expanded on the host.",
            by.unwrap_or("that it has")
        ),
        FixedDiskKind::Unsure => format!(
            "{} cannot be looked at, so it is not known what uses the disk.",
            by.unwrap_or("Something")
        ),
    }
}

/// A new value in a few words.
fn new_value((setting, value): (Setting, String)) -> String {
    const MOST: usize = 60;
    let word = (ACTS.setting)(setting);
    match setting {
        Setting::Memory => format!("{word}: {value} MB"),
        Setting::Comment if value.is_empty() => format!("{word}: none"),
        Setting::Comment => {
            let line = value.lines().next().unwrap_or_default();
            let short: String = line.chars().take(MOST).collect();
            let more = if short.len() < value.len() { "…" } else { "" };
            format!("{word}: {short}{more}")
        }
        _ => format!("{word}: {value}"),
    }
}
