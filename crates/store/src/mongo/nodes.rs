//! Nodes and VMs in MongoDB.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use ecoman_model::{
    Event, NodeName, NodeRecord, NodeState, Round, RoundVms, Timestamp, VmKey, VmRecord, Vmid,
};
use futures::TryStreamExt;
use mongodb::bson::serde_helpers::HumanReadable;
use mongodb::bson::{
    Document, RawArrayBuf, RawDocumentBuf, doc, rawdoc, serialize_to_raw_document_buf,
};
use mongodb::{Collection, IndexModel};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::connection::{COUNTERS, Doing, NODES, VMS};
use super::pending::PENDING;
use super::{MongoStore, POLL_INTERVAL, check_size, encode_record};
use crate::changes::{Changes, check, first_revision};
use crate::history;
use crate::record::FORMAT;
use crate::{Revision, Store, StoreError, Written};

/// How long the answer to a ping may take.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a reader waits for a write to end before it shows what is there.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

/// How often it looks whether the write has ended.
const WRITE_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How many bytes of documents go into one request, unless a single one has more. A request is
/// a document too, and may be 16 KB larger than the greatest document that is kept.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

#[derive(Deserialize)]
pub(super) struct Id {
    #[serde(rename = "_id")]
    pub(super) id: String,
}

/// What the store itself notes on a node.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Marks {
    revision: Revision,
    /// A write that touches VMs has begun and not ended.
    #[serde(default)]
    writing: bool,
}

/// A node's document.
struct StoredNode {
    marks: Marks,
    /// `None` until the first round on it is written.
    record: Option<NodeRecord>,
}

/// A VM with its key in MongoDB.
#[derive(Serialize)]
struct KeyedVm<'a> {
    #[serde(rename = "_id")]
    id: String,
    format: u64,
    #[serde(flatten)]
    record: &'a VmRecord,
}

#[async_trait]
impl Store for MongoStore {
    async fn ping(&self) -> Result<(), StoreError> {
        let database = self.connection.database().await?;
        let ping = database.run_command(doc! { "ping": 1 });
        self.connection
            .within(
                PING_TIMEOUT,
                &Doing::Read("the server's state".into()),
                ping,
            )
            .await?;
        Ok(())
    }

    async fn check_write(&self) -> Result<(), StoreError> {
        let counters = self.connection.collection(COUNTERS).await?;
        let check = counters
            .update_one(
                doc! { "_id": "write_check" },
                doc! { "$set": { "at": mongodb::bson::DateTime::now() } },
            )
            .upsert(true);
        let doing = Doing::Write("a document, to learn whether it can be written".into());
        self.connection.within(PING_TIMEOUT, &doing, check).await?;
        Ok(())
    }

    async fn write_refused(&self) {
        self.connection.write_refused.notified().await;
    }

    async fn record_round(&self, round: &Round) -> Result<Written, StoreError> {
        check(round)?;
        let name = &round.node.name;
        let before = self.node(name).await?;
        let stored = match round.vms {
            RoundVms::Complete(_) => self.vms(name).await?,
            RoundVms::Unchanged => BTreeMap::new(),
        };
        let changes = Changes::of_round(round, &stored);
        let unchanged = changes.is_empty()
            && before
                .as_ref()
                .is_some_and(|before| before.record.as_ref() == Some(&round.node));
        let recorded = before.as_ref().and_then(|before| before.record.as_ref());
        let events = history::of_round(round, recorded, &stored);
        let since = recorded
            .and_then(NodeRecord::all_read_at)
            .unwrap_or_default();
        self.write(
            name,
            before.as_ref(),
            &changes,
            Some(&round.node),
            unchanged,
            (events, since),
        )
        .await
    }

    async fn record_vm(&self, vm: &VmRecord) -> Result<Written, StoreError> {
        let name = &vm.key.node;
        let before = self
            .node(name)
            .await?
            .filter(|before| before.record.is_some())
            .ok_or_else(|| StoreError::UnknownNode(name.clone()))?;
        let key = vm.key.to_string();
        let stored = self
            .vms_where(doc! { "_id": &key }, &key)
            .await?
            .remove(&vm.key.vmid);
        let changes = Changes::of_vm(vm, stored.as_ref());
        let unchanged = changes.is_empty();
        let events = match (&before.record, &stored) {
            (Some(node), Some(stored)) => (history::of_vm(vm, stored), stored.seen_at(node)),
            _ => Default::default(),
        };
        self.write(name, Some(&before), &changes, None, unchanged, events)
            .await
    }

