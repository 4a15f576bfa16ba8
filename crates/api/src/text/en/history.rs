//! The lines of the history.

use ecoman_model::{EndedTask, Event, EventKind, Initiator, TaskState};

use super::acts::ACTS;
use super::format::{grouped, megabytes};
use crate::text::History;

pub(super) static HISTORY: History = History {
    sentence,
    initiator: |initiator| match initiator {
        Initiator::User | Initiator::Node => None,
        Initiator::Ecoman => Some("ECoMan"),
        Initiator::Outside => Some("outside ECoMan"),
    },
};

fn sentence(event: &Event) -> String {
    let before = event.before.as_deref().unwrap_or("–");
    let after = event.after.as_deref().unwrap_or("–");
    match event.kind {
        EventKind::VmAppeared => "Appeared on the host".to_owned(),
        EventKind::VmGone => "Removed from the host".to_owned(),
        EventKind::Power => power(after),
        EventKind::Cpus => format!("CPUs {before} → {after}"),
        EventKind::Memory => format!("Memory {} → {}", size(before), size(after)),
        EventKind::Address if event.times > 1 && before == after => format!(
            "Address changed {} times, {after} again",
            grouped(event.times.into())
        ),
        EventKind::Address if event.times > 1 => format!(
            "Address changed {} times, {before} → {after}",
            grouped(event.times.into())
        ),
        EventKind::Address => format!("Address {before} → {after}"),
        EventKind::Notes => match (&event.before, &event.after) {
            (None, _) => "Notes added".to_owned(),
            (_, None) => "Notes removed".to_owned(),
            _ => "Notes changed".to_owned(),
        },
        EventKind::Name => format!("Renamed from {before} to {after}"),
        EventKind::NodeAway => match &event.after {
            Some(reason) => format!("Host stopped responding: {reason}"),
            None => "Host stopped responding".to_owned(),
        },
        EventKind::NodeBack => "Host responds again".to_owned(),
        EventKind::Task => event.task.as_ref().map_or_else(String::new, task),
    }
}

fn power(after: &str) -> String {
    match after {
        "on" => "Powered on".to_owned(),
        "off" => "Powered off".to_owned(),
        "suspended" => "Suspended".to_owned(),
        other => format!("Power {other}"),
    }
}

fn size(mb: &str) -> String {
    mb.parse().map_or_else(|_| mb.to_owned(), megabytes)
}

fn task(task: &EndedTask) -> String {
    let order = match (task.kind.as_str(), task.action) {
        (_, Some(action)) => ACTS.order.of(action),
        ("power", None) => "Power operation",
        ("create", _) => "Create VM",
        ("answer", _) => "Answer question",
        ("unregister", _) => "Unregister VM",
        ("destroy", _) => "Delete VM from disk",
        ("snapshot_create", _) => "Take snapshot",
        ("snapshot_revert", _) => "Revert to snapshot",
        ("snapshot_remove", _) => "Remove snapshot",
        ("snapshot_remove_all", _) => "Remove all snapshots",
        ("cdrom_change", _) => "Change CD/DVD drive",
        ("nic_move", _) => "Move network adapter",
        ("disk_grow", _) => "Expand disk",
        ("edit", _) => "Edit settings",
        ("clean_up", _) => "Clean up after an interrupted creation",
        (other, _) => other,
    };
    let end = match task.state {
        TaskState::Failed => " failed",
        TaskState::Interrupted => " interrupted",
        TaskState::Cancelled => " cancelled",
        TaskState::Queued | TaskState::Running | TaskState::Succeeded => "",
    };
    match &task.error {
        Some(error) => format!("{order}{end}: {error}"),
        None => format!("{order}{end}"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ecoman_model::{PowerAction, TaskId};
    use uuid::Uuid;

    use super::*;

    fn event(kind: EventKind, before: Option<&str>, after: Option<&str>) -> Event {
        Event {
            id: Uuid::nil(),
            at: DateTime::UNIX_EPOCH,
            node: "hoge".parse().expect("a name"),
            vmid: None,
            vm_name: None,
            kind,
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            times: 1,
            task: None,
        }
    }

    fn ended(kind: &str, action: Option<PowerAction>, state: TaskState) -> Event {
        let error = (state != TaskState::Succeeded).then(|| "No memory.".to_owned());
        let task = EndedTask {
            id: TaskId(Uuid::nil()),
            kind: kind.to_owned(),
            action,
            state,
            actor: None,
            millis: None,
            error,
        };
        Event {
            task: Some(task),
            ..event(EventKind::Task, None, None)
        }
    }

    #[test]
    fn every_event_has_a_sentence() {
        let flapping = |after| Event {
            times: 12,
            ..event(EventKind::Address, Some("192.0.2.1"), Some(after))
        };
        for (event, expected) in [
            (
                event(EventKind::VmAppeared, None, None),
                "Appeared on the host",
            ),
            (
                event(EventKind::VmGone, None, None),
                "Removed from the host",
            ),
            (
                event(EventKind::Power, Some("off"), Some("on")),
                "Powered on",
            ),
            (
                event(EventKind::Power, Some("on"), Some("off")),
                "Powered off",
            ),
            (
                event(EventKind::Power, Some("on"), Some("suspended")),
                "Suspended",
            ),
            (event(EventKind::Cpus, Some("2"), Some("4")), "CPUs 2 → 4"),
            (
                event(EventKind::Memory, Some("512"), Some("65536")),
                "Memory 512 MB → 64.0 GB",
            ),
            (
                event(EventKind::Address, Some("192.0.2.1"), Some("192.0.2.2")),
                "Address 192.0.2.1 → 192.0.2.2",
            ),
            (
                flapping("192.0.2.1"),
                "Address changed 12 times, 192.0.2.1 again",
            ),
            (
                flapping("192.0.2.2"),
                "Address changed 12 times, 192.0.2.1 → 192.0.2.2",
            ),
            (event(EventKind::Notes, None, Some("a")), "Notes added"),
            (event(EventKind::Notes, Some("a"), None), "Notes removed"),
            (
                event(EventKind::Notes, Some("a"), Some("b")),
                "Notes changed",
            ),
            (
                event(EventKind::Name, Some("a"), Some("b")),
                "Renamed from a to b",
            ),
            (
                event(EventKind::NodeAway, None, Some("no route")),
                "Host stopped responding: no route",
            ),
            (
                event(EventKind::NodeBack, None, None),
                "Host responds again",
            ),
            (
                ended("power", Some(PowerAction::Shutdown), TaskState::Succeeded),
                "Shut down",
            ),
            (
                ended("power", Some(PowerAction::On), TaskState::Failed),
                "Power on failed: No memory.",
            ),
            (
                ended("create", None, TaskState::Cancelled),
                "Create VM cancelled: No memory.",
            ),
            // As an earlier version wrote it.
            (
                ended("power", None, TaskState::Succeeded),
                "Power operation",
            ),
        ] {
            assert_eq!(sentence(&event), expected);
        }
    }
}
