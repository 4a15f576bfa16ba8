//! VMs unregistered, and deleted with their files: what goes, what stays, and what goes wrong.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use ecoman_model::{
    Destroy, ObstacleKind, Stays, TaskErrorKind, TaskRequest, TaskState, Unregister, VmFiles, Vmid,
};
use ecoman_simulator::{
    DatastoreSpec, Fault, Generation, NodeSpec, Power, Scope, SimulatedNode, VmSpec,
};
use reqwest::StatusCode;

use crate::bench::{
    Bench, PATIENCE, assert_done, failure, nothing_runs, sent, snapshot, wrap_tool,
};

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

fn destroy() -> TaskRequest {
    TaskRequest::Destroy(Destroy {
        vmid: Vmid(7),
        name: "web".to_owned(),
        fingerprint: None,
    })
}

fn unregister() -> TaskRequest {
    TaskRequest::Unregister(Unregister {
        vmid: Vmid(7),
        name: "web".to_owned(),
    })
}

async fn files(bench: &Bench) -> VmFiles {
    let response = bench.get("/nodes/hoge/vms/7/files").await;
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).expect("files")
}

/// The names of the files that go, and of those that stay.
fn names(files: &VmFiles, stays: Option<Stays>) -> Vec<&str> {
    let some = files.items.iter().filter(|file| file.stays == stays);
    some.map(|file| file.path.rsplit('/').next().unwrap())
        .collect()
}

/// What is on the node's volumes: paths below them.
fn on_volumes(node: &SimulatedNode) -> BTreeSet<String> {
    let all = snapshot(node).into_iter();
    all.filter_map(|(path, _)| {
        let (_, below) = path.split_once("/vmfs/volumes/")?;
        // Without the UUID of the volume.
        let (_, below) = below.split_once('/')?;
        Some(below.to_owned())
    })
    .collect()
}

fn plant(node: &SimulatedNode, path: &str, text: &str) {
    let file = node.file(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn add_to_vmx(node: &SimulatedNode, lines: &str) {
    let file = node.file(&format!("{DIRECTORY}/web.vmx"));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}{lines}")).unwrap();
}

#[tokio::test]
async fn what_was_shown_to_go_goes_and_nothing_else_every_release() {
    for generation in Generation::ALL {
        let node = SimulatedNode::start(spec().generation(generation)).unwrap();
        // What hostd, the guest's log and people leave beside the VM.
        plant(&node, &format!("{DIRECTORY}/vmware.log"), "a log");
        plant(
            &node,
            &format!("{DIRECTORY}/notes of 日本.txt"),
            "a person's",
        );
        plant(
            &node,
            &format!("{DIRECTORY}/old.vmdk"),
            "createType=\"vmfs\"\n",
        );
        plant(&node, &format!("{DIRECTORY}/setup.iso"), "an image");
        plant(
            &node,
            "/vmfs/volumes/datastore1/elsewhere/secret",
            "not ours",
        );
        let link = node.file(&format!("{DIRECTORY}/link"));
        symlink("/vmfs/volumes/datastore1/elsewhere", link).unwrap();
        let bench = Bench::new(&[&node]).await;
        let seen = files(&bench).await;
        assert_eq!(seen.obstacles, [], "{generation:?}: {seen:#?}");
        assert_eq!(
            names(&seen, None),
            ["vmware.log", "web-flat.vmdk", "web.vmdk", "web.vmx"],
            "{generation:?}"
        );
        assert_eq!(
            names(&seen, Some(Stays::Foreign)),
            ["link", "notes of 日本.txt", "old.vmdk"]
        );
        assert_eq!(names(&seen, Some(Stays::Iso)), ["setup.iso"]);
        assert!(seen.items.iter().all(|file| file.size_bytes.is_some()));
        let before = on_volumes(&node);
        let mut request = destroy();
        if let TaskRequest::Destroy(act) = &mut request {
            act.fingerprint = Some(seen.fingerprint.clone());
        }
        let report = bench.run(&node, request).await;
        assert_done(&report);
        let gone: BTreeSet<String> = &before - &on_volumes(&node);
        let expected: BTreeSet<String> = names(&seen, None)
            .iter()
            .map(|name| format!("web/{name}"))
            .collect();
        assert_eq!(gone, expected);
        assert!(node.vm(7).is_none());
        assert!(node.vm(1).is_some());
        let detail = report.progress.steps[2].detail.clone().unwrap();
        assert!(detail.contains("notes of 日本.txt"), "{detail}");
        assert!(detail.contains("setup.iso"), "{detail}");
        let kept = report.progress.removal.unwrap().vmx.unwrap();
        assert!(kept.contains("displayName = \"web\""), "{kept}");
        assert_eq!(sent(&node, "vmsvc/destroy"), 1);
    }
}

#[tokio::test]
async fn the_directory_goes_where_nothing_else_is_in_it() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, destroy()).await;
    assert_done(&report);
    assert!(!node.file(DIRECTORY).exists());
    let detail = report.progress.steps[2].detail.clone().unwrap();
    assert!(detail.ends_with("/web deleted."), "{detail}");
}

