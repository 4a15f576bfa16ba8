//! What a simulated node is to be: its generation, hardware, datastores, port groups and VMs.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// A point in time, UTC.
pub type Timestamp = DateTime<Utc>;

/// The release line of ESXi: it decides punctuation, members and texts of what the tools print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]

pub enum Generation {
    /// ESXi 5.5 Update 2: `dynamicType` members, a comma after every member.
    V5_5,
    /// ESXi 6.5 Update 3: power failures without a reason.
    V6_5,
    /// ESXi 6.7 Update 3.
    V6_7,
    /// ESXi 7.0 Update 3.
    V7_0,
    /// ESXi 8.0 Update 2.
    V8_0,
    /// ESXi 9.0.
    V9_0,
}

impl Generation {
    /// All of them, oldest first.
    pub const ALL: [Self; 6] = [
        Self::V5_5,
        Self::V6_5,
        Self::V6_7,
        Self::V7_0,
        Self::V8_0,
        Self::V9_0,
    ];

    /// The release that nodes of this generation run by default.
    #[must_use]
    pub fn release(self) -> Release {
        let (version, build, update, patch) = match self {
            Self::V5_5 => ("5.5.0", 2_068_190, 2, None),
            Self::V6_5 => ("6.5.0", 13_932_383, 3, Some(64)),
            Self::V6_7 => ("6.7.0", 14_320_388, 3, Some(73)),
            Self::V7_0 => ("7.0.3", 21_053_776, 3, Some(65)),
            Self::V8_0 => ("8.0.2", 22_380_479, 2, Some(0)),
            Self::V9_0 => ("9.0.0", 24_755_229, 0, Some(0)),
        };
        Release {
            version: version.to_owned(),
            build,
            update,
            patch,
        }
    }

    /// The newest virtual hardware version that the generation's release knows.
    #[must_use]
    pub fn newest_hardware(self) -> u32 {
        match self {
            Self::V5_5 => 10,
            Self::V6_5 => 13,
            Self::V6_7 => 15,
            Self::V7_0 => 19,
            Self::V8_0 => 21,
            Self::V9_0 => 22,
        }
    }
}

impl std::fmt::Display for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V5_5 => "5.5",
            Self::V6_5 => "6.5",
            Self::V6_7 => "6.7",
            Self::V7_0 => "7.0",
            Self::V8_0 => "8.0",
            Self::V9_0 => "9.0",
        })
    }
}

impl std::str::FromStr for Generation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|generation| generation.to_string() == text)
            .ok_or_else(|| format!("{text}: the generations are 5.5, 6.5, 6.7, 7.0, 8.0 and 9.0"))
    }
}

/// The answers of `vmware -vl` and `esxcli system version get`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// `7.0.3`
    pub version: String,
    /// `21053776`
    pub build: u64,
    /// The update release; 0 is the first one ("GA").
    pub update: u32,
    /// The patch release; none before 6.0.
    pub patch: Option<u32>,
}

/// The hardware of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardware {
    /// Who made it.
    pub vendor: String,
    /// The model.
    pub model: String,
    /// The CPU as it calls itself; hosts pad it with blanks.
    pub cpu_model: String,
    /// Clock of one core.
    pub cpu_mhz: u64,
    /// Sockets.
    pub cpu_packages: u32,
    /// Cores of all sockets.
    pub cpu_cores: u32,
    /// Threads of all cores.
    pub cpu_threads: u32,
    /// Physical memory.
    pub memory_bytes: u64,
    /// Network adapters.
    pub nics: u32,
    /// Storage adapters.
    pub hbas: u32,
}

impl Default for Hardware {
    fn default() -> Self {
        Self {
            vendor: "Example Systems".to_owned(),
            model: "ES-1U (rev B), 2020".to_owned(),
            cpu_model: "Example(R) CPU X-1400 @ 3.30GHz         ".to_owned(),
            cpu_mhz: 3303,
            cpu_packages: 1,
            cpu_cores: 4,
            cpu_threads: 4,
            memory_bytes: 137_402_867_712,
            nics: 2,
            hbas: 3,
        }
    }
}

