//! Each tool prints, byte for byte, what the samples of `data/` hold, over a real connection.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong in a helper of a test fails the test"
)]

mod shell;

use std::path::Path;

use ecoman_simulator::{
    DatastoreSpec, Fault, Generation, HostdDown, NodeSpec, PortGroupSpec, Power, PowerOn, Question,
    SimulatedNode, SnapshotSpec, Timestamp, Tools, VmSpec, VolumeKind,
};
use shell::{Ran, Shell};

fn sample(name: &str) -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(format!("{name}.txt"));
    std::fs::read_to_string(file).ok()
}

/// What the sample says: standard output, standard error of the file beside it, exit code.
fn expected(name: &str, code: i32) -> Ran {
    let (stdout, stderr) = (sample(name), sample(&format!("{name}.stderr")));
    assert!(stdout.is_some() || stderr.is_some(), "no sample {name}");
    Ran {
        stdout: stdout.unwrap_or_default(),
        stderr: stderr.unwrap_or_default(),
        code: Some(code),
    }
}

#[track_caller]
fn assert_same(ran: &Ran, wanted: &Ran, what: &str) {
    for (stream, got, wanted) in [
        ("standard output", &ran.stdout, &wanted.stdout),
        ("standard error", &ran.stderr, &wanted.stderr),
    ] {
        if got != wanted {
            let line = got
                .split_inclusive('\n')
                .zip(wanted.split_inclusive('\n'))
                .position(|(one, other)| one != other);
            panic!("{what}: {stream} differs from line {line:?}\n{got:?}\n{wanted:?}");
        }
    }
    assert_eq!(ran.code, wanted.code, "{what}");
}

struct Lab {
    node: SimulatedNode,
    shell: Shell,
}

impl Lab {
    fn new(generation: Generation, vms: Vec<VmSpec>) -> Self {
        Self::start(NodeSpec::new("esxi-01").generation(generation).vms(vms))
    }

    fn start(spec: NodeSpec) -> Self {
        let node = SimulatedNode::start(spec).unwrap();
        let shell = Shell::new(&node);
        Self { node, shell }
    }

    #[track_caller]
    fn check(&self, command: &str, name: &str) {
        self.check_failing(command, name, 0);
    }

    #[track_caller]
    fn check_failing(&self, command: &str, name: &str, code: i32) {
        assert_same(&self.shell.run(command), &expected(name, code), name);
    }

