//! The snapshots of a VM, read from its node on request.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::PowerState;

/// The snapshots of a VM as its node has them at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SnapshotTree {
    /// The snapshots, parents before their children; `parent` makes the tree.
    pub items: Vec<Snapshot>,
    /// The snapshot that the VM's disks go on from: "you are here". `null`: there is none, or the
    /// node does not say.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 15))]
    pub current: Option<u32>,
    /// Free space of the datastore of the VM's `.vmx`, in bytes; `null` where the node does not say.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 301_234_567_168_u64))]
    pub free_bytes: Option<u64>,
}

/// A snapshot of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "VmSnapshot"))]
pub struct Snapshot {
    /// Its id: unique on its VM, and never used again.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 15))]
    pub id: u32,
    /// The id of the snapshot that it goes on from; `null` for the first.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 14))]
    pub parent: Option<u32>,
    /// Its name, as the node keeps it; several may have the same.
    #[cfg_attr(feature = "openapi", schema(example = "before-upgrade"))]
    pub name: String,
    /// Its description; may have several lines.
    pub description: Option<String>,
    /// When it was taken, by the clock of the node.
    pub created_at: Option<DateTime<Utc>>,
    /// The power state that it goes back to: a VM that was on is on again only with its memory.
    pub power: PowerState,
    /// Whether the guest's file systems were brought to rest; `null` where the node does not say.
    pub quiesced: Option<bool>,
    /// What its own files take on disk, in bytes: its state, its memory, and the disks that began
    /// with it. `null` where the node does not say.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1_331_691_520_u64))]
    pub size_bytes: Option<u64>,
}

impl SnapshotTree {
    /// A snapshot by its id.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&Snapshot> {
        self.items.iter().find(|snapshot| snapshot.id == id)
    }

    /// The snapshots that are built on this one, children after their parents.
    #[must_use]
    pub fn below(&self, id: u32) -> Vec<&Snapshot> {
        let mut ids = vec![id];
        let mut below = Vec::new();
        for snapshot in &self.items {
            if snapshot.parent.is_some_and(|parent| ids.contains(&parent)) {
                ids.push(snapshot.id);
                below.push(snapshot);
            }
        }
        below
    }

    /// How many snapshots lead to this one.
    #[must_use]
    pub fn depth(&self, id: u32) -> usize {
        let mut depth = 0;
        let mut at = self.get(id).and_then(|snapshot| snapshot.parent);
        while let Some(parent) = at
            && depth < self.items.len()
        {
            depth += 1;
            at = self.get(parent).and_then(|snapshot| snapshot.parent);
        }
        depth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(parents: &[(u32, Option<u32>)]) -> SnapshotTree {
        SnapshotTree {
            items: parents
                .iter()
                .map(|&(id, parent)| Snapshot {
                    id,
                    parent,
                    name: format!("s{id}"),
                    description: None,
                    created_at: None,
                    power: PowerState::Off,
                    quiesced: None,
                    size_bytes: None,
                })
                .collect(),
            ..SnapshotTree::default()
        }
    }

    #[test]
    fn what_is_built_on_a_snapshot_is_found_through_all_generations() {
        let tree = tree(&[
            (1, None),
            (2, Some(1)),
            (3, Some(2)),
            (4, Some(1)),
            (5, None),
        ]);
        let below = |id| tree.below(id).iter().map(|s| s.id).collect::<Vec<_>>();
        assert_eq!(below(1), [2, 3, 4]);
        assert_eq!(below(2), [3]);
        assert_eq!(below(5), [0; 0]);
        assert_eq!((tree.depth(1), tree.depth(3)), (0, 2));
    }

    #[test]
    fn a_circle_has_an_end() {
        let tree = tree(&[(1, Some(2)), (2, Some(1))]);
        assert_eq!(tree.depth(1), 2);
    }
}