/// What kind of volume a datastore is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeKind {
    /// VMFS of this major version.
    Vmfs(u32),
    /// NFS, by `host:/path`.
    Nfs(String),
    /// vSAN: a directory at its top is an object of its own, which `mkdir` does not make.
    Vsan,
    /// The node's own data: VFFS, from 8.0 on VMFSOS. Holds no VMs.
    OsData,
    /// A boot bank. Holds no VMs.
    BootBank,
}

/// A volume under `/vmfs/volumes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatastoreSpec {
    /// The name, which is also the symbolic link to the volume; boot banks may have none.
    pub name: String,
    /// The volume's directory below `/vmfs/volumes`.
    pub uuid: String,
    /// What it is.
    pub kind: VolumeKind,
    /// Size.
    pub capacity_bytes: u64,
    /// Free space at the start; disks that are created later lessen it.
    pub free_bytes: u64,
    /// Whether `vim-cmd hostsvc/datastore/listsummary` calls it accessible.
    pub accessible: bool,
    /// Whether `esxcli storage filesystem list` calls it mounted.
    pub mounted: bool,
    /// `maintenanceMode`, if the host knows.
    pub maintenance_mode: Option<String>,
    /// Empty files that lie there, by their path below the volume, with their sizes: ISO images.
    pub files: Vec<(String, u64)>,
}

impl DatastoreSpec {
    /// A VMFS-6 volume of `capacity_bytes`, half of it free.
    #[must_use]
    pub fn vmfs(name: &str, uuid: &str, capacity_bytes: u64) -> Self {
        Self {
            name: name.to_owned(),
            uuid: uuid.to_owned(),
            kind: VolumeKind::Vmfs(6),
            capacity_bytes,
            free_bytes: capacity_bytes / 2,
            accessible: true,
            mounted: true,
            maintenance_mode: None,
            files: Vec::new(),
        }
    }

    /// A volume that an NFS server exports as `remote`, `host:/path`.
    #[must_use]
    pub fn nfs(name: &str, uuid: &str, remote: &str, capacity_bytes: u64) -> Self {
        Self {
            kind: VolumeKind::Nfs(remote.to_owned()),
            maintenance_mode: Some("normal".to_owned()),
            ..Self::vmfs(name, uuid, capacity_bytes)
        }
    }

    /// The vSAN datastore of the node's cluster; `id` as in `vsan:52fc1a2b9d3e4f50-…`.
    #[must_use]
    pub fn vsan(name: &str, id: &str, capacity_bytes: u64) -> Self {
        Self {
            kind: VolumeKind::Vsan,
            ..Self::vmfs(name, &format!("vsan:{id}"), capacity_bytes)
        }
    }

    /// The same with so much free space.
    #[must_use]
    pub fn free(mut self, bytes: u64) -> Self {
        self.free_bytes = bytes;
        self
    }

    /// The same with a file of this size, which takes no room on the machine's own disk.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: u64) -> Self {
        self.files.push((path.to_owned(), bytes));
        self
    }
}

/// A port group of a standard virtual switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortGroupSpec {
    /// The name.
    pub name: String,
    /// The virtual switch.
    pub virtual_switch: String,
    /// Clients that are connected.
    pub active_clients: u32,
    /// VLAN id.
    pub vlan_id: u16,
}

impl PortGroupSpec {
    /// A port group.
    #[must_use]
    pub fn new(name: &str, virtual_switch: &str, active_clients: u32, vlan_id: u16) -> Self {
        Self {
            name: name.to_owned(),
            virtual_switch: virtual_switch.to_owned(),
            active_clients,
            vlan_id,
        }
    }
}

