//! Where observations are kept: one trait in the domain's words, two full implementations,
//! MongoDB 5.0 or later and an embedded default in one file.
//!
//! Knows what is kept, and neither how it is read (ESXi) nor how it is shown (HTTP).

mod audit;
mod changes;
mod embedded;
mod error;
mod history;
mod mongo;
mod pending;
mod record;
mod tasks;
mod unwritable;

use std::collections::BTreeMap;

use async_trait::async_trait;
use ecoman_model::{NodeName, NodeState, Round, VmRecord};

pub use audit::{AuditQuery, AuditStore};
pub use changes::{Revision, Written};
pub use embedded::{EmbeddedStore, Salvage};
pub use error::{Cause, StoreError};
pub use history::{HistoryPage, HistoryQuery, HistoryStore};
pub use mongo::{MongoSettings, MongoStore};
pub use pending::PendingStore;
pub use tasks::{Added, TaskQuery, TaskStore};
pub use unwritable::Unwritable;

/// What is kept: of the nodes and their VMs here, of tasks and refresh requests in [`TaskStore`], of who did
/// what in [`AuditStore`], of what happened in [`HistoryStore`], of what waits in [`PendingStore`].
///
/// One crawler writes; any number of processes read. Every method may fail while the database is
/// away and works again once it is back, without anything having to be restarted. A call that
/// failed may be made again as it was: what it had already written does no harm.
///
/// A reader sees a node as one write left it, all of it or nothing. The one exception is a writer
/// of MongoDB that died in the middle: then the VMs are shown as they are, each of them true on
/// its own, until the next round on that node.
#[async_trait]
pub trait Store: TaskStore + AuditStore + HistoryStore + PendingStore {
    /// Asks the database for a sign of life, and is back within some seconds if there is none.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Learns whether the store takes changes now, by a small one that nobody sees.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unwritable`] says why it takes none, where the database does.
    async fn check_write(&self) -> Result<(), StoreError>;

    /// Waits until this handle, or a clone of it, could not write: then [`Store::check_write`] says
    /// why. One refusal wakes one call, also where it came before the call.
    async fn write_refused(&self) {
        std::future::pending::<()>().await;
    }

    /// Records what one round on one node brought, VMs first and the node last, so that a
    /// reader who sees the node's new revision sees its VMs too. Writes only what changed; a VM
    /// that is the same but for its time keeps the time that it has (see `VmRecord::seen_at`).
    async fn record_round(&self, round: &Round) -> Result<Written, StoreError>;

    /// Records one VM that was looked at on its own. A node that was never recorded is an error
    /// ([`StoreError::UnknownNode`]).
    async fn record_vm(&self, vm: &VmRecord) -> Result<Written, StoreError>;

    /// Forgets the nodes that are not among `names`, with their VMs: they are no longer in
    /// `hosts.yml`. Returns those that were forgotten, by name.
    async fn retain_nodes(&self, names: &[NodeName]) -> Result<Vec<NodeName>, StoreError>;

    /// A node with its VMs, by id; `None` if it was never recorded. At least as new as every
    /// revision of it that was seen before the call.
    async fn node_state(&self, name: &NodeName) -> Result<Option<NodeState>, StoreError>;

    /// The revision of every node.
    async fn revisions(&self) -> Result<BTreeMap<NodeName, Revision>, StoreError>;

    /// Waits until the revisions are others than `known`, and returns them: at once where they
    /// are already, else as soon as the database says so, which takes half a second at most.
    async fn changed(
        &self,
        known: &BTreeMap<NodeName, Revision>,
    ) -> Result<BTreeMap<NodeName, Revision>, StoreError>;
}
