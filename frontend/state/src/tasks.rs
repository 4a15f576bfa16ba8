//! The tasks that the page has loaded, and the state of a VM that follows from them before its node
//! reports it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ecoman_api::{PowerAction, ProblemKind, Question, Task, TaskId, TaskPage, TaskState, Vm};

use crate::format;
use crate::inventory::VmKey;
use crate::text;

/// The newest tasks, and others that were loaded.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    by_id: BTreeMap<TaskId, Arc<Task>>,
    /// The newest change of power of each VM.
    power: HashMap<VmKey, TaskId>,
    /// Where the older ones begin; `None`: all are here.
    pub older: Option<String>,
}

impl Tasks {
    /// Takes a task that was loaded or that an event brought. One that has ended does not begin
    /// again: an event may be older than the answer before it.
    pub fn take(&mut self, task: Task) {
        let ended = self
            .by_id
            .get(&task.id)
            .is_some_and(|known| known.state.is_final());
        if !ended || task.state.is_final() {
            if let Some(key) = key_of(&task).filter(|_| power_of(&task).is_some()) {
                let newest = self.power.entry(key).or_insert(task.id);
                *newest = task.id.max(*newest);
            }
            self.by_id.insert(task.id, Arc::new(task));
        }
    }

    /// Takes a page of older ones, and where the next page begins.
    pub fn take_older(&mut self, page: TaskPage) {
        for task in page.items {
            self.take(task);
        }
        self.older = page.next_page;
    }

    /// With the first page, loaded again. Older tasks stay.
    pub fn with_newest(mut self, page: TaskPage) -> Self {
        let oldest = page.items.last().map(|task| task.id);
        let known = self.by_id.keys().next();
        // Those in between may have been missed while there was no connection.
        let reaches_further = known < oldest.as_ref() && known.is_some() && self.older.is_none();
        self.take_older(page);
        if reaches_further {
            self.older = None;
        }
        self
    }

    /// A task.
    pub fn get(&self, id: TaskId) -> Option<&Arc<Task>> {
        self.by_id.get(&id)
    }

    /// All of them, newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.by_id.values().rev()
    }

    /// How many have not ended.
    pub fn running(&self) -> usize {
        self.newest().filter(|task| !task.state.is_final()).count()
    }

    /// Those of one VM, newest first.
    pub fn of<'a>(&'a self, key: &VmKey) -> impl Iterator<Item = &'a Arc<Task>> + use<'a> {
        let key = key.clone();
        self.newest()
            .filter(move |task| key_of(task).as_ref() == Some(&key))
    }

    /// The newest task of a VM that says what has become of it. An answer to its question does not:
    /// the change that had to wait for it goes on to its own end, which may be a bad one.
    pub fn newest_of(&self, key: &VmKey) -> Option<&Arc<Task>> {
        self.of(key).find(|task| task.request.answer().is_none())
    }

    /// The task that is changing a VM's power, until the node itself reports the new state.
    /// `seen_at`: when the facts of the VM were last seen to be true.
    pub fn changing(&self, vm: &Vm, seen_at: DateTime<Utc>) -> Option<&Arc<Task>> {
        let task = self.power(&VmKey::of(vm))?;
        let (action, _) = power_of(task)?;
        let unseen = || {
            !vm.stale
                && action.leads_to() != vm.power
                && task.finished_at.is_some_and(|end| end > seen_at)
        };
        match task.state {
            TaskState::Queued | TaskState::Running => Some(task),
            TaskState::Succeeded if unseen() => Some(task),
            _ => None,
        }
    }

    /// The question that a VM waits with, and the task that has met it.
    pub fn question(&self, key: &VmKey) -> Option<(&Arc<Task>, &Question)> {
        let task = self.power(key)?;
        // One that nobody has answered in time is still there when its task has ended.
        let asked = task.question.as_ref()?;
        let answered = self.of(key).any(|answer| {
            answer.id > task.id
                && answer.state == TaskState::Succeeded
                && (answer.request.answer()).is_some_and(|given| given.question == asked.id)
        });
        (!answered).then_some((task, asked))
    }

    /// The question that a VM waits with: the one that its task has met, else the one that the node
    /// reports. `seen_at`: when the facts of the VM were last seen to be true.
    pub fn pending_question<'a>(
        &'a self,
        vm: &'a Vm,
        seen_at: DateTime<Utc>,
    ) -> Option<&'a Question> {
        let key = VmKey::of(vm);
        // What the node has said since a task ended is newer than what the task has met.
        let is_unseen = |task: &Task| task.finished_at.is_none_or(|end| end > seen_at);
        let met = self.question(&key).filter(|(task, _)| is_unseen(task));
        if let Some((_, question)) = met {
            return Some(question);
        }
        let reported = vm.question.as_ref()?;
        let was_answered = self.of(&key).any(|task| {
            task.state == TaskState::Succeeded
                && is_unseen(task)
                && (task.request.answer()).is_some_and(|given| given.question == reported.id)
        });
        (!was_answered).then_some(reported)
    }

    /// The newest change of a VM's power.
    pub(crate) fn power(&self, key: &VmKey) -> Option<&Arc<Task>> {
        self.get(*self.power.get(key)?)
    }
}

