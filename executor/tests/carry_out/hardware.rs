//! The virtual hardware of a VM: read, changed, and what goes wrong on the way.

use std::collections::BTreeSet;

use ecoman_model::{
    CdromChange, DiskGrow, FixedDiskKind, NicMove, SnapshotCreate, StepState, TaskErrorKind,
    TaskRequest, VmFiles, VmHardware, Vmid,
};
use ecoman_simulator::{DatastoreSpec, Fault, NodeSpec, Power, Scope, SimulatedNode, VmSpec};
use reqwest::StatusCode;

use crate::bench::{Bench, PATIENCE, assert_done, failure, sent, snapshot, wrap_tool};

const DIRECTORY: &str = "/vmfs/volumes/datastore1/web";
const GB: u64 = 1 << 30;

fn spec() -> NodeSpec {
    NodeSpec::new("hoge")
        .vm(VmSpec::new("web").id(7).disk(GB, 4 * GB))
        .vm(VmSpec::new("bystander").id(1).on().disk(GB, 4 * GB))
}

fn node() -> SimulatedNode {
    SimulatedNode::start(spec()).expect("a simulated node")
}

fn grow(size_gb: u64) -> TaskRequest {
    grow_if(size_gb, None)
}

fn grow_if(size_gb: u64, if_size_gb: Option<u64>) -> TaskRequest {
    TaskRequest::DiskGrow(DiskGrow {
        vmid: Vmid(7),
        disk: "scsi0:0".parse().unwrap(),
        size_gb,
        if_size_gb,
    })
}

async fn hardware(bench: &Bench) -> VmHardware {
    let response = bench.get("/nodes/hoge/vms/7/hardware").await;
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).expect("hardware")
}

fn file(node: &SimulatedNode, name: &str) -> String {
    std::fs::read_to_string(node.file(&format!("{DIRECTORY}/{name}"))).unwrap()
}

