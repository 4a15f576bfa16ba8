//! The audit log: who did what.

use async_trait::async_trait;
use ecoman_model::{AuditEntry, AuditOutcome, NodeName, Timestamp, Vmid};
use uuid::Uuid;

use crate::StoreError;

/// What is kept of who did what.
///
/// Dashboards write. For the rest as [`Store`](crate::Store).
#[async_trait]
pub trait AuditStore: Send + Sync + std::fmt::Debug {
    /// Records an entry; one with the same id is replaced, as that of a task is when it ends.
    async fn record_audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// An entry; `None` if it was never recorded, or forgotten.
    async fn audit_entry(&self, id: Uuid) -> Result<Option<AuditEntry>, StoreError>;

    /// The entries that are asked for, newest first: by id, which is version 7.
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError>;

    /// Forgets entries from before a time, those that are pending too. Returns how many.
    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// Which entries: those that fit all of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Of actors with these names; empty: of all, also of those without a name.
    pub actors: Vec<String>,
    /// On these nodes; empty: on all, and on none.
    pub nodes: Vec<NodeName>,
    /// About a VM with this id; `None`: about anything.
    pub vmid: Option<Vmid>,
    /// Of these operations; empty: of all.
    pub operations: Vec<String>,
    /// With these outcomes; empty: with all.
    pub outcomes: Vec<AuditOutcome>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// From before this time.
    pub until: Option<Timestamp>,
    /// Older than the entry with this id, which need not be there.
    pub before: Option<Uuid>,
    /// So many at most; 0: all.
    pub limit: usize,
}

impl AuditQuery {
    /// Whether an entry is asked for, were there no limit.
    pub(crate) fn wants(&self, entry: &AuditEntry) -> bool {
        is_among(&self.actors, entry.actor.name.as_ref())
            && is_among(&self.nodes, entry.node.as_ref())
            && self.vmid.is_none_or(|vmid| entry.vmid == Some(vmid))
            && is_among(&self.operations, Some(&entry.operation))
            && is_among(&self.outcomes, Some(&entry.outcome))
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
            && self.before.is_none_or(|before| entry.id < before)
    }
}

fn is_among<T: PartialEq>(wanted: &[T], found: Option<&T>) -> bool {
    wanted.is_empty() || found.is_some_and(|found| wanted.contains(found))
}
