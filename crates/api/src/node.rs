//! The node as the API shows it.

use chrono::{DateTime, Utc};
use ecoman_model::{
    Collecting, Datastore, IsoImage, Limits, NodeFailure, Vmid, read_at, volume_of,
};
use serde::{Deserialize, Serialize};

/// An ESXi node. What it did not say is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Node {
    /// Name: its key in `hosts.yml`.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub name: String,
    /// Host name or IP address.
    #[cfg_attr(feature = "openapi", schema(example = "hoge.example.org"))]
    pub address: String,
    /// SSH port.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, maximum = 65535, example = 22))]
    pub port: u16,
    /// SSH user.
    #[cfg_attr(feature = "openapi", schema(example = "root"))]
    pub username: String,
    /// Whether changes of this node are refused.
    pub read_only: bool,
    /// Directory for new VMs.
    #[cfg_attr(feature = "openapi", schema(example = "/vmfs/volumes/datastore1"))]
    pub datastore_path: String,
    /// ISO image for the CD drive of new VMs.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso")
    )]
    pub installer_iso_path: String,
    /// Port group for the network card of new VMs.
    #[cfg_attr(feature = "openapi", schema(example = "Management Network"))]
    pub network_port_group: String,
    /// Whether the last round brought the complete VM list; `null`: not tried yet.
    pub reachable: Option<bool>,
    /// Why it did not.
    pub last_error: Option<NodeFailure>,
    /// What went wrong in the last round without spoiling it, a sentence each.
    pub warnings: Vec<String>,
    /// When the last round with a complete VM list began.
    pub observed_at: Option<DateTime<Utc>>,
    /// When its VMs were read, where a round reads a share of them only: at place `i` those whose id
    /// leaves `i` when it is divided by the number of places. Empty: all at `observed_at`.
    #[serde(default)]
    pub vms_read_at: Vec<DateTime<Utc>>,
    /// When the last round ended, whatever its outcome.
    pub attempted_at: Option<DateTime<Utc>>,
    /// When the next round is due.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// How long the last round took, in milliseconds.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1430))]
    pub round_millis: Option<u64>,
    /// How it is asked, since when and why.
    pub collecting: Option<Collecting>,
    /// Whether what is shown of the node is old, be it that it does not answer or that the
    /// crawler has stopped reporting.
    pub stale: bool,
    /// Why, as a sentence.
    pub stale_reason: Option<String>,
    /// ESXi version.
    #[cfg_attr(feature = "openapi", schema(example = "7.0.3"))]
    pub version: Option<String>,
    /// ESXi build number.
    #[cfg_attr(feature = "openapi", schema(example = "21053776"))]
    pub build: Option<String>,
    /// Maker of the hardware.
    #[cfg_attr(feature = "openapi", schema(example = "Example Systems"))]
    pub vendor: Option<String>,
    /// Model of the hardware.
    #[cfg_attr(feature = "openapi", schema(example = "ES-1U (rev B), 2020"))]
    pub model: Option<String>,
    /// When the node was started.
    pub booted_at: Option<DateTime<Utc>>,
    /// Whether the node is in maintenance mode.
    pub in_maintenance_mode: Option<bool>,
    /// CPU capacity and use.
    pub cpu: Cpu,
    /// Memory capacity and use.
    pub memory: Memory,
    /// The volumes that can hold VMs.
    pub datastores: Vec<Datastore>,
    /// The port groups of its standard switches.
    pub port_groups: Vec<PortGroup>,
    /// The ISO images on its volumes.
    pub iso_images: Vec<IsoImage>,
    /// When version, port groups and ISO images were read: less often than the rest.
    pub setup_read_at: Option<DateTime<Utc>>,
    /// Newest virtual hardware version that a VM can have on it.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 4, example = 19))]
    pub newest_hardware: Option<u32>,
    /// What its VMs are given, whether they run or not.
    pub allocated: Allocated,
    /// What its powered-on VMs are given.
    #[serde(default)]
    pub allocated_on: Allocated,
    /// Its VMs by power state.
    pub vms: VmCounts,
}

impl Node {
    /// When a VM was read last, as far as it could be read.
    #[must_use]
    pub fn read_at(&self, vmid: u32) -> Option<DateTime<Utc>> {
        read_at(Vmid(vmid), &self.vms_read_at, self.observed_at)
    }

