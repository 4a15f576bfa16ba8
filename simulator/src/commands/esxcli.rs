//! `esxcli`

use crate::host::Host;
use crate::{DatastoreSpec, Generation, Power, VolumeKind, vmx};

use super::Output;
use super::table::{Answer, Cell, Record, Shape};

pub(super) fn run(host: &mut Host, arguments: &[&str]) -> Output {
    let mut formatter = None;
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(&word) = rest.next() {
        if let Some(value) = word.strip_prefix("--formatter=") {
            formatter = Some(value);
        } else if word == "--formatter" {
            formatter = rest.next().copied();
        } else {
            words.push(word);
        }
    }
    if let ["vm", "process", "kill", options @ ..] = words.as_slice() {
        return kill(host, options);
    }
    let answer = match words.as_slice() {
        ["system", "version", "get"] => version(host),
        ["system", "hostname", "get"] => hostname(host),
        ["system", "time", "get"] => time(host),
        ["hardware", "cpu", "global", "get"] => cpu(host),
        ["hardware", "memory", "get"] => memory(host),
        ["hardware", "platform", "get"] => platform(host),
        ["storage", "filesystem", "list"] => volumes(host),
        ["network", "vswitch", "standard", "portgroup", "list"] => port_groups(host),
        ["vm", "process", "list"] => processes(host),
        _ => return unknown(&words),
    };
    answer.show(formatter).map_or_else(
        || {
            Output::failed(
                format!(
                    "Error: Unknown formatter: {}\n\n",
                    formatter.unwrap_or_default()
                ),
                1,
            )
        },
        Output::ok,
    )
}

fn unknown(words: &[&str]) -> Output {
    Output::failed(
        format!(
            "Error: Unknown command or namespace {}\n\n",
            words.join(" ")
        ),
        1,
    )
}

fn version(host: &Host) -> Answer {
    let release = &host.spec.release;
    let mut record: Record = vec![
        ("Product", "VMware ESXi".into()),
        ("Version", release.version.as_str().into()),
        ("Build", format!("Releasebuild-{}", release.build).into()),
        ("Update", release.update.into()),
    ];
    if host.generation() >= Generation::V9_0 {
        record.push(("Maintenance", 0_u32.into()));
    }
    if let Some(patch) = release.patch {
        record.push(("Patch", patch.into()));
    }
    single("Version", record)
}

fn hostname(host: &Host) -> Answer {
    let full = host.spec.host_name.as_str();
    let (name, domain) = full.split_once('.').unwrap_or((full, ""));
    single(
        "HostFQDN",
        vec![
            ("Domain Name", domain.into()),
            ("Fully Qualified Domain Name", full.into()),
            ("Host Name", name.into()),
        ],
    )
}

fn time(host: &Host) -> Answer {
    let now = host.shown(host.now()).format("%Y-%m-%dT%H:%M:%SZ");
    Answer {
        kind: "string",
        shape: Shape::Value,
        records: vec![vec![("Time", now.to_string().into())]],
    }
}

fn cpu(host: &Host) -> Answer {
    let hardware = &host.spec.hardware;
    let hyperthreading = hardware.cpu_threads > hardware.cpu_cores;
    single(
        "CpuGlobal",
        vec![
            ("CPU Packages", hardware.cpu_packages.into()),
            ("CPU Cores", hardware.cpu_cores.into()),
            ("CPU Threads", hardware.cpu_threads.into()),
            ("Hyperthreading Active", hyperthreading.into()),
            ("Hyperthreading Supported", hyperthreading.into()),
            ("Hyperthreading Enabled", true.into()),
            ("HV Support", 3_u32.into()),
        ],
    )
}

fn memory(host: &Host) -> Answer {
    let bytes = host.spec.hardware.memory_bytes;
    single(
        "MemoryStats",
        vec![
            ("Physical Memory", format!("{bytes} Bytes").into()),
            ("Reliable Memory", "0 Bytes".into()),
            ("NUMA Node Count", host.spec.hardware.cpu_packages.into()),
        ],
    )
}

