//! Tasks: their titles, their steps, and their summaries in the audit log.

use chrono::{DateTime, SecondsFormat, Utc};
use ecoman_model::{Edit, PowerAction, Setting, Step, TaskRequest};

use super::acts::ACTS;
use crate::text::Tasks;

pub(super) static TASKS: Tasks = Tasks {
    title,
    step,
    summary,
    cancel_summary: |request| format!("cancel: {request}"),
    pending_summary: |request| format!("{request}, once it is off"),
    pending_not_permitted: "When the VM was off, its requester might not change it any more.",
    pending_cancelled: "take back the change that waits until it is off",
    changed_by: |title, actor, at| {
        let actor = actor.map_or_else(String::new, |actor| format!(", requested by {actor}"));
        format!("{title}{actor}, ended at {}.", time(at))
    },
    changed_outside: |seen_at| {
        format!(
            "Somebody changed it outside ECoMan, which saw it at {}.",
            time(seen_at)
        )
    },
    not_handed_over: |why, node| format!("{why} Nothing was asked of {node}."),
    not_handed_over_hint: "Ask again once the executor is there.",
    too_late: "It could not be handed to the executor in time.",
    interrupted: |node| {
        format!(
            "The executor stopped while this was under way on {node}; it is not known how far it \
             came."
        )
    },
    interrupted_hint: "Nothing is repeated by itself. The crawler looks at the node now: see what \
                       the state is, and ask again if need be.",
    executor_died: "The executor stopped in the middle; it is not known how it ended.",
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
        TaskRequest::Edit(edit) => format!("Edit {} of {vm} on {node}", settings(edit)),
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
        } => "Ask the guest to shut down",
        Step::Power {
            action: PowerAction::Reboot,
        } => "Ask the guest to restart",
        Step::Power { action } => ACTS.order.of(action),
        Step::WaitFor { power } => return format!("Wait until the VM is {power}"),
        Step::CreateDisk { gb } => return format!("Create the disk ({gb} GB, thin)"),
        Step::RemoveSnapshots { count } if count > 1 => {
            return format!("Remove {count} snapshots, the last first");
        }
        Step::RemoveSnapshots { count: 0 } => "Remove all snapshots",
        Step::RemoveSnapshots { .. } => "Remove the snapshot",
        Step::ReadSnapshots => "Look at the VM and its snapshots",
        Step::TakeSnapshot => "Take the snapshot",
        Step::RevertToSnapshot => "Revert to the snapshot",
        Step::CompareSnapshots => "Compare the snapshots with what was asked",
        Step::FollowOnNode => "See how the node has gone on with it",
        Step::LookAtVm => "Look at the VM",
        Step::SeeThatOn => "See that the VM is on",
        Step::LookAtQuestion => "Look at the question",
        Step::Answer => "Answer it",
        Step::WaitForVm => "Wait until the VM goes on",
        Step::CheckNewVm => "Check name, space, network and ISO",
        Step::MakeDirectory => "Make the directory",
        Step::WriteConfiguration => "Write the configuration",
        Step::Register => "Register the VM",
        Step::CompareVm => "Compare it with what was asked",
        Step::ReadConfiguration => "Read the configuration and compare it",
        Step::WriteBeside => "Write the changed configuration beside it",
        Step::ReplaceConfiguration => "Put it in the place of the old one",
        Step::Reload => "Have the node read it",
        Step::CompareSettings => "Compare the VM with what was asked",
        Step::PutBack => "Undo: put the former configuration back",
        Step::Undo => "Undo: remove what was made",
        Step::LookForLeftovers => "Look for what is left",
        Step::RemoveLeftovers => "Remove it",
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
        TaskRequest::Edit(edit) => {
            let changes: Vec<_> = edit.settings.named().map(new_value).collect();
            format!("edit {}", changes.join(", "))
        }
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