/// Whether a VM runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// It runs.
    On,
    /// It does not.
    Off,
    /// Its memory lies on the disk.
    Suspended,
}

/// VMware Tools in the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tools {
    /// Installed, and running whenever the guest is up.
    Installed,
    /// Installed, but older than the host's: `toolsOld`.
    Old,
    /// Installed, and not started by the guest.
    Stopped,
    /// Not there: no guest data, no shutdown, no reboot.
    Missing,
}

/// What a VM does when it is powered on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerOn {
    /// It starts.
    Starts,
    /// It asks whether it was moved or copied, and waits for the answer.
    Asks,
    /// It asks that every time, whatever was answered before.
    AsksEachTime,
    /// It is refused for want of memory (`vim.fault.InsufficientMemoryResourcesFault`).
    LacksMemory,
    /// It is refused for its configuration (`vim.fault.GenericVmConfigFault`, a PCIe slot missing).
    Misconfigured,
}

/// What the guest says through VMware Tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestSpec {
    /// The system that it calls itself, if other than the configured one.
    pub guest_id: Option<String>,
    /// Its host name.
    pub host_name: Option<String>,
    /// Its addresses; the first is the one that get.summary shows.
    pub ip_addresses: Vec<String>,
    /// Mount point, size and free space of each file system, in bytes.
    pub disks: Vec<(String, u64, u64)>,
}

/// A snapshot with those that were taken on top of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSpec {
    /// Its id, unique on its VM.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// When it was taken.
    pub created: Timestamp,
    /// Whether the VM ran.
    pub power: Power,
    /// Taken on top of it.
    pub children: Vec<SnapshotSpec>,
}

/// A virtual machine.
#[derive(Clone, Debug, PartialEq)]
pub struct VmSpec {
    /// The id that `vim-cmd` uses; `None`: the next free one.
    pub id: Option<u32>,
    /// Display name.
    pub name: String,
    /// The datastore with its `.vmx`.
    pub datastore: String,
    /// Path of the `.vmx` on the datastore.
    pub vmx_path: String,
    /// Full name in place of `[datastore] path`: infrastructure VMs live elsewhere.
    pub vmx_name: Option<String>,
    /// Other datastores on which it has disks.
    pub further_datastores: Vec<String>,
    /// What it is configured to run: `ubuntu64Guest`.
    pub guest_id: String,
    /// `Ubuntu Linux (64-bit)`; `None`: what ESXi calls it.
    pub guest_full_name: Option<String>,
    /// Virtual hardware version.
    pub hardware: u32,
    /// Notes.
    pub annotation: String,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory.
    pub memory_mb: u64,
    /// Network cards, by their port groups.
    pub networks: Vec<String>,
    /// Disks with their provisioned sizes in bytes.
    pub disks: Vec<u64>,
    /// Storage in use.
    pub committed_bytes: u64,
    /// Storage that it may come to use.
    pub uncommitted_bytes: u64,
    /// When the host last counted the storage; `None`: now.
    pub storage_counted_at: Option<Timestamp>,
    /// BIOS UUID as get.summary spells it; `None`: made from node and id.
    pub uuid: Option<String>,
    /// Instance UUID; `None`: made from node and id.
    pub instance_uuid: Option<String>,
    /// Whether it runs at the start.
    pub power: Power,
    /// When it was powered on; `None` if it runs: the node's boot time.
    pub booted_at: Option<Timestamp>,
    /// When it was suspended.
    pub suspended_at: Option<Timestamp>,
    /// `suspendInterval`.
    pub suspend_interval: u64,
    /// `cleanPowerOff` of a VM that is off or suspended.
    pub clean_power_off: bool,
    /// `memoryOverhead`, which newer releases leave unset.
    pub memory_overhead_bytes: Option<u64>,
    /// VMware Tools.
    pub tools: Tools,
    /// What the guest reports.
    pub guest: GuestSpec,
    /// CPU use while it runs.
    pub cpu_usage_mhz: u64,
    /// Memory that the guest uses while it runs.
    pub guest_memory_mb: u64,
    /// Memory of the host that it takes while it runs.
    pub host_memory_mb: u64,
    /// Whether the use of CPU and guest memory wanders about these values as time goes on.
    pub usage_wanders: bool,
    /// `green`, `yellow`, `red` or `gray`.
    pub overall_status: String,
    /// `connected`, `inaccessible`, `invalid`, `orphaned` or `disconnected`.
    pub connection_state: String,
    /// What powering on does.
    pub power_on: PowerOn,
    /// Whether the guest, asked to shut down, goes on as if nothing had been said.
    pub ignores_shutdown: bool,
    /// The tree of snapshots.
    pub snapshots: Vec<SnapshotSpec>,
}

