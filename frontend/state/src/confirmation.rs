//! What happens to VMs behind an open dialog, after the reader was asked about them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ecoman_api::{Node, PowerAction, PowerState, Task, TaskState, Vm};

use crate::inventory::{Row, VmKey, VmTable};
use crate::power_plan::{Known, Plan};
use crate::tasks::power_of;

/// What is left of a plan.
#[derive(Clone, Debug, Default)]
pub struct Since {
    /// Those that are as the reader saw them.
    pub doing: Vec<Arc<Row>>,
    /// Those that are not, as the reader saw them.
    pub changed: Vec<(Arc<Row>, Change)>,
    /// The nodes of `doing` that do not answer.
    pub silent: Vec<Arc<Node>>,
}

/// What has become of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its node lists it no more.
    Removed,
    /// It is in another state. `None`: ECoMan has not done it.
    Power(PowerState, Option<Cause>),
    /// Another change has begun.
    UnderWay(Cause),
    /// Another change was made, after which its state is the same, or not known yet.
    Done(Cause),
    /// It cannot be done any more, for this reason.
    Refused(String),
}

/// A change that was requested of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The change.
    pub action: PowerAction,
    /// Who requested it; `None`: nobody signs in.
    pub actor: Option<String>,
    /// When it ended, or was requested.
    pub at: DateTime<Utc>,
}

impl Since {
    /// What is left of `plan` now. Without a table nothing is known to have changed.
    pub fn new(plan: &Plan, table: Option<&VmTable>, known: Known<'_>) -> Self {
        let mut since = Self::default();
        for row in &plan.doing {
            match table.and_then(|table| change(plan, row, table, known)) {
                Some(change) => since.changed.push((Arc::clone(row), change)),
                None => since.doing.push(Arc::clone(row)),
            }
        }
        let silent = known.nodes.values().filter(|node| {
            node.reachable == Some(false) && since.doing.iter().any(|row| row.vm.node == node.name)
        });
        since.silent = silent.cloned().collect();
        since
    }

    /// The plan for those that are as the reader saw them.
    pub fn plan(&self, plan: &Plan) -> Plan {
        Plan {
            doing: self.doing.clone(),
            ..plan.clone()
        }
    }
}

impl PartialEq for Since {
    /// Whether it says the same; rows are the very same ones.
    fn eq(&self, other: &Self) -> bool {
        let rows = |since: &Self| since.doing.iter().map(Arc::as_ptr).collect::<Vec<_>>();
        let changes = |since: &Self| {
            let changes = since.changed.iter();
            changes
                .map(|(row, change)| (Arc::as_ptr(row), change.clone()))
                .collect::<Vec<_>>()
        };
        rows(self) == rows(other) && changes(self) == changes(other) && self.silent == other.silent
    }
}

/// What has become of the VM of `row`; `None`: it is as the reader saw it.
fn change(plan: &Plan, row: &Row, table: &VmTable, known: Known<'_>) -> Option<Change> {
    let key = VmKey::of(&row.vm);
    let Some(now) = table.get(&key) else {
        return Some(Change::Removed);
    };
    // The newest change, where it has begun or gone on since.
    let before = plan.latest.as_ref().map(|latest| latest.get(&key).copied());
    let newer = known
        .tasks
        .and_then(|tasks| tasks.power(&key))
        .filter(|task| before.is_some_and(|before| before != Some((task.id, task.state))));
    let is_another = |task: &Task| before.flatten().is_none_or(|(id, _)| id != task.id);
    let ended = newer.filter(|task| task.state == TaskState::Succeeded);
    let begun = newer.filter(|task| !task.state.is_final() && is_another(task));
    if let Some(cause) = begun.and_then(|task| cause(task)) {
        return Some(Change::UnderWay(cause));
    }
    if differs(&row.vm, &now.vm) {
        let ended = ended.and_then(|task| cause(task));
        let by = ended.filter(|cause| cause.action.leads_to() == now.vm.power);
        return Some(Change::Power(now.vm.power, by));
    }
    if let Some(cause) = ended.and_then(|task| cause(task)) {
        return Some(Change::Done(cause));
    }
    known.refusal(&now.vm, plan.action).map(Change::Refused)
}

fn differs(seen: &Vm, now: &Vm) -> bool {
    seen.power != now.power && now.power != PowerState::Unknown
}

