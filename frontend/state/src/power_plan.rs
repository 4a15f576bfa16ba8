//! Changes of power of one VM or of many: what can be asked for, of which, and how loudly the
//! reader is asked back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ecoman_api::{
    Config, GUEST_SECONDS_RANGE, Permission, PowerAction, PowerState, TaskId, TaskState, Vm,
};

use crate::format;
use crate::inventory::{Nodes, Row, VmKey, seen_at};
use crate::tasks::{Tasks, power_of};
use crate::text;

/// The next time limit, in seconds, for a guest that did not shut down in `seconds`.
pub fn doubled_wait(seconds: u32) -> u32 {
    seconds.saturating_mul(2).min(*GUEST_SECONDS_RANGE.end())
}

/// More VMs than this are counted by the reader.
const FEW: usize = 5;

/// What is known when a change is thought about.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The nodes.
    pub nodes: &'a Nodes,
    /// The tasks; `None`: they are not loaded yet.
    pub tasks: Option<&'a Tasks>,
    /// What the server reports of itself.
    pub config: Option<&'a Config>,
}

impl Known<'_> {
    /// Why a change cannot be asked for now, as a sentence. `None`: it can.
    pub fn refusal(&self, vm: &Vm, action: PowerAction) -> Option<String> {
        let refused = &text::acts().refused;
        let forbidden = self
            .config
            .is_some_and(|config| !config.identity.may.contains(&Permission::Power));
        if forbidden {
            return Some(refused.not_permitted.to_owned());
        }
        let changing = self
            .tasks
            .and_then(|tasks| tasks.changing(vm, seen_at(vm, self.nodes)));
        if let Some(task) = changing {
            let (under_way, _) = power_of(task)?;
            // A hard change ends the wait for a guest, and needs no wait of its own.
            let waits_for_guest = !task.state.is_final() && under_way.hard_counterpart().is_some();
            if !(waits_for_guest && action.is_hard()) {
                return Some((refused.under_way)(text::acts().under_way.of(under_way)));
            }
        }
        let read_only = self.nodes.get(&vm.node).is_some_and(|node| node.read_only);
        action
            .may(&vm.situation(read_only))
            .err()
            .map(|refusal| (text::refusals().sentence)(&refusal))
    }
}

/// What a change of power would do to the VMs that it is asked for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The change.
    pub action: PowerAction,
    /// Those that it is done to.
    pub doing: Vec<Arc<Row>>,
    /// Those that are left out, with the reason.
    pub left_out: Vec<(Arc<Row>, String)>,
    /// The newest change of each of `doing` that has had one; `None`: the tasks were not loaded.
    pub(crate) latest: Option<HashMap<VmKey, (TaskId, TaskState)>>,
}

impl Plan {
    /// Sorts out which of `rows` can be changed so.
    pub fn new(action: PowerAction, rows: &[Arc<Row>], known: Known<'_>) -> Self {
        let mut plan = Self {
            action,
            doing: Vec::new(),
            left_out: Vec::new(),
            latest: None,
        };
        for row in rows {
            match known.refusal(&row.vm, action) {
                None => plan.doing.push(Arc::clone(row)),
                Some(reason) => plan.left_out.push((Arc::clone(row), reason)),
            }
        }
        plan.latest = known.tasks.map(|tasks| {
            let keys = plan.doing.iter().map(|row| VmKey::of(&row.vm));
            keys.filter_map(|key| {
                let task = tasks.power(&key)?;
                Some((key, (task.id, task.state)))
            })
            .collect()
        });
        plan
    }

    /// On how many nodes it is done.
    pub fn nodes(&self) -> usize {
        let nodes: BTreeSet<_> = self.doing.iter().map(|row| &row.vm.node).collect();
        nodes.len()
    }

    /// The number that the reader has to type before it is done: so that many are not changed by
    /// a slip. `None`: a click is enough, as where nothing is lost.
    pub fn number_to_type(&self) -> Option<usize> {
        let count = self.doing.len();
        let many = count > FEW || self.nodes() > 1;
        (many && !is_harmless(self.action)).then_some(count)
    }

    /// How many VMs lose the memory that was saved when they were suspended.
    pub fn loses_saved_memory(&self) -> usize {
        let rows = self.doing.iter();
        rows.filter(|row| loses_saved_memory(self.action, &row.vm))
            .count()
    }

    /// The nodes whose free memory is less than that of the VMs to be powered on there, each with
    /// both in MB.
    pub fn short_of_memory(&self, nodes: &Nodes) -> Vec<(String, u64, u64)> {
        if self.action != PowerAction::On {
            return Vec::new();
        }
        let mut wanted = BTreeMap::<&str, u64>::new();
        for row in &self.doing {
            *wanted.entry(&row.vm.node).or_default() += row.vm.memory_mb.unwrap_or_default();
        }
        let short = wanted.into_iter().filter_map(|(name, wanted)| {
            let node = nodes.get(name)?;
            let installed = node.memory.capacity_bytes? >> 20;
            let free = installed.saturating_sub(node.memory.usage_mb?);
            (wanted > free).then(|| (name.to_owned(), wanted, free))
        });
        short.collect()
    }

    /// `3 VMs on 2 nodes`, or the name of the only one and of its node: another node may have one
    /// of the same name.
    pub fn whom(&self) -> String {
        let texts = &text::deferred().power;
        match self.doing.as_slice() {
            [row] => (texts.vm_on_node)(format::vm_name(&row.vm), &row.vm.node),
            rows => match self.nodes() {
                0 | 1 => (texts.vms)(rows.len()),
                nodes => (texts.vms_on_nodes)(rows.len(), nodes),
            },
        }
    }
}

