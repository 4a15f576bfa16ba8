//! The virtual hardware of a VM that can be changed: disks, CD/DVD drives, network adapters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most that a virtual disk can have, in GB of 1024³ bytes: 62 TB.
pub const DISK_GB: u64 = 62 * 1024;

/// Which device of a VM: its name in the VM's `.vmx`, as `scsi0:0`, `sata0:1`, `ide1:0`, `nvme0:0`
/// or `ethernet0`. A device keeps it as long as it stays in its slot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "scsi0:0"))]
#[serde(try_from = "String", into = "String")]
pub struct DeviceKey(String);

/// A text that names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no device of a VM, such as scsi0:0 or ethernet0")]
pub struct InvalidDeviceKey(String);

impl DeviceKey {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a network adapter.
    #[must_use]
    pub fn is_nic(&self) -> bool {
        self.0.starts_with("ethernet")
    }

    /// Its controller, `scsi0` of `scsi0:0`; `None`: it has none.
    #[must_use]
    pub fn controller(&self) -> Option<&str> {
        Some(self.0.split_once(':')?.0)
    }
}

impl FromStr for DeviceKey {
    type Err = InvalidDeviceKey;

    /// Upper and lower case are the same in a `.vmx`.
    fn from_str(text: &str) -> Result<Self, InvalidDeviceKey> {
        let key = text.to_ascii_lowercase();
        let number = |text: &str| {
            let is_plain = text == "0" || !text.starts_with('0');
            is_plain && (1..=2).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit())
        };
        let is_slot = |rest: &str| {
            let parts = rest.split_once(':');
            parts.is_some_and(|(bus, unit)| number(bus) && number(unit))
        };
        let buses = ["scsi", "sata", "ide", "nvme"];
        let is_known = buses
            .iter()
            .any(|bus| key.strip_prefix(bus).is_some_and(is_slot))
            || key.strip_prefix("ethernet").is_some_and(number);
        match is_known {
            true => Ok(Self(key)),
            false => Err(InvalidDeviceKey(text.to_owned())),
        }
    }
}

impl TryFrom<String> for DeviceKey {
    type Error = InvalidDeviceKey;

    fn try_from(text: String) -> Result<Self, InvalidDeviceKey> {
        text.parse()
    }
}

impl From<DeviceKey> for String {
    fn from(key: DeviceKey) -> Self {
        key.0
    }
}

impl fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Disks, CD/DVD drives and network adapters of a VM, as its node has them at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmHardware {
    /// Its disks.
    pub disks: Vec<VirtualDisk>,
    /// Its CD/DVD drives.
    pub cdroms: Vec<CdromDrive>,
    /// Its network adapters.
    pub nics: Vec<NetworkAdapter>,
}

/// A disk of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VirtualDisk {
    /// Which it is: its slot, the name that it has in the `.vmx`. It stays the same as long as the disk
    /// stays in its slot.
    pub key: DeviceKey,
    /// Where its descriptor is on the node.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/metrics-b/metrics-b.vmdk")
    )]
    pub file: String,
    /// Its size in whole GB of 1024³ bytes, rounded down; `null` where its descriptor cannot be read.
    #[cfg_attr(feature = "openapi", schema(example = 30))]
    pub size_gb: Option<u64>,
    /// Its size in bytes; `null` where its descriptor cannot be read.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 32_212_254_720_u64))]
    pub size_bytes: Option<u64>,
    /// Whether it takes space only as it is written to; `null` where its descriptor cannot be read.
    #[cfg_attr(feature = "openapi", schema(example = true))]
    pub thin: Option<bool>,
    /// Why it cannot be made larger; `null`: it can, while the VM is off.
    pub fixed: Option<FixedDisk>,
}

/// Why a disk cannot be made larger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FixedDisk {
    /// What it is.
    pub kind: FixedDiskKind,
    /// What else needs it, or what kind of disk it is; `null` where there is nothing to say.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/other/other.vmx")
    )]
    pub by: Option<String>,
}

/// What forbids making a disk larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FixedDiskKind {
    /// The VM has snapshots, or the disk is built on another one.
    Snapshots,
    /// It stands for a device of the node (raw device mapping).
    RawDevice,
    /// Several VMs may write to it at once.
    Shared,
    /// Another VM or disk names it.
    Needed,
    /// It is of a kind that cannot be made larger; `by` is the word of its descriptor.
    Format,
    /// It could not be found out.
    Unsure,
}

/// A CD/DVD drive of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CdromDrive {
    /// Which it is: its slot, the name that it has in the `.vmx`.
    #[cfg_attr(feature = "openapi", schema(example = "sata0:0"))]
    pub key: DeviceKey,
    /// Where the ISO image in it is on the node; `null`: there is none in it.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/os-images/debian12.iso")
    )]
    pub iso_path: Option<String>,
    /// Whether it is connected when the VM is powered on.
    pub connected: bool,
}

/// A network adapter of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NetworkAdapter {
    /// Which it is: the name that it has in the `.vmx`.
    #[cfg_attr(feature = "openapi", schema(example = "ethernet0"))]
    pub key: DeviceKey,
    /// Its port group; `null` where the `.vmx` names none, as of a distributed switch.
    #[cfg_attr(feature = "openapi", schema(example = "VM Network"))]
    pub network: Option<String>,
    /// Its MAC address; `null` until the node has given it one.
    #[cfg_attr(feature = "openapi", schema(example = "00:0c:29:9f:1a:2b"))]
    pub mac_address: Option<String>,
    /// What the guest sees it as: `vmxnet3`, `e1000`, ...; `null` where the `.vmx` does not say.
    #[cfg_attr(feature = "openapi", schema(example = "vmxnet3"))]
    pub adapter: Option<String>,
    /// Whether it is connected when the VM is powered on.
    pub connected: bool,
}

impl VmHardware {
    /// One of its disks.
    #[must_use]
    pub fn disk(&self, key: &DeviceKey) -> Option<&VirtualDisk> {
        self.disks.iter().find(|disk| disk.key == *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_as_in_a_vmx() {
        for text in [
            "scsi0:0",
            "sata1:29",
            "ide1:0",
            "nvme3:14",
            "ethernet0",
            "ethernet9",
        ] {
            let key: DeviceKey = text.parse().unwrap();
            assert_eq!(key.as_str(), text);
        }
        let key: DeviceKey = "SCSI0:12".parse().unwrap();
        assert_eq!(
            (key.as_str(), key.controller()),
            ("scsi0:12", Some("scsi0"))
        );
        assert!(!key.is_nic());
        for text in [
            "",
            "scsi0",
            "scsi0:",
            "scsi:0",
            "scsi0:0:0",
            "scsi00:1",
            "scsi0:100",
            "scsi0:-1",
            "usb0:1",
            "ethernet",
            "ethernet0:0",
            "scsi0:0.fileName",
            "../x",
            "scsi0:０",
        ] {
            assert!(text.parse::<DeviceKey>().is_err(), "{text}");
        }
    }
}
