//! The history in MongoDB.

use async_trait::async_trait;
use ecoman_model::{Event, EventKind, NodeName, Task, Timestamp};
use mongodb::IndexModel;
use mongodb::bson::{Document, RawArrayBuf, RawDocumentBuf, doc, rawdoc};
use uuid::Uuid;

use super::connection::Doing;
use super::tasks::TASKS;
use super::{MongoStore, encode_record};
use crate::history::{Search, TASKS_COMPARED, first_id_at, is_explained, may_be_explained, merged};
use crate::{HistoryPage, HistoryQuery, HistoryStore, StoreError};

/// The collection of events: [`Event`] with the id as `_id`, so by age.
const EVENTS: &str = "events";

/// So many events are written in one request.
const EVENTS_AT_ONCE: usize = 500;

/// So many events are read at once where each is looked at.
const BATCH: i64 = 1000;

/// So many events are searched at once where no index finds those that are wanted.
const SEARCHED_AT_ONCE: u64 = 20_000;

#[async_trait]
impl HistoryStore for MongoStore {
    async fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        let doing = Doing::Read("the history".into());
        let (from, mut until) = query.ids();
        let is_indexed = query.vm.is_some() || (query.kinds.is_empty() && query.users.is_empty());
        let mut search = Search::new(query);
        loop {
            if from >= until {
                return Ok(search.page(false));
            }
            let edge = match is_indexed {
                true => None,
                false => self.edge(from, until).await?,
            };
            let mut filter = wanted(query);
            let first = edge.unwrap_or(from);
            filter.insert("_id", doc! { "$gte": id(first), "$lt": id(until) });
            let newest_first = doc! { "_id": -1 };
            let limit = match query.text.as_str() {
                "" => i64::try_from(query.limit.max(1))
                    .unwrap_or(BATCH)
                    .min(BATCH),
                _ => BATCH,
            };
            let found = self
                .connection
                .find(EVENTS, filter, newest_first, limit, &doing)
                .await?;
            let events: Vec<Event> = self.connection.read_records(EVENTS, &found)?;
            let count = events.len();
            for event in events {
                until = event.id.as_u128();
                if search.look_at(event) {
                    return Ok(search.page(true));
                }
            }
            if i64::try_from(count).is_ok_and(|count| count < limit) {
                let Some(edge) = edge else {
                    return Ok(search.page(false));
                };
                if search.pauses_at(Uuid::from_u128(edge)) {
                    return Ok(search.page(true));
                }
                until = edge;
            }
        }
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        let events = self.connection.collection(EVENTS).await?;
        let gone = events.delete_many(doc! { "_id": { "$lt": id(first_id_at(before)) } });
        let doing = Doing::Write("the history".into());
        Ok(self.connection.request(&doing, gone).await?.deleted_count)
    }
}

impl MongoStore {
    /// Records events. `since`: when their VMs were seen before. Events that are recorded again do no
    /// harm.
    pub(super) async fn record_events(
        &self,
        events: Vec<Event>,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let tasks = match events.iter().find(|event| may_be_explained(event)) {
            Some(event) => self.newest_tasks(&event.node).await?,
            None => Vec::new(),
        };
        let mut at_once = Vec::new();
        for event in events {
            if is_explained(&event, since, &tasks) {
                continue;
            }
            if event.kind == EventKind::Address {
                self.put_event(event).await?;
            } else {
                at_once.push(event);
            }
        }
        for batch in at_once.chunks(EVENTS_AT_ONCE) {
            self.put_events(batch).await?;
        }
        Ok(())
    }

    /// Records events in one request: a round that changes many VMs must not take long.
    async fn put_events(&self, events: &[Event]) -> Result<(), StoreError> {
        self.ensure_event_indexes().await?;
        let doing = Doing::Write("events".into());
        let mut updates = RawArrayBuf::new();
        for event in events {
            let document = document_of(event)?;
            updates.push(rawdoc! {
                "q": { "_id": event.id.to_string() },
                "u": document,
                "upsert": true,
            });
        }
        let command = rawdoc! { "update": EVENTS, "updates": updates, "ordered": false };
        let database = self.connection.database().await?;
        self.connection
            .request(&doing, database.run_raw_command(command))
            .await?;
        Ok(())
    }

