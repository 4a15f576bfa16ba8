//! Changes of power of one VM or of many: what can be asked for, of which, and how loudly the
//! reader is asked back.

use std::collections::BTreeSet;
use std::sync::Arc;

use ecoman_api::{Config, GUEST_SECONDS_RANGE, Permission, PowerAction, Vm};

use crate::format;
use crate::inventory::{Nodes, Row, seen_at};
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
    /// The tasks.
    pub tasks: &'a Tasks,
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
        if let Some(task) = self.tasks.changing(vm, seen_at(vm, self.nodes)) {
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
}

impl Plan {
    /// Sorts out which of `rows` can be changed so.
    pub fn new(action: PowerAction, rows: &[Arc<Row>], known: Known<'_>) -> Self {
        let mut plan = Self {
            action,
            doing: Vec::new(),
            left_out: Vec::new(),
        };
        for row in rows {
            match known.refusal(&row.vm, action) {
                None => plan.doing.push(Arc::clone(row)),
                Some(reason) => plan.left_out.push((Arc::clone(row), reason)),
            }
        }
        plan
    }

    /// On how many nodes it is done.
    pub fn nodes(&self) -> usize {
        let nodes: BTreeSet<_> = self.doing.iter().map(|row| &row.vm.node).collect();
        nodes.len()
    }

    /// The number that the reader has to type before it is done: so that many are not changed by
    /// a slip. `None`: a click is enough.
    pub fn number_to_type(&self) -> Option<usize> {
        let count = self.doing.len();
        (count > FEW || self.nodes() > 1).then_some(count)
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

/// Whether it is done without asking back: nothing is lost by it.
pub fn is_harmless(action: PowerAction) -> bool {
    action == PowerAction::On
}

#[cfg(test)]
mod tests {
    use ecoman_api::PowerState;

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
            tasks,
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
                ("hoge", 1, "The VM is resetting… One change at a time."),
                (
                    "fuga",
                    1,
                    "The node is read-only: hosts.yml says read_only: true."
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