fn plant(node: &SimulatedNode, path: &str, text: &str) {
    let file = node.file(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn add_to_vmx(node: &SimulatedNode, lines: &str) {
    let text = file(node, "web.vmx");
    plant(
        node,
        &format!("{DIRECTORY}/web.vmx"),
        &format!("{text}{lines}"),
    );
}

fn edit_descriptor(node: &SimulatedNode, from: &str, to: &str) {
    let text = file(node, "web.vmdk");
    assert!(text.contains(from), "{text}");
    plant(
        node,
        &format!("{DIRECTORY}/web.vmdk"),
        &text.replace(from, to),
    );
}

/// The size of the disk in GB, by its descriptor and by its data.
fn size(node: &SimulatedNode) -> (u64, u64) {
    let descriptor = file(node, "web.vmdk");
    let extent = descriptor.lines().find(|line| line.starts_with("RW "));
    let sectors = extent.unwrap().split(' ').nth(1).unwrap();
    let data = node.file(&format!("{DIRECTORY}/web-flat.vmdk"));
    let bytes = std::fs::metadata(data).unwrap().len();
    (sectors.parse::<u64>().unwrap() * 512 / GB, bytes / GB)
}

/// Nothing has changed on the volumes but these files of the VM.
#[track_caller]
fn assert_nothing_else(
    node: &SimulatedNode,
    before: &BTreeSet<(String, Vec<u8>)>,
    changed: &[&str],
) {
    let after = snapshot(node);
    let others: Vec<_> = before
        .symmetric_difference(&after)
        .map(|(path, _)| path.as_str())
        .filter(|path| path.contains("/vmfs/volumes/"))
        .filter(|path| !changed.iter().any(|it| path.ends_with(it)))
        .collect();
    assert_eq!(others, [""; 0]);
}

#[tokio::test]
async fn a_disk_gets_larger_and_nothing_else_changes() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let seen = hardware(&bench).await;
    let disk = &seen.disks[0];
    assert_eq!(disk.key.as_str(), "scsi0:0");
    assert_eq!(disk.file, format!("{DIRECTORY}/web.vmdk"));
    assert_eq!(
        (disk.size_gb, disk.size_bytes, disk.thin),
        (Some(4), Some(4 * GB), Some(true))
    );
    assert_eq!(disk.fixed, None, "{seen:#?}");
    assert_eq!(seen.nics.len(), 1);
    let before = snapshot(&node);
    let report = bench.run(&node, grow_if(40, Some(4))).await;
    assert_done(&report);
    assert_eq!(size(&node), (40, 40));
    assert_eq!(node.vm(7).unwrap().spec.disks, [40 * GB]);
    assert_nothing_else(&node, &before, &["/web/web.vmdk"]);
    let detail = report.progress.steps[1].detail.as_deref().unwrap();
    assert!(detail.contains("4.0 GB → 40.0 GB"), "{detail}");
    let command = format!("vmkfstools -X 40G {DIRECTORY}/web.vmdk");
    let commands = &report.progress.commands;
    assert!(commands.iter().any(|run| run.command == command));
    let seen = hardware(&bench).await;
    assert_eq!(seen.disks[0].size_gb, Some(40));
    // The same again changes nothing; what was seen is what was asked.
    let again = bench.run(&node, grow_if(40, Some(4))).await;
    assert_done(&again);
    assert_eq!(again.progress.steps[2].state, StepState::Skipped);
    assert_eq!(sent(&node, "vmkfstools -X"), 1);
}

#[tokio::test]
async fn an_independent_disk_on_another_volume_gets_larger_too() {
    let node = SimulatedNode::start(crate::bench::with_second(spec())).unwrap();
    let second = "/vmfs/volumes/second/it's a [disk]/web_1.vmdk";
    let text = file(&node, "web.vmdk").replace("web-flat", "web_1-flat");
    plant(&node, second, &text);
    plant(&node, &second.replace(".vmdk", "-flat.vmdk"), "");
    add_to_vmx(
        &node,
        &format!(
            "scsi0:1.present = \"TRUE\"\nscsi0:1.fileName = \"{second}\"\n\
             scsi0:1.mode = \"independent-persistent\"\n"
        ),
    );
    let bench = Bench::new(&[&node]).await;
    let request = TaskRequest::DiskGrow(DiskGrow {
        vmid: Vmid(7),
        disk: "scsi0:1".parse().unwrap(),
        size_gb: 5,
        if_size_gb: None,
    });
    assert_done(&bench.run(&node, request).await);
    let seen = hardware(&bench).await;
    let sizes: Vec<_> = seen.disks.iter().map(|disk| disk.size_gb).collect();
    assert_eq!(sizes, [Some(4), Some(5)]);
    assert_eq!(seen.disks[1].file, second);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason_and_changes_nothing() {
    type Prepare = fn(&SimulatedNode);
    let cases: [(&str, Option<FixedDiskKind>, TaskRequest, Prepare); 11] = [
        (
            "raw device",
            Some(FixedDiskKind::RawDevice),
            grow(40),
            |node| {
                edit_descriptor(node, "\"vmfs\"", "\"vmfsPassthroughRawDeviceMap\"");
            },
        ),
        ("shared", Some(FixedDiskKind::Shared), grow(40), |node| {
            add_to_vmx(node, "scsi0:0.sharing = \"multi-writer\"\n");
        }),
        ("shared", Some(FixedDiskKind::Shared), grow(40), |node| {
            add_to_vmx(node, "SCSI0.sharedBus = \"virtual\"\n");
        }),
        (
            "clone/clone.vmx",
            Some(FixedDiskKind::Needed),
            grow(40),
            |node| {
                let line = format!("scsi0:0.fileName = \"{DIRECTORY}/web.vmdk\"\n");
                plant(node, "/vmfs/volumes/datastore1/clone/clone.vmx", &line);
            },
        ),
        (
            "clone/clone.vmdk",
            Some(FixedDiskKind::Needed),
            grow(40),
            |node| {
                plant(
                    node,
                    "/vmfs/volumes/datastore1/clone/clone.vmdk",
                    "parentFileNameHint=\"../web/web.vmdk\"\n",
                );
            },
        ),
        (
            "monolithicSparse",
            Some(FixedDiskKind::Format),
            grow(40),
            |node| {
                edit_descriptor(node, "\"vmfs\"", "\"monolithicSparse\"");
            },
        ),
        (
            "cannot be looked at",
            Some(FixedDiskKind::Unsure),
            grow(40),
            |node| {
                plant(node, &format!("{DIRECTORY}/web.vmdk"), "no descriptor");
            },
        ),
        // Its data is that of another disk.
        (
            "cannot be looked at",
            Some(FixedDiskKind::Unsure),
            grow(40),
            |node| {
                let other = "\"../bystander/bystander-flat.vmdk\"";
                edit_descriptor(node, "\"web-flat.vmdk\"", other);
            },
        ),
        (
            "cannot be looked at",
            Some(FixedDiskKind::Unsure),
            grow(40),
            |node| {
                let disk = node.file(&format!("{DIRECTORY}/web.vmdk"));
                std::fs::rename(&disk, disk.with_file_name("real.vmdk")).unwrap();
                std::os::unix::fs::symlink("real.vmdk", disk).unwrap();
            },
        ),
        ("never gets smaller", None, grow(3), |_| {}),
        ("must be from 1 to", None, grow(100_000), |_| {}),
    ];
    for (reason, kind, request, prepare) in cases {
        let node = node();
        prepare(&node);
        let before = snapshot(&node);
        let bench = Bench::new(&[&node]).await;
        let seen = hardware(&bench).await;
        let fixed = seen.disks[0].fixed.as_ref().map(|fixed| fixed.kind);
        assert_eq!(fixed, kind, "{reason}");
        let report = bench.run(&node, request).await;
        let error = failure(&report, TaskErrorKind::Refused);
        assert!(error.message.contains(reason), "{reason}: {error:?}");
        assert_eq!(sent(&node, "vmkfstools -X"), 0, "{reason}");
        assert_nothing_else(&node, &before, &[]);
    }
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let no_disk = TaskRequest::DiskGrow(DiskGrow {
        vmid: Vmid(7),
        disk: "scsi0:5".parse().unwrap(),
        size_gb: 40,
        if_size_gb: None,
    });
    let error = failure(&bench.run(&node, no_disk).await, TaskErrorKind::Refused);
    assert!(error.message.contains("has no disk scsi0:5"), "{error:?}");
    let report = bench.run(&node, grow_if(40, Some(5))).await;
    let error = failure(&report, TaskErrorKind::VmChanged);
    assert!(error.message.contains("4.0 GB now"), "{error:?}");
    node.edit_vm(7, |vm| vm.power = Power::On).unwrap();
    let error = failure(&bench.run(&node, grow(40)).await, TaskErrorKind::Refused);
    assert!(error.message.contains("only while it is off"), "{error:?}");
    assert_eq!(sent(&node, "vmkfstools -X"), 0);
}

#[tokio::test]
async fn a_disk_that_a_vm_on_another_datastore_is_built_upon_is_kept() {
    let clone = VmSpec::new("clone").id(2).disk(GB, 4 * GB);
    let spec = spec()
        .datastore(DatastoreSpec::vmfs("datastore2", "5f-2", 64 * GB))
        .vm(clone.stored("datastore2", "clone/clone.vmx"));
    let node = SimulatedNode::start(spec).unwrap();
    let line = format!("parentFileNameHint=\"{DIRECTORY}/web.vmdk\"\n");
    plant(&node, "/vmfs/volumes/datastore2/clone/clone.vmdk", &line);
    let bench = Bench::new(&[&node]).await;
    let seen = hardware(&bench).await;
    let fixed = seen.disks[0].fixed.as_ref().expect("a reason");
    assert_eq!(fixed.kind, FixedDiskKind::Needed);
    assert!(
        fixed
            .by
            .as_deref()
            .unwrap()
            .ends_with("datastore2/clone/clone.vmdk")
    );
    failure(&bench.run(&node, grow(40)).await, TaskErrorKind::Refused);
    let files = bench.get("/nodes/hoge/vms/7/files").await;
    let files: VmFiles = files.json().await.expect("files");
    assert!(!files.obstacles.is_empty(), "{files:#?}");
    assert_eq!(sent(&node, "vmkfstools -X"), 0);
}

#[tokio::test]
async fn a_vm_with_snapshots_keeps_its_disks() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let snapshot = TaskRequest::SnapshotCreate(SnapshotCreate {
        vmid: Vmid(7),
        name: "before".to_owned(),
        description: String::new(),
        memory: false,
        quiesce: false,
    });
    assert_done(&bench.run(&node, snapshot).await);
    let report = bench.run(&node, grow(40)).await;
    let error = failure(&report, TaskErrorKind::Refused);
    assert!(error.message.contains("has snapshots"), "{error:?}");
    assert_eq!(sent(&node, "vmkfstools -X"), 0);
    assert_eq!(size(&node), (4, 4));
}

#[tokio::test]
async fn a_thick_disk_needs_the_space_and_a_full_datastore_leaves_it_as_it_is() {
    let node = node();
    edit_descriptor(&node, "ddb.thinProvisioned = \"1\"\n", "");
    let bench = Bench::new(&[&node]).await;
    let error = failure(
        &bench.run(&node, grow(60_000)).await,
        TaskErrorKind::Refused,
    );
    assert!(
        error.message.contains("it is thick, and its datastore has"),
        "{error:?}"
    );
    assert_eq!(sent(&node, "vmkfstools -X"), 0);
    let mut full = spec();
    full.lacks_space_for.push("web".to_owned());
    let node = SimulatedNode::start(full).unwrap();
    let bench = Bench::new(&[&node]).await;
    let error = failure(&bench.run(&node, grow(40)).await, TaskErrorKind::Node);
    assert!(
        error.message.contains("No space left on device"),
        "{error:?}"
    );
    assert!(
        error.message.contains("has its 4.0 GB as before"),
        "{error:?}"
    );
    assert_eq!(error.left, [""; 0]);
    assert_eq!(size(&node), (4, 4));
}

#[tokio::test]
async fn what_the_command_prints_proves_nothing() {
    let node = node();
    wrap_tool(&node, "vmkfstools", "echo 'Grow: 100% done.'");
    let bench = Bench::new(&[&node]).await;
    let error = failure(&bench.run(&node, grow(40)).await, TaskErrorKind::Node);
    assert!(
        error
            .message
            .contains("reports no failure. The disk has its 4.0 GB"),
        "{error:?}"
    );
    // And the other way round.
    let node = SimulatedNode::start(spec()).unwrap();
    let locked = "Failed to lock the file (16392).\n".to_owned();
    let says = Fault::Says(Scope::command("vmkfstools"), String::new(), locked, 255);
    node.set_fault(says).unwrap();
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, grow(40)).await;
    assert_done(&report);
    let detail = report.progress.steps[2].detail.as_deref().unwrap();
    assert!(detail.contains("The command failed, but"), "{detail}");
}