#[tokio::test]
async fn unregistering_changes_no_file_and_says_where_they_are() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let before = on_volumes(&node);
    let report = bench.run(&node, unregister()).await;
    assert_done(&report);
    assert_eq!(on_volumes(&node), before);
    assert!(node.vm(7).is_none());
    let detail = report.progress.steps[2].detail.clone().unwrap();
    assert!(
        detail.contains("/datastore1/web/web.vmx on hoge"),
        "{detail}"
    );
}

/// What forbids it, and what it is about.
async fn obstacle(prepare: impl FnOnce(&SimulatedNode)) -> (ObstacleKind, String, Option<String>) {
    let gb = 1u64 << 30;
    let mut spec = spec();
    let second = DatastoreSpec::nfs("shared", "8f1-2", "nas:/vms", 500 * gb).free(400 * gb);
    spec = spec.datastore(second);
    let node = SimulatedNode::start(spec).unwrap();
    prepare(&node);
    let bench = Bench::new(&[&node]).await;
    let seen = files(&bench).await;
    let before = on_volumes(&node);
    let report = bench.run(&node, destroy()).await;
    let error = failure(&report, TaskErrorKind::Refused);
    assert!(error.message.contains("cannot be deleted"), "{error:?}");
    assert_eq!(on_volumes(&node), before);
    assert!(node.vm(7).is_some());
    assert_eq!(sent(&node, "destroy"), 0);
    // It can be unregistered all the same.
    assert_done(&bench.run(&node, unregister()).await);
    assert_eq!(on_volumes(&node), before);
    assert_eq!(seen.obstacles.len(), 1, "{seen:#?}");
    let found = seen.obstacles[0].clone();
    (found.kind, found.path, found.by)
}

#[tokio::test]
async fn disks_that_others_need_or_that_are_elsewhere_forbid_it() {
    let elsewhere = |path: &str| {
        let path = path.to_owned();
        (ObstacleKind::Elsewhere, path, None)
    };
    let shared = |by: &str| {
        let path = format!("{DIRECTORY}/web.vmdk");
        (ObstacleKind::Shared, path, Some(by.to_owned()))
    };
    // A disk on another volume, and one of another VM.
    for (name, path) in [
        (
            "/vmfs/volumes/shared/pool/data.vmdk",
            "/vmfs/volumes/shared/pool/data.vmdk",
        ),
        (
            "../data/data.vmdk",
            "/vmfs/volumes/datastore1/data/data.vmdk",
        ),
    ] {
        let found = obstacle(|node| {
            plant(node, path, "createType=\"vmfs\"\n");
            add_to_vmx(
                node,
                &format!("scsi0:1.present = \"TRUE\"\nSCSI0:1.FILENAME = \"{name}\"\n"),
            );
        });
        assert_eq!(found.await, elsewhere(path), "{name}");
    }
    // One that a VM of the same node names, one that no node has registered, one built on it, one
    // in a list of snapshots.
    let bystander = "/vmfs/volumes/datastore1/bystander/bystander.vmx";
    let found = obstacle(|node| {
        let file = node.file(bystander);
        let text = std::fs::read_to_string(&file).unwrap();
        let line = "scsi0:1.fileName = \"/vmfs/volumes/datastore1/web/web.vmdk\"\n";
        std::fs::write(file, text + line).unwrap();
    });
    assert_eq!(found.await, shared(bystander));
    for (file, line) in [
        ("copy/copy.vmx", "scsi0:0.fileName = \"../web/web.vmdk\"\n"),
        (
            "clone/clone-000001.vmdk",
            "parentFileNameHint=\"/vmfs/volumes/datastore1/web/web.vmdk\"\n",
        ),
        (
            "tree/tree.vmsd",
            "snapshot0.disk0.fileName = \"[datastore1] web/web.vmdk\"\n",
        ),
        ("web/web-copy.vmx", "scsi0:0.fileName = \"web.vmdk\"\n"),
    ] {
        let file = format!("/vmfs/volumes/datastore1/{file}");
        let found = obstacle(|node| plant(node, &file, line));
        assert_eq!(found.await, shared(&file), "{file}");
    }
}

