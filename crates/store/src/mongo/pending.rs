//! Changes that wait, in MongoDB.

use async_trait::async_trait;
use ecoman_model::{NodeName, PendingChange, VmKey};
use mongodb::bson::doc;
use uuid::Uuid;

use super::connection::{Doing, NODES};
use super::{MongoStore, encode_record};
use crate::{PendingStore, StoreError};

/// The collection of changes that wait: `PendingChange` with `_id` `NODE/VMID`.
pub(super) const PENDING: &str = "pending";

#[async_trait]
impl PendingStore for MongoStore {
    async fn set_pending(&self, change: &PendingChange) -> Result<(), StoreError> {
        let what = format!("the pending change of VM {}", change.key);
        let fields = encode_record(what.clone(), change)?;
        let doing = Doing::Write(what);
        let changes = self.connection.collection(PENDING).await?;
        let this = doc! { "_id": change.key.to_string() };
        let kept = changes
            .update_one(this, doc! { "$set": fields })
            .upsert(true);
        self.connection.request(&doing, kept).await?;
        self.move_on(&change.key.node, &doing).await
    }

    async fn remove_pending(&self, key: &VmKey, id: Uuid) -> Result<bool, StoreError> {
        let doing = Doing::Write(format!("the pending change of VM {key}"));
        let changes = self.connection.collection(PENDING).await?;
        let this = doc! { "_id": key.to_string(), "id": id.to_string() };
        let removed = self
            .connection
            .request(&doing, changes.delete_one(this))
            .await?;
        // Also where it was gone already: a call before this one may have been cut off in between.
        match self.move_on(&key.node, &doing).await {
            Ok(()) | Err(StoreError::UnknownNode(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(removed.deleted_count > 0)
    }
}

impl MongoStore {
    /// Moves the revision of a node on, as its pending changes are part of its state.
    async fn move_on(&self, node: &NodeName, doing: &Doing) -> Result<(), StoreError> {
        let nodes = self.connection.collection(NODES).await?;
        let this = doc! { "_id": node.as_str(), "name": { "$exists": true } };
        let on = doc! { "$inc": { "revision": 1_i64 } };
        let moved = self
            .connection
            .request(doing, nodes.update_one(this, on))
            .await?;
        if moved.matched_count == 0 {
            return Err(StoreError::UnknownNode(node.clone()));
        }
        Ok(())
    }

    /// The changes of a node's VMs that wait.
    pub(super) async fn pending_changes(
        &self,
        node: &NodeName,
    ) -> Result<Vec<PendingChange>, StoreError> {
        let doing = Doing::Read(format!("the pending changes of node {node}"));
        let of_node = doc! { "node": node.as_str() };
        let documents = self
            .connection
            .find(PENDING, of_node, doc! { "vmid": 1 }, 0, &doing)
            .await?;
        self.connection.read_records(PENDING, &documents)
    }
}