#[tokio::test]
async fn a_vm_that_is_powered_on_between_look_and_command_keeps_its_disk() {
    let node = node();
    let script = "/bin/vim-cmd vmsvc/power.on 7 >/dev/null; exec /bin/real/grep \"$@\"";
    wrap_tool(&node, "grep", script);
    let bench = Bench::new(&[&node]).await;
    let error = failure(&bench.run(&node, grow(40)).await, TaskErrorKind::Refused);
    assert!(error.message.contains("only while it is off"), "{error:?}");
    assert_eq!(sent(&node, "vmkfstools -X"), 0);
    assert_eq!(size(&node), (4, 4));
}

#[tokio::test]
async fn a_reload_that_fails_is_said_with_what_is_there_now() {
    let node = node();
    let fault = "(vim.fault.InvalidVmConfig) {\n   faultCause = (vmodl.MethodFault) null, \n   \
                 faultMessage = <unset>, \n   property = <unset>\n   msg = \"no such thing\"\n}\n";
    let says = Fault::Says(Scope::command("reload"), String::new(), fault.to_owned(), 1);
    node.set_fault(says).unwrap();
    let bench = Bench::new(&[&node]).await;
    let error = failure(&bench.run(&node, grow(40)).await, TaskErrorKind::Node);
    assert!(error.message.contains("no such thing"), "{error:?}");
    assert!(
        error.left[0].contains("was expanded to 40.0 GB"),
        "{error:?}"
    );
    assert_eq!(size(&node), (40, 40));
}