#[tokio::test]
async fn links_and_locks_forbid_it() {
    let found = obstacle(|node| {
        let disk = node.file(&format!("{DIRECTORY}/web.vmdk"));
        let real = node.file("/vmfs/volumes/datastore1/real.vmdk");
        std::fs::rename(&disk, real).unwrap();
        symlink("../real.vmdk", disk).unwrap();
    });
    let (kind, path, _) = found.await;
    assert_eq!(
        (kind, path),
        (ObstacleKind::Link, format!("{DIRECTORY}/web.vmdk"))
    );
    let flat = format!("{DIRECTORY}/web-flat.vmdk");
    let found = obstacle(|node| node.set_fault(Fault::Held(flat.clone())).unwrap());
    let holder = Some("3cecef1a2b30".to_owned());
    assert_eq!(found.await, (ObstacleKind::InUse, flat.clone(), holder));
}

#[tokio::test]
async fn a_lock_of_nfs_forbids_it_and_one_that_nobody_holds_does_not() {
    let mut spec = NodeSpec::new("hoge");
    let share = DatastoreSpec::nfs("shared", "8f1-2", "nas:/vms", 500 * GB).free(400 * GB);
    spec = spec
        .datastore(share)
        .vm(VmSpec::new("web").id(7).stored("shared", "web/web.vmx"));
    let node = SimulatedNode::start(spec).unwrap();
    let lock = "/vmfs/volumes/shared/web/.lck-3409000000000000";
    plant(&node, lock, "");
    let bench = Bench::new(&[&node]).await;
    let seen = files(&bench).await;
    assert_eq!(seen.obstacles.len(), 1, "{seen:#?}");
    assert_eq!(seen.obstacles[0].kind, ObstacleKind::InUse);
    assert_eq!(seen.obstacles[0].path, lock);
    failure(&bench.run(&node, destroy()).await, TaskErrorKind::Refused);
    std::fs::remove_file(node.file(lock)).unwrap();
    assert_done(&bench.run(&node, destroy()).await);
    // VMFS says of a lock that is left over that nobody holds it.
    let node = self::node();
    plant(&node, &format!("{DIRECTORY}/web.vmx.lck"), "");
    let bench = Bench::new(&[&node]).await;
    assert_eq!(files(&bench).await.obstacles, []);
}

#[tokio::test]
async fn what_cannot_be_found_out_forbids_it() {
    let node = node();
    node.edit_vm(1, |vm| vm.spec.vmx_name = Some("[gone] x/x.vmx".to_owned()))
        .unwrap();
    let bench = Bench::new(&[&node]).await;
    let seen = files(&bench).await;
    // Its volume, and what is there of the other VM.
    let kinds: Vec<_> = seen.obstacles.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [ObstacleKind::Unsure; 2], "{seen:#?}");
    failure(&bench.run(&node, destroy()).await, TaskErrorKind::Refused);
    for tool in ["find", "grep"] {
        let node = self::node();
        wrap_tool(
            &node,
            tool,
            "case \"$*\" in *vm?dstx*|*Hint*) exit 2 ;; esac\nexec /bin/real/tool \"$@\""
                .replace("tool", tool)
                .as_str(),
        );
        let bench = Bench::new(&[&node]).await;
        let seen = files(&bench).await;
        assert!(
            seen.obstacles
                .iter()
                .any(|it| it.kind == ObstacleKind::Unsure),
            "{tool}: {seen:#?}"
        );
    }
    let nonsense = Fault::Garbage(Scope::command("get.filelayoutex"));
    let node = self::node();
    node.set_fault(nonsense).unwrap();
    let bench = Bench::new(&[&node]).await;
    let answer = bench.get("/nodes/hoge/vms/7/files").await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    failure(&bench.run(&node, destroy()).await, TaskErrorKind::Node);
    assert!(node.vm(7).is_some());
}

