//! Made-up nodes and VMs: always the same ones for the same numbers.

use chrono::{TimeDelta, Utc};
use ecoman_model::{
    Datastore, LastKnown, NodeFacts, NodeName, NodeRecord, NodeSettings, PortGroup, PowerState,
    Round, RoundVms, Timestamp, VersionFacts, VmFacts, VmKey, VmRecord, Vmid,
};

/// The made-up nodes must not become stale on the page: no crawler updates them.
const INTERVAL_SECONDS: u64 = 24 * 60 * 60;

const GIB: u64 = 1 << 30;

/// The first rounds over `nodes` nodes with `vms` VMs in all, a round per node.
///
/// # Errors
///
/// A made-up name is invalid: a bug in this file.
pub(crate) fn rounds(nodes: usize, vms: usize) -> anyhow::Result<Vec<Round>> {
    let now = Utc::now();
    let share = vms.checked_div(nodes).unwrap_or_default();
    let rest = vms.checked_rem(nodes).unwrap_or_default();
    (0..nodes)
        .map(|place| round(place, share + usize::from(place < rest), now))
        .collect()
}

fn round(place: usize, vms: usize, now: Timestamp) -> anyhow::Result<Round> {
    let name: NodeName = format!("esxi-{:03}", place + 1).parse()?;
    let mut random = fastrand::Rng::with_seed(place as u64);
    let vms = (1..=vms)
        .map(|vmid| {
            Ok(VmRecord {
                key: VmKey {
                    node: name.clone(),
                    vmid: Vmid(u32::try_from(vmid)?),
                },
                facts: vm(place, vmid, now, &mut random),
                observed_at: now,
                failure: None,
                last_known: LastKnown::default(),
            })
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Round {
        node: node(name, place, now),
        vms: RoundVms::Complete(vms),
    })
}

fn node(name: NodeName, place: usize, now: Timestamp) -> NodeRecord {
    NodeRecord {
        settings: NodeSettings {
            address: format!("192.0.2.{}", place % 250 + 1),
            port: 22,
            username: "root".to_owned(),
            datastore_path: "/vmfs/volumes/datastore1".to_owned(),
            installer_iso_path: "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso".to_owned(),
            network_port_group: "VM Network".to_owned(),
            max_sessions: 4,
            read_only: false,
        },
        name,
        facts: Some(NodeFacts {
            version: VersionFacts {
                product: Some("VMware ESXi".to_owned()),
                version: Some("7.0.3".to_owned()),
                build: Some("21053776".to_owned()),
                update: Some(3),
                patch: Some(65),
            },
            vendor: Some("Example Systems".to_owned()),
            model: Some("ES-1U (rev B), 2020".to_owned()),
            cpu_model: Some("Example(R) CPU X-1400 @ 3.30GHz".to_owned()),
            cpu_mhz: Some(3303),
            cpu_packages: Some(2),
            cpu_cores: Some(32),
            cpu_threads: Some(64),
            memory_bytes: Some(512 * GIB),
            cpu_usage_mhz: Some(21_400),
            memory_usage_mb: Some(301_000),
            booted_at: Some(now - TimeDelta::days(90)),
            in_maintenance_mode: Some(false),
            overall_status: Some("green".to_owned()),
            datastores: vec![Datastore {
                name: Some("datastore1".to_owned()),
                path: "/vmfs/volumes/5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30".to_owned(),
                kind: "VMFS-6".to_owned(),
                accessible: true,
                capacity_bytes: Some(8 << 40),
                free_bytes: Some(3 << 40),
            }],
            port_groups: vec![PortGroup {
                name: "VM Network".to_owned(),
                virtual_switch: "vSwitch0".to_owned(),
                active_clients: 64,
                vlan_id: 0,
            }],
            iso_images: Vec::new(),
            setup_read_at: Some(now),
        }),
        observed_at: Some(now),
        attempted_at: Some(now),
        next_attempt_at: None,
        interval_seconds: INTERVAL_SECONDS,
        round_millis: Some(1500),
        failure: None,
        warnings: Vec::new(),
        collecting: None,
        vms_read_at: Vec::new(),
    }
}

/// A typical VM: a service with a number, by an owner, some of them large.
fn vm(place: usize, vmid: usize, now: Timestamp, random: &mut fastrand::Rng) -> VmFacts {
    const SERVICES: [&str; 8] = [
        "web", "db", "cache", "build", "metrics", "mail", "gitlab", "lab",
    ];
    const OWNERS: [&str; 5] = ["ops", "research", "teaching", "network", "students"];
    const GUESTS: [&str; 4] = [
        "Ubuntu Linux (64-bit)",
        "Debian GNU/Linux 12 (64-bit)",
        "Microsoft Windows Server 2022 (64-bit)",
        "FreeBSD 13 or later versions (64-bit)",
    ];
    let service = random.choice(SERVICES).unwrap_or("web");
    let name = format!("{service}-{:03}-{vmid:03}", place + 1);
    let power = match random.u8(0..10) {
        0 => PowerState::Suspended,
        1..4 => PowerState::Off,
        _ => PowerState::On,
    };
    let running = power == PowerState::On;
    let large = random.u8(0..8) == 0;
    let cpus = 1 << random.u32(0..3 + u32::from(large));
    let memory_mb = 512 << random.u64(0..4 + 3 * u64::from(large));
    let disk = random.u64(10..50 + 100 * u64::from(large)) * GIB;
    let used = disk / 100 * random.u64(10..90);
    let uptime = random.u64(60..8_000_000);
    VmFacts {
        uuid: Some(format!("564d{place:04x}-0000-4000-8000-{vmid:012x}")),
        power,
        hostname: running.then(|| name.clone()),
        ip_address: running.then(|| format!("10.{}.{}.{}", place % 250, vmid / 250, vmid % 250)),
        cpus: Some(cpus),
        memory_mb: Some(memory_mb),
        storage_bytes: Some(used),
        storage_uncommitted_bytes: Some(disk - used),
        guest_os: random.choice(GUESTS).map(str::to_owned),
        tools_status: Some(
            if running {
                "toolsOk"
            } else {
                "toolsNotRunning"
            }
            .to_owned(),
        ),
        overall_status: Some("green".to_owned()),
        connection_state: Some("connected".to_owned()),
        uptime_seconds: running.then_some(uptime),
        booted_at: running.then(|| now - TimeDelta::seconds(i64::try_from(uptime).unwrap_or(0))),
        cpu_usage_mhz: Some(if running { random.u64(20..3000) } else { 0 }),
        guest_memory_mb: Some(if running { memory_mb / 5 } else { 0 }),
        host_memory_mb: Some(if running { memory_mb + 40 } else { 0 }),
        nic_count: Some(1),
        disk_count: Some(1),
        datastore: Some("datastore1".to_owned()),
        vmx_path: Some(format!("[datastore1] {name}/{name}.vmx")),
        hardware_version: Some("vmx-19".to_owned()),
        comment: (!vmid.is_multiple_of(3)).then(|| {
            let owner = random.choice(OWNERS).unwrap_or("ops");
            format!("owner: {owner}; {service} of the {owner} group, see wiki/{service}")
        }),
        name: Some(name),
        ..VmFacts::default()
    }
}
