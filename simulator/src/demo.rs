//! Believable inventories: a research lab, a company's infrastructure and a school, each with
//! what tables get wrong: notes of several lines and languages, brackets in names, VMs that are
//! suspended or without VMware Tools, and some that always fail in the way of their name:
//!
//! - `fails-no-memory` and `fails-config` do not start; of a configuration, 8.0 says what is wrong
//!   with it, and 6.5 does not
//! - `asks-question` waits for an answer at each start
//! - `ignores-shutdown` stays on when its guest is asked to shut down

use std::time::SystemTime;

use chrono::TimeDelta;

use crate::{
    DatastoreSpec, Generation, Hardware, NodeSpec, PortGroupSpec, Power, PowerOn, SnapshotSpec,
    Timestamp, Timing, Tools, VmSpec, VolumeKind,
};

/// A VM in a line: name, guest system, CPUs, memory in GB, disk in use and its size in GB.
struct Sketch(&'static str, &'static str, u32, u64, u64, u64);

const LAB: [Sketch; 12] = [
    Sketch("gitlab", "ubuntu64Guest", 4, 8, 83, 200),
    Sketch("jupyterhub", "ubuntu64Guest", 16, 64, 412, 1000),
    Sketch("k3s-server-1", "debian12_64Guest", 2, 4, 14, 40),
    Sketch("k3s-agent-1", "debian12_64Guest", 4, 6, 22, 60),
    Sketch("ignores-shutdown", "debian12_64Guest", 2, 4, 25, 60),
    Sketch("postgres-16", "rockylinux_64Guest", 4, 16, 148, 300),
    Sketch("測定PC (win11)", "windows9_64Guest", 4, 8, 41, 120),
    Sketch("pxe-boot", "debian11_64Guest", 1, 1, 3, 16),
    Sketch("no-tools", "otherLinux64Guest", 1, 2, 6, 20),
    Sketch("fails-no-memory", "ubuntu64Guest", 8, 512, 12, 80),
    Sketch("asks-question", "ubuntu64Guest", 2, 4, 9, 40),
    Sketch("frozen-build", "fedora64Guest", 4, 4, 18, 60),
];

const INFRASTRUCTURE: [Sketch; 12] = [
    Sketch("dns-1", "debian12_64Guest", 1, 1, 3, 10),
    Sketch("ad-dc01", "windows2019srvNext_64Guest", 2, 6, 38, 90),
    Sketch("mail", "debian11_64Guest", 4, 6, 210, 500),
    Sketch("nextcloud", "ubuntu64Guest", 4, 12, 1340, 2000),
    Sketch("grafana", "debian12_64Guest", 2, 2, 8, 20),
    Sketch("prometheus", "debian12_64Guest", 4, 10, 96, 200),
    Sketch("vpn-wireguard", "debian12_64Guest", 1, 1, 2, 10),
    Sketch(
        "web front (blue) [do not touch]",
        "ubuntu64Guest",
        2,
        4,
        11,
        40,
    ),
    Sketch("web front (green)", "ubuntu64Guest", 2, 4, 11, 40),
    Sketch("fails-config", "sles15_64Guest", 8, 8, 31, 100),
    Sketch("old-wiki", "centos7_64Guest", 1, 2, 17, 40),
    Sketch("opnsense", "freebsd13_64Guest", 2, 2, 4, 16),
];

const SCHOOL: [Sketch; 12] = [
    Sketch("moodle", "debian12_64Guest", 6, 12, 164, 300),
    Sketch("bibliothèque", "debian11_64Guest", 2, 4, 22, 60),
    Sketch("Kasse-01", "windows9_64Guest", 2, 4, 29, 80),
    Sketch("сервер-данных", "ubuntu64Guest", 4, 8, 730, 1500),
    Sketch("ubuntu-24.04-template", "ubuntu64Guest", 2, 2, 5, 25),
    Sketch("student-01", "ubuntu64Guest", 2, 2, 8, 25),
    Sketch("student-02", "ubuntu64Guest", 2, 2, 9, 25),
    Sketch("student-03", "ubuntu64Guest", 2, 2, 7, 25),
    Sketch("print-server", "windows2019srv_64Guest", 2, 4, 33, 80),
    Sketch("fails-config", "rhel9_64Guest", 2, 4, 10, 40),
    Sketch("truenas", "freebsd13_64Guest", 4, 16, 51, 64),
    Sketch("실습-01", "ubuntu64Guest", 2, 2, 6, 25),
];

