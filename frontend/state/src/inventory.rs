//! Every VM that the page knows, patched by events.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ecoman_api::{Node, Searchable, Vm};

/// The nodes by name.
pub type Nodes = BTreeMap<String, Arc<Node>>;

/// One VM among all nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VmKey {
    /// Its node.
    pub node: String,
    /// Its id there.
    pub vmid: u32,
}

impl VmKey {
    /// The key of a VM.
    pub fn of(vm: &Vm) -> Self {
        Self {
            node: vm.node.clone(),
            vmid: vm.vmid,
        }
    }
}

/// A VM with what the list needs of it again and again.
#[derive(Debug)]
pub struct Row {
    /// The VM.
    pub vm: Vm,
    /// Its texts, ready for filters.
    pub searchable: Searchable,
    /// When an event changed something of it that people look for; `None`: not since the list
    /// was loaded.
    pub changed_at: Option<DateTime<Utc>>,
}

impl Row {
    fn new(vm: Vm, changed_at: Option<DateTime<Utc>>) -> Self {
        Self {
            searchable: Searchable::new(&vm),
            vm,
            changed_at,
        }
    }

    /// Whether this is the row of `key`.
    pub fn is(&self, key: &VmKey) -> bool {
        self.vm.vmid == key.vmid && self.vm.node == key.node
    }
}

/// Every VM, in no order.
#[derive(Debug, Default)]
pub struct VmTable {
    rows: Vec<Arc<Row>>,
    index: HashMap<VmKey, usize>,
}

impl VmTable {
    /// A table of freshly loaded VMs.
    pub fn new(vms: Vec<Vm>) -> Self {
        let mut table = Self {
            rows: Vec::with_capacity(vms.len()),
            index: HashMap::with_capacity(vms.len()),
        };
        for vm in vms {
            table.put(Row::new(vm, None));
        }
        table
    }

    /// All rows.
    pub fn rows(&self) -> &[Arc<Row>] {
        &self.rows
    }

    /// The row of one VM.
    pub fn get(&self, key: &VmKey) -> Option<&Arc<Row>> {
        self.rows.get(*self.index.get(key)?)
    }

    /// Takes a VM as an event brought it at `now`.
    pub fn upsert(&mut self, vm: Vm, now: DateTime<Utc>) {
        let changed_at = match self.get(&VmKey::of(&vm)) {
            Some(old) if !differs_noticeably(&old.vm, &vm) => old.changed_at,
            _ => Some(now),
        };
        self.put(Row::new(vm, changed_at));
    }

    /// Forgets a VM.
    pub fn remove(&mut self, key: &VmKey) {
        let Some(place) = self.index.remove(key) else {
            return;
        };
        self.rows.swap_remove(place);
        if let Some(moved) = self.rows.get(place) {
            self.index.insert(VmKey::of(&moved.vm), place);
        }
    }

    fn put(&mut self, row: Row) {
        let key = VmKey::of(&row.vm);
        let row = Arc::new(row);
        let known = self.index.get(&key).copied();
        match known.and_then(|place| self.rows.get_mut(place)) {
            Some(slot) => *slot = row,
            None => {
                self.index.insert(key, self.rows.len());
                self.rows.push(row);
            }
        }
    }
}

/// When the facts of a VM were last seen to be true.
pub fn seen_at(vm: &Vm, nodes: &Nodes) -> DateTime<Utc> {
    vm.seen_at(nodes.get(&vm.node).map(Arc::as_ref))
}

/// Whether a change is worth a glance; use and uptime move all the time.
fn differs_noticeably(old: &Vm, new: &Vm) -> bool {
    old.power != new.power
        || old.name != new.name
        || old.hostname != new.hostname
        || old.ip_address != new.ip_address
        || old.cpus != new.cpus
        || old.memory_mb != new.memory_mb
        || old.large != new.large
        || old.comment != new.comment
        || old.stale != new.stale
        || old.question != new.question
        || old.pending != new.pending
}

#[cfg(test)]
mod tests {
    use ecoman_api::PowerState;

    use super::*;
    use crate::format::tests::vm;

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn keys(table: &VmTable) -> Vec<VmKey> {
        let mut keys: Vec<_> = table.rows().iter().map(|row| VmKey::of(&row.vm)).collect();
        keys.sort();
        keys
    }

    #[test]
    fn every_vm_is_found_again_after_others_have_gone() {
        let mut table = VmTable::new((0..10).map(|vmid| vm("hoge", vmid)).collect());
        for vmid in [3, 9, 0, 3] {
            table.remove(&VmKey::of(&vm("hoge", vmid)));
        }
        table.upsert(vm("fuga", 3), now());
        assert_eq!(table.rows().len(), 8);
        for key in keys(&table) {
            assert!(table.get(&key).is_some_and(|row| row.is(&key)), "{key:?}");
        }
        assert!(table.get(&VmKey::of(&vm("hoge", 3))).is_none());
    }

    #[test]
    fn a_vm_that_is_there_already_is_replaced() {
        let mut table = VmTable::new(vec![vm("hoge", 1)]);
        let on = Vm {
            power: PowerState::On,
            ..vm("hoge", 1)
        };
        table.upsert(on.clone(), now());
        assert_eq!(table.rows().len(), 1);
        assert_eq!(table.get(&VmKey::of(&on)).map(|row| &row.vm), Some(&on));
    }

    #[test]
    fn only_what_people_look_for_counts_as_a_change() {
        let mut table = VmTable::new(vec![vm("hoge", 1)]);
        let key = VmKey::of(&vm("hoge", 1));
        let changed = |table: &VmTable| table.get(&key).and_then(|row| row.changed_at);
        assert_eq!(changed(&table), None);
        let busy = Vm {
            cpu_usage_mhz: Some(100),
            uptime_seconds: Some(60),
            ..vm("hoge", 1)
        };
        table.upsert(busy.clone(), now());
        assert_eq!(changed(&table), None);
        table.upsert(
            Vm {
                power: PowerState::On,
                ..busy
            },
            now(),
        );
        assert_eq!(changed(&table), Some(now()));
        table.upsert(vm("fuga", 1), now());
        let new = table.get(&VmKey::of(&vm("fuga", 1)));
        assert_eq!(new.and_then(|row| row.changed_at), Some(now()));
    }
}