#[tokio::test]
async fn a_vm_that_is_not_off_or_not_the_one_that_was_typed_is_left_alone() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let before = on_volumes(&node);
    for request in [
        TaskRequest::Unregister(Unregister {
            vmid: Vmid(7),
            name: "Web".to_owned(),
        }),
        TaskRequest::Destroy(Destroy {
            vmid: Vmid(7),
            name: "bystander".to_owned(),
            fingerprint: None,
        }),
    ] {
        let report = bench.run(&node, request).await;
        let error = failure(&report, TaskErrorKind::Refused);
        assert!(error.message.contains("not the name"), "{error:?}");
    }
    let report = bench
        .run(
            &node,
            TaskRequest::Destroy(Destroy {
                vmid: Vmid(7),
                name: "web".to_owned(),
                fingerprint: Some("0".repeat(32)),
            }),
        )
        .await;
    failure(&report, TaskErrorKind::VmChanged);
    for power in [Power::On, Power::Suspended] {
        node.edit_vm(7, |vm| vm.power = power).unwrap();
        for request in [unregister(), destroy()] {
            let report = bench.run(&node, request).await;
            let error = failure(&report, TaskErrorKind::Refused);
            assert!(error.message.contains("only while it is off"), "{error:?}");
        }
    }
    let report = bench
        .run(
            &node,
            TaskRequest::Destroy(Destroy {
                vmid: Vmid(99),
                name: "web".to_owned(),
                fingerprint: None,
            }),
        )
        .await;
    failure(&report, TaskErrorKind::Refused);
    assert_eq!(on_volumes(&node), before);
    assert_eq!(sent(&node, "destroy") + sent(&node, "unregister"), 0);
}

/// Lets `happens` happen on the node right before a tool runs for the `number`-th time with `word`
/// among its arguments.
fn right_before(node: &SimulatedNode, tool: &str, word: &str, number: u32, happens: &str) {
    let script = format!(
        "case \"$*\" in *{word}*)\n\
         echo >>/tmp/runs\n\
         # Two may run at once.\n\
         if [ \"$(/bin/busybox wc -l </tmp/runs)\" -ge {number} ] && mkdir /tmp/happens 2>/dev/null; \
         then {happens}; fi ;;\n\
         esac\nexec /bin/real/{tool} \"$@\""
    );
    wrap_tool(node, tool, &script);
}

#[tokio::test]
async fn a_vm_that_changes_between_the_look_and_the_deletion_is_left_alone() {
    for (happens, kind) in [
        (
            "/bin/vim-cmd vmsvc/power.on 7 >/dev/null",
            TaskErrorKind::Refused,
        ),
        (
            "echo 'theirs = \"1\"' >>/vmfs/volumes/datastore1/web/web.vmx",
            TaskErrorKind::VmChanged,
        ),
    ] {
        let node = node();
        right_before(&node, "grep", "Hint", 1, happens);
        let bench = Bench::new(&[&node]).await;
        let report = bench.run(&node, destroy()).await;
        failure(&report, kind);
        assert_eq!(sent(&node, "destroy"), 0);
        assert!(node.file(&format!("{DIRECTORY}/web-flat.vmdk")).exists());
    }
}

#[tokio::test]
async fn a_node_that_refuses_it_ends_with_its_reason() {
    for (request, command) in [
        (destroy(), "vmsvc/destroy"),
        (unregister(), "vmsvc/unregister"),
    ] {
        let node = node();
        let before = on_volumes(&node);
        let says = "(vim.fault.TaskInProgress) {\n   faultCause = (vmodl.MethodFault) null, \n   \
                    faultMessage = <unset>, \n   task = <unset>\n   msg = \"busy now\"\n}\n";
        let scope = Scope::command(command);
        node.set_fault(Fault::Says(scope, says.to_owned(), String::new(), 1))
            .unwrap();
        // The tools print what the fault says, and hostd has done nothing.
        wrap_tool(
            &node,
            "vim-cmd",
            &format!(
                "case \"$*\" in *{command}*) /bin/real/vim-cmd hostsvc/hostsummary >/dev/null; echo '(vim.fault.TaskInProgress) {{'; exit 1 ;; esac\nexec /bin/real/vim-cmd \"$@\""
            ),
        );
        let bench = Bench::new(&[&node]).await;
        let report = bench.run(&node, request).await;
        failure(&report, TaskErrorKind::Node);
        assert!(node.vm(7).is_some());
        assert_eq!(on_volumes(&node), before);
    }
}