    /// The event with [`SEARCHED_AT_ONCE`] events between it and `until`; `None`: there are not so many.
    async fn edge(&self, from: u128, until: u128) -> Result<Option<u128>, StoreError> {
        let doing = Doing::Read("the history".into());
        let events = self.connection.collection(EVENTS).await?;
        let edge = events
            .find_one(doc! { "_id": { "$gte": id(from), "$lt": id(until) } })
            .sort(doc! { "_id": -1 })
            .skip(SEARCHED_AT_ONCE)
            .projection(doc! { "_id": 1 });
        let Some(edge) = self.connection.request(&doing, edge).await? else {
            return Ok(None);
        };
        let edge: super::nodes::Id = self.connection.read_document(EVENTS, &edge)?;
        Ok(edge.id.parse::<Uuid>().ok().map(|id| id.as_u128()))
    }

    /// Records one event; one with the same id is replaced.
    pub(super) async fn put_event(&self, event: Event) -> Result<(), StoreError> {
        self.ensure_event_indexes().await?;
        let doing = Doing::Write(format!("event {}", event.id));
        let collection = self.connection.collection(EVENTS).await?;
        let older = match event.kind {
            EventKind::Address => self.newest_event(&event).await?,
            _ => None,
        };
        let older = older.filter(|older| older.id != event.id);
        let one = older.as_ref().and_then(|older| merged(older, &event));
        let replaced = older.filter(|_| one.is_some());
        let event = one.unwrap_or(event);
        let document = document_of(&event)?;
        let this = doc! { "_id": event.id.to_string() };
        let recorded = collection.replace_one(this, document).upsert(true);
        self.connection.request(&doing, recorded).await?;
        // Last: a writer that dies before it has recorded one event twice, and lost none.
        if let Some(replaced) = replaced {
            let gone = collection.delete_one(doc! { "_id": replaced.id.to_string() });
            self.connection.request(&doing, gone).await?;
        }
        Ok(())
    }

    /// The newest event of the VM of an event.
    async fn newest_event(&self, event: &Event) -> Result<Option<Event>, StoreError> {
        let doing = Doing::Read("the history".into());
        let of_vm = doc! {
            "node": event.node.as_str(),
            "vmid": event.vmid.map(|vmid| i64::from(vmid.0)),
        };
        let newest_first = doc! { "_id": -1 };
        let found = self
            .connection
            .find(EVENTS, of_vm, newest_first, 1, &doing)
            .await?;
        let events: Vec<Event> = self.connection.read_records(EVENTS, &found)?;
        Ok(events.into_iter().next())
    }

    async fn newest_tasks(&self, node: &NodeName) -> Result<Vec<Task>, StoreError> {
        let doing = Doing::Read("the tasks".into());
        let on_node = doc! { "node": node.as_str() };
        let newest_first = doc! { "_id": -1 };
        let limit = i64::try_from(TASKS_COMPARED).unwrap_or(i64::MAX);
        let found = self
            .connection
            .find(TASKS, on_node, newest_first, limit, &doing)
            .await?;
        self.connection.read_records(TASKS, &found)
    }

    /// Makes the indexes without which the events of a node or a VM are searched among all.
    async fn ensure_event_indexes(&self) -> Result<(), StoreError> {
        self.events_indexed
            .get_or_try_init(|| async {
                let by_vm = IndexModel::builder()
                    .keys(doc! { "node": 1, "vmid": 1, "_id": -1 })
                    .build();
                let by_node = IndexModel::builder()
                    .keys(doc! { "node": 1, "_id": -1 })
                    .build();
                let events = self.connection.collection(EVENTS).await?;
                let doing = Doing::Write("the index of the history".into());
                self.connection
                    .request(&doing, events.create_indexes([by_vm, by_node]))
                    .await?;
                Ok(())
            })
            .await
            .copied()
    }
}

fn document_of(event: &Event) -> Result<RawDocumentBuf, StoreError> {
    let what = format!("event {}", event.id);
    let fields = encode_record(what.clone(), event)?;
    RawDocumentBuf::try_from(&fields).map_err(|error| StoreError::Write {
        what,
        source: error.into(),
    })
}

fn id(id: u128) -> String {
    Uuid::from_u128(id).to_string()
}

/// What MongoDB is asked for; the same as `HistoryQuery::wants` says, but for the text.
fn wanted(query: &HistoryQuery) -> Document {
    let mut filter = Document::new();
    if let Some(vm) = &query.vm {
        filter.insert("node", vm.node.as_str());
        filter.insert("vmid", i64::from(vm.vmid.0));
    } else if !query.nodes.is_empty() {
        let nodes: Vec<_> = query.nodes.iter().map(NodeName::as_str).collect();
        filter.insert("node", doc! { "$in": nodes });
    }
    if !query.users.is_empty() {
        filter.insert("task.actor", doc! { "$in": &query.users });
    }
    if !query.kinds.is_empty() {
        let words: Vec<_> = query.kinds.iter().map(|kind| kind.as_str()).collect();
        filter.insert("kind", doc! { "$in": words });
    }
    filter
}
