//! What a simulated node keeps of the snapshots of a VM, and what hostd does with them.

use std::collections::BTreeMap;

use crate::SnapshotSpec;

/// What a node keeps of the snapshots of a VM beside their tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotState {
    /// The snapshot that the VM goes on from.
    pub current: Option<u32>,
    /// The highest id that there has been.
    pub last_id: u32,
    pub(crate) files: BTreeMap<u32, SnapshotFiles>,
}

/// The files of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SnapshotFiles {
    /// The disks that it froze: their place (`scsi0:0`) and file.
    pub(crate) disks: Vec<(String, String)>,
    /// The `.vmx` of that time.
    pub(crate) vmx: String,
    pub(crate) state: String,
    pub(crate) memory: Option<String>,
    pub(crate) quiesced: bool,
}

/// A change of snapshots that hostd works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotWork {
    Create {
        name: String,
        description: String,
        memory: bool,
        quiesce: bool,
    },
    Revert {
        id: u32,
        keep_off: bool,
    },
    Remove(u32),
    RemoveAll,
}

impl SnapshotWork {
    /// As in the key of its task.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "createSnapshot",
            Self::Revert { .. } => "Snapshot.revert",
            Self::Remove(_) => "Snapshot.remove",
            Self::RemoveAll => "removeAllSnapshots",
        }
    }
}

/// The snapshot of this id in a tree.
pub(crate) fn find(list: &[SnapshotSpec], id: u32) -> Option<&SnapshotSpec> {
    list.iter().find_map(|snapshot| match snapshot.id == id {
        true => Some(snapshot),
        false => find(&snapshot.children, id),
    })
}

/// All ids with their parents, parents first.
pub(crate) fn ids(list: &[SnapshotSpec], parent: Option<u32>) -> Vec<(u32, Option<u32>)> {
    list.iter()
        .flat_map(|snapshot| {
            let below = ids(&snapshot.children, Some(snapshot.id));
            std::iter::once((snapshot.id, parent)).chain(below)
        })
        .collect()
}

pub(crate) fn find_mut(list: &mut [SnapshotSpec], id: u32) -> Option<&mut SnapshotSpec> {
    list.iter_mut()
        .find_map(|snapshot| match snapshot.id == id {
            true => Some(snapshot),
            false => find_mut(&mut snapshot.children, id),
        })
}

/// Takes a snapshot out of a tree; its children move up.
pub(crate) fn take_out(list: &mut Vec<SnapshotSpec>, id: u32) -> bool {
    if let Some(place) = list.iter().position(|snapshot| snapshot.id == id) {
        let children = list.remove(place).children;
        list.splice(place..place, children);
        return true;
    }
    list.iter_mut()
        .any(|snapshot| take_out(&mut snapshot.children, id))
}