#[tokio::test]
async fn whichever_command_is_cut_the_end_is_true() {
    let mut succeeded = 0;
    for cut in 1..=17 {
        let node = node();
        let before = snapshot(&node);
        let bench = Bench::new(&[&node]).await;
        node.set_fault(Fault::CutConnection(cut)).unwrap();
        let report = bench.run(&node, grow(40)).await;
        match &report.progress.error {
            None => {
                succeeded += 1;
                assert_eq!(size(&node), (40, 40), "cut {cut}");
            }
            Some(error) => {
                assert_eq!(
                    error.kind,
                    TaskErrorKind::Unreachable,
                    "cut {cut}: {error:?}"
                );
                assert!(
                    error.message.contains("4.0 GB as before"),
                    "cut {cut}: {error:?}"
                );
                assert!(
                    error.left[0].contains("may still go on"),
                    "cut {cut}: {error:?}"
                );
            }
        }
        assert!(sent(&node, "vmkfstools -X") <= 1, "cut {cut}");
        assert_nothing_else(&node, &before, &["/web/web.vmdk"]);
    }
    assert!(succeeded > 10, "{succeeded}");
}

/// The next run gets the same order again, as the dashboard gives it.
#[tokio::test]
async fn an_executor_that_dies_at_any_command_is_continued_by_the_next() {
    const WAITS: &str =
        "if mkdir /tmp/there; then while [ ! -e /tmp/dead ]; do sleep 0.05; done; fi 2>/dev/null";
    let with = |word: &str, script: &str| format!("case \"$*\" in *{word}*) {script};; esac");
    for (place, tool, script) in [
        (
            "looks",
            "vim-cmd",
            with("get.summary", WAITS) + "\nexec /bin/real/vim-cmd \"$@\"",
        ),
        (
            "reads",
            "grep",
            WAITS.to_owned() + "\nexec /bin/real/grep \"$@\"",
        ),
        (
            "before",
            "vmkfstools",
            WAITS.to_owned() + "\nexec /bin/real/vmkfstools \"$@\"",
        ),
        (
            "behind",
            "vmkfstools",
            "/bin/real/vmkfstools \"$@\"; code=$?\n".to_owned() + WAITS + "\nexit $code",
        ),
        (
            "reloads",
            "vim-cmd",
            with("reload", WAITS) + "\nexec /bin/real/vim-cmd \"$@\"",
        ),
    ] {
        let node = node();
        wrap_tool(&node, tool, &script);
        let before = snapshot(&node);
        let bench = Bench::new(&[&node]).await;
        let order = bench.order(&node, grow_if(40, Some(4)));
        bench.post(&order).await;
        let there = async {
            while !node.file("/tmp/there").exists() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, there).await;
        assert!(
            reached.is_ok(),
            "{place}: never: {:#?}",
            bench.report(order.id).await
        );
        drop(bench);
        std::fs::write(node.file("/tmp/dead"), "").unwrap();
        let bench = Bench::new(&[&node]).await;
        let mut again = order.clone();
        again.instance = bench.instance;
        bench.post(&again).await;
        let report = bench.end(again.id).await;
        assert_done(&report);
        assert_eq!(size(&node), (40, 40), "{place}");
        assert_eq!(node.vm(7).unwrap().spec.disks, [40 * GB], "{place}");
        assert_nothing_else(&node, &before, &["/web/web.vmdk"]);
    }
}

