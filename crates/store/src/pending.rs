//! Changes that wait until a VM is off.

use async_trait::async_trait;
use ecoman_model::{PendingChange, VmKey};
use uuid::Uuid;

use crate::StoreError;

/// Keeps the changes that wait until a VM is off: one a VM at most. They come with the state of their
/// node ([`Store::node_state`](crate::Store::node_state)), whose revision moves with each of them, and
/// go with their VM. Dashboards write them. For the rest see [`Store`](crate::Store).
#[async_trait]
pub trait PendingStore: Send + Sync + std::fmt::Debug {
    /// Keeps a change, in the place of any other of the same VM.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownNode`]: its node was never recorded.
    async fn set_pending(&self, change: &PendingChange) -> Result<(), StoreError>;

    /// Removes the change of a VM, if it is the one with this id. Returns whether it was there.
    async fn remove_pending(&self, key: &VmKey, id: Uuid) -> Result<bool, StoreError>;
}