/// The VM of a task, once it has an id.
pub fn key_of(task: &Task) -> Option<VmKey> {
    task.vm.as_ref().map(|vm| VmKey {
        node: task.node.clone(),
        vmid: vm.vmid,
    })
}

/// The change of power that a task is, and how long the guest may take.
pub fn power_of(task: &Task) -> Option<(PowerAction, u32)> {
    let change = task.request.power()?;
    Some((change.action, change.guest_seconds))
}

/// How long a guest that did not shut down in time was waited for, in seconds. `None`: the task
/// is none of that kind, or has ended otherwise.
pub fn timed_out_shutdown(task: &Task) -> Option<u32> {
    let (action, seconds) = power_of(task)?;
    let error = task.error.as_ref();
    let timed_out = error.is_some_and(|problem| problem.is(ProblemKind::TaskTimeout));
    (action == PowerAction::Shutdown && timed_out).then_some(seconds)
}

/// Whether what a change did not come to has come all the same: the guest has taken its time, or
/// somebody else has done it.
pub fn was_reached_anyway(task: &Task, vm: &Vm) -> bool {
    match power_of(task) {
        // The VM is on before and after: its state proves nothing.
        Some((PowerAction::Reboot | PowerAction::Reset, _)) | None => false,
        Some((action, _)) => action.leads_to() == vm.power,
    }
}

/// Whether the page says something above the steps already: why the task did not succeed, or what
/// it has left.
pub fn is_shown_above(task: &Task, text: &str) -> bool {
    let error = task.error.as_ref();
    error.is_some_and(|error| error.detail.contains(text)) || task.left.join(" ") == text
}

/// How long a task ran. `None`: it has not ended.
pub fn took(task: &Task) -> Option<String> {
    let seconds = (task.finished_at? - task.started_at?).num_seconds();
    Some(match u64::try_from(seconds).unwrap_or_default() {
        0 => text::deferred().tasks.took_less.to_owned(),
        seconds => format::duration(seconds),
    })
}

#[cfg(test)]
mod tests {
    use ecoman_api::PowerState;

    use super::*;
    use crate::fixtures::{power, time};
    use crate::format::tests::vm;

    /// An answer to the question of VM 1 of hoge, given.
    fn answer(id: u32) -> Task {
        let request = serde_json::json!({
            "kind": "answer", "vmid": 1, "question": "_vmx1", "choice": 2,
        });
        Task {
            request: serde_json::from_value(request).expect("an answer"),
            ..power(id, "on", "succeeded")
        }
    }

