//! What has failed, and whether the reader has seen it: what has not been seen is announced.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ecoman_api::{Task, TaskId, TaskState, Vm};

use crate::inventory::VmTable;
use crate::tasks::{Tasks, key_of, power_of, was_reached_anyway};

/// So many are kept; the oldest go. As on the server.
const MOST: usize = 500;
/// What failed longer ago is no news, even for somebody who has seen nothing so far.
const NEWS: TimeDelta = TimeDelta::days(7);

/// The failed tasks that the reader has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeSet<TaskId>);

impl Seen {
    /// Whether a task was seen.
    pub fn has(&self, id: TaskId) -> bool {
        self.0.contains(&id)
    }

    /// Adds tasks. Whether some of them are new.
    pub fn add(&mut self, ids: impl IntoIterator<Item = TaskId>) -> bool {
        let before = self.0.clone();
        self.0.extend(ids);
        while self.0.len() > MOST {
            self.0.pop_first();
        }
        self.0 != before
    }

    /// The tasks, the oldest first.
    pub fn tasks(&self) -> impl Iterator<Item = TaskId> {
        self.0.iter().copied()
    }
}

/// How a task ended that did not do what was asked.
pub fn has_failed(task: &Task) -> bool {
    matches!(task.state, TaskState::Failed | TaskState::Interrupted)
}

impl Tasks {
    /// What has failed and was not seen, the newest first.
    pub fn unseen<'a>(
        &'a self,
        seen: &'a Seen,
        vms: Option<&'a VmTable>,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = &'a Arc<Task>> {
        self.newest().filter(move |task| {
            has_failed(task) && !seen.has(task.id) && self.is_news(task, vms, now)
        })
    }

    /// The newest change of a VM's power, where it has failed and was not seen.
    pub fn unseen_change(&self, vm: &Vm, seen: &Seen, now: DateTime<Utc>) -> Option<&Arc<Task>> {
        let task = self.power(&crate::inventory::VmKey::of(vm))?;
        let is_news = has_failed(task) && !seen.has(task.id) && is_young(task, now);
        (is_news && !was_reached_anyway(task, vm)).then_some(task)
    }

    /// Whether a failure still says something: nothing was asked of the VM since, and what was
    /// asked has not come true.
    fn is_news(&self, task: &Task, vms: Option<&VmTable>, now: DateTime<Utc>) -> bool {
        let Some(key) = key_of(task).filter(|_| power_of(task).is_some()) else {
            return is_young(task, now);
        };
        let is_newest = self.power(&key).is_none_or(|newest| newest.id == task.id);
        let row = vms.and_then(|vms| vms.get(&key));
        let has_come_true = row.is_some_and(|row| was_reached_anyway(task, &row.vm));
        is_newest && !has_come_true && is_young(task, now)
    }
}

fn is_young(task: &Task, now: DateTime<Utc>) -> bool {
    now - task.finished_at.unwrap_or(task.created_at) < NEWS
}

#[cfg(test)]
mod tests {
    use ecoman_api::PowerState;

    use super::*;
    use crate::fixtures::{power, time};
    use crate::format::tests::vm;

    fn known(all: &[Task]) -> Tasks {
        let mut tasks = Tasks::default();
        all.iter().cloned().for_each(|task| tasks.take(task));
        tasks
    }

    fn unseen(tasks: &[Task], seen: &Seen, power: PowerState) -> usize {
        let vms = VmTable::new(vec![Vm {
            power,
            ..vm("hoge", 1)
        }]);
        let tasks = known(tasks);
        let now = time("2026-11-22T12:30:00Z");
        let row = &vms.rows()[0].vm;
        let all = tasks.unseen(seen, Some(&vms), now).count();
        let of_vm = usize::from(tasks.unseen_change(row, seen, now).is_some());
        assert_eq!(all, of_vm, "the row and the sum say the same");
        all
    }

    #[test]
    fn a_failure_is_announced_until_it_was_seen() {
        let on = PowerState::On;
        let mut seen = Seen::default();
        let failed = power(1, "off", "failed");
        let failed = std::slice::from_ref(&failed);
        assert_eq!(unseen(failed, &seen, on), 1);
        assert!(seen.add([failed[0].id]));
        assert!(!seen.add([failed[0].id]));
        assert_eq!(unseen(failed, &seen, on), 0);
        for state in ["queued", "running", "succeeded", "cancelled"] {
            assert_eq!(unseen(&[power(1, "off", state)], &Seen::default(), on), 0);
        }
        let interrupted = power(1, "reset", "interrupted");
        assert_eq!(unseen(&[interrupted], &Seen::default(), on), 1);
    }

    #[test]
    fn what_was_asked_again_or_has_come_true_is_no_news() {
        let none = Seen::default();
        let failed = power(1, "off", "failed");
        assert_eq!(
            unseen(std::slice::from_ref(&failed), &none, PowerState::Off),
            0
        );
        let again = [failed.clone(), power(2, "off", "running")];
        assert_eq!(unseen(&again, &none, PowerState::On), 0);
        let twice = [failed, power(2, "off", "failed")];
        assert_eq!(unseen(&twice, &none, PowerState::On), 1);
    }

    #[test]
    fn a_week_later_it_is_no_news() {
        let failed = known(&[power(1, "off", "failed")]);
        let seen = Seen::default();
        let at = |text| failed.unseen(&seen, None, time(text)).count();
        assert_eq!(at("2026-11-29T11:59:59Z"), 1);
        assert_eq!(at("2026-11-29T12:00:01Z"), 0);
    }

    #[test]
    fn the_oldest_go() {
        let mut seen = Seen::default();
        assert!(seen.add((0..600).map(|id| power(id, "on", "failed").id)));
        assert_eq!(seen.tasks().count(), MOST);
        assert!(seen.has(power(599, "on", "failed").id));
        assert!(!seen.has(power(99, "on", "failed").id));
    }
}