fn cause(task: &Task) -> Option<Cause> {
    Some(Cause {
        action: power_of(task)?.0,
        actor: task.actor.clone(),
        at: task.finished_at.unwrap_or(task.created_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{power, time};
    use crate::format::tests::{node, vm};
    use crate::inventory::Nodes;
    use crate::tasks::Tasks;

    fn vm_1(power: PowerState) -> Vm {
        Vm {
            power,
            ..vm("hoge", 1)
        }
    }

    fn tasks(all: &[Task]) -> Tasks {
        let mut tasks = Tasks::default();
        all.iter().cloned().for_each(|task| tasks.take(task));
        tasks
    }

    /// A change that alice has requested, ended where it has.
    fn by_alice(id: u32, action: &str, state: &str) -> Task {
        let task = power(id, action, state);
        Task {
            actor: Some(String::from("alice")),
            finished_at: task.state.is_final().then(|| time("2026-11-22T12:00:05Z")),
            ..task
        }
    }

    /// What has become of VM 1, which was on when the reader was asked about `action`.
    fn behind(
        action: PowerAction,
        before: &[Task],
        now: Option<PowerState>,
        after: &[Task],
    ) -> Option<Change> {
        let (nodes, before, after) = (Nodes::new(), tasks(before), tasks(after));
        let known = |tasks| Known {
            nodes: &nodes,
            tasks: Some(tasks),
            config: None,
        };
        let seen = VmTable::new(vec![vm_1(PowerState::On)]);
        let plan = Plan::new(action, seen.rows(), known(&before));
        assert_eq!(plan.doing.len(), 1, "{:?}", plan.left_out);
        let table = VmTable::new(now.map(vm_1).into_iter().collect());
        let since = Since::new(&plan, Some(&table), known(&after));
        assert_eq!(since.doing.len() + since.changed.len(), 1);
        since.changed.into_iter().map(|(_, change)| change).next()
    }

    #[test]
    fn what_has_become_of_a_vm_is_said_with_who_has_done_it() {
        use PowerState::{Off, On, Suspended};
        let off = PowerAction::Off;
        assert_eq!(behind(off, &[], Some(On), &[]), None);
        assert_eq!(behind(off, &[], None, &[]), Some(Change::Removed));
        // Nobody here has done it.
        let outside = Change::Power(Suspended, None);
        assert_eq!(behind(off, &[], Some(Suspended), &[]), Some(outside));
        let cause = |action, at| Cause {
            action,
            actor: Some(String::from("alice")),
            at: time(at),
        };
        let begun = "2026-11-22T12:00:00Z";
        let ended = "2026-11-22T12:00:05Z";
        let running = by_alice(2, "suspend", "running");
        assert_eq!(
            behind(off, &[], Some(On), &[running]),
            Some(Change::UnderWay(cause(PowerAction::Suspend, begun)))
        );
        let done = by_alice(2, "suspend", "succeeded");
        assert_eq!(
            behind(off, &[], Some(Suspended), std::slice::from_ref(&done)),
            Some(Change::Power(
                Suspended,
                Some(cause(PowerAction::Suspend, ended))
            ))
        );
        // It has done something else since.
        assert_eq!(
            behind(off, &[], Some(Off), &[done]),
            Some(Change::Power(Off, None))
        );
        let reset = by_alice(2, "reset", "succeeded");
        assert_eq!(
            behind(off, &[], Some(On), &[reset]),
            Some(Change::Done(cause(PowerAction::Reset, ended)))
        );
        let failed = by_alice(2, "suspend", "failed");
        assert_eq!(behind(off, &[], Some(On), &[failed]), None);
    }

    #[test]
    fn the_wait_that_a_hard_change_ends_is_no_change_behind_it() {
        let waits = by_alice(1, "shutdown", "running");
        let off = PowerAction::Off;
        let on = Some(PowerState::On);
        let known = std::slice::from_ref(&waits);
        assert_eq!(behind(off, known, on, known), None);
        assert_eq!(
            behind(off, known, on, &[by_alice(1, "shutdown", "failed")]),
            None
        );
        let ended = behind(
            off,
            known,
            Some(PowerState::Off),
            &[by_alice(1, "shutdown", "succeeded")],
        );
        assert!(
            matches!(&ended, Some(Change::Power(PowerState::Off, Some(cause)))
                if cause.action == PowerAction::Shutdown),
            "{ended:?}"
        );
        // What was done before is no news.
        let before = by_alice(1, "reset", "succeeded");
        let before = std::slice::from_ref(&before);
        assert_eq!(behind(off, before, on, before), None);
    }

    #[test]
    fn a_node_that_goes_away_is_named_and_forbids_nothing() {
        let seen = VmTable::new(vec![vm_1(PowerState::On)]);
        let away = Node {
            reachable: Some(false),
            ..node("hoge")
        };
        let nodes = Nodes::from([(String::from("hoge"), Arc::new(away))]);
        let known = Known {
            nodes: &nodes,
            tasks: None,
            config: None,
        };
        let plan = Plan::new(PowerAction::Off, seen.rows(), known);
        let since = Since::new(&plan, Some(&seen), known);
        assert_eq!((since.doing.len(), since.silent.len()), (1, 1));
        assert_eq!(since.plan(&plan).doing.len(), 1);
    }
}
