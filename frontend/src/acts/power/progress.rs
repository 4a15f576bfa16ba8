//! Progress of a change of power, and the request that repeats it.

use chrono::{DateTime, Utc};
use ecoman_api::{PowerAction, PowerChange, SetPower, Task};

use crate::acts::{ActView, Again};
use crate::state::inventory::VmKey;
use crate::state::text;

impl ActView for PowerChange {
    /// For how long the guest has been asked to shut down.
    fn progress(&self, task: &Task, now: DateTime<Utc>) -> Option<String> {
        let Some(seconds) = waited(self, task, now) else {
            return text::current_step(task);
        };
        let limit = self.guest_seconds;
        Some((text::deferred().tasks.asked_guest)(seconds, limit))
    }

    fn percent(&self, task: &Task, now: DateTime<Utc>) -> Option<u8> {
        let Some(seconds) = waited(self, task, now) else {
            return task.progress;
        };
        u8::try_from(seconds * 100 / i64::from(self.guest_seconds.max(1))).ok()
    }

    /// The wait for a guest is all of a change that can be stopped.
    fn cancel_label(&self, _: &Task) -> Option<&'static str> {
        let waits = self.action == PowerAction::Shutdown;
        waits.then_some(text::deferred().power.stop_waiting)
    }

    fn again(&self, node: &str) -> Option<Again> {
        let vm = VmKey {
            node: node.to_owned(),
            vmid: self.vmid.0,
        };
        let wanted = SetPower {
            action: self.action,
            guest_seconds: Some(self.guest_seconds),
            if_power: None,
        };
        Some(Again::Power(vm, wanted))
    }
}

/// For how many seconds the guest has been asked to shut down; `None`: it has not.
fn waited(change: &PowerChange, task: &Task, now: DateTime<Utc>) -> Option<i64> {
    let mut commands = task.commands.iter();
    let run = commands
        .find(|run| run.command.contains("power.shutdown") && run.exit == Some(0))
        .filter(|_| change.action == PowerAction::Shutdown)?;
    let limit = i64::from(change.guest_seconds);
    Some((now - run.at).num_seconds().clamp(0, limit))
}

#[cfg(test)]
mod tests {
    use ecoman_api::TaskState;

    use crate::acts::{percent, progress as at};
    use crate::state::fixtures::{power, time};

    #[test]
    fn it_is_reported_for_how_long_the_guest_has_been_asked() {
        let mut task = power(1, "shutdown", "running");
        let now = time("2026-11-22T12:00:34Z");
        assert_eq!(at(&task, now).as_deref(), Some("Wait until the VM is off"));
        let run = serde_json::json!([{
            "command": "vim-cmd vmsvc/power.shutdown 1", "at": "2026-11-22T12:00:00Z",
            "times": 1, "exit": 0, "stdout": "", "stderr": "",
        }]);
        task.commands = serde_json::from_value(run).expect("a command");
        let reported = at(&task, now);
        assert_eq!(
            reported.as_deref(),
            Some("waiting for the guest, 34 s of 120 s")
        );
        assert_eq!(percent(&task, now), Some(28));
        task.state = TaskState::Succeeded;
        assert_eq!(at(&task, now), None);
    }
}
