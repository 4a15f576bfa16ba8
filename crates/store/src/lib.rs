//! Where observations are kept: one trait in the domain's words, two full implementations,
//! MongoDB 5.0 or later and an embedded default in one file.
//!
//! Knows what is kept, never how it was come by (ESXi) or how it is shown (HTTP).

use std::collections::BTreeMap;

use async_trait::async_trait;
use ecoman_model::{NodeName, NodeState, Round, VmRecord};

/// Counts the writes to one node's state; only equality means anything.
pub type Revision = u64;

/// What is kept of the nodes and their VMs.
///
/// One crawler writes; any number of processes read. Every method may fail while the database is
/// away and works again once it is back, without anything having to be restarted.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Asks the database for a sign of life, and is back within some seconds if there is none.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Records what one round on one node brought, VMs first and the node last, so that a
    /// reader who sees the node's new revision sees its VMs too. Writes only what changed.
    async fn record_round(&self, round: &Round) -> Result<Written, StoreError>;

    /// Records one VM that was looked at on its own. A node that was never recorded is an error.
    async fn record_vm(&self, vm: &VmRecord) -> Result<Written, StoreError>;

    /// Forgets the nodes that are not among `names`, with their VMs: they are no longer in
    /// `hosts.yml`. Returns those that were forgotten.
    async fn retain_nodes(&self, names: &[NodeName]) -> Result<Vec<NodeName>, StoreError>;

    /// A node with its VMs, by id; `None` if it was never recorded.
    async fn node_state(&self, name: &NodeName) -> Result<Option<NodeState>, StoreError>;

    /// The revision of every node.
    async fn revisions(&self) -> Result<BTreeMap<NodeName, Revision>, StoreError>;

    /// Waits until the revisions may be others than `known`, and returns them: at once where they
    /// are already, else as soon as the database tells or a short interval has passed.
    async fn changed(
        &self,
        known: &BTreeMap<NodeName, Revision>,
    ) -> Result<BTreeMap<NodeName, Revision>, StoreError>;
}

/// How much a call wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// VMs that were new or had changed.
    pub vms: usize,
    /// VMs that were removed.
    pub removed: usize,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {}
