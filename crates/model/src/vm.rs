//! The virtual machine: its identity and what a node says of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{NodeName, Timestamp};

/// The number that a node's hostd gives a VM (`Vmid` of `vim-cmd vmsvc/getallvms`).
///
/// Unique on its node only, and not used again there after the VM is unregistered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Vmid(pub u32);

impl fmt::Display for Vmid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is no VM id: a VM id is a decimal number from 0 to 4294967295, digits only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a VM id is a whole number of digits only, at most 4294967295")]
pub struct InvalidVmid;

impl FromStr for Vmid {
    type Err = InvalidVmid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `u32::from_str` takes a leading `+`, which no node prints.
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse().map(Self).map_err(|_| InvalidVmid)
        } else {
            Err(InvalidVmid)
        }
    }
}

/// One VM among all nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VmKey {
    /// The node that the VM is registered on.
    pub node: NodeName,
    /// Its id there.
    pub vmid: Vmid,
}

impl fmt::Display for VmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.vmid)
    }
}

/// Power state of a VM.
// `runtime.powerState`, vim.VirtualMachine.PowerState.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    /// Running (`poweredOn`).
    On,
    /// Not running (`poweredOff`).
    Off,
    /// Frozen, its memory kept in a file (`suspended`).
    Suspended,
    /// The node did not say, or said a word that this version does not know.
    #[default]
    Unknown,
}

impl PowerState {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Suspended => "suspended",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for PowerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a node says of one VM, by `vim-cmd vmsvc/get.summary` (vim.vm.Summary) and, where that
/// could not be read, by its row of `vim-cmd vmsvc/getallvms`.
///
/// `None` is "the node did not say": it is never replaced by 0 or an empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VmFacts {
    /// `config.name`, with `%2f`, `%5c` and `%25` turned back to `/`, `\` and `%`.
    pub name: Option<String>,
    /// `config.uuid`, the BIOS UUID.
    pub uuid: Option<String>,
    /// `runtime.powerState`.
    pub power: PowerState,
    /// `guest.hostName`, as VMware Tools reports it.
    pub hostname: Option<String>,
    /// `guest.ipAddress`, the primary address that VMware Tools reports; IPv4 or IPv6.
    pub ip_address: Option<String>,
    /// `config.numCpu`, virtual CPUs.
    pub cpus: Option<u32>,
    /// `config.memorySizeMB`.
    pub memory_mb: Option<u64>,
    /// `storage.committed`, bytes in use on the datastores.
    pub storage_bytes: Option<u64>,
    /// `storage.uncommitted`, bytes that thin disks may still grow by.
    pub storage_uncommitted_bytes: Option<u64>,
    /// The guest operating system in words: what Tools reports (`guest.guestFullName`), else
    /// what is configured (`config.guestFullName`), else the configured short id.
    pub guest_os: Option<String>,
    /// `guest.toolsStatus`: `toolsOk`, `toolsOld`, `toolsNotRunning`, `toolsNotInstalled`.
    pub tools_status: Option<String>,
    /// `overallStatus`: `green`, `yellow`, `red`, `gray`.
    pub overall_status: Option<String>,
    /// `runtime.connectionState`: `connected`, `disconnected`, `inaccessible`, `invalid`,
    /// `orphaned`.
    pub connection_state: Option<String>,
    /// `quickStats.uptimeSeconds`.
    pub uptime_seconds: Option<u64>,
    /// `runtime.bootTime`.
    pub booted_at: Option<Timestamp>,
    /// `quickStats.overallCpuUsage`, MHz.
    pub cpu_usage_mhz: Option<u64>,
    /// `quickStats.guestMemoryUsage`, MB that the guest uses actively.
    pub guest_memory_mb: Option<u64>,
    /// `quickStats.hostMemoryUsage`, MB of the node's memory that the VM takes.
    pub host_memory_mb: Option<u64>,
    /// `config.numEthernetCards`.
    pub nic_count: Option<u32>,
    /// `config.numVirtualDisks`.
    pub disk_count: Option<u32>,
    /// The datastore of the `.vmx` file, out of `config.vmPathName`. Infrastructure VMs have none.
    pub datastore: Option<String>,
    /// `config.vmPathName`, `[DATASTORE] DIRECTORY/NAME.vmx`.
    pub vmx_path: Option<String>,
    /// `vmx-N`: `config.hwVersion` where the node tells it, else the row of `getallvms`.
    pub hardware_version: Option<String>,
    /// `config.annotation`, the notes; an empty one is `None`.
    pub comment: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_id_is_digits_only() {
        assert_eq!("14".parse(), Ok(Vmid(14)));
        for text in ["", "+14", "-1", " 14", "1_4", "4294967296", "١٤"] {
            assert_eq!(text.parse::<Vmid>(), Err(InvalidVmid), "{text:?}");
        }
    }
}