impl VmSpec {
    /// A small VM that is off, on the datastore `datastore1`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let folder = name.replace('/', "-");
        Self {
            id: None,
            name: name.to_owned(),
            datastore: "datastore1".to_owned(),
            vmx_path: format!("{folder}/{folder}.vmx"),
            vmx_name: None,
            further_datastores: Vec::new(),
            guest_id: "ubuntu64Guest".to_owned(),
            guest_full_name: None,
            hardware: 10,
            annotation: String::new(),
            cpus: 1,
            memory_mb: 1024,
            networks: vec!["VM Network".to_owned()],
            disks: vec![16 << 30],
            committed_bytes: 4 << 30,
            uncommitted_bytes: 12 << 30,
            storage_counted_at: None,
            uuid: None,
            instance_uuid: None,
            power: Power::Off,
            booted_at: None,
            suspended_at: None,
            suspend_interval: 0,
            clean_power_off: false,
            memory_overhead_bytes: None,
            tools: Tools::Installed,
            guest: GuestSpec {
                guest_id: None,
                host_name: Some(folder),
                ip_addresses: Vec::new(),
                disks: Vec::new(),
            },
            cpu_usage_mhz: 100,
            guest_memory_mb: 256,
            host_memory_mb: 1040,
            usage_wanders: false,
            overall_status: "green".to_owned(),
            connection_state: "connected".to_owned(),
            power_on: PowerOn::Starts,
            ignores_shutdown: false,
            snapshots: Vec::new(),
        }
    }

    /// The same with this id.
    #[must_use]
    pub fn id(mut self, id: u32) -> Self {
        self.id = Some(id);
        self
    }

    /// The same, running since the node was started.
    #[must_use]
    pub fn on(mut self) -> Self {
        self.power = Power::On;
        self
    }

    /// The same, running since then.
    #[must_use]
    pub fn on_since(mut self, booted_at: Timestamp) -> Self {
        self.power = Power::On;
        self.booted_at = Some(booted_at);
        self
    }

    /// The same, suspended at that time.
    #[must_use]
    pub fn suspended_since(mut self, suspended_at: Timestamp) -> Self {
        self.power = Power::Suspended;
        self.suspended_at = Some(suspended_at);
        self
    }

    /// The same with these notes.
    #[must_use]
    pub fn annotation(mut self, annotation: &str) -> Self {
        self.annotation = annotation.to_owned();
        self
    }

    /// The same with this configured guest system, `debian11_64Guest`.
    #[must_use]
    pub fn guest_id(mut self, guest_id: &str) -> Self {
        self.guest_id = guest_id.to_owned();
        self
    }

    /// The same with its `.vmx` there.
    #[must_use]
    pub fn stored(mut self, datastore: &str, vmx_path: &str) -> Self {
        self.datastore = datastore.to_owned();
        self.vmx_path = vmx_path.to_owned();
        self
    }

    /// The same with this virtual hardware version.
    #[must_use]
    pub fn hardware(mut self, version: u32) -> Self {
        self.hardware = version;
        self
    }

    /// The same with so many CPUs and so much memory.
    #[must_use]
    pub fn size(mut self, cpus: u32, memory_mb: u64) -> Self {
        self.cpus = cpus;
        self.memory_mb = memory_mb;
        self.host_memory_mb = memory_mb + 16;
        self.guest_memory_mb = memory_mb / 4;
        self
    }

    /// The same with one disk that is so large and so far used.
    #[must_use]
    pub fn disk(mut self, used_bytes: u64, size_bytes: u64) -> Self {
        self.disks = vec![size_bytes];
        self.committed_bytes = used_bytes;
        self.uncommitted_bytes = size_bytes.saturating_sub(used_bytes);
        self
    }

    /// The same with this address of the guest.
    #[must_use]
    pub fn ip(mut self, address: &str) -> Self {
        self.guest.ip_addresses = vec![address.to_owned()];
        self
    }

    /// The same with these VMware Tools.
    #[must_use]
    pub fn tools(mut self, tools: Tools) -> Self {
        self.tools = tools;
        self
    }

    /// The same with this behaviour at power-on.
    #[must_use]
    pub fn power_on(mut self, power_on: PowerOn) -> Self {
        self.power_on = power_on;
        self
    }

    /// The same with a guest that never shuts down when it is asked to.
    #[must_use]
    pub fn ignores_shutdown(mut self) -> Self {
        self.ignores_shutdown = true;
        self
    }
}

