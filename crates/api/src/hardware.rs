//! Requests about the virtual hardware of a VM.

use ecoman_model::{DeviceKey, DiskGrow, Vmid};
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
