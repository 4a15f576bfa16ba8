//! Changes that wait, in the file.

use async_trait::async_trait;
use ecoman_model::{NodeName, PendingChange, VmKey};
use redb::{ReadableTable, WriteTransaction};
use uuid::Uuid;

use super::file::{Change, EmbeddedStore, Failure, Shared, to_json};
use super::nodes::{next_revision, vms_of};
use super::tables::{NODES, PENDING};
use crate::record;
use crate::{PendingStore, StoreError};

#[async_trait]
impl PendingStore for EmbeddedStore {
    async fn set_pending(&self, change: &PendingChange) -> Result<(), StoreError> {
        let change = change.clone();
        self.write(
            format!("the pending change of VM {}", change.key),
            move |shared, transaction| {
                let moved = moved(shared, transaction, &change.key.node)?;
                let document = to_json(&change)?;
                let key = (change.key.node.as_str(), change.key.vmid.0);
                transaction
                    .open_table(PENDING)?
                    .insert(key, document.as_slice())?;
                Ok(((), moved))
            },
        )
        .await
    }

    async fn remove_pending(&self, key: &VmKey, id: Uuid) -> Result<bool, StoreError> {
        let key = key.clone();
        self.write(
            format!("the pending change of VM {key}"),
            move |shared, transaction| {
                let mut table = transaction.open_table(PENDING)?;
                let at = (key.node.as_str(), key.vmid.0);
                let known = match table.get(at)? {
                    Some(json) => Some(shared.pending_change(&key, json.value())?),
                    None => None,
                };
                if known.is_none_or(|known| known.id != id) {
                    return Ok((false, Change::None));
                }
                table.remove(at)?;
                Ok((true, moved(shared, transaction, &key.node)?))
            },
        )
        .await
    }
}

/// Moves the revision of a node on, as its pending changes are part of its state.
fn moved(
    shared: &Shared,
    transaction: &WriteTransaction,
    name: &NodeName,
) -> Result<Change, Failure> {
    let mut nodes = transaction.open_table(NODES)?;
    let Some((revision, node)) = shared.node(&nodes, name)? else {
        return Err(Failure::Store(StoreError::UnknownNode(name.clone())));
    };
    let revision = next_revision(Some(revision));
    let document = to_json(&node)?;
    nodes.insert(name.as_str(), (revision, document.as_slice()))?;
    Ok(Change::Nodes(vec![(name.clone(), Some(revision))]))
}

impl Shared {
    /// The changes of a node's VMs that wait.
    pub(super) fn pending_changes(
        &self,
        table: &impl ReadableTable<(&'static str, u32), &'static [u8]>,
        node: &NodeName,
    ) -> Result<Vec<PendingChange>, Failure> {
        let mut changes = Vec::new();
        for entry in table.range(vms_of(node.as_str()))? {
            let (key, json) = entry?;
            let key = VmKey {
                node: node.clone(),
                vmid: ecoman_model::Vmid(key.value().1),
            };
            changes.push(self.pending_change(&key, json.value())?);
        }
        Ok(changes)
    }

    fn pending_change(&self, key: &VmKey, json: &[u8]) -> Result<PendingChange, Failure> {
        record::from_json(json)
            .map_err(|error| self.unreadable(&format!("the pending change of VM {key}"), error))
    }
}
