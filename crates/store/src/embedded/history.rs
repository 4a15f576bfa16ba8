//! The history in the file.

use std::collections::{BTreeSet, BinaryHeap};

use async_trait::async_trait;
use ecoman_model::{Event, NodeName, Task, Timestamp, Vmid};
use redb::{ReadableDatabase, ReadableTable, WriteTransaction};
use uuid::Uuid;

use super::file::{Change, EmbeddedStore, Failure, Shared, to_json};
use super::tables::{EVENTS, VM_EVENTS};
use crate::history::{Search, first_id_at, is_explained, may_be_explained, merged, time_of};
use crate::record;
use crate::{HistoryPage, HistoryQuery, HistoryStore, StoreError};

#[async_trait]
impl HistoryStore for EmbeddedStore {
    async fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        let query = query.clone();
        self.read("the history", move |shared, database| {
            let transaction = database.begin_read()?;
            let events = transaction.open_table(EVENTS)?;
            let (from, until) = query.ids();
            let mut search = Search::new(&query);
            if from >= until {
                return Ok(search.page(false));
            }
            let of_vms = transaction.open_table(VM_EVENTS)?;
            let Some(vm) = &query.vm else {
                if (1..=MERGED_NODES).contains(&query.nodes.len()) {
                    let mut newest = Newest::of_nodes(&of_vms, &query.nodes, (from, until))?;
                    while let Some(id) = newest.next(&of_vms)? {
                        let Some(json) = events.get(id)? else {
                            continue;
                        };
                        if search.look_at(shared.event(id, json.value())?) {
                            return Ok(search.page(true));
                        }
                    }
                    return Ok(search.page(false));
                }
                for stored in events.range(from..until)?.rev() {
                    let (id, json) = stored?;
                    if search.look_at(shared.event(id.value(), json.value())?) {
                        return Ok(search.page(true));
                    }
                }
                return Ok(search.page(false));
            };
            let (node, vmid) = (vm.node.as_str(), vm.vmid.0);
            for stored in of_vms.range((node, vmid, from)..(node, vmid, until))?.rev() {
                let (_, _, id) = stored?.0.value();
                let Some(json) = events.get(id)? else {
                    continue;
                };
                if search.look_at(shared.event(id, json.value())?) {
                    return Ok(search.page(true));
                }
            }
            Ok(search.page(false))
        })
        .await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        let first_kept = first_id_at(before);
        let mut total = 0;
        loop {
            let forgotten = self
                .write("the history", move |_, transaction| {
                    forget_oldest(transaction, first_kept)
                })
                .await?;
            total += forgotten;
            if forgotten < FORGOTTEN_AT_ONCE {
                return Ok(total);
            }
        }
    }
}

/// Of so many nodes at most the events are merged; those of more are a great part of all, which are
/// passed in their order.
const MERGED_NODES: usize = 8;

/// Where the events of a node that are about none of its VMs stand among those of its VMs: behind
/// them.
const OF_NODE_ITSELF: u32 = u32::MAX;

/// The events of some nodes, newest first, out of those of each VM. Costs two look-ups for each VM,
/// and one for each event, however many there are.
struct Newest<'q> {
    from: u128,
    /// The newest of each VM that was not returned: its id, the node and the VM.
    heads: BinaryHeap<(u128, &'q str, u32)>,
}