const ISO: &str = "/vmfs/volumes/datastore1/os-images/it's a new.iso";
const OLD_ISO: &str = "/vmfs/volumes/datastore1/os-images/old.iso";

/// A VM with an image in its drive, and a `.vmx` as people leave it.
fn with_drive() -> SimulatedNode {
    let node = node();
    plant(&node, ISO, "an image");
    plant(&node, OLD_ISO, "an image");
    add_to_vmx(
        &node,
        &format!(
            "# ide1:0.fileName = \"no\"\r\nIDE1:0.fileName = \"{OLD_ISO}\"\nide1:0.devicetype=\"cdrom-image\" \n\
             ide1:0.present = \"TRUE\"\nguestinfo.secret = \"hunter2\"\n"
        ),
    );
    node
}

fn cdrom(iso_path: Option<&str>, if_iso_path: Option<&str>) -> TaskRequest {
    TaskRequest::CdromChange(CdromChange {
        vmid: Vmid(7),
        drive: None,
        iso_path: iso_path.map(str::to_owned),
        if_iso_path: if_iso_path.map(str::to_owned),
    })
}

fn nic(network: &str, if_network: Option<&str>) -> TaskRequest {
    TaskRequest::NicMove(NicMove {
        vmid: Vmid(7),
        nic: "ethernet0".parse().unwrap(),
        network: network.to_owned(),
        if_network: if_network.map(str::to_owned),
    })
}