/// How long changes take, in the node's own time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// From power-on to "Powered on"; the same for resuming.
    pub power_on: Duration,
    /// From "Powered on" until VMware Tools answer and the guest has an address.
    pub guest_boot: Duration,
    /// From the request until the guest has shut down.
    pub guest_shutdown: Duration,
    /// From power-off to "Powered off".
    pub power_off: Duration,
    /// From the request to "Suspended".
    pub suspend: Duration,
    /// How long hostd works on a change of snapshots.
    pub snapshot: Duration,
}

impl Timing {
    /// Everything at once: the default.
    pub const AT_ONCE: Self = Self {
        power_on: Duration::ZERO,
        guest_boot: Duration::ZERO,
        guest_shutdown: Duration::ZERO,
        power_off: Duration::ZERO,
        suspend: Duration::ZERO,
        snapshot: Duration::ZERO,
    };

    /// As on a host with little to do.
    pub const REALISTIC: Self = Self {
        power_on: Duration::from_millis(1500),
        guest_boot: Duration::from_secs(12),
        guest_shutdown: Duration::from_secs(5),
        power_off: Duration::from_millis(600),
        suspend: Duration::from_secs(3),
        snapshot: Duration::from_secs(4),
    };
}

/// A simulated node before it is started.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSpec {
    /// Its name in `hosts.yml`.
    pub name: String,
    /// Which ESXi it is.
    pub generation: Generation,
    /// The exact release.
    pub release: Release,
    /// What it calls itself.
    pub host_name: String,
    /// Its hardware.
    pub hardware: Hardware,
    /// Its UUID, as `hostsummary` shows it.
    pub uuid: String,
    /// When it was booted.
    pub booted_at: Timestamp,
    /// Its volumes; the first is where `hosts.yml` puts new VMs.
    pub datastores: Vec<DatastoreSpec>,
    /// Its port groups; the first that is not for management is the one in `hosts.yml`.
    pub port_groups: Vec<PortGroupSpec>,
    /// Its VMs.
    pub vms: Vec<VmSpec>,
    /// VMs that are registered but cannot be read: `Skipping invalid VM 'ID'`.
    pub invalid_vms: Vec<u32>,
    /// VMs whose disk cannot be made, by name: `vmkfstools` finds too little space, whatever the
    /// datastore says.
    pub lacks_space_for: Vec<String>,
    /// CPU use beside that of the VMs.
    pub cpu_usage_mhz: u64,
    /// Memory use beside that of the VMs.
    pub memory_usage_mb: u64,
    /// How long each call of a simulated tool takes, in real time, beside its own work.
    pub latency: Duration,
    /// How long changes take.
    pub timing: Timing,
    /// The node's time at the start, standing still until
    /// [`SimulatedNode::advance`](crate::SimulatedNode::advance) moves it; `None`: this
    /// machine's time.
    pub clock: Option<Timestamp>,
    /// `PATH` of the remote shell. Some hosts give commands a short one without `/sbin`.
    pub shell_path: String,
    /// Whether the dump of a fault (`vim.fault.NotFound`) goes to standard error. Known of 5.5
    /// is standard output; of later releases nothing is known.
    pub dumps_faults_to_stderr: bool,
    /// Path of the installer image on the first datastore, for `hosts.yml`.
    pub installer_iso: String,
    /// Whether it has a Python and the SOAP side of hostd.
    pub python: bool,
    /// Where the node's own directory is made; `None`: the system's temporary directory.
    pub directory: Option<PathBuf>,
}

