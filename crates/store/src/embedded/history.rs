//! The history in the file.

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
            let Some(vm) = &query.vm else {
                for stored in events.range(from..until)?.rev() {
                    let (id, json) = stored?;
                    if search.look_at(shared.event(id.value(), json.value())?) {
                        return Ok(search.page(true));
                    }
                }
                return Ok(search.page(false));
            };
            let (node, vmid) = (vm.node.as_str(), vm.vmid.0);
            let of_vm = transaction.open_table(VM_EVENTS)?;
            for stored in of_vm.range((node, vmid, from)..(node, vmid, until))?.rev() {
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
        let vm = event.and_then(|event| Some((event.node, event.vmid?)));
        oldest.push((id.value(), vm));
        if oldest.len() as u64 == FORGOTTEN_AT_ONCE {
            break;
        }
    }
    for (id, vm) in &oldest {
        events.remove(id)?;
        if let Some((node, vmid)) = vm {
            of_vms.remove((node.as_str(), vmid.0, *id))?;
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
            table.insert(event.id.as_u128(), without_key(event)?.as_slice())?;
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