const NOTES: [(&str, &str); 17] = [
    ("gitlab", "GitLab 17.5, backup every night at 02:00 UTC"),
    ("jupyterhub", "GPU の予約は #lab-gpu で"),
    (
        "postgres-16",
        "PostgreSQL 16\nowner: data team\n\nDo not take snapshots while the backup runs \
         (02:00-03:00 UTC).\n2 disks, see the handbook",
    ),
    (
        "測定PC (win11)",
        "測定用。停止しないでください（担当：佐藤）",
    ),
    (
        "no-tools",
        "appliance without VMware Tools: no shutdown, only power off",
    ),
    (
        "fails-no-memory",
        "asks for 512 GB of memory: cannot be powered on here",
    ),
    (
        "asks-question",
        "asks at every power-on whether it was moved or copied",
    ),
    (
        "ignores-shutdown",
        "its guest hangs: asked to shut down, it stays on until it is powered off",
    ),
    (
        "mail",
        "Postfix + Dovecot\nTLS certificate: see \"mail\" in the vault",
    ),
    ("nextcloud", "owner: ops, contact +49 30 1234567"),
    (
        "web front (blue) [do not touch]",
        "live since 2024-03-01; green is the next one",
    ),
    (
        "old-wiki",
        "read only, to be deleted when nobody has asked for a year",
    ),
    (
        "bibliothèque",
        "Catalogue de la bibliothèque – ne pas éteindre pendant l'inventaire",
    ),
    (
        "Kasse-01",
        "Nicht ausschalten, läuft bis zur Schlüsselübergabe am 30.06.",
    ),
    ("сервер-данных", "Архив курса, только чтение"),
    (
        "fails-config",
        "hand-written .vmx without PCIe bridges: cannot be powered on",
    ),
    ("실습-01", "2학기 실습용"),
];

/// VMs that are off at the start.
const OFF: [&str; 7] = [
    "pxe-boot",
    "fails-no-memory",
    "asks-question",
    "web front (green)",
    "ubuntu-24.04-template",
    "student-03",
    "fails-config",
];

const SUSPENDED: [&str; 2] = ["frozen-build", "old-wiki"];

fn hardware(index: usize) -> Hardware {
    let (vendor, model, cpu, mhz, packages, cores, memory_gb) = match index % 4 {
        0 => (
            "Dell Inc.",
            "PowerEdge R640",
            "Intel(R) Xeon(R) Silver 4210 CPU @ 2.20GHz",
            2200,
            2,
            20,
            256,
        ),
        1 => (
            "HPE",
            "ProLiant DL360 Gen10",
            "Intel(R) Xeon(R) Gold 5218 CPU @ 2.30GHz",
            2295,
            1,
            16,
            192,
        ),
        2 => (
            "Supermicro",
            "SYS-5019D-FN8TP",
            "Intel(R) Xeon(R) D-2146NT CPU @ 2.30GHz",
            2294,
            1,
            8,
            128,
        ),
        _ => (
            "FUJITSU",
            "PRIMERGY RX1330 M4",
            "Intel(R) Xeon(R) E-2236 CPU @ 3.40GHz",
            3408,
            1,
            6,
            64,
        ),
    };
    Hardware {
        vendor: vendor.to_owned(),
        model: model.to_owned(),
        cpu_model: format!("{cpu:<48}"),
        cpu_mhz: mhz,
        cpu_packages: packages,
        cpu_cores: cores,
        cpu_threads: cores * 2,
        memory_bytes: (memory_gb << 30) - 73_400_320,
        nics: 4,
        hbas: 2,
    }
}

