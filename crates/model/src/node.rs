//! The ESXi node: how it is called, how it is reached and what it says of itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The name of a node: its key in `hosts.yml`.
///
/// 1 to 253 bytes of text without control characters, without `/`, with no blank at either end,
/// and neither `.` nor `..`, so that it is one segment of a URL path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

/// The text is no node name; the message is the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidNodeName(&'static str);

impl NodeName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NodeName {
    type Error = InvalidNodeName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let broken = if text.is_empty() {
            "a node name must not be empty"
        } else if text.len() > 253 {
            "a node name has at most 253 bytes"
        } else if text.chars().any(char::is_control) {
            "a node name must not contain control characters"
        } else if text.contains('/') {
            "a node name must not contain a slash"
        } else if text.trim() != text {
            "a node name must not begin or end with a blank"
        } else if text == "." || text == ".." {
            "a node name must not be . or .."
        } else {
            return Ok(Self(text));
        };
        Err(InvalidNodeName(broken))
    }
}

impl FromStr for NodeName {
    type Err = InvalidNodeName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The settings of a node in `hosts.yml`, less the key file, which only crawler
/// and executor need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSettings {
    /// Host name or IP address.
    pub address: String,
    /// SSH port.
    pub port: u16,
    /// SSH user.
    pub username: String,
    /// Directory for new VMs, without a slash at the end.
    pub datastore_path: String,
    /// ISO image for the CD drive of new VMs.
    pub installer_iso_path: String,
    /// Port group for the network card of new VMs.
    pub network_port_group: String,
    /// Commands that may run at once on this node.
    pub max_sessions: u8,
    /// Whether changes of this node are refused.
    pub read_only: bool,
}

/// The facts of an ESXi node. `None` and empty lists are "the node did not say".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeFacts {
    /// Product and version.
    pub version: VersionFacts,
    /// `hardware.vendor` of `vim-cmd hostsvc/hostsummary` (vim.host.Summary).
    pub vendor: Option<String>,
    /// `hardware.model`.
    pub model: Option<String>,
    /// `hardware.cpuModel`, without the padding.
    pub cpu_model: Option<String>,
    /// `hardware.cpuMhz`, of one core.
    pub cpu_mhz: Option<u64>,
    /// `hardware.numCpuPkgs`.
    pub cpu_packages: Option<u32>,
    /// `hardware.numCpuCores`.
    pub cpu_cores: Option<u32>,
    /// `hardware.numCpuThreads`.
    pub cpu_threads: Option<u32>,
    /// `hardware.memorySize`.
    pub memory_bytes: Option<u64>,
    /// `quickStats.overallCpuUsage`, MHz over all cores.
    pub cpu_usage_mhz: Option<u64>,
    /// `quickStats.overallMemoryUsage`.
    pub memory_usage_mb: Option<u64>,
    /// `runtime.bootTime`.
    pub booted_at: Option<Timestamp>,
    /// `runtime.inMaintenanceMode`.
    pub in_maintenance_mode: Option<bool>,
    /// `overallStatus`: `green`, `yellow`, `red`, `gray`.
    pub overall_status: Option<String>,
    /// The volumes that can hold VMs, of `esxcli storage filesystem list`.
    pub datastores: Vec<Datastore>,
    /// Of `esxcli network vswitch standard portgroup list`.
    pub port_groups: Vec<PortGroup>,
    /// ISO images on its volumes, of `find /vmfs/volumes/…`.
    pub iso_images: Vec<IsoImage>,
    /// When version, port groups and ISO images were read: less often than the rest.
    pub setup_read_at: Option<Timestamp>,
}

/// An ISO image on a volume of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IsoImage {
    /// Path.
    // By the name of the volume.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso")
    )]
    pub path: String,
    /// Size in bytes.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 2_877_227_008_u64))]
    pub bytes: Option<u64>,
}