#[tokio::test]
async fn an_image_goes_in_and_out_and_no_other_byte_changes() {
    let node = with_drive();
    let bench = Bench::new(&[&node]).await;
    let seen = hardware(&bench).await;
    let drive = &seen.cdroms[0];
    assert_eq!(
        (drive.key.as_str(), drive.iso_path.as_deref()),
        ("ide1:0", Some(OLD_ISO))
    );
    let (before, files) = (file(&node, "web.vmx"), snapshot(&node));
    let report = bench.run(&node, cdrom(Some(ISO), Some(OLD_ISO))).await;
    assert_done(&report);
    let inserted = before.replace(
        &format!("IDE1:0.fileName = \"{OLD_ISO}\""),
        &format!("IDE1:0.fileName = \"{ISO}\""),
    );
    assert_eq!(
        file(&node, "web.vmx"),
        inserted + "ide1:0.startConnected = \"TRUE\"\r\n"
    );
    assert_nothing_else(&node, &files, &["/web/web.vmx"]);
    assert_eq!(
        hardware(&bench).await.cdroms[0].iso_path.as_deref(),
        Some(ISO)
    );
    let printed = serde_json::to_string(&report).unwrap();
    assert!(!printed.contains("hunter2"), "{printed}");
    // The same again writes nothing.
    let now = file(&node, "web.vmx");
    let again = bench.run(&node, cdrom(Some(ISO), Some(OLD_ISO))).await;
    assert_done(&again);
    assert_eq!(again.progress.steps[3].state, StepState::Skipped);
    assert_eq!(file(&node, "web.vmx"), now);
    // And out.
    assert_done(&bench.run(&node, cdrom(None, Some(ISO))).await);
    let seen = hardware(&bench).await;
    assert_eq!(
        (seen.cdroms[0].iso_path.as_deref(), seen.cdroms[0].connected),
        (None, false)
    );
    let out = file(&node, "web.vmx");
    assert!(
        out.contains("ide1:0.devicetype=\"atapi-cdrom\" \n"),
        "{out}"
    );
    // It is empty, in whichever way.
    assert_done(&bench.run(&node, cdrom(None, None)).await);
    assert_eq!(file(&node, "web.vmx"), out);
}