    async fn retain_nodes(&self, names: &[NodeName]) -> Result<Vec<NodeName>, StoreError> {
        let doing = Doing::Write("the list of nodes".into());
        let names: Vec<&str> = names.iter().map(NodeName::as_str).collect();
        let others = doc! { "_id": { "$nin": &names } };
        let nodes = self.nodes().await?;

        let found = async {
            let found = nodes.find(others.clone()).projection(doc! { "_id": 1 });
            found.await?.try_collect::<Vec<_>>().await
        };
        let mut forgotten = Vec::new();
        for document in self.connection.request(&doing, found).await? {
            let id: Id = self.connection.read_document(NODES, &document)?;
            forgotten.push(self.node_name(&id.id)?);
        }
        forgotten.sort();

        // The nodes first: who sees one sees all its VMs. VMs that a write beside or a call that
        // was cut off has left behind go by their node's name.
        self.connection
            .request(&doing, nodes.delete_many(others))
            .await?;
        let vms = self.connection.collection(VMS).await?;
        let orphans = doc! { "node": { "$nin": &names } };
        self.connection
            .request(&doing, vms.delete_many(orphans.clone()))
            .await?;
        let pending = self.connection.collection(PENDING).await?;
        self.connection
            .request(&doing, pending.delete_many(orphans))
            .await?;
        Ok(forgotten)
    }

    async fn node_state(&self, name: &NodeName) -> Result<Option<NodeState>, StoreError> {
        let deadline = Instant::now() + WRITE_PATIENCE;
        loop {
            let Some(StoredNode {
                marks,
                record: Some(node),
            }) = self.node(name).await?
            else {
                return Ok(None);
            };
            let patient = Instant::now() < deadline;
            if marks.writing && patient {
                sleep(WRITE_POLL_INTERVAL).await;
                continue;
            }
            let vms = self.vms(name).await?;
            let pending = self.pending_changes(name).await?;
            match self.node(name).await? {
                None => return Ok(None),
                Some(after) if after.marks != marks && patient => {}
                Some(_) => {
                    return Ok(Some(NodeState {
                        node,
                        vms: vms.into_values().collect(),
                        pending,
                    }));
                }
            }
        }
    }