/// Product and version of a node (`config.product` of vim.host.Summary, `vmware -vl`,
/// `esxcli system version get`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VersionFacts {
    /// `VMware ESXi`
    pub product: Option<String>,
    /// `7.0.3`
    pub version: Option<String>,
    /// `21053776`, digits only.
    pub build: Option<String>,
    /// `3`: the update release.
    pub update: Option<u32>,
    /// `65`: the patch release; none before 6.0.
    pub patch: Option<u32>,
}

/// A volume that is mounted on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Datastore {
    /// Name.
    // Boot banks may have none.
    #[cfg_attr(feature = "openapi", schema(example = "datastore1"))]
    pub name: Option<String>,
    /// Mount point.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30")
    )]
    pub path: String,
    /// File system.
    #[cfg_attr(feature = "openapi", schema(example = "VMFS-6"))]
    pub kind: String,
    /// Whether it can be used.
    pub accessible: bool,
    /// Size in bytes.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 499_826_819_072_u64))]
    pub capacity_bytes: Option<u64>,
    /// Free space in bytes.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 301_234_567_168_u64))]
    pub free_bytes: Option<u64>,
}

impl VersionFacts {
    /// The newest virtual hardware version that VMs of this release can have; `None` for a
    /// release that is not known, older than 5.5 (Broadcom KB 315655, 1003746).
    #[must_use]
    pub fn newest_hardware(&self) -> Option<u32> {
        let mut parts = self.version.as_deref()?.split('.').map(str::parse::<u32>);
        let major = parts.next()?.ok()?;
        let minor = parts.next()?.ok()?;
        let patch = parts.next().and_then(Result::ok);
        // `7.0.3` is 7.0 Update 3; 6.x has its update in another place.
        let update = self.update.or(patch).unwrap_or(0);
        Some(match (major, minor, update) {
            (5, 5, _) => 10,
            (6, 0, _) => 11,
            (6, 5, _) => 13,
            (6, 7, 0 | 1) => 14,
            (6, 7, _) => 15,
            (7, 0, 0) => 17,
            (7, 0, 1) => 18,
            (7, ..) => 19,
            (8, 0, 0 | 1) => 20,
            (8, ..) => 21,
            (9.., ..) => 22,
            _ => return None,
        })
    }
}

impl Datastore {
    /// Whether this name or UUID is its own.
    #[must_use]
    pub fn is_called(&self, volume: &str) -> bool {
        self.name.as_deref() == Some(volume) || self.path.rsplit('/').next() == Some(volume)
    }

    /// Whether a directory at its top is an object of its own, which `mkdir` does not make: on vSAN
    /// and vVol.
    #[must_use]
    pub fn keeps_objects(&self) -> bool {
        let kind = self.kind.to_ascii_uppercase();
        matches!(kind.as_str(), "VSAN" | "VVOL")
    }

    /// Whether VMs can live here: VMFS, NFS, vSAN and vVol volumes do; the node's own system
    /// volumes (`vfat`, `VFFS`, `VMFSOS`, `VMFS-L`) do not.
    #[must_use]
    pub fn holds_vms(&self) -> bool {
        let kind = self.kind.to_ascii_uppercase();
        !matches!(kind.as_str(), "VFAT" | "VFFS" | "VMFSOS" | "VMFS-L")
    }
}

/// A port group of a standard virtual switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortGroup {
    /// Its name: what a VM's network card is connected to.
    pub name: String,
    /// The virtual switch.
    pub virtual_switch: String,
    /// Clients that are connected now.
    pub active_clients: u32,
    /// VLAN id; 0 is none, 4095 all.
    pub vlan_id: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_name_is_one_path_segment() {
        for text in ["hoge", "esxi-01.example.org", "ノード 1", "a%2fb"] {
            assert!(text.parse::<NodeName>().is_ok(), "{text:?}");
        }
        for text in ["", " a", "a ", "a/b", ".", "..", "a\nb", &"x".repeat(254)] {
            assert!(text.parse::<NodeName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_node_name_passes_serde_by_the_same_door() {
        assert!(serde_json::from_str::<NodeName>(r#""a/b""#).is_err());
        assert!(serde_json::from_str::<NodeName>(r#""hoge""#).is_ok());
    }
}
