//! What events change in the lists, and how long to wait before the next attempt to load them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ecoman_api::{Event, NodePage};

use crate::inventory::{Nodes, VmKey, VmTable};
use crate::tasks::Tasks;

/// A page of nodes, by name.
pub fn by_name(page: NodePage) -> Nodes {
    page.items
        .into_iter()
        .map(|node| (node.name.clone(), Arc::new(node)))
        .collect::<BTreeMap<_, _>>()
}

/// The events that a list of this revision does not contain yet.
pub fn newer(events: Vec<(u64, Event)>, revision: u64) -> impl Iterator<Item = Event> {
    events
        .into_iter()
        .filter_map(move |(id, event)| (id > revision).then_some(event))
}

/// Applies events about VMs that came at `now`.
pub fn apply_to_vms(table: &mut VmTable, events: impl Iterator<Item = Event>, now: DateTime<Utc>) {
    for event in events {
        match event {
            Event::Vm(vm) => table.upsert(*vm, now),
            Event::VmRemoved(gone) => table.remove(&VmKey {
                node: gone.node,
                vmid: gone.vmid,
            }),
            Event::Node(_)
            | Event::NodeRemoved(_)
            | Event::Task(_)
            | Event::Config(_)
            | Event::Reset(_)
            | Event::Ping(_) => {}
        }
    }
}

/// Applies events about nodes.
pub fn apply_to_nodes(nodes: &mut Nodes, events: impl Iterator<Item = Event>) {
    for event in events {
        match event {
            Event::Node(node) => {
                nodes.insert(node.name.clone(), Arc::from(node));
            }
            Event::NodeRemoved(gone) => {
                nodes.remove(&gone.name);
            }
            Event::Vm(_)
            | Event::VmRemoved(_)
            | Event::Task(_)
            | Event::Config(_)
            | Event::Reset(_)
            | Event::Ping(_) => {}
        }
    }
}

/// Applies events about tasks.
pub fn apply_to_tasks(tasks: &mut Tasks, events: impl Iterator<Item = Event>) {
    for event in events {
        if let Event::Task(task) = event {
            tasks.take(*task);
        }
    }
}

/// How long to wait after so many failures in a row: 1 s, then twice as long each time, at most
/// 30 s.
pub fn back_off(failures: u32) -> Duration {
    let seconds = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(30);
    Duration::from_secs(seconds.clamp(1, 30))
}

#[cfg(test)]
mod tests {
    use ecoman_api::VmRemoved;

    use super::*;
    use crate::format::tests::vm;

    #[test]
    fn the_wait_doubles_up_to_half_a_minute() {
        let waits: Vec<_> = [0, 1, 2, 3, 5, 6, 63, 64, u32::MAX]
            .into_iter()
            .map(|failures| back_off(failures).as_secs())
            .collect();
        assert_eq!(waits, [1, 1, 2, 4, 16, 30, 30, 30, 30]);
    }

    #[test]
    fn events_that_a_list_already_contains_are_dropped() {
        let mut table = VmTable::new(vec![vm("hoge", 1)]);
        let gone = |vmid| {
            Event::VmRemoved(VmRemoved {
                node: "hoge".into(),
                vmid,
            })
        };
        let events = vec![
            (9, gone(1)),
            (10, gone(1)),
            (11, Event::Vm(vm("hoge", 2).into())),
        ];
        apply_to_vms(&mut table, newer(events, 10), DateTime::UNIX_EPOCH);
        assert_eq!(table.rows().len(), 2);
        apply_to_vms(
            &mut table,
            newer(vec![(12, gone(1))], 10),
            DateTime::UNIX_EPOCH,
        );
        assert_eq!(table.rows().len(), 1);
    }
}