    async fn revisions(&self) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        let nodes = self.nodes().await?;
        let recorded = async {
            nodes
                .find(doc! { "name": { "$exists": true } })
                .projection(doc! { "revision": 1 })
                .await?
                .try_collect::<Vec<_>>()
                .await
        };
        let mut revisions = BTreeMap::new();
        for document in self
            .connection
            .request(&Doing::Read("the revisions".into()), recorded)
            .await?
        {
            let id: Id = self.connection.read_document(NODES, &document)?;
            let marks: Marks = self.connection.read_document(NODES, &document)?;
            revisions.insert(self.node_name(&id.id)?, marks.revision);
        }
        Ok(revisions)
    }

    async fn changed(
        &self,
        known: &BTreeMap<NodeName, Revision>,
    ) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        loop {
            let now = self.revisions().await?;
            if now != *known {
                return Ok(now);
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

impl MongoStore {
    /// Writes what a round or a look at one VM has changed; `node` where it is a round. An
    /// `unchanged` node is left alone, unless a write before this one was cut off: then readers
    /// must hear of what that one wrote. With the events that come of it, and when the VMs were
    /// seen before.
    async fn write(
        &self,
        name: &NodeName,
        before: Option<&StoredNode>,
        changes: &Changes<'_>,
        node: Option<&NodeRecord>,
        unchanged: bool,
        (events, since): (Vec<Event>, Timestamp),
    ) -> Result<Written, StoreError> {
        if unchanged && !before.is_some_and(|before| before.marks.writing) {
            return Ok(changes.written());
        }
        let doing = Doing::Write(format!("node {name}"));
        let vms = changes
            .vms
            .iter()
            .map(|vm| encode_vm(vm))
            .collect::<Result<Vec<_>, _>>()?;
        let mut fields = node.map(encode_node).transpose()?.unwrap_or_default();
        let nodes = self.nodes().await?;
        let this = doc! { "_id": name.as_str() };

        // Before the VMs: a writer that dies over them makes the same events again, and loses none.
        self.record_events(events, since).await?;
        if before.is_none() || !changes.is_empty() {
            let revision = i64::try_from(first_revision()).unwrap_or(i64::MAX);
            let begin = doc! {
                "$set": { "writing": true },
                "$setOnInsert": { "revision": revision },
            };
            self.connection
                .request(&doing, nodes.update_one(this.clone(), begin).upsert(true))
                .await?;
        }
        self.ensure_index().await?;
        self.upsert_vms(&vms).await?;
        self.remove_vms(name, &changes.removed).await?;

        fields.insert("writing", false);
        let end = doc! { "$set": fields, "$inc": { "revision": 1_i64 } };
        let ended = self
            .connection
            .request(&doing, nodes.update_one(this, end))
            .await?;
        if ended.matched_count == 0 {
            return Err(StoreError::UnknownNode(name.clone()));
        }
        Ok(changes.written())
    }

    async fn upsert_vms(&self, vms: &[(VmKey, RawDocumentBuf)]) -> Result<(), StoreError> {
        let mut rest = vms;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fitting = rest
                .iter()
                .take_while(|(_, document)| {
                    bytes += document.as_bytes().len();
                    bytes <= BATCH_BYTES
                })
                .count();
            let (batch, later) = rest.split_at(fitting.max(1));
            self.upsert_batch(batch).await?;
            rest = later;
        }
        Ok(())
    }

    /// Writes VMs in one request: `update` with many parts, for `bulkWrite` needs MongoDB 8.0.
    async fn upsert_batch(&self, batch: &[(VmKey, RawDocumentBuf)]) -> Result<(), StoreError> {
        let doing = Doing::Write("VMs".into());
        let mut updates = RawArrayBuf::new();
        for (key, document) in batch {
            updates.push(rawdoc! {
                "q": { "_id": key.to_string() },
                "u": document.clone(),
                "upsert": true,
            });
        }
        let command = rawdoc! { "update": VMS, "updates": updates, "ordered": false };
        let database = self.connection.database().await?;
        let answer = self
            .connection
            .request(&doing, database.run_raw_command(command))
            .await?;
        let answer: UpdateAnswer = mongodb::bson::deserialize_from_document(answer)
            .map_err(|error| self.connection.fault(&doing, error.into()))?;
        let Some(refused) = answer.write_errors.first() else {
            return Ok(());
        };
        let vm = batch
            .get(refused.index)
            .map_or_else(|| "VMs".to_owned(), |(key, _)| format!("VM {key}"));
        Err(StoreError::Write {
            what: vm,
            source: refused.errmsg.clone().into(),
        })
    }

    async fn remove_vms(&self, node: &NodeName, vmids: &[Vmid]) -> Result<(), StoreError> {
        if vmids.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = vmids.iter().map(|vmid| format!("{node}/{vmid}")).collect();
        let vms = self.connection.collection(VMS).await?;
        let these = doc! { "_id": { "$in": keys } };
        let gone = vms.delete_many(these.clone());
        self.connection
            .request(&Doing::Write("VMs".into()), gone)
            .await?;
        let pending = self.connection.collection(PENDING).await?;
        let gone = pending.delete_many(these);
        self.connection
            .request(&Doing::Write("pending changes".into()), gone)
            .await?;
        Ok(())
    }

    /// Makes sure that the VMs of a node are found without looking at all.
    async fn ensure_index(&self) -> Result<(), StoreError> {
        self.vms_indexed
            .get_or_try_init(|| async {
                let by_node = IndexModel::builder()
                    .keys(doc! { "node": 1, "vmid": 1 })
                    .build();
                let vms = self.connection.collection(VMS).await?;
                let doing = Doing::Write("the index of the VMs".into());
                self.connection
                    .request(&doing, vms.create_index(by_node))
                    .await?;
                Ok(())
            })
            .await
            .copied()
    }

    async fn node(&self, name: &NodeName) -> Result<Option<StoredNode>, StoreError> {
        let nodes = self.nodes().await?;
        let this = nodes.find_one(doc! { "_id": name.as_str() });
        let doing = Doing::Read(format!("node {name}"));
        let Some(document) = self.connection.request(&doing, this).await? else {
            return Ok(None);
        };
        let marks = self.connection.read_document(NODES, &document)?;
        let recorded = document.get("name").is_ok_and(|name| name.is_some());
        let record = recorded
            .then(|| self.connection.read_record(NODES, &document))
            .transpose()?;
        Ok(Some(StoredNode { marks, record }))
    }

    async fn vms(&self, node: &NodeName) -> Result<BTreeMap<Vmid, VmRecord>, StoreError> {
        let of_node = doc! { "node": node.as_str() };
        self.vms_where(of_node, &format!("of node {node}")).await
    }

    async fn vms_where(
        &self,
        filter: Document,
        which: &str,
    ) -> Result<BTreeMap<Vmid, VmRecord>, StoreError> {
        let collection = self.connection.collection(VMS).await?;
        let found = async {
            let found = collection.find(filter).batch_size(10_000);
            found.await?.try_collect::<Vec<_>>().await
        };
        let documents = self
            .connection
            .request(&Doing::Read(format!("VMs {which}")), found)
            .await?;
        documents
            .iter()
            .map(|document| {
                let vm: VmRecord = self.connection.read_record(VMS, document)?;
                Ok((vm.key.vmid, vm))
            })
            .collect()
    }

    fn node_name(&self, id: &str) -> Result<NodeName, StoreError> {
        id.parse().map_err(|error: ecoman_model::InvalidNodeName| {
            self.connection.unreadable(NODES, id, error)
        })
    }

    async fn nodes(&self) -> Result<Collection<RawDocumentBuf>, StoreError> {
        self.connection.collection(NODES).await
    }
}

/// The answer to the command `update`, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateAnswer {
    #[serde(default)]
    write_errors: Vec<WriteRefusal>,
}

/// Why one part of an `update` was not done.
#[derive(Deserialize)]
struct WriteRefusal {
    index: usize,
    errmsg: String,
}

fn encode_vm(vm: &VmRecord) -> Result<(VmKey, RawDocumentBuf), StoreError> {
    let what = format!("VM {}", vm.key);
    let document = serialize_to_raw_document_buf(&HumanReadable(KeyedVm {
        id: vm.key.to_string(),
        format: FORMAT,
        record: vm,
    }))
    .map_err(|error| StoreError::Write {
        what: what.clone(),
        source: error.into(),
    })?;
    check_size(what, document.as_bytes().len())?;
    Ok((vm.key.clone(), document))
}

fn encode_node(node: &NodeRecord) -> Result<Document, StoreError> {
    encode_record(format!("node {}", node.name), node)
}
