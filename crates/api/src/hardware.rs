//! Requests about the virtual hardware of a VM.

use ecoman_model::{CdromChange, DeviceKey, DiskGrow, NicMove, Vmid};
use serde::{Deserialize, Serialize};

use crate::strict_integer;

/// The size that a disk gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GrowDisk {
    /// Its size in GB of 1024³ bytes, from 1 to 63488. A disk never gets smaller.
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 1, maximum = 63488, example = 40)
    )]
    #[serde(deserialize_with = "strict_integer::number")]
    pub size_gb: u64,
    /// The size that was seen, `size_gb` of the hardware: where it is another one by the time of the
    /// task, it fails with `vm-changed` and changes nothing.
    #[serde(
        default,
        deserialize_with = "strict_integer::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, example = 30))]
    pub if_size_gb: Option<u64>,
}

impl GrowDisk {
    /// The act on a disk of a VM.
    #[must_use]
    pub fn act(self, vmid: Vmid, disk: DeviceKey) -> DiskGrow {
        DiskGrow {
            vmid,
            disk,
            size_gb: self.size_gb,
            if_size_gb: self.if_size_gb,
        }
    }
}

/// What is in a CD/DVD drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeCdrom {
    /// Where the ISO image is on the node, which must have it; `null`: the drive is emptied. Must be given.
    #[serde(deserialize_with = "Option::deserialize")]
    #[cfg_attr(
        feature = "openapi",
        schema(
            required = true,
            example = "/vmfs/volumes/datastore1/os-images/debian12.iso"
        )
    )]
    pub iso_path: Option<String>,
    /// Which drive, `key` of the hardware; left out: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "sata0:0"))]
    pub key: Option<DeviceKey>,
    /// What was seen in it, an empty text for nothing: where it is something else by the time of the task, it
    /// fails with `vm-changed` and changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = ""))]
    pub if_iso_path: Option<String>,
}

impl ChangeCdrom {
    /// The act on a VM.
    #[must_use]
    pub fn act(self, vmid: Vmid) -> CdromChange {
        CdromChange {
            vmid,
            drive: self.key,
            iso_path: self.iso_path.filter(|path| !path.is_empty()),
            if_iso_path: self.if_iso_path,
        }
    }
}

/// Where a network adapter is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MoveNic {
    /// The port group, one of the node.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 255, example = "VM Network")
    )]
    pub network: String,
    /// The port group that was seen, an empty text for none: where it is another one by the time of the
    /// task, it fails with `vm-changed` and changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "Lab"))]
    pub if_network: Option<String>,
}

impl MoveNic {
    /// The act on a network adapter of a VM.
    #[must_use]
    pub fn act(self, vmid: Vmid, nic: DeviceKey) -> NicMove {
        NicMove {
            vmid,
            nic,
            network: self.network,
            if_network: self.if_network,
        }
    }
}