fn platform(host: &Host) -> Answer {
    let hardware = &host.spec.hardware;
    single(
        "PlatformInfo",
        vec![
            (
                "UUID",
                format!(
                    "0x{}",
                    vmx::spaced_uuid(&host.spec.uuid).replace(['-', ' '], " 0x")
                )
                .into(),
            ),
            ("Product Name", hardware.model.as_str().into()),
            ("Vendor Name", hardware.vendor.as_str().into()),
            ("Serial Number", "None".into()),
            ("Enclosure Serial Number", "None".into()),
            ("BIOS Asset Tag", "".into()),
            ("IPMI Supported", false.into()),
        ],
    )
}

fn volumes(host: &Host) -> Answer {
    let volume = |store: &DatastoreSpec| -> Record {
        let kind = match &store.kind {
            VolumeKind::Vmfs(version) => format!("VMFS-{version}"),
            VolumeKind::Nfs(_) => "NFS".to_owned(),
            VolumeKind::Vsan => "vsan".to_owned(),
            VolumeKind::OsData if host.generation() >= Generation::V8_0 => "VMFSOS".to_owned(),
            VolumeKind::OsData => "VFFS".to_owned(),
            VolumeKind::BootBank => "vfat".to_owned(),
        };
        vec![
            (
                "Mount Point",
                format!("/vmfs/volumes/{}", store.uuid).into(),
            ),
            ("Volume Name", store.name.as_str().into()),
            ("UUID", store.uuid.as_str().into()),
            ("Mounted", store.mounted.into()),
            ("Type", kind.into()),
            ("Size", store.capacity_bytes.into()),
            ("Free", host.free(store).into()),
        ]
    };
    Answer {
        kind: "FileSystem",
        shape: Shape::Table,
        records: host.spec.datastores.iter().map(volume).collect(),
    }
}

fn port_groups(host: &Host) -> Answer {
    let groups = host.spec.port_groups.iter().map(|group| -> Record {
        vec![
            ("Name", group.name.as_str().into()),
            ("Virtual Switch", group.virtual_switch.as_str().into()),
            ("Active Clients", group.active_clients.into()),
            ("VLAN ID", Cell::Number(group.vlan_id.into())),
        ]
    });
    Answer {
        kind: "PortGroup",
        shape: Shape::Table,
        records: groups.collect(),
    }
}

fn processes(host: &Host) -> Answer {
    let running = host.vms.values().filter(|vm| vm.power == Power::On);
    let records = running.map(|vm| -> Record {
        let folder = host
            .store_named(&vm.spec.datastore)
            .map_or("", |store| store.uuid.as_str());
        vec![
            ("World ID", vm.world_id.into()),
            ("Process ID", 0_u32.into()),
            ("VMX Cartel ID", (vm.world_id - 1).into()),
            ("UUID", vmx::spaced_uuid(&host.uuid(vm)).into()),
            ("Display Name", vm.spec.name.as_str().into()),
            (
                "Config File",
                format!("/vmfs/volumes/{folder}/{}", vm.spec.vmx_path).into(),
            ),
        ]
    });
    Answer {
        kind: "VirtualMachine",
        shape: Shape::Blocks("Display Name"),
        records: records.collect(),
    }
}

/// `esxcli vm process kill -t soft|hard|force -w WORLD`: off at once, without asking the guest.
fn kill(host: &mut Host, options: &[&str]) -> Output {
    let mut world_id = None;
    let mut kind = None;
    let mut rest = options.iter();
    while let Some(&option) = rest.next() {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, rest.next().copied()),
        };
        match name {
            "-w" | "--world-id" => world_id = value.and_then(|text| text.parse::<u32>().ok()),
            "-t" | "--type" => kind = value,
            _ => {}
        }
    }
    let (Some(world_id), Some("soft" | "hard" | "force")) = (world_id, kind) else {
        return Output::failed(
            "Error: Missing required parameter -t|--type or -w|--world-id\n\n",
            1,
        );
    };
    let victim = host
        .vms
        .values_mut()
        .find(|vm| vm.power == Power::On && vm.world_id == world_id);
    let Some(vm) = victim else {
        return Output::failed(
            format!("Unable to find a virtual machine with the world ID {world_id}\n"),
            1,
        );
    };
    vm.question = None;
    vm.power = Power::Off;
    vm.booted_at = None;
    vm.guest_up_at = None;
    vm.activity = None;
    Output::default()
}

fn single(kind: &'static str, record: Record) -> Answer {
    Answer {
        kind,
        shape: Shape::Single,
        records: vec![record],
    }
}