/// The same number for the same seed, spread over all values.
fn mixed(seed: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl NodeSpec {
    /// The `index`-th node (from 0) of a believable site, with so many VMs: another release
    /// line, other hardware and other VMs each. Changes take realistic time, and the use of CPU
    /// and memory wanders. There is no space for the disk of a new VM that is named `fails-disk`.
    #[must_use]
    pub fn demo(index: usize, vm_count: usize) -> Self {
        let now = Timestamp::from(SystemTime::now());
        let seed = u64::try_from(index).unwrap_or_default() << 32;
        let generations = [
            Generation::V7_0,
            Generation::V8_0,
            Generation::V6_5,
            Generation::V6_7,
            Generation::V9_0,
            Generation::V5_5,
        ];
        let generation = generations
            .into_iter()
            .cycle()
            .nth(index)
            .unwrap_or(Generation::V7_0);
        let uuid = |salt: u64| {
            let number = mixed(seed + salt);
            format!(
                "{:08x}-{:08x}-{:04x}-3cecef{:06x}",
                0x5f00_0000 + (number >> 40),
                number & 0xffff_ffff,
                mixed(seed + salt + 1) & 0xffff,
                mixed(seed) & 0xff_ffff,
            )
        };
        let mut node = Self::new(&format!("esxi-{:02}", index + 1)).generation(generation);
        node.hardware = hardware(index);
        node.uuid = format!("4c4c4544-0046-3510-8051-c{:011x}", mixed(seed) >> 20);
        let days = i64::try_from(40 + mixed(seed + 7) % 200).unwrap_or(40);
        node.booted_at = now - TimeDelta::days(days);
        let osdata = uuid(31);
        node.datastores = vec![
            DatastoreSpec::vmfs("datastore1", &uuid(11), 3_840_755_982_336)
                .free(1_204_938_268_672)
                .file("os-images/ubuntu2004.iso", 1_331_691_520)
                .file("os-images/debian-12.7.0-amd64-netinst.iso", 661_651_456),
            DatastoreSpec::nfs(
                "nas-a",
                &format!("{:08x}-{:08x}", 0x7bd0_4e91_u32, 0x2c6f_a835_u32),
                "10.0.2.5:/export/nas-a",
                10_995_116_277_760,
            )
            .free(4_398_046_511_104),
            DatastoreSpec {
                kind: VolumeKind::OsData,
                ..DatastoreSpec::vmfs(&format!("OSDATA-{osdata}"), &osdata, 128_580_583_424)
            },
            DatastoreSpec {
                kind: VolumeKind::BootBank,
                ..DatastoreSpec::vmfs("BOOTBANK1", &uuid(41), 4_293_591_040)
            },
        ];
        node.port_groups = vec![
            PortGroupSpec::new("Management Network", "vSwitch0", 1, 0),
            PortGroupSpec::new(
                "VM Network",
                "vSwitch0",
                u32::try_from(vm_count).unwrap_or(u32::MAX),
                0,
            ),
            PortGroupSpec::new("Lab (trunk)", "vSwitch-Lab", 0, 4095),
        ];
        node.timing = Timing::REALISTIC;
        node.lacks_space_for = vec!["fails-disk".to_owned()];
        node.vms = (0..vm_count)
            .map(|number| demo_vm(&node, index, number, now))
            .collect();
        node
    }
}

fn demo_vm(node: &NodeSpec, index: usize, number: usize, now: Timestamp) -> VmSpec {
    let (site, series) = match index % 3 {
        0 => (&LAB, "runner"),
        1 => (&INFRASTRUCTURE, "app"),
        _ => (&SCHOOL, "student"),
    };
    let seed = (u64::try_from(index).unwrap_or_default() << 32)
        + u64::try_from(number).unwrap_or_default();
    let dice = |salt: u64, sides: u64| mixed(seed ^ (salt << 48)) % sides;

    let mut vm = match site.get(number) {
        Some(&Sketch(name, guest, cpus, memory_gb, used_gb, size_gb)) => {
            let mut vm = VmSpec::new(name)
                .guest_id(guest)
                .size(cpus, memory_gb << 10)
                .disk((used_gb << 30) + dice(1, 1 << 29), size_gb << 30);
            vm.power = if OFF.contains(&name) {
                Power::Off
            } else if SUSPENDED.contains(&name) {
                Power::Suspended
            } else {
                Power::On
            };
            vm
        }
        None => {
            let guests = ["ubuntu64Guest", "debian12_64Guest", "rockylinux_64Guest"];
            let guest = guests
                .into_iter()
                .cycle()
                .nth(number)
                .unwrap_or("otherGuest");
            let size = 16 << dice(2, 3);
            let mut vm = VmSpec::new(&format!("{series}-{number:03}"))
                .guest_id(guest)
                .size(1 << dice(3, 4), 1024 << dice(4, 5))
                .disk(((size << 30) * (10 + dice(5, 80))) / 100, size << 30);
            vm.power = match dice(6, 20) {
                0..=3 => Power::Off,
                4 => Power::Suspended,
                _ => Power::On,
            };
            vm
        }
    };
    if let Some((_, note)) = NOTES.iter().find(|(name, _)| *name == vm.name) {
        vm = vm.annotation(note);
    }
    if number % 4 == 3 {
        let path = vm.vmx_path.clone();
        vm = vm.stored("nas-a", &path);
    }
    let host = i64::try_from(number).unwrap_or_default();
    let subnet = 10 + index % 200;
    vm.guest.host_name = Some(format!(
        "{}.{}",
        if vm.name.is_ascii() && !vm.name.contains(' ') {
            vm.name.to_ascii_lowercase()
        } else {
            format!("host-{:03}", number + 1)
        },
        "lab.example.net"
    ));
    vm.guest.ip_addresses = vec![format!("10.0.{subnet}.{}", 11 + number % 240)];
    if vm.name == "prometheus" {
        vm.guest
            .ip_addresses
            .insert(0, format!("2001:db8:0:{subnet}::36"));
    }
    let (_, size) = (vm.committed_bytes, vm.disks.first().copied().unwrap_or(0));
    vm.guest.disks = vec![(
        "/".to_owned(),
        size,
        size.saturating_sub(vm.committed_bytes),
    )];
    vm.hardware = node.generation.newest_hardware().min(19) - u32::from(number % 5 == 4);
    vm.booted_at = Some(
        (node.booted_at + TimeDelta::hours(1 + host * 7) + TimeDelta::seconds(host * 61 % 3600))
            .min(now - TimeDelta::minutes(5 + host % 50)),
    );
    vm.suspended_at = Some(now - TimeDelta::hours(30 + host));
    vm.clean_power_off = true;
    vm.cpu_usage_mhz = 20 + u64::from(vm.cpus) * dice(8, 400);
    vm.guest_memory_mb = vm.memory_mb * (5 + dice(9, 60)) / 100;
    vm.usage_wanders = true;
    match vm.name.as_str() {
        "no-tools" => vm.tools = Tools::Missing,
        "old-wiki" | "mail" => vm.tools = Tools::Old,
        "opnsense" => vm.tools = Tools::Stopped,
        "fails-no-memory" => vm.power_on = PowerOn::LacksMemory,
        "fails-config" => vm.power_on = PowerOn::Misconfigured,
        "ignores-shutdown" => vm.ignores_shutdown = true,
        "asks-question" => vm.power_on = PowerOn::AsksEachTime,
        "gitlab" => {
            vm.snapshots = vec![SnapshotSpec {
                id: 1,
                name: "before upgrade to 17.5".to_owned(),
                description: "can go after the release party".to_owned(),
                created: now - TimeDelta::days(12),
                power: Power::Off,
                children: Vec::new(),
            }];
        }
        _ => {}
    }
    if vm.name == "print-server" {
        vm.overall_status = "yellow".to_owned();
    }
    vm
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_demo_node_has_as_many_vms_as_asked_for_each_with_a_name_of_its_own() {
        for (index, count) in [(0, 12), (1, 5), (2, 50), (7, 0)] {
            let node = NodeSpec::demo(index, count);
            let names: BTreeSet<&str> = node.vms.iter().map(|vm| vm.name.as_str()).collect();
            assert_eq!(names.len(), count);
        }
    }

    #[test]
    fn the_first_three_demo_nodes_hold_what_tables_get_wrong() {
        let vms: Vec<VmSpec> = (0..3).flat_map(|n| NodeSpec::demo(n, 12).vms).collect();
        let some = |what: fn(&VmSpec) -> bool| vms.iter().any(what);
        assert!(some(|vm| vm.power == Power::Suspended));
        assert!(some(|vm| vm.power == Power::Off));
        assert!(some(
            |vm| vm.tools == Tools::Missing && vm.power == Power::On
        ));
        assert!(some(|vm| vm.annotation.contains('\n')));
        assert!(some(|vm| !vm.annotation.is_ascii()));
        assert!(some(|vm| vm.cpus > 8));
        assert!(some(|vm| vm.power_on == PowerOn::LacksMemory));
        assert!(some(|vm| vm.power_on == PowerOn::AsksEachTime));
        assert!(some(|vm| vm.ignores_shutdown
            && vm.power == Power::On
            && vm.tools == Tools::Installed));
        // One release says what is wrong, others leave it out.
        let misconfigured = vms
            .iter()
            .filter(|vm| vm.power_on == PowerOn::Misconfigured);
        assert_eq!(misconfigured.count(), 2);
        for (name, _) in NOTES {
            assert!(vms.iter().any(|vm| vm.name == name), "no VM {name}");
        }
    }
}