#[tokio::test]
async fn an_adapter_is_moved_and_no_other_byte_changes() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let (before, files) = (file(&node, "web.vmx"), snapshot(&node));
    let seen = hardware(&bench).await;
    assert_eq!(seen.nics[0].network.as_deref(), Some("VM Network"));
    assert_eq!(seen.nics[0].adapter.as_deref(), Some("vmxnet3"));
    assert_done(
        &bench
            .run(&node, nic("Management Network", Some("VM Network")))
            .await,
    );
    let line = |network: &str| format!("ethernet0.networkName = \"{network}\"");
    let expected = before.replace(&line("VM Network"), &line("Management Network"));
    assert_eq!(file(&node, "web.vmx"), expected);
    assert_eq!(node.vm(7).unwrap().spec.networks, ["Management Network"]);
    assert_nothing_else(&node, &files, &["/web/web.vmx"]);
}

#[tokio::test]
async fn what_a_device_cannot_be_connected_to_is_refused_before_anything_is_written() {
    let node = with_drive();
    add_to_vmx(
        &node,
        "ethernet1.present = \"TRUE\"\nethernet1.dvs.portgroupId = \"dvpg-1\"\n",
    );
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    let missing = "/vmfs/volumes/datastore1/os-images/none.iso";
    let of_other_switch = TaskRequest::NicMove(NicMove {
        vmid: Vmid(7),
        nic: "ethernet1".parse().unwrap(),
        network: "VM Network".to_owned(),
        if_network: None,
    });
    let no_drive = TaskRequest::CdromChange(CdromChange {
        vmid: Vmid(7),
        drive: Some("sata0:0".parse().unwrap()),
        iso_path: None,
        if_iso_path: None,
    });
    for (kind, request, reason) in [
        (
            TaskErrorKind::Refused,
            cdrom(Some(missing), None),
            "there is no ISO image",
        ),
        (
            TaskErrorKind::Refused,
            cdrom(Some("/etc/passwd"), None),
            "must be a file on a volume",
        ),
        (
            TaskErrorKind::VmChanged,
            cdrom(Some(ISO), Some("")),
            OLD_ISO,
        ),
        (TaskErrorKind::Refused, no_drive, "no CD/DVD drive sata0:0"),
        (
            TaskErrorKind::Refused,
            nic("$(reboot)", None),
            "no port group \"$(reboot)\"; it has",
        ),
        (
            TaskErrorKind::VmChanged,
            nic("Management Network", Some("Lab")),
            "in \"VM Network\" now",
        ),
        (
            TaskErrorKind::Refused,
            of_other_switch,
            "not on a standard switch",
        ),
    ] {
        let report = bench.run(&node, request).await;
        let error = failure(&report, kind);
        assert!(error.message.contains(reason), "{reason}: {error:?}");
        assert!(error.message.contains("Nothing was "), "{error:?}");
    }
    node.edit_vm(7, |vm| vm.power = Power::On).unwrap();
    for request in [cdrom(None, None), nic("Management Network", None)] {
        let error = failure(&bench.run(&node, request).await, TaskErrorKind::Refused);
        assert!(error.message.contains("only while it is off"), "{error:?}");
    }
    assert_nothing_else(&node, &before, &[]);
}

#[tokio::test]
async fn a_node_that_does_not_read_the_file_gets_the_former_one_back() {
    let node = node();
    let before = file(&node, "web.vmx");
    let fault = "(vim.fault.InvalidVmConfig) {\n   faultCause = (vmodl.MethodFault) null, \n   \
                 faultMessage = <unset>, \n   property = <unset>\n   msg = \"no such thing\"\n}\n";
    let says = Fault::Says(Scope::command("reload"), String::new(), fault.to_owned(), 1);
    node.set_fault(says).unwrap();
    let bench = Bench::new(&[&node]).await;
    let error = failure(
        &bench.run(&node, nic("Management Network", None)).await,
        TaskErrorKind::Node,
    );
    assert!(error.message.contains("was put back"), "{error:?}");
    assert_eq!(error.left, [""; 0]);
    assert_eq!(file(&node, "web.vmx"), before);
}
