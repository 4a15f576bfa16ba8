//! Requests about snapshots.

use ecoman_model::{SnapshotCreate, Vmid};
use serde::{Deserialize, Serialize};

/// A snapshot to be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateSnapshot {
    /// Its name: one line of at most 80 characters that does not begin with a hyphen.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 80, example = "before-upgrade")
    )]
    pub name: String,
    /// Its description: at most 2,048 bytes, which may have several lines.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "openapi", schema(example = "can go after the release"))]
    pub description: String,
    /// Whether it holds the memory of the VM, which must be on: going back to it, the VM runs on
    /// from that moment. Takes as much space as the VM has memory.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = false))]
    pub memory: bool,
    /// Whether VMware Tools bring the guest's file systems to rest first; the VM must be on.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = false))]
    pub quiesce: bool,
}

impl CreateSnapshot {
    /// The act on a VM.
    #[must_use]
    pub fn act(self, vmid: Vmid) -> SnapshotCreate {
        SnapshotCreate {
            vmid,
            name: self.name,
            description: self.description,
            memory: self.memory,
            quiesce: self.quiesce,
        }
    }
}

/// How a VM goes back to a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RevertToSnapshot {
    /// Whether the VM stays off, although the snapshot holds the memory of a running one.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = false))]
    pub keep_off: bool,
}