/// Whether a change costs a VM the memory that was saved when it was suspended.
pub fn loses_saved_memory(action: PowerAction, vm: &Vm) -> bool {
    action == PowerAction::Off && vm.power == PowerState::Suspended
}

/// Whether it is done without asking back: nothing is lost by it.
pub fn is_harmless(action: PowerAction) -> bool {
    action == PowerAction::On
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::power;
    use crate::format::tests::{node, vm};
    use crate::inventory::VmTable;

    fn rows(nodes: &[(&str, u32)]) -> Vec<Arc<Row>> {
        let vms = nodes.iter().flat_map(|&(node, count)| {
            (1..=count).map(move |vmid| Vm {
                power: PowerState::On,
                ..vm(node, vmid)
            })
        });
        VmTable::new(vms.collect()).rows().to_vec()
    }

    fn plan(action: PowerAction, rows: &[Arc<Row>], nodes: &Nodes, tasks: &Tasks) -> Plan {
        let known = Known {
            nodes,
            tasks: Some(tasks),
            config: None,
        };
        Plan::new(action, rows, known)
    }

    #[test]
    fn a_late_guest_gets_twice_the_time_up_to_the_most_there_is() {
        assert_eq!(
            [5, 120, 2000, 3600].map(doubled_wait),
            [10, 240, 3600, 3600]
        );
    }

    #[test]
    fn many_vms_or_several_nodes_are_counted_by_the_reader() {
        for (nodes, number) in [
            (vec![("hoge", 1)], None),
            (vec![("hoge", 5)], None),
            (vec![("hoge", 6)], Some(6)),
            (vec![("hoge", 1), ("fuga", 1)], Some(2)),
        ] {
            let plan = plan(
                PowerAction::Off,
                &rows(&nodes),
                &Nodes::new(),
                &Tasks::default(),
            );
            assert_eq!(plan.number_to_type(), number, "{nodes:?}");
        }
    }

    #[test]
    fn to_power_on_many_a_click_is_enough() {
        let off = VmTable::new((1..=9).map(|vmid| vm("hoge", vmid)).collect());
        let off: Vec<_> = off.rows().to_vec();
        let plan = plan(PowerAction::On, &off, &Nodes::new(), &Tasks::default());
        assert_eq!((plan.doing.len(), plan.number_to_type()), (9, None));
    }

    #[test]
    fn what_powering_off_costs_a_suspended_vm_is_counted() {
        let suspended = Vm {
            power: PowerState::Suspended,
            ..vm("hoge", 9)
        };
        let mut rows = rows(&[("hoge", 2)]);
        rows.extend(VmTable::new(vec![suspended]).rows().iter().cloned());
        let none = (Nodes::new(), Tasks::default());
        let loses = |action| plan(action, &rows, &none.0, &none.1).loses_saved_memory();
        assert_eq!((loses(PowerAction::Off), loses(PowerAction::On)), (1, 0));
    }

    #[test]
    fn a_node_without_room_for_the_vms_to_be_powered_on_is_named() {
        let full = ecoman_api::Node {
            memory: ecoman_api::Memory {
                capacity_bytes: Some(4096 << 20),
                usage_mb: Some(3072),
                free_mb: Some(1024),
            },
            ..node("hoge")
        };
        let nodes = Nodes::from([(String::from("hoge"), Arc::new(full))]);
        let off = |memory_mb| {
            let vm = |vmid| Vm {
                memory_mb: Some(memory_mb),
                ..vm("hoge", vmid)
            };
            VmTable::new(vec![vm(1), vm(2)]).rows().to_vec()
        };
        let short = |action, memory_mb| {
            plan(action, &off(memory_mb), &nodes, &Tasks::default()).short_of_memory(&nodes)
        };
        assert_eq!(short(PowerAction::On, 512), []);
        let expected = [(String::from("hoge"), 2048, 1024)];
        assert_eq!(short(PowerAction::On, 1024), expected);
    }

    #[test]
    fn who_is_left_out_is_reported_with_the_reason() {
        let read_only = ecoman_api::Node {
            read_only: true,
            ..node("fuga")
        };
        let nodes = Nodes::from([(String::from("fuga"), Arc::new(read_only))]);
        let mut tasks = Tasks::default();
        tasks.take(power(1, "reset", "running"));
        let rows = rows(&[("hoge", 2), ("fuga", 1)]);
        let off = plan(PowerAction::Off, &rows, &nodes, &tasks);
        let reasons: Vec<_> = off
            .left_out
            .iter()
            .map(|(row, reason)| (row.vm.node.as_str(), row.vm.vmid, reason.as_str()))
            .collect();
        assert_eq!(
            reasons,
            [
                (
                    "hoge",
                    1,
                    "The VM is resetting… Wait for it to finish or cancel it."
                ),
                (
                    "fuga",
                    1,
                    "The host is read-only (read_only: true in hosts.yml)."
                ),
            ]
        );
        assert_eq!(off.doing.len(), 1);
        assert_eq!(off.number_to_type(), None);
        let on = plan(PowerAction::On, &rows, &nodes, &tasks);
        assert!(on.doing.is_empty());
    }

    #[test]
    fn a_hard_change_need_not_wait_for_a_guest() {
        let mut tasks = Tasks::default();
        tasks.take(power(1, "shutdown", "running"));
        let rows = rows(&[("hoge", 1)]);
        let left_out = |action| plan(action, &rows, &Nodes::new(), &tasks).left_out.len();
        assert_eq!(left_out(PowerAction::Off), 0);
        assert_eq!(left_out(PowerAction::Reset), 0);
        assert_eq!(left_out(PowerAction::Suspend), 1);
        assert_eq!(left_out(PowerAction::Reboot), 1);
    }
}
