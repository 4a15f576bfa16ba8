//! The audit log in the file.

use std::ops::Bound;

use async_trait::async_trait;
use ecoman_model::{AuditEntry, Timestamp};
use redb::{ReadableDatabase, ReadableTable};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::file::{Change, EmbeddedStore, Failure, Shared, to_json};
use super::tables::AUDIT;
use crate::record::{self, StoredAuditEntry};
use crate::{AuditQuery, AuditStore, StoreError};

/// As much of an entry as says how old it is.
#[derive(Deserialize)]
struct Age {
    at: Timestamp,
}

#[async_trait]
impl AuditStore for EmbeddedStore {
    async fn record_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.write(
            format!("audit entry {}", entry.id),
            move |_, transaction| {
                let document = to_json(&StoredAuditEntry(&entry))?;
                let mut audit = transaction.open_table(AUDIT)?;
                audit.insert(entry.id.as_u128(), document.as_slice())?;
                Ok(((), Change::Silent))
            },
        )
        .await
    }

    async fn audit_entry(&self, id: Uuid) -> Result<Option<AuditEntry>, StoreError> {
        self.read(format!("audit entry {id}"), move |shared, database| {
            let audit = database.begin_read()?.open_table(AUDIT)?;
            let id = id.as_u128();
            let Some(json) = audit.get(id)? else {
                return Ok(None);
            };
            Ok(Some(shared.read_audit(id, json.value())?))
        })
        .await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let query = query.clone();
        self.read("the audit log", move |shared, database| {
            let audit = database.begin_read()?.open_table(AUDIT)?;
            let before = query
                .before
                .map_or(Bound::Unbounded, |before| Bound::Excluded(before.as_u128()));
            let mut entries = Vec::new();
            for stored in audit.range::<u128>((Bound::Unbounded, before))?.rev() {
                let (id, json) = stored?;
                let entry = shared.read_audit(id.value(), json.value())?;
                if query.wants(&entry) {
                    entries.push(entry);
                }
                if query.limit != 0 && entries.len() == query.limit {
                    break;
                }
            }
            Ok(entries)
        })
        .await
    }

    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.write("the audit log", move |shared, transaction| {
            let mut audit = transaction.open_table(AUDIT)?;
            let mut old = Vec::new();
            for stored in audit.iter()? {
                let (id, json) = stored?;
                let age: Age = shared.read_audit(id.value(), json.value())?;
                if age.at < before {
                    old.push(id.value());
                }
            }
            for id in &old {
                audit.remove(id)?;
            }
            let change = if old.is_empty() {
                Change::None
            } else {
                Change::Silent
            };
            Ok((u64::try_from(old.len()).unwrap_or(u64::MAX), change))
        })
        .await
    }
}

impl Shared {
    fn read_audit<T: DeserializeOwned>(&self, id: u128, json: &[u8]) -> Result<T, Failure> {
        record::from_json(json).map_err(|error| {
            self.unreadable(&format!("audit entry {}", Uuid::from_u128(id)), error)
        })
    }
}
