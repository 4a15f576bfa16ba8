//! What a round changes: decided here once, carried out by each store in its way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use ecoman_model::{Round, RoundVms, VmRecord, Vmid};

use crate::StoreError;

/// Distinguishes one state of a node from another: it moves with every write to the node or its VMs, is
/// never used twice for a node, not even if the node is forgotten and comes back, and only
/// equality means anything.
pub type Revision = u64;

/// How much a call wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// VMs that were new or had changed.
    pub vms: usize,
    /// VMs that were removed.
    pub removed: usize,
}

/// What has to be written for the VMs of a node to become those of a round.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes<'a> {
    /// VMs that are new or differ, in the order of the round.
    pub(crate) vms: Vec<&'a VmRecord>,
    /// VMs that the node has no more.
    pub(crate) removed: Vec<Vmid>,
}

impl<'a> Changes<'a> {
    /// Compares a round with the VMs that are stored for its node.
    pub(crate) fn of_round(round: &'a Round, stored: &BTreeMap<Vmid, VmRecord>) -> Self {
        let RoundVms::Complete(vms) = &round.vms else {
            return Self::default();
        };
        let listed: BTreeSet<_> = vms.iter().map(|vm| vm.key.vmid).collect();
        Self {
            vms: vms
                .iter()
                .filter(|vm| differs(vm, stored.get(&vm.key.vmid)))
                .collect(),
            removed: stored
                .keys()
                .filter(|vmid| !listed.contains(vmid))
                .copied()
                .collect(),
        }
    }

    /// Compares one VM with what is stored of it.
    pub(crate) fn of_vm(vm: &'a VmRecord, stored: Option<&VmRecord>) -> Self {
        Self {
            vms: Some(vm)
                .filter(|vm| differs(vm, stored))
                .into_iter()
                .collect(),
            removed: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.vms.is_empty() && self.removed.is_empty()
    }

    /// The answer to the caller once all of it is written.
    pub(crate) fn written(&self) -> Written {
        Written {
            vms: self.vms.len(),
            removed: self.removed.len(),
        }
    }
}

fn differs(vm: &VmRecord, stored: Option<&VmRecord>) -> bool {
    !stored.is_some_and(|stored| stored.same_but_for_time(vm))
}

/// Whether a round makes sense: all its VMs are its node's, and none is there twice.
pub(crate) fn check(round: &Round) -> Result<(), StoreError> {
    let RoundVms::Complete(vms) = &round.vms else {
        return Ok(());
    };
    let mut seen = BTreeSet::new();
    for vm in vms {
        let problem = if vm.key.node != round.node.name {
            "a VM of another node"
        } else if !seen.insert(vm.key.vmid) {
            "the same VM twice"
        } else {
            continue;
        };
        return Err(StoreError::Round {
            node: round.node.name.clone(),
            vm: vm.key.clone(),
            problem,
        });
    }
    Ok(())
}

/// The revision that a node begins with now.
///
/// Microseconds since 1970: a node that is forgotten and comes back begins above every revision
/// that it had before, since no store writes a million times a second. So a reader that slept in
/// between sees that it is another state.
pub(crate) fn first_revision() -> Revision {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| Revision::try_from(since.as_micros()).ok())
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use ecoman_model::{LastKnown, NodeRecord, NodeSettings, Timestamp, VmFacts, VmKey};

    use super::*;

    fn vm(node: &str, vmid: u32, name: &str) -> VmRecord {
        VmRecord {
            key: VmKey {
                node: node.parse().unwrap(),
                vmid: Vmid(vmid),
            },
            facts: VmFacts {
                name: Some(name.to_owned()),
                ..VmFacts::default()
            },
            observed_at: Timestamp::UNIX_EPOCH,
            failure: None,
            last_known: LastKnown::default(),
        }
    }

    fn round(vms: RoundVms) -> Round {
        Round {
            node: NodeRecord {
                name: "hoge".parse().unwrap(),
                settings: NodeSettings {
                    address: String::new(),
                    port: 22,
                    username: String::new(),
                    datastore_path: String::new(),
                    installer_iso_path: String::new(),
                    network_port_group: String::new(),
                    max_sessions: 4,
                    read_only: false,
                },
                facts: None,
                observed_at: None,
                attempted_at: None,
                next_attempt_at: None,
                interval_seconds: 60,
                round_millis: None,
                failure: None,
                warnings: Vec::new(),
                collecting: None,
                vms_read_at: Vec::new(),
            },
            vms,
        }
    }

    fn stored(vms: &[VmRecord]) -> BTreeMap<Vmid, VmRecord> {
        vms.iter().map(|vm| (vm.key.vmid, vm.clone())).collect()
    }

    #[test]
    fn only_what_is_new_or_differs_is_written() {
        let (same, changed, new) = (vm("hoge", 1, "a"), vm("hoge", 2, "b"), vm("hoge", 4, "d"));
        let stored = stored(&[same.clone(), vm("hoge", 2, "B"), vm("hoge", 3, "c")]);
        let later = VmRecord {
            observed_at: same.observed_at + chrono::TimeDelta::minutes(1),
            ..same
        };
        let round = round(RoundVms::Complete(vec![
            later,
            changed.clone(),
            new.clone(),
        ]));
        assert_eq!(
            Changes::of_round(&round, &stored),
            Changes {
                vms: vec![&changed, &new],
                removed: vec![Vmid(3)],
            }
        );
    }

    #[test]
    fn a_node_that_did_not_answer_keeps_its_vms() {
        let stored = stored(&[vm("hoge", 1, "a")]);
        assert!(Changes::of_round(&round(RoundVms::Unchanged), &stored).is_empty());
    }

    #[test]
    fn a_vm_that_can_no_longer_be_read_is_a_change() {
        let before = vm("hoge", 1, "a");
        let after = VmRecord {
            failure: Some("could not be read".to_owned()),
            ..before.clone()
        };
        assert_eq!(Changes::of_vm(&after, Some(&before)).vms, [&after]);
    }

    #[test]
    fn a_round_is_about_one_node_and_each_vm_once() {
        let fine = round(RoundVms::Complete(vec![
            vm("hoge", 1, "a"),
            vm("hoge", 2, "a"),
        ]));
        assert!(check(&fine).is_ok());
        for (vms, message) in [
            (
                vec![vm("fuga", 1, "a")],
                "the poll of hoge is inconsistent: it has a VM of another node (fuga/1)",
            ),
            (
                vec![vm("hoge", 1, "a"), vm("hoge", 1, "b")],
                "the poll of hoge is inconsistent: it has the same VM twice (hoge/1)",
            ),
        ] {
            let error = check(&round(RoundVms::Complete(vms))).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
