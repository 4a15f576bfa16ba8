//! The files of a VM: what deleting it would remove, what stays, and what forbids it.

use serde::{Deserialize, Serialize};

/// The files of a VM as its node has them at the moment, by what deleting it from disk would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmFiles {
    /// The directory of the VM's `.vmx`, on its node.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/metrics-b")
    )]
    pub directory: String,
    /// Those that go, then those that stay.
    pub items: Vec<VmFile>,
    /// What forbids deleting it from disk; empty: nothing does.
    pub obstacles: Vec<Obstacle>,
    /// Stands for the `.vmx` and the files that go: another text means that they have changed.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "5f0c1a2b9d3e4f507a1c3cecef1a2b30")
    )]
    pub fingerprint: String,
}

/// A file of a VM, or in its directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmFile {
    /// Where it is on the node.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/metrics-b/metrics-b.vmdk")
    )]
    pub path: String,
    /// What it takes on disk, in bytes; `null` where the node does not say.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1_331_691_520_u64))]
    pub size_bytes: Option<u64>,
    /// Why it stays; `null`: it goes.
    pub stays: Option<Stays>,
}

/// Why a file stays when its VM is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// It is not one of the VM's.
    Foreign,
    /// It is an ISO image.
    Iso,
    /// It is outside the VM's directory.
    Elsewhere,
    /// Another VM or disk needs it.
    Shared,
}

/// Something that forbids deleting a VM from disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Obstacle {
    /// What it is.
    pub kind: ObstacleKind,
    /// The file that it is about.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/metrics-b/metrics-b.vmdk")
    )]
    pub path: String,
    /// What else needs it: the path of a `.vmx` or of a disk, or who holds its lock; `null` where
    /// that is not known.
    pub by: Option<String>,
}

/// What forbids deleting a VM from disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ObstacleKind {
    /// A disk of the VM is outside its directory. The node would delete it, too.
    Elsewhere,
    /// Another VM or disk names a file of the VM.
    Shared,
    /// A file of the VM is a link.
    Link,
    /// A lock says that a host uses the file.
    InUse,
    /// Another node has a VM in the same directory of the same volume.
    OtherNode,
    /// It could not be found out.
    Unsure,
}

/// What a task has found before it deletes a VM: kept with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Removal {
    /// The VM's `.vmx`: `[datastore1] web/web.vmx`.
    pub vmx_path: String,
    /// Its directory on the node; `None`: its files stay.
    pub directory: Option<String>,
    /// The files that go.
    pub files: Vec<String>,
    /// What is in the `.vmx`, up to [`KEPT_VMX_BYTES`]. It may hold secrets.
    pub vmx: Option<String>,
}

/// The most bytes of a `.vmx` that are kept with the task that deletes its VM.
pub const KEPT_VMX_BYTES: usize = 64 * 1024;