/// The first datastore of a node whose specification names none.
const FIRST_DATASTORE: &str = "5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30";

impl NodeSpec {
    /// A node without VMs: ESXi 7.0, one datastore `datastore1` of 500 GB with the installer
    /// image, port groups `Management Network` and `VM Network`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let installer_iso = "os-images/ubuntu2004.iso";
        Self {
            name: name.to_owned(),
            generation: Generation::V7_0,
            release: Generation::V7_0.release(),
            host_name: format!("{name}.example.net"),
            hardware: Hardware::default(),
            uuid: "4c4c4544-0000-1111-2222-333344445555".to_owned(),
            booted_at: DateTime::from_timestamp(1_672_531_811, 500_000_000).unwrap_or_default(),
            datastores: vec![
                DatastoreSpec::vmfs("datastore1", FIRST_DATASTORE, 499_826_819_072)
                    .free(301_234_567_168)
                    .file(installer_iso, 1_331_691_520),
            ],
            port_groups: vec![
                PortGroupSpec::new("Management Network", "vSwitch0", 1, 0),
                PortGroupSpec::new("VM Network", "vSwitch0", 0, 0),
            ],
            vms: Vec::new(),
            invalid_vms: Vec::new(),
            lacks_space_for: Vec::new(),
            cpu_usage_mhz: 150,
            memory_usage_mb: 1800,
            latency: Duration::ZERO,
            timing: Timing::AT_ONCE,
            clock: None,
            shell_path: "/bin:/sbin:/usr/bin:/usr/sbin".to_owned(),
            dumps_faults_to_stderr: false,
            installer_iso: installer_iso.to_owned(),
            python: false,
            directory: None,
        }
    }

    /// The same with a Python (this machine's `python3`) and the SOAP side of hostd.
    #[must_use]
    pub fn python(mut self) -> Self {
        self.python = true;
        self
    }

    /// The same as another generation, with that generation's release. VMs of a newer virtual
    /// hardware than it knows become its newest.
    #[must_use]
    pub fn generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self.release = generation.release();
        for vm in &mut self.vms {
            vm.hardware = vm.hardware.min(generation.newest_hardware());
        }
        self
    }

    /// The same with one VM more.
    #[must_use]
    pub fn vm(mut self, vm: VmSpec) -> Self {
        self.vms.push(vm);
        self
    }

    /// The same with these VMs more.
    #[must_use]
    pub fn vms(mut self, vms: impl IntoIterator<Item = VmSpec>) -> Self {
        self.vms.extend(vms);
        self
    }

    /// The same with one datastore more.
    #[must_use]
    pub fn datastore(mut self, datastore: DatastoreSpec) -> Self {
        self.datastores.push(datastore);
        self
    }

    /// The same with so much delay before each answer of a simulated tool.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The same with changes that take so long.
    #[must_use]
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// The same with the node's clock standing at that time.
    #[must_use]
    pub fn clock(mut self, time: Timestamp) -> Self {
        self.clock = Some(time);
        self
    }
}