/// The most commands of a deletion.
const COMMANDS: u32 = 26;

#[tokio::test]
async fn whichever_command_is_cut_the_end_is_true_and_nothing_is_sent_twice() {
    for (request, commands) in [(destroy(), COMMANDS), (unregister(), 6)] {
        for cut in 1..=commands {
            let node = node();
            plant(&node, &format!("{DIRECTORY}/theirs"), "x");
            let before = on_volumes(&node);
            let bench = Bench::new(&[&node]).await;
            node.set_fault(Fault::CutConnection(cut)).unwrap();
            let report = bench.run(&node, request.clone()).await;
            nothing_runs(&node).await;
            let is_gone = node.vm(7).is_none();
            let succeeded = report.progress.state == TaskState::Succeeded;
            assert_eq!(succeeded, is_gone, "cut {cut}: {report:#?}");
            let now = on_volumes(&node);
            assert!(now.contains("web/theirs"));
            if !is_gone || matches!(request, TaskRequest::Unregister(_)) {
                assert_eq!(now, before, "cut {cut}");
            } else {
                assert!(!now.contains("web/web.vmx"), "cut {cut}");
            }
            let destroys = sent(&node, "vmsvc/destroy") + sent(&node, "vmsvc/unregister");
            assert!(destroys <= 1, "cut {cut}: {report:#?}");
        }
    }
}

/// The next run gets the order with what the first has reported, as the dashboard gives it.
#[tokio::test]
async fn an_executor_that_dies_at_any_command_ends_with_the_nodes_word() {
    for (place, tool, word, nth, request, is_gone) in [
        ("looks", "vim-cmd", "get.summary", 1, destroy(), false),
        ("lists", "find", "maxdepth", 1, destroy(), false),
        ("reads", "cat", "web.vmx", 1, destroy(), false),
        ("compares", "grep", "Hint", 1, destroy(), false),
        ("destroys", "vim-cmd", "vmsvc/destroy", 1, destroy(), true),
        ("lists after", "find", "maxdepth", 4, destroy(), true),
        ("looks", "vim-cmd", "get.summary", 1, unregister(), false),
        (
            "unregisters",
            "vim-cmd",
            "vmsvc/unregister",
            1,
            unregister(),
            true,
        ),
    ] {
        let node = node();
        plant(&node, &format!("{DIRECTORY}/theirs"), "x");
        let waits = ": >/tmp/there; while [ ! -e /tmp/dead ]; do sleep 0.05; done";
        right_before(&node, tool, word, nth, waits);
        let bench = Bench::new(&[&node]).await;
        let order = bench.order(&node, request);
        bench.post(&order).await;
        let there = async {
            while !node.file("/tmp/there").exists() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, there).await;
        let reported = bench.report(order.id).await.progress;
        assert!(reached.is_ok(), "{place}: never: {reported:#?}");
        drop(bench);
        std::fs::write(node.file("/tmp/dead"), "").unwrap();
        nothing_runs(&node).await;
        let bench = Bench::new(&[&node]).await;
        let mut again = order.clone();
        again.instance = bench.instance;
        again.follows = Some(reported);
        bench.post(&again).await;
        let report = bench.end(again.id).await;
        let gone = node.vm(7).is_none();
        let succeeded = report.progress.state == TaskState::Succeeded;
        assert_eq!(succeeded, gone, "{place}: {report:#?}");
        if !is_gone {
            assert!(!gone, "{place}");
            let error = failure(&report, TaskErrorKind::Interrupted);
            assert!(
                error.message.contains("nothing was sent"),
                "{place}: {error:?}"
            );
        }
        assert!(node.file(&format!("{DIRECTORY}/theirs")).exists());
        let sent = sent(&node, "vmsvc/destroy") + sent(&node, "vmsvc/unregister");
        assert!(sent <= 1, "{place}: {report:#?}");
    }
}