    fn on() -> Vm {
        Vm {
            power: PowerState::On,
            ..vm("hoge", 1)
        }
    }

    fn known(tasks: &[Task]) -> Tasks {
        let mut known = Tasks::default();
        tasks.iter().cloned().for_each(|task| known.take(task));
        known
    }

    fn word(tasks: &[Task], vm: &Vm, seen: &str) -> Option<&'static str> {
        let tasks = known(tasks);
        let task = tasks.changing(vm, time(seen))?;
        power_of(task).map(|(action, _)| text::acts().under_way.of(action))
    }

    #[test]
    fn a_vm_is_stopping_until_its_node_says_that_it_is_off() {
        let seen = "2026-11-22T12:00:00Z";
        let running = power(1, "off", "running");
        assert_eq!(word(&[running], &on(), seen), Some("stopping…"));

        let done = Task {
            finished_at: Some(time("2026-11-22T12:00:05Z")),
            ..power(1, "off", "succeeded")
        };
        let of = |vm: &Vm, seen| word(std::slice::from_ref(&done), vm, seen);
        assert_eq!(of(&on(), seen), Some("stopping…"));
        // Somebody has switched it on again.
        assert_eq!(of(&on(), "2026-11-22T12:00:06Z"), None);
        let off = Vm {
            power: PowerState::Off,
            ..on()
        };
        assert_eq!(of(&off, seen), None);
        assert_eq!(word(&[power(1, "off", "failed")], &on(), seen), None);
    }

    #[test]
    fn only_the_newest_change_of_power_of_the_very_vm_counts() {
        let seen = "2026-11-22T12:00:00Z";
        let tasks = [power(1, "off", "running"), power(2, "on", "failed")];
        assert_eq!(word(&tasks, &on(), seen), None);
        let other = Vm {
            power: PowerState::On,
            ..vm("fuga", 1)
        };
        assert_eq!(word(&tasks[..1], &other, seen), None);
    }

    #[test]
    fn an_event_that_comes_late_does_not_make_an_ended_task_run_again() {
        let tasks = known(&[power(1, "off", "succeeded"), power(1, "off", "running")]);
        assert_eq!(tasks.running(), 0);
        assert_eq!(known(&[power(1, "off", "running")]).running(), 1);
    }

    #[test]
    fn a_list_that_is_loaded_again_still_knows_where_older_ones_begin() {
        let page = |id: u32, next_page: Option<&str>| TaskPage {
            items: vec![power(id, "on", "succeeded")],
            total: 2,
            next_page: next_page.map(str::to_owned),
        };
        let first = Tasks::default().with_newest(page(9, Some("9")));
        assert_eq!(first.older.as_deref(), Some("9"));
        let mut all = first;
        all.take_older(page(8, None));
        let again = all.with_newest(page(9, Some("9")));
        assert_eq!((again.older.as_deref(), again.newest().count()), (None, 2));
    }

    #[test]
    fn a_question_is_there_until_it_has_been_answered() {
        let key = VmKey::of(&on());
        let mut asked = power(1, "on", "running");
        asked.question = Some(Question {
            id: String::from("_vmx1"),
            text: String::from("Moved or copied?"),
            choices: Vec::new(),
        });
        assert!(known(std::slice::from_ref(&asked)).question(&key).is_some());
        assert!(known(&[asked, answer(2)]).question(&key).is_none());
    }

    #[test]
    fn a_question_that_the_node_reports_is_there_until_it_has_been_answered() {
        let question = Question {
            id: String::from("_vmx1"),
            text: String::from("Moved or copied?"),
            choices: Vec::new(),
        };
        let vm = Vm {
            question: Some(question.clone()),
            ..on()
        };
        let before = time("2026-11-22T11:00:00Z");
        let after = time("2026-11-22T13:00:00Z");
        let mut given = answer(2);
        given.finished_at = Some(time("2026-11-22T12:00:00Z"));
        let pending = |tasks: &[Task], vm: &Vm, seen_at| {
            let question = known(tasks).pending_question(vm, seen_at).cloned();
            question.map(|question| question.id)
        };
        let id = Some(question.id.clone());
        assert_eq!(pending(&[], &vm, before), id);
        assert_eq!(pending(&[given.clone()], &vm, before), None);
        // The node asks again.
        assert_eq!(pending(&[given], &vm, after), id);

        // Somebody else has answered what a task had met.
        let mut met = power(1, "on", "failed");
        met.finished_at = Some(time("2026-11-22T12:00:00Z"));
        met.question = Some(question);
        assert_eq!(pending(&[met.clone()], &on(), before), id);
        assert_eq!(pending(&[met], &on(), after), None);
    }

    #[test]
    fn an_answer_does_not_hide_what_became_of_the_change_that_waited_for_it() {
        let key = VmKey::of(&on());
        let newest = |tasks: &[Task]| known(tasks).newest_of(&key).map(|task| task.id);
        let cancelled = power(1, "on", "failed");
        assert_eq!(newest(&[cancelled.clone(), answer(2)]), Some(cancelled.id));
        let next = power(3, "off", "running");
        assert_eq!(newest(&[cancelled, answer(2), next.clone()]), Some(next.id));
        assert_eq!(newest(&[answer(2)]), None);
    }

    #[test]
    fn only_a_shutdown_that_ran_out_of_time_is_one_of_a_late_guest() {
        let ended = |action, kind| {
            let error = serde_json::json!({
                "type": format!("urn:ecoman:problem:{kind}"), "title": "", "status": 504,
                "detail": "It is still on.", "instance": "", "request_id": "",
            });
            timed_out_shutdown(&Task {
                error: Some(serde_json::from_value(error).expect("a problem")),
                ..power(1, action, "failed")
            })
        };
        assert_eq!(ended("shutdown", "task-timeout"), Some(120));
        assert_eq!(ended("shutdown", "task-refused"), None);
        assert_eq!(ended("off", "task-timeout"), None);
        assert_eq!(timed_out_shutdown(&power(1, "shutdown", "running")), None);
    }

    #[test]
    fn what_has_come_true_late_is_no_failure_any_more() {
        let off = Vm {
            power: PowerState::Off,
            ..on()
        };
        assert!(was_reached_anyway(&power(1, "shutdown", "failed"), &off));
        assert!(!was_reached_anyway(&power(1, "shutdown", "failed"), &on()));
        assert!(!was_reached_anyway(&power(1, "reset", "failed"), &on()));
    }

    #[test]
    fn no_task_has_taken_no_time() {
        let after = |millis: i64| {
            let began = DateTime::UNIX_EPOCH;
            took(&Task {
                started_at: Some(began),
                finished_at: Some(began + chrono::TimeDelta::milliseconds(millis)),
                ..power(1, "on", "succeeded")
            })
        };
        assert_eq!(after(400).as_deref(), Some("less than 1 s"));
        // A clock that was set back in between.
        assert_eq!(after(-2000).as_deref(), Some("less than 1 s"));
        assert_eq!(after(1000).as_deref(), Some("1 s"));
        assert_eq!(took(&power(1, "on", "running")), None);
    }

    #[test]
    fn a_step_does_not_say_again_what_stands_above_it() {
        let error = serde_json::json!({
            "type": "", "title": "", "status": 502, "instance": "", "request_id": "",
            "detail": "web on hoge: the host has no memory left. Look at its console.",
        });
        let task = Task {
            error: Some(serde_json::from_value(error).expect("a problem")),
            left: vec![String::from("web.vmx."), String::from("web.vmdk.")],
            ..power(1, "on", "failed")
        };
        assert!(is_shown_above(&task, "the host has no memory left."));
        assert!(is_shown_above(&task, "web.vmx. web.vmdk."));
        assert!(!is_shown_above(&task, "It is off."));
    }
}