type VmEvents = redb::ReadOnlyTable<(&'static str, u32, u128), ()>;

impl<'q> Newest<'q> {
    fn of_nodes(
        table: &VmEvents,
        nodes: &'q [NodeName],
        (from, until): (u128, u128),
    ) -> Result<Self, Failure> {
        let mut newest = Self {
            from,
            heads: BinaryHeap::new(),
        };
        // Each once, or its events would be there twice.
        let names: BTreeSet<&str> = nodes.iter().map(NodeName::as_str).collect();
        for node in names {
            let mut vmid = Some(0);
            while let Some(least) = vmid {
                let others = (node, least, u128::MIN)..=(node, u32::MAX, u128::MAX);
                let Some(first) = table.range(others)?.next() else {
                    break;
                };
                let (_, found, _) = first?.0.value();
                newest.push(table, (until, node, found))?;
                vmid = found.checked_add(1);
            }
        }
        Ok(newest)
    }

    /// Adds the newest event of a VM before an id.
    fn push(
        &mut self,
        table: &VmEvents,
        (until, node, vmid): (u128, &'q str, u32),
    ) -> Result<(), Failure> {
        let older = (node, vmid, self.from)..(node, vmid, until.max(self.from));
        if let Some(stored) = table.range(older)?.next_back() {
            let (_, _, id) = stored?.0.value();
            self.heads.push((id, node, vmid));
        }
        Ok(())
    }

    fn next(&mut self, table: &VmEvents) -> Result<Option<u128>, Failure> {
        let Some(head) = self.heads.pop() else {
            return Ok(None);
        };
        self.push(table, head)?;
        Ok(Some(head.0))
    }
}

/// What is stored of an event: its id is the key, and its time is in that. Of millions of events they
/// would be a third.
fn without_key(event: Event) -> Result<Vec<u8>, Failure> {
    to_json(&Event {
        id: Uuid::nil(),
        at: Timestamp::UNIX_EPOCH,
        ..event
    })
}

/// So many events are forgotten in one write: rounds wait for its end.
const FORGOTTEN_AT_ONCE: u64 = 10_000;

/// Forgets the oldest of the events before an id. Returns how many.
fn forget_oldest(
    transaction: &WriteTransaction,
    first_kept: u128,
) -> Result<(u64, Change), Failure> {
    let mut events = transaction.open_table(EVENTS)?;
    let mut of_vms = transaction.open_table(VM_EVENTS)?;
    let mut oldest = Vec::new();
    for stored in events.range(..first_kept)? {
        let (id, json) = stored?;
        // Searches pass over what is left of one that cannot be read.
        let event = record::from_json::<Event>(json.value()).ok();
        let vm = event.map(|event| (event.node, event.vmid));
        oldest.push((id.value(), vm));
        if oldest.len() as u64 == FORGOTTEN_AT_ONCE {
            break;
        }
    }
    for (id, vm) in &oldest {
        events.remove(id)?;
        if let Some((node, vmid)) = vm {
            let vmid = vmid.map_or(OF_NODE_ITSELF, |vmid| vmid.0);
            of_vms.remove((node.as_str(), vmid, *id))?;
        }
    }
    let change = if oldest.is_empty() {
        Change::None
    } else {
        Change::Silent
    };
    Ok((oldest.len() as u64, change))
}

impl Shared {
    /// Records events. `since`: when their VMs were seen before.
    pub(super) fn record_events(
        &self,
        transaction: &WriteTransaction,
        events: Vec<Event>,
        since: Timestamp,
    ) -> Result<(), Failure> {
        if events.is_empty() {
            return Ok(());
        }
        let tasks = match events.iter().find(|event| may_be_explained(event)) {
            Some(event) => self.newest_tasks(transaction, &event.node)?,
            None => Vec::new(),
        };
        for event in events {
            if !is_explained(&event, since, &tasks) {
                self.put_event(transaction, event)?;
            }
        }
        Ok(())
    }

    /// Records one event; one with the same id is replaced.
    pub(super) fn put_event(
        &self,
        transaction: &WriteTransaction,
        event: Event,
    ) -> Result<(), Failure> {
        let mut table = transaction.open_table(EVENTS)?;
        let mut of_vms = transaction.open_table(VM_EVENTS)?;
        let node = event.node.clone();
        let Some(Vmid(vmid)) = event.vmid else {
            let id = event.id.as_u128();
            table.insert(id, without_key(event)?.as_slice())?;
            of_vms.insert((node.as_str(), OF_NODE_ITSELF, id), ())?;
            return Ok(());
        };
        let all = (node.as_str(), vmid, u128::MIN)..=(node.as_str(), vmid, u128::MAX);
        let newest = match of_vms.range(all)?.next_back() {
            Some(stored) => Some(stored?.0.value().2),
            None => None,
        };
        let older = match newest {
            Some(id) => match table.get(id)? {
                Some(json) => Some(self.event(id, json.value())?),
                None => None,
            },
            None => None,
        };
        let one = older.as_ref().and_then(|older| merged(older, &event));
        if let (Some(older), Some(_)) = (&older, &one) {
            table.remove(older.id.as_u128())?;
            of_vms.remove((node.as_str(), vmid, older.id.as_u128()))?;
        }
        let event = one.unwrap_or(event);
        let id = event.id.as_u128();
        table.insert(id, without_key(event)?.as_slice())?;
        of_vms.insert((node.as_str(), vmid, id), ())?;
        Ok(())
    }

    fn event(&self, id: u128, json: &[u8]) -> Result<Event, Failure> {
        let mut event: Event = record::from_json(json)
            .map_err(|error| self.unreadable(&format!("event {}", Uuid::from_u128(id)), error))?;
        event.id = Uuid::from_u128(id);
        event.at = time_of(event.id);
        Ok(event)
    }

    /// The newest tasks on a node.
    fn newest_tasks(
        &self,
        transaction: &WriteTransaction,
        node: &NodeName,
    ) -> Result<Vec<Task>, Failure> {
        let mut tasks = self.newest_of_all_tasks(transaction)?;
        tasks.retain(|task| task.node == *node);
        Ok(tasks)
    }
}
