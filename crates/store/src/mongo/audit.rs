//! The audit log in MongoDB.

use async_trait::async_trait;
use ecoman_model::{AuditEntry, AuditOutcome, NodeName, Timestamp};
use mongodb::IndexModel;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use uuid::Uuid;

use super::connection::Doing;
use super::{MongoStore, encode_record};
use crate::record::{StoredAuditEntry, time_bound};
use crate::{AuditQuery, AuditStore, StoreError};

/// The collection of entries: [`AuditEntry`] with the id as `_id`, so by age.
const AUDIT: &str = "audit";

#[async_trait]
impl AuditStore for MongoStore {
    async fn record_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.ensure_audit_indexes().await?;
        let what = format!("audit entry {}", entry.id);
        let fields = encode_record(what.clone(), &StoredAuditEntry(entry))?;
        let document = RawDocumentBuf::try_from(&fields).map_err(|error| StoreError::Write {
            what: what.clone(),
            source: error.into(),
        })?;
        let audit = self.connection.collection(AUDIT).await?;
        let this = doc! { "_id": entry.id.to_string() };
        let recorded = audit.replace_one(this, document).upsert(true);
        self.connection
            .request(&Doing::Write(what), recorded)
            .await?;
        Ok(())
    }

    async fn audit_entry(&self, id: Uuid) -> Result<Option<AuditEntry>, StoreError> {
        let doing = Doing::Read(format!("audit entry {id}"));
        let this = doc! { "_id": id.to_string() };
        let found = self
            .connection
            .find(AUDIT, this, doc! {}, 1, &doing)
            .await?;
        let entries = self.connection.read_records(AUDIT, &found)?;
        Ok(entries.into_iter().next())
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let doing = Doing::Read("the audit log".into());
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let newest_first = doc! { "_id": -1 };
        let found = self
            .connection
            .find(AUDIT, filter(query), newest_first, limit, &doing)
            .await?;
        self.connection.read_records(AUDIT, &found)
    }

    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        let audit = self.connection.collection(AUDIT).await?;
        let gone = audit.delete_many(doc! { "at": { "$lt": time_bound(before) } });
        let doing = Doing::Write("the audit log".into());
        Ok(self.connection.request(&doing, gone).await?.deleted_count)
    }
}

impl MongoStore {
    /// Makes sure that neither a page of a node's or an actor's entries nor what is old is looked
    /// for among all.
    async fn ensure_audit_indexes(&self) -> Result<(), StoreError> {
        self.audit_indexed
            .get_or_try_init(|| async {
                let index = |keys| IndexModel::builder().keys(keys).build();
                let audit = self.connection.collection(AUDIT).await?;
                let indexes = audit.create_indexes([
                    index(doc! { "node": 1, "_id": -1 }),
                    index(doc! { "actor.name": 1, "_id": -1 }),
                    index(doc! { "at": 1 }),
                ]);
                let doing = Doing::Write("the indexes of the audit log".into());
                self.connection.request(&doing, indexes).await?;
                Ok(())
            })
            .await
            .copied()
    }
}

/// What MongoDB is asked for; the same as [`AuditQuery::wants`] says.
fn filter(query: &AuditQuery) -> Document {
    let AuditQuery {
        actors,
        nodes,
        vmid,
        operations,
        outcomes,
        since,
        until,
        before,
        limit: _,
    } = query;
    let mut filter = Document::new();
    if !actors.is_empty() {
        filter.insert("actor.name", doc! { "$in": actors });
    }
    if !nodes.is_empty() {
        let nodes: Vec<_> = nodes.iter().map(NodeName::as_str).collect();
        filter.insert("node", doc! { "$in": nodes });
    }
    if let Some(vmid) = vmid {
        filter.insert("vmid", i64::from(vmid.0));
    }
    if !operations.is_empty() {
        filter.insert("operation", doc! { "$in": operations });
    }
    if !outcomes.is_empty() {
        let words: Vec<_> = outcomes.iter().copied().map(AuditOutcome::as_str).collect();
        filter.insert("outcome", doc! { "$in": words });
    }
    let mut at = Document::new();
    if let Some(since) = since {
        at.insert("$gte", time_bound(*since));
    }
    if let Some(until) = until {
        at.insert("$lt", time_bound(*until));
    }
    if !at.is_empty() {
        filter.insert("at", at);
    }
    if let Some(before) = before {
        filter.insert("_id", doc! { "$lt": before.to_string() });
    }
    filter
}