    fn at(&self, time: &str) -> &Self {
        self.node.set_clock(time.parse().unwrap());
        self
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn row(id: u32, name: &str, store: &str, path: &str, guest: &str, hardware: u32) -> VmSpec {
    VmSpec::new(name)
        .id(id)
        .stored(store, path)
        .guest_id(guest)
        .hardware(hardware)
}

#[test]
fn the_list_of_vms_is_the_known_one() {
    use Generation::{V6_5, V6_7, V7_0, V8_0, V9_0};
    let long = "n".repeat(80);
    let infra = "vCLS-0b1c2d3e-4f50-4a6b-8c7d-0123456789ab";
    let mut infra_vm = row(1702, infra, "", "", "crxSys1Guest", 21);
    infra_vm.vmx_name = Some(format!("[] /var/run/crx/infra/{infra}/{infra}.vmx"));
    let appliance = "Appliance image, see the handbook.\n\n   Indented second paragraph.\n\n\
                     2 disks, 1 NIC\n[restored 2023-04-01]";
    let ja = "ファイルサーバ";
    let lists = [
        ("empty-host.8.0", V8_0, vec![]),
        (
            "basic.7.0",
            V7_0,
            vec![
                row(
                    1,
                    "dns-a",
                    "datastore1",
                    "dns-a/dns-a.vmx",
                    "debian10_64Guest",
                    17,
                ),
                row(
                    2,
                    "build-runner",
                    "datastore1",
                    "build-runner/build-runner.vmx",
                    "ubuntu64Guest",
                    19,
                )
                .annotation("CI runner"),
                row(
                    3,
                    "gitea",
                    "nas-a",
                    "services/gitea/gitea.vmx",
                    "debian11_64Guest",
                    19,
                ),
                row(
                    10,
                    "win-ad",
                    "nas-a",
                    "win-ad/win-ad.vmx",
                    "windows2019srv_64Guest",
                    19,
                ),
                row(
                    11,
                    "jump",
                    "nas-a",
                    "jump/jump.vmx",
                    "other5xLinux64Guest",
                    19,
                )
                .annotation("owner: ops"),
            ],
        ),
        (
            "multiline-annotation.7.0",
            V7_0,
            vec![
                row(
                    2,
                    "legacy",
                    "nas-a",
                    "legacy/legacy.vmx",
                    "centos64Guest",
                    8,
                )
                .annotation("single line"),
                row(6, "web", "nas-a", "web/web.vmx", "other3xLinux64Guest", 10)
                    .annotation("last line ends with newline\n"),
                row(
                    10,
                    "files",
                    "datastore1",
                    "files/files.vmx",
                    "ubuntu64Guest",
                    17,
                ),
                row(
                    12,
                    "appliance",
                    "datastore1",
                    "appliance/appliance.vmx",
                    "vmwarePhoton64Guest",
                    13,
                )
                .annotation(appliance),
            ],
        ),
        (
            "names-spaces-brackets.6.7",
            V6_7,
            vec![
                row(
                    1,
                    "web front (blue) [do not touch]",
                    "datastore1 (1)",
                    "web front (blue)/web front (blue).vmx",
                    "ubuntu64Guest",
                    14,
                ),
                row(
                    7,
                    &long,
                    "datastore1 (1)",
                    "long/long.vmx",
                    "windows9_64Guest",
                    14,
                ),
                row(
                    24,
                    "Demo [A] [B]",
                    "vol_b.vmfs6",
                    "Demo/Demo.vmx",
                    "otherGuest64",
                    14,
                ),
                row(
                    25,
                    "12 monkeys",
                    "vol_b.vmfs6",
                    "12 monkeys/12 monkeys.vmx",
                    "rhel7_64Guest",
                    14,
                )
                .annotation("vmx-99 [x] y.vmx"),
                row(
                    31,
                    "a%2fb",
                    "datastore1 (1)",
                    "a-b/a-b.vmx",
                    "freebsd11_64Guest",
                    14,
                ),
            ],
        ),
        (
            "unicode.6.5",
            V6_5,
            vec![
                row(
                    1,
                    ja,
                    "共有ストア",
                    &format!("{ja}/{ja}.vmx"),
                    "centos7_64Guest",
                    13,
                )
                .annotation("担当：研究室\nVLAN 20"),
                row(
                    2,
                    "plain",
                    "datastore1",
                    "plain/plain.vmx",
                    "ubuntu64Guest",
                    13,
                ),
                row(
                    3,
                    "naïve-é",
                    "datastore1",
                    "naive/naive.vmx",
                    "debian9_64Guest",
                    13,
                ),
            ],
        ),
        (
            "infra-vm.9.0",
            V9_0,
            vec![
                row(14, "app", "datastore1", "app/app.vmx", "ubuntu64Guest", 20),
                infra_vm,
            ],
        ),
    ];
    for (name, generation, vms) in lists {
        Lab::new(generation, vms).check("vim-cmd vmsvc/getallvms", &format!("getallvms.{name}"));
    }
}

#[test]
fn invalid_vms_are_named_on_standard_error_and_have_no_row() {
    let mut spec = NodeSpec::new("esxi-01").generation(Generation::V6_5).vms([
        row(1, "desk", "disk_b", "desk/desk.vmx", "ubuntu64Guest", 13),
        row(
            11,
            "srv-b",
            "disk_b",
            "srv-b/srv-b.vmx",
            "ubuntu64Guest",
            13,
        ),
        row(52, "lost", "disk_b", "lost/lost.vmx", "ubuntu64Guest", 13),
    ]);
    spec.invalid_vms = vec![8];
    let lab = Lab::start(spec);
    lab.node.set_fault(Fault::InvalidVm(52)).unwrap();
    lab.check("vim-cmd vmsvc/getallvms", "getallvms.invalid-vm.6.5");
    assert_eq!(lab.shell.run("vim-cmd vmsvc/get.summary 52").code, Some(1));
}

/// The VM 14 of the 7.0 samples.
fn metrics() -> VmSpec {
    let mut vm = row(
        14,
        "metrics-b",
        "nas-a",
        "metrics-b/metrics-b.vmx",
        "ubuntu64Guest",
        19,
    )
    .size(2, 4096)
    .on_since(time("2024-01-08T19:02:55Z"))
    .ip("192.0.2.36");
    vm.uuid = Some("564d71c3-1111-2222-3333-5b0e92d7a4c6".to_owned());
    vm.instance_uuid = Some("52e83b90-1111-2222-3333-c1f50a6d7e28".to_owned());
    vm.committed_bytes = 11_929_387_008;
    vm.uncommitted_bytes = 28_991_029_248;
    vm.storage_counted_at = Some(time("2024-02-11T05:44:19.350817Z"));
    vm.cpu_usage_mhz = 212;
    vm.guest_memory_mb = 655;
    vm.host_memory_mb = 4127;
    vm
}

fn uuids(vm: &mut VmSpec, group: &str, last: &str) {
    vm.uuid = Some(format!("564d{group}-aaaa-bbbb-cccc-{last:0>12}"));
    vm.instance_uuid = Some(format!("52cc{group}-aaaa-bbbb-cccc-{last:0>12}"));
}

#[test]
fn summaries_of_7_0_are_the_known_ones() {
    let mut off = row(
        21,
        "lab-off",
        "datastore1",
        "lab-off/lab-off.vmx",
        "debian10_64Guest",
        19,
    )
    .size(1, 2048)
    .annotation("spare")
    .tools(Tools::Missing);
    uuids(&mut off, "0001", "21");
    off.clean_power_off = true;
    off.committed_bytes = 2048;
    off.uncommitted_bytes = 32_212_254_720;
    off.storage_counted_at = Some(time("2023-01-05T02:03:04.000512Z"));

    let mut frozen = row(
        22,
        "frozen",
        "datastore1",
        "frozen/frozen.vmx",
        "windows9_64Guest",
        19,
    )
    .suspended_since(time("2023-02-01T07:08:09.123456Z"));
    uuids(&mut frozen, "0001", "22");
    frozen.guest.host_name = Some("frozen-pc".to_owned());
    frozen.suspend_interval = 93_000_000;
    frozen.committed_bytes = 9_663_676_416;
    frozen.uncommitted_bytes = 8_589_934_592;
    frozen.storage_counted_at = Some(time("2023-02-01T07:08:12.5Z"));

    let mut web = row(
        30,
        "web-blue",
        "datastore1 (1)",
        "web blue/web blue.vmx",
        "ubuntu64Guest",
        19,
    )
    .size(4, 8192)
    .on_since(time("2023-03-01T00:00:01Z"))
    .ip("192.0.2.30")
    .annotation(
        "Web tier \"blue\", owner: ops\nproduct = not a field,\n\"quoted line\",\n\n\
             TODO: move to [nas-b]",
    );
    uuids(&mut web, "0001", "30");
    web.networks = vec!["VM Network".to_owned(); 2];
    web.disks = vec![50 << 30; 2];
    web.committed_bytes = 64_424_509_440;
    web.uncommitted_bytes = 42_949_672_960;
    web.storage_counted_at = Some(time("2023-03-02T10:11:12.131415Z"));
    web.cpu_usage_mhz = 2210;
    web.guest_memory_mb = 3276;
    web.host_memory_mb = 8250;

    let lab = Lab::new(Generation::V7_0, vec![metrics(), off, frozen, web]);
    lab.node.edit(|spec| spec.hardware.cpu_mhz = 3200);
    lab.at("2024-02-11T05:46:59Z")
        .check("vim-cmd vmsvc/get.summary 14", "get.summary.powered-on.7.0");
    lab.node.edit(|spec| spec.hardware.cpu_mhz = 2592);
    for (id, now, name) in [
        (21, "2023-01-05T02:03:05Z", "powered-off"),
        (22, "2023-02-01T08:00:00Z", "suspended"),
        (30, "2023-03-02T10:17:37Z", "multiline-annotation"),
    ] {
        lab.at(now).check(
            &format!("vim-cmd vmsvc/get.summary {id}"),
            &format!("get.summary.{name}.7.0"),
        );
    }
}

#[test]
fn the_summary_of_6_5_is_the_known_one() {
    let mut proxy = row(
        3,
        "proxy",
        "datastore1",
        "proxy/proxy.vmx",
        "debian9_64Guest",
        13,
    )
    .on_since(time("2019-05-06T07:08:09.654321Z"))
    .ip("192.0.2.80");
    uuids(&mut proxy, "0065", "3");
    proxy.guest.host_name = Some("proxy.example.net".to_owned());
    proxy.memory_overhead_bytes = Some(37_748_736);
    proxy.committed_bytes = 17_179_869_184;
    proxy.uncommitted_bytes = 0;
    proxy.storage_counted_at = Some(time("2019-06-01T00:00:00.1Z"));
    proxy.cpu_usage_mhz = 12;
    proxy.guest_memory_mb = 61;
    proxy.host_memory_mb = 870;
    let lab = Lab::new(Generation::V6_5, vec![proxy]);
    lab.node.edit(|spec| spec.hardware.cpu_mhz = 2100);
    lab.at("2019-05-07T07:08:09.654321Z")
        .check("vim-cmd vmsvc/get.summary 3", "get.summary.powered-on.6.5");
}

#[test]
fn the_summary_of_5_5_is_the_known_one() {
    let mut wiki = row(
        118,
        "dept-wiki",
        "datastore1",
        "dept-wiki/dept-wiki.vmx",
        "centos64Guest",
        8,
    )
    .size(2, 4096)
    .tools(Tools::Missing);
    wiki.uuid = Some("564dc20e-0000-0000-0000-71b94fe6d035".to_owned());
    wiki.instance_uuid = Some("526f9d84-0000-0000-0000-08ac3be5f172".to_owned());
    wiki.memory_overhead_bytes = Some(181_403_648);
    wiki.committed_bytes = 38_654_795_776;
    wiki.uncommitted_bytes = 209_715_200;
    wiki.storage_counted_at = Some(time("2014-10-29T06:31:47.205938Z"));
    let lab = Lab::new(Generation::V5_5, vec![wiki]);
    lab.node.edit(|spec| spec.hardware.cpu_mhz = 2600);
    lab.check(
        "vim-cmd vmsvc/get.summary 118",
        "get.summary.no-tools-off.5.5",
    );
    lab.check_failing(
        "vim-cmd vmsvc/get.summary 999",
        "get.summary.no-such-vm.5.5",
        1,
    );

    lab.node.edit_vm(118, |vm| vm.power = Power::On).unwrap();
    let ran = lab.shell.run("vim-cmd vmsvc/power.on 118 2>&1");
    assert_same(
        &ran,
        &expected("power.on.already-on.5.1", 1),
        "merged streams",
    );
}

#[test]
fn the_summary_of_8_0_without_tools_is_the_known_one() {
    let mut vm = row(
        5,
        "installer",
        "local_datastore",
        "installer/installer.vmx",
        "centos9_64Guest",
        20,
    )
    .size(2, 2048)
    .on_since(time("2024-11-20T22:18:03Z"))
    .tools(Tools::Missing);
    uuids(&mut vm, "0080", "5");
    vm.committed_bytes = 2_151_677_952;
    vm.uncommitted_bytes = 30_064_771_072;
    vm.storage_counted_at = Some(time("2024-11-20T22:18:40.000091Z"));
    vm.cpu_usage_mhz = 35;
    vm.guest_memory_mb = 204;
    vm.host_memory_mb = 2060;
    vm.further_datastores = vec!["my store".to_owned()];
    let mut spec = NodeSpec::new("esxi-01").generation(Generation::V8_0).vm(vm);
    spec.hardware.cpu_mhz = 1996;
    let local = "65d7e0a4-19b8c2f6-73d1-3cecef4d5e6f";
    spec.datastores = vec![
        DatastoreSpec::vmfs("local_datastore", local, 107_105_746_944).free(33_285_996_544),
        DatastoreSpec::nfs(
            "my store",
            "2e94c7f0-5b1d8a63",
            "192.0.2.5:/x",
            1_099_376_361_472,
        )
        .free(214_748_364_800),
    ];
    let lab = Lab::start(spec);
    lab.at("2024-11-20T22:18:50Z")
        .check("vim-cmd vmsvc/get.summary 5", "get.summary.on-no-ip.8.0");
    lab.check_failing(
        "vim-cmd vmsvc/get.summary 999",
        "get.summary.no-such-vm.8.0",
        1,
    );
    lab.check("vim-cmd vmsvc/get.datastores 5", "get.datastores.two.8.0");
    lab.check_failing(
        "vim-cmd vmsvc/power.shutdown 5",
        "power.shutdown.tools-not-running.8.0",
        1,
    );
}

#[test]
fn a_vm_that_vanishes_is_another_fault_than_one_that_never_was() {
    let lab = Lab::new(Generation::V6_5, vec![VmSpec::new("short-lived").id(26)]);
    lab.node.set_fault(Fault::Vanishing(26)).unwrap();
    let listed = lab.shell.stdout("vim-cmd vmsvc/getallvms");
    assert!(listed.contains("short-lived"), "{listed}");
    lab.check_failing(
        "vim-cmd vmsvc/get.summary 26",
        "vim-cmd.race-not-found.6.5",
        1,
    );
}

#[test]
fn what_the_guest_reports_is_the_known_dump() {
    let mut vm = metrics();
    vm.uuid = Some("564d71c3-1111-2222-3333-5b0e923a71d4".to_owned());
    vm.guest.guest_id = Some("debian10_64Guest".to_owned());
    vm.guest
        .ip_addresses
        .push("fe80::20c:29ff:fe3a:71d4".to_owned());
    vm.guest.disks = vec![("/".to_owned(), 39_573_262_336, 21_474_836_480)];
    Lab::new(Generation::V7_0, vec![vm])
        .check("vim-cmd vmsvc/get.guest 14", "get.guest.tools-running.7.0");
}

#[test]
fn power_states_and_changes_of_7_0_are_printed_in_the_known_words() {
    let lab = Lab::new(
        Generation::V7_0,
        vec![
            metrics(),
            VmSpec::new("lab-off").id(21),
            VmSpec::new("frozen")
                .id(22)
                .suspended_since(time("2023-02-01T07:08:09Z")),
        ],
    );
    let run = |verb: &str, id: u32, name: &str| {
        lab.check(
            &format!("vim-cmd vmsvc/power.{verb} {id}"),
            &format!("power.{name}.7.0"),
        );
    };
    let power = |id: u32| lab.node.vm(id).unwrap().power;
    run("getstate", 14, "getstate.on");
    run("getstate", 21, "getstate.off");
    run("getstate", 22, "getstate.suspended");
    run("on", 21, "on.ok");
    assert_eq!(power(21), Power::On);
    run("reset", 14, "reset.ok");
    run("suspend", 14, "suspend.ok");
    assert_eq!(power(14), Power::Suspended);
    run("off", 14, "off.ok");
    assert_eq!(power(14), Power::Off);
    run("shutdown", 21, "shutdown.ok");
    assert_eq!(power(21), Power::Off);
}

#[test]
fn refused_changes_of_8_0_are_printed_with_the_reason() {
    let lab = Lab::new(
        Generation::V8_0,
        vec![
            VmSpec::new("config").id(6).power_on(PowerOn::Misconfigured),
            VmSpec::new("hungry")
                .id(8)
                .size(2, 32768)
                .power_on(PowerOn::LacksMemory),
            VmSpec::new("on").id(14).on(),
            VmSpec::new("off").id(21),
        ],
    );
    let refused = |verb: &str, id: u32, name: &str| {
        let mut wanted = expected(&format!("power.{name}.8.0"), 1);
        if wanted.stdout.is_empty() && verb == "on" {
            // The samples of these two hold the second half alone.
            wanted.stdout = "Powering on VM:\n".to_owned();
        }
        let ran = lab.shell.run(&format!("vim-cmd vmsvc/power.{verb} {id}"));
        assert_same(&ran, &wanted, name);
    };
    refused("on", 14, "on.already-on");
    refused("off", 21, "off.already-off");
    refused("reset", 21, "reset.powered-off");
    refused("shutdown", 21, "shutdown.powered-off");
    refused("on", 6, "on.config-fault");
    refused("on", 8, "on.insufficient-memory");
    assert_eq!(lab.node.vm(8).unwrap().power, Power::Off);
}

#[test]
fn power_failures_of_6_5_have_no_reason() {
    let lab = Lab::new(Generation::V6_5, vec![VmSpec::new("on").id(3).on()]);
    lab.check_failing("vim-cmd vmsvc/power.on 3", "power.on.already-on.6.5", 1);
}

#[test]
fn questions_are_shown_in_the_known_form() {
    let lab = Lab::new(
        Generation::V7_0,
        vec![VmSpec::new("moved").id(33).on(), VmSpec::new("calm").id(14)],
    );
    lab.check("vim-cmd vmsvc/message 14", "message.none.7.0");
    lab.node
        .edit_vm(33, |vm| {
            let mut question = Question::moved_or_copied();
            question.text = "msg.uuid.altered:This virtual machine might have been moved or \
                             copied. (second sentence shortened in this sample.)"
                .to_owned();
            vm.question = Some(question);
        })
        .unwrap();
    lab.check("vim-cmd vmsvc/message 33", "message.uuid-altered.7.0");
}

#[test]
fn vms_are_created_and_registered_in_the_known_words() {
    let lab = Lab::new(Generation::V7_0, vec![VmSpec::new("last").id(30)]);
    let create = "vim-cmd vmsvc/createdummyvm lab-new /vmfs/volumes/datastore1";
    lab.check(create, "createdummyvm.ok.7.0");

    // Apart from the UUIDs, which are made by chance.
    let without_uuids = |text: String| -> Vec<String> {
        let lines = text.lines().map(|line| match line.split_once(" = ") {
            Some((key, _)) if key.contains("uuid") => key.to_owned(),
            _ => line.to_owned(),
        });
        lines.collect()
    };
    let vmx = lab
        .shell
        .stdout("cat /vmfs/volumes/datastore1/lab-new/lab-new.vmx");
    assert_eq!(
        without_uuids(vmx),
        without_uuids(sample("createdummyvm.vmx.7.0").unwrap())
    );

    lab.shell
        .stdout("cd /vmfs/volumes/datastore1 && mkdir app && cp lab-new/lab-new.vmx app/app.vmx");
    let register = "vim-cmd solo/registervm /vmfs/volumes/datastore1/app/app.vmx";
    lab.check(register, "registervm.ok.7.0");

    lab.node.set_fault(Fault::DiskFull).unwrap();
    lab.shell.stdout("rm -r /vmfs/volumes/datastore1/lab-new");
    lab.check_failing(create, "createdummyvm.no-space.7.0", 1);
    assert!(!lab.node.file("/vmfs/volumes/datastore1/lab-new").exists());
    lab.node.clear_faults().unwrap();
    lab.shell.stdout(create);

    lab.node.edit(|spec| spec.generation = Generation::V5_5);
    lab.check_failing(create, "createdummyvm.already-exists.5.5", 1);
    lab.check_failing(
        "vim-cmd solo/registervm /vmfs/volumes/datastore1/none/none.vmx",
        "registervm.not-found.5.5",
        1,
    );

    lab.node.edit(|spec| spec.generation = Generation::V6_5);
    lab.node.remove_vm(32).unwrap();
    lab.node
        .add_vm(
            VmSpec::new("app")
                .id(57)
                .stored("datastore1", "app/app.vmx"),
        )
        .unwrap();
    lab.check_failing(register, "registervm.already-exists.6.5", 1);
}

#[test]
fn disks_are_made_in_the_known_words() {
    let lab = Lab::new(Generation::V6_7, vec![VmSpec::new("lab-new").id(1)]);
    let there = "cd /vmfs/volumes/datastore1/lab-new && ";
    let run = |command: &str, name: &str, code: i32| {
        lab.check_failing(
            &format!("{there}{command}"),
            &format!("vmkfstools.{name}"),
            code,
        );
    };
    lab.shell
        .stdout(&format!("{there} vmkfstools -U lab-new.vmdk"));
    run(
        "vmkfstools -c 30G -d thin lab-new.vmdk",
        "create-thin.ok.7.0",
        0,
    );
    run(
        "vmkfstools -c 30G -d thin lab-new.vmdk",
        "create.exists.7.0",
        255,
    );
    run(
        "vmkfstools -c 10G -d eagerzeroedthick lab-new-1.vmdk",
        "create-eagerzeroed.ok.6.5",
        0,
    );
    run("vmkfstools -X 30G lab-new.vmdk", "extend.ok.6.7", 0);
    lab.node.set_fault(Fault::DiskFull).unwrap();
    run(
        "vmkfstools -i lab-new.vmdk b.vmdk -d thin",
        "clone.no-space.6.0",
        255,
    );
    lab.node.edit_vm(1, |vm| vm.power = Power::On).unwrap();
    run("vmkfstools -X 40G lab-new.vmdk", "open.locked.6.5", 255);
}

#[test]
fn snapshots_are_printed_in_the_known_form() {
    let snapshot = |id, name: &str, description: &str, created, power| SnapshotSpec {
        id,
        name: name.to_owned(),
        description: description.to_owned(),
        created: time(created),
        power,
        children: Vec::new(),
    };
    let mut root = snapshot(14, "before-upgrade", "", "2024-03-07T09:41:06Z", Power::On);
    root.children.push(snapshot(
        15,
        "after step 1",
        "manual",
        "2024-03-21T18:05:30Z",
        Power::Off,
    ));
    let mut vm = VmSpec::new("metrics-b").id(14);
    vm.snapshots = vec![root];
    let lab = Lab::new(Generation::V7_0, vec![vm]);
    lab.check("vim-cmd vmsvc/snapshot.get 14", "snapshot.get.chain.7.0");
    lab.check(
        "vim-cmd vmsvc/snapshot.create 14 name desc 0 0",
        "snapshot.create.ok.7.0",
    );
    let three = lab.shell.stdout("vim-cmd vmsvc/snapshot.get 14");
    assert!(
        three.contains("------Snapshot Name        : name\n"),
        "{three}"
    );
    lab.check(
        "vim-cmd vmsvc/snapshot.removeall 14",
        "snapshot.removeall.ok.7.0",
    );
    lab.check("vim-cmd vmsvc/snapshot.get 14", "snapshot.get.none.7.0");
}

#[test]
fn the_host_of_7_0_is_printed_in_the_known_form() {
    let mut spec = NodeSpec::new("esxi-01").clock(time("2023-01-15T07:06:18.5Z"));
    spec.cpu_usage_mhz = 2874;
    spec.memory_usage_mb = 51240;
    let osdata = "5f0c1a2b-1a2b3c4d-5e6f-3cecef1a2b30";
    let boot = "c90f13a7-6e2bd584-01c9-4db7a8e2f630";
    let store = "5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30";
    spec.datastores = vec![
        DatastoreSpec::vmfs("datastore1 (1)", store, 499_826_819_072).free(301_234_567_168),
        DatastoreSpec::nfs(
            "nas-a",
            "7bd04e91-2c6fa835",
            "192.0.2.5:/a",
            1_099_376_361_472,
        )
        .free(214_748_364_800),
        DatastoreSpec {
            kind: VolumeKind::OsData,
            ..DatastoreSpec::vmfs(&format!("OSDATA-{osdata}"), osdata, 121_332_826_112)
                .free(117_843_165_184)
        },
        DatastoreSpec {
            kind: VolumeKind::BootBank,
            ..DatastoreSpec::vmfs("BOOTBANK1", boot, 4_293_591_040).free(4_012_113_920)
        },
    ];
    spec.port_groups = vec![
        PortGroupSpec::new("Management Network", "vSwitch0", 1, 0),
        PortGroupSpec::new("VM Network", "vSwitch0", 15, 0),
        PortGroupSpec::new("Lab (trunk)", "vSwitch-Lab", 0, 4095),
    ];
    let lab = Lab::start(spec);
    for (command, name) in [
        ("vim-cmd hostsvc/hostsummary", "hostsummary"),
        ("esxcli system version get", "esxcli.system.version.get"),
        ("vmware -vl", "vmware.vl"),
        (
            "esxcli hardware cpu global get",
            "esxcli.hardware.cpu.global.get",
        ),
        ("esxcli hardware memory get", "esxcli.hardware.memory.get"),
        (
            "esxcli storage filesystem list",
            "esxcli.storage.filesystem.list",
        ),
        (
            "esxcli --formatter=csv storage filesystem list",
            "esxcli.storage.filesystem.list.csv",
        ),
        (
            "esxcli network vswitch standard portgroup list",
            "esxcli.portgroup.list",
        ),
    ] {
        lab.check(command, &format!("{name}.7.0"));
    }
    lab.check_failing(
        "esxcli system uptime get",
        "esxcli.unknown-namespace.9.0",
        1,
    );
}

#[test]
fn datastores_are_printed_in_the_known_form() {
    let mut spec = NodeSpec::new("esxi-01").generation(Generation::V6_7);
    let mut nas = DatastoreSpec::nfs(
        "nas-a",
        "7bd04e91-2c6fa835",
        "192.0.2.5:/export/nas-a",
        1_099_376_361_472,
    )
    .free(214_748_364_800);
    nas.accessible = false;
    spec.datastores.push(nas);
    Lab::start(spec).check(
        "vim-cmd hostsvc/datastore/listsummary",
        "datastore.listsummary.6.7",
    );
}

#[test]
fn running_vms_are_printed_in_the_known_form() {
    let mut metrics = metrics();
    metrics.datastore = "datastore1".to_owned();
    let mut web = row(
        30,
        "web front (blue) [x]",
        "nas-a",
        "web front (blue)/web front (blue).vmx",
        "ubuntu64Guest",
        14,
    )
    .on();
    uuids(&mut web, "0001", "30");
    let nas = DatastoreSpec::nfs("nas-a", "7bd04e91-2c6fa835", "192.0.2.5:/a", 1 << 40);
    let mut spec = NodeSpec::new("esxi-01").generation(Generation::V6_7);
    spec = spec
        .datastore(nas)
        .vms([metrics, web, VmSpec::new("off").id(40)]);
    let lab = Lab::start(spec);
    for (id, world) in [(14, 2_214_870), (30, 2_260_115)] {
        lab.node.edit_vm(id, |vm| vm.world_id = world).unwrap();
    }
    lab.check("esxcli vm process list", "esxcli.vm.process.list.6.7");

    for id in [14, 30] {
        lab.node.remove_vm(id).unwrap();
    }
    let mut wiki = VmSpec::new("dept-wiki").id(118).on();
    wiki.uuid = Some("564dc20e-0000-0000-0000-71b94fe6d035".to_owned());
    lab.node.add_vm(wiki).unwrap();
    lab.node.edit_vm(118, |vm| vm.world_id = 905_118).unwrap();
    lab.check(
        "esxcli --formatter=xml vm process list",
        "esxcli.vm.process.list.xml.5.5",
    );
}

#[test]
fn a_cancelled_power_on_is_a_task_with_an_error() {
    let vm = metrics().power_on(PowerOn::Asks);
    let lab = Lab::new(
        Generation::V6_5,
        vec![VmSpec {
            power: Power::Off,
            ..vm
        }],
    );
    lab.at("2020-11-17T14:05:21.604218Z");
    std::thread::scope(|scope| {
        let powering = scope.spawn(|| lab.shell.run("vim-cmd vmsvc/power.on 14"));
        shell::until("a question", || lab.node.vm(14).unwrap().question.is_some());
        lab.at("2020-11-17T14:06:02.917530Z");
        lab.shell.stdout("vim-cmd vmsvc/message 14 0 0");
        let ran = powering.join().unwrap();
        assert_same(
            &ran,
            &Ran {
                stdout: "Powering on VM:\n".to_owned(),
                stderr: "Power on failed\n".to_owned(),
                code: Some(1),
            },
            "power.on",
        );
    });
    let info = "vim-cmd vimsvc/task_info haTask-14-vim.VirtualMachine.powerOn-4107";
    lab.check(info, "vimsvc.task_info.error.6.5");

    let empty = Lab::new(Generation::V6_5, vec![]);
    assert_eq!(
        empty.shell.stdout("vim-cmd vimsvc/task_list"),
        "(ManagedObjectReference) []\n"
    );
}

#[test]
fn tasks_are_listed_in_the_known_form() {
    let mut moved = VmSpec::new("b").id(31);
    moved.power = Power::Off;
    let lab = Lab::new(Generation::V6_5, vec![VmSpec::new("a").id(14), moved]);
    lab.shell.stdout("vim-cmd vmsvc/power.on 14");
    lab.shell.stdout("vim-cmd vmsvc/reload 31");
    let listed = lab.shell.stdout("vim-cmd vimsvc/task_list");
    // Tasks are numbered without a gap here.
    let wanted = sample("vimsvc.task_list.6.5")
        .unwrap()
        .replace("4131", "4108");
    assert_eq!(listed, wanted);
}

#[test]
fn a_host_without_hostd_says_so_in_the_known_words() {
    let lab = Lab::new(Generation::V5_5, vec![]);
    lab.node
        .set_fault(Fault::HostdDown(HostdDown::ConnectionReset))
        .unwrap();
    lab.check_failing(
        "esxcli network vswitch standard list",
        "esxcli.hostd-down.5.5",
        1,
    );
    let ran = lab.shell.run("vim-cmd vmsvc/getallvms");
    let text = sample("vim-cmd.hostd-refused.5.5").unwrap();
    let wanted = Ran {
        stdout: String::new(),
        stderr: text,
        code: Some(1),
    };
    assert_same(&ran, &wanted, "vim-cmd");
}