    /// A volume by name, or that of `hosts.yml` for new VMs, as far as the node has reported it.
    #[must_use]
    pub fn datastore(&self, name: Option<&str>) -> Option<&Datastore> {
        let volume = name.unwrap_or_else(|| volume_of(&self.datastore_path));
        self.datastores
            .iter()
            .find(|datastore| datastore.is_called(volume))
    }

    /// Whether it lists its ISO images and this one is not among them; `false` where some could not
    /// be read.
    #[must_use]
    pub fn lacks_iso(&self, path: &str) -> bool {
        let place = |path: &str| {
            let volume = volume_of(path);
            let datastore = self.datastore(Some(volume));
            let name = datastore.and_then(|datastore| datastore.name.as_deref());
            let file = path.split_once(volume).map_or("", |(_, file)| file);
            (name.unwrap_or(volume).to_owned(), file.to_owned())
        };
        let is_listed = || {
            let wanted = place(path);
            self.iso_images
                .iter()
                .any(|image| place(&image.path) == wanted)
        };
        self.setup_read_at.is_some() && self.warnings.is_empty() && !is_listed()
    }

    /// What it leaves room for, as `Limits::of` has it for the records of the store. The disk is on
    /// the datastore of this name, or that of `hosts.yml`.
    #[must_use]
    pub fn limits(&self, datastore: Option<&str>) -> Limits {
        Limits {
            cpus: self.cpu.threads,
            memory_mb: self.memory.capacity_bytes.map(|bytes| bytes >> 20),
            disk_gb: self
                .datastore(datastore)
                .and_then(|datastore| datastore.free_bytes)
                .map(|bytes| bytes >> 30),
        }
    }
}

/// CPU of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cpu {
    /// Model.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Example(R) CPU X-1400 @ 3.30GHz")
    )]
    pub model: Option<String>,
    /// Sockets.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 1))]
    pub packages: Option<u32>,
    /// Cores.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 4))]
    pub cores: Option<u32>,
    /// Threads.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 4))]
    pub threads: Option<u32>,
    /// Clock of a core in MHz.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 3303))]
    pub mhz: Option<u64>,
    /// Use over all cores in MHz.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 2874))]
    pub usage_mhz: Option<u64>,
}

/// Memory of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Memory {
    /// Installed memory in bytes.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 137_402_867_712_u64))]
    pub capacity_bytes: Option<u64>,
    /// Memory in use in MB.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 51_240))]
    pub usage_mb: Option<u64>,
    /// Memory that is not in use, in MB: what a VM that is powered on takes it from.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 79_795))]
    pub free_mb: Option<u64>,
}

/// A port group of a standard switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PortGroup {
    /// Name.
    #[cfg_attr(feature = "openapi", schema(example = "VM Network"))]
    pub name: String,
    /// Virtual switch.
    #[cfg_attr(feature = "openapi", schema(example = "vSwitch0"))]
    pub virtual_switch: String,
    /// VLAN id; 0 is none, 4095 all.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4095, example = 0))]
    pub vlan_id: u16,
}

/// What the VMs of a node are given together; unknown sizes count as nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Allocated {
    /// Virtual CPUs.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 24))]
    pub cpus: u64,
    /// Memory in MB.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 65_536))]
    pub memory_mb: u64,
    /// Storage in use and promised to thin disks, in bytes.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 644_245_094_400_u64))]
    pub storage_bytes: u64,
}

/// Numbers of VMs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmCounts {
    /// All.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 12))]
    pub total: u64,
    /// Running.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 9))]
    pub on: u64,
    /// Not running.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 2))]
    pub off: u64,
    /// Suspended.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1))]
    pub suspended: u64,
    /// Power state not known.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 0))]
    pub unknown: u64,
    /// Large ones.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 3))]
    pub large: u64,
}

/// All nodes, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodePage {
    /// The nodes.
    pub items: Vec<Node>,
    /// How many there are.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 3))]
    pub total: u64,
    /// The state that the list shows: `id` of the last event that it contains.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1_795_372_800_000_017_u64))]
    pub revision: u64,
}
