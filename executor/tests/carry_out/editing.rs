//! Settings of a VM: changed in its `.vmx`, and what goes wrong on the way.

use ecoman_model::{
    Edit, NewVm, StepState, TaskErrorKind, TaskRequest, TaskState, VmSettings, Vmid,
};
use ecoman_simulator::{Fault, NodeSpec, Power, Scope, SimulatedNode, VmSpec};

use crate::bench::{Bench, PATIENCE, assert_done, failure, new_vm, sent, snapshot, wrap_tool};
use crate::nasty::nasty;

const VMX: &str = "/vmfs/volumes/datastore1/web/web.vmx";

/// A `.vmx` as people and tools leave it.
const ODD: &[u8] = b".encoding = \"UTF-8\"\r\n# memSize = \"1\"\nconfig.version = \"8\"\n\
    virtualHW.version = \"14\"\nDisplayName = \"web\"\r\n\tannotation=\"old |22notes|22\" \n\
    guestOS = \"ubuntu-64\"\nmemsize = \"512\"\nnumvcpus = \"2\"\nMEMSIZE = 1024\n\
    guestinfo.secret = \"hunter2\"\nscsi0:0.fileName = \"web.vmdk\"\n  # end";

fn node() -> SimulatedNode {
    let spec = NodeSpec::new("hoge")
        .vm(VmSpec::new("web")
            .id(7)
            .size(2, 1024)
            .annotation("old \"notes\""))
        .vm(VmSpec::new("bystander").id(1).on());
    SimulatedNode::start(spec).expect("a simulated node")
}

/// The same with a `.vmx` that ECoMan has not written.
fn odd_node() -> SimulatedNode {
    let node = node();
    std::fs::write(node.file(VMX), ODD).unwrap();
    node
}

fn settings(comment: &str, memory_mb: u64) -> VmSettings {
    VmSettings {
        comment: Some(comment.to_owned()),
        memory_mb: Some(memory_mb),
        ..VmSettings::default()
    }
}

fn change(settings: VmSettings) -> TaskRequest {
    change_if(settings, VmSettings::default())
}

fn change_if(settings: VmSettings, seen: VmSettings) -> TaskRequest {
    TaskRequest::Edit(Box::new(Edit {
        vmid: Vmid(7),
        settings,
        seen,
    }))
}

fn vmx(node: &SimulatedNode) -> Vec<u8> {
    std::fs::read(node.file(VMX)).unwrap()
}

/// What the node shows: notes and memory.
fn shows(node: &SimulatedNode) -> (String, u64) {
    let spec = node.vm(7).unwrap().spec;
    (spec.annotation, spec.memory_mb)
}

/// Nothing but the VM's `.vmx` differs.
#[track_caller]
fn assert_nothing_else(
    node: &SimulatedNode,
    before: &std::collections::BTreeSet<(String, Vec<u8>)>,
) {
    let after = snapshot(node);
    let changed: Vec<_> = before
        .symmetric_difference(&after)
        .map(|(path, _)| path.as_str())
        .filter(|path| !path.ends_with("/web/web.vmx"))
        .collect();
    assert_eq!(changed, [""; 0]);
}

#[tokio::test]
async fn an_edit_changes_the_asked_lines_and_no_other_byte() {
    let node = odd_node();
    let before = snapshot(&node);
    let bench = Bench::new(&[&node]).await;
    let report = bench
        .run(&node, change(settings("new\n\"notes\" 日本", 2048)))
        .await;
    assert_done(&report);
    let expected = String::from_utf8(ODD.to_vec()).unwrap();
    let expected = expected
        .replace("\"old |22notes|22\"", "\"new|0A|22notes|22 日本\"")
        .replace("\"512\"", "\"2048\"")
        .replace("= 1024", "= \"2048\"");
    assert_eq!(String::from_utf8(vmx(&node)).unwrap(), expected);
    assert_eq!(shows(&node), ("new\n\"notes\" 日本".to_owned(), 2048));
    assert_nothing_else(&node, &before);
    // The commands are there word for word; what may hold secrets is not.
    let commands = &report.progress.commands;
    assert!(
        commands
            .iter()
            .any(|run| run.command == "vim-cmd vmsvc/reload 7")
    );
    assert!(commands.iter().any(|run| run.command.contains("mv -f")));
    let printed = serde_json::to_string(&report).unwrap();
    assert!(!printed.contains("hunter2"), "{printed}");
    let detail = report.progress.steps[1].detail.as_deref().unwrap();
    assert!(detail.contains("memory: \"1024\" → \"2048\""), "{detail}");
}

#[tokio::test]
async fn name_size_sockets_and_guest_are_changed_together() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let wanted = VmSettings {
        name: Some("web \"2\"".to_owned()),
        comment: Some(String::new()),
        cpus: Some(4),
        cores_per_socket: Some(2),
        memory_mb: Some(4096),
        guest_os: Some("debian12-64".to_owned()),
    };
    assert_done(&bench.run(&node, change(wanted.clone())).await);
    let spec = node.vm(7).unwrap().spec;
    assert_eq!(
        (spec.name.as_str(), spec.annotation.as_str()),
        ("web \"2\"", "")
    );
    assert_eq!((spec.cpus, spec.memory_mb), (4, 4096));
    assert_eq!(spec.guest_id, "debian12_64Guest");
    let file = String::from_utf8(vmx(&node)).unwrap();
    assert!(file.contains("cpuid.coresPerSocket = \"2\"\n"), "{file}");
    // The same again finds nothing to do, and asks nothing of the node.
    let reloads = sent(&node, "reload");
    let again = bench.run(&node, change(wanted)).await;
    assert_done(&again);
    assert_eq!(
        again.progress.steps[4].state,
        StepState::Skipped,
        "{again:#?}"
    );
    assert_eq!(sent(&node, "reload"), reloads);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason_before_anything_is_written() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    let named = |name: &str| VmSettings {
        name: Some(name.to_owned()),
        ..VmSettings::default()
    };
    let cpus = |cpus, cores| VmSettings {
        cpus: Some(cpus),
        cores_per_socket: cores,
        ..VmSettings::default()
    };
    for (wanted, reason) in [
        (
            named("bystander"),
            "VM 1 on hoge has the name bystander already",
        ),
        (named("a/b"), "name must not contain"),
        (settings("x", 7), "memory_mb must be a multiple of 4"),
        (settings("x", 1 << 40), "memory_mb must be from 4 to"),
        (cpus(100_000, None), "cpus must be from 1 to"),
        (
            cpus(3, Some(2)),
            "cores_per_socket must divide the number of CPUs, 3",
        ),
    ] {
        let report = bench.run(&node, change(wanted)).await;
        let error = failure(&report, TaskErrorKind::Refused);
        assert!(error.message.contains(reason), "{error:?}");
        assert!(error.message.contains("Nothing was changed"), "{error:?}");
    }
    assert_eq!(snapshot(&node), before);
    node.edit_vm(7, |vm| vm.power = Power::On).unwrap();
    let report = bench.run(&node, change(settings("x", 2048))).await;
    let error = failure(&report, TaskErrorKind::Refused);
    assert!(error.message.contains("only while it is off"), "{error:?}");
    assert_eq!(snapshot(&node), before);
}

#[tokio::test]
async fn a_vm_that_is_another_one_than_was_seen_is_left_alone() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    for seen in [
        settings("other notes", 1024),
        VmSettings {
            guest_os: Some("other-64".to_owned()),
            ..VmSettings::default()
        },
    ] {
        let report = bench
            .run(&node, change_if(settings("new", 2048), seen))
            .await;
        let error = failure(&report, TaskErrorKind::VmChanged);
        assert!(
            error.message.contains("when this was requested"),
            "{error:?}"
        );
    }
    assert_eq!(snapshot(&node), before);
    let seen = settings("old \"notes\"", 1024);
    assert_done(
        &bench
            .run(&node, change_if(settings("new", 2048), seen))
            .await,
    );
    assert_eq!(shows(&node), ("new".to_owned(), 2048));
}

/// Which run of a tool.
enum Run {
    /// The first with this word among its arguments.
    With(&'static str),
    /// So many of `cat`, which an edit runs to read the configuration, to write the changed one, to
    /// read that back, and twice to compare right before the configuration is replaced.
    Cat(u32),
}

const WRITES: u32 = 2;
const READS_BACK: u32 = 3;
const REPLACES: u32 = 5;

/// Lets `happens` happen on the node right before a tool runs, once.
fn right_before(node: &SimulatedNode, tool: &str, run: &Run, happens: &str) {
    let is_it = match run {
        Run::With(word) => format!("case \"$*\" in *{word}*) true ;; *) false ;; esac"),
        Run::Cat(number) => {
            format!("echo >>/tmp/runs && [ \"$(/bin/busybox wc -l </tmp/runs)\" -eq {number} ]")
        }
    };
    let script = format!(
        "if {is_it} && [ ! -e /tmp/happened ]; then : >/tmp/happened; {happens}; fi\n\
         exec /bin/real/{tool} \"$@\""
    );
    wrap_tool(node, tool, &script);
}

#[tokio::test]
async fn a_configuration_that_somebody_changes_meanwhile_is_not_replaced() {
    let node = odd_node();
    let theirs = format!("echo 'theirs = \"1\"' >>{VMX}");
    right_before(&node, "cat", &Run::Cat(READS_BACK), &theirs);
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, change(settings("new", 2048))).await;
    let error = failure(&report, TaskErrorKind::VmChanged);
    assert!(error.message.contains("by somebody else"), "{error:?}");
    assert!(error.message.contains("Nothing was changed"), "{error:?}");
    assert_eq!(error.left, [""; 0]);
    assert_eq!(vmx(&node), [ODD, b"theirs = \"1\"\n"].concat());
    let files = std::fs::read_dir(node.file("/vmfs/volumes/datastore1/web")).unwrap();
    let left: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert!(
        left.iter()
            .all(|it| !it.to_string_lossy().contains("ecoman")),
        "{left:?}"
    );
    assert_eq!(sent(&node, "reload"), 0);
}

#[tokio::test]
async fn a_full_datastore_leaves_the_configuration_as_it_was() {
    let node = odd_node();
    let before = snapshot(&node);
    // Some of it is written, then nothing more fits.
    wrap_tool(
        &node,
        "cat",
        "[ $# = 0 ] || exec /bin/real/cat \"$@\"\nIFS= read -r line; echo \"$line\"\n\
         echo 'cat: write error: No space left on device' >&2; exit 1",
    );
    let before: std::collections::BTreeSet<_> = before
        .into_iter()
        .filter(|(path, _)| !path.contains("/bin/"))
        .collect();
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, change(settings("new", 2048))).await;
    let error = failure(&report, TaskErrorKind::Node);
    assert!(error.message.contains("No space left"), "{error:?}");
    assert!(error.message.contains("Nothing was changed"), "{error:?}");
    assert_eq!(error.left, [""; 0]);
    let after = snapshot(&node).into_iter();
    let after: std::collections::BTreeSet<_> =
        after.filter(|(path, _)| !path.contains("/bin/")).collect();
    assert_eq!(after, before);
    assert_eq!(sent(&node, "reload"), 0);
}

#[tokio::test]
async fn a_node_that_takes_no_edit_ends_with_the_vm_as_it_was() {
    let node = odd_node();
    node.set_fault(Fault::TakesNoEdit(7)).unwrap();
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, change(settings("new", 2048))).await;
    let error = failure(&report, TaskErrorKind::Node);
    assert!(
        error.message.contains("did not take the change"),
        "{error:?}"
    );
    assert!(error.message.contains("the VM is as it was"), "{error:?}");
    assert_eq!(error.left, [""; 0]);
    assert_eq!(shows(&node), ("old \"notes\"".to_owned(), 1024));
}

#[tokio::test]
async fn a_reload_that_fails_puts_the_former_configuration_back() {
    let node = odd_node();
    let before = snapshot(&node);
    let fault = "(vim.fault.InvalidVmConfig) {\n   faultCause = (vmodl.MethodFault) null, \n   \
                 faultMessage = <unset>, \n   property = <unset>\n   msg = \"no such thing\"\n}\n";
    let says = Fault::Says(Scope::command("reload"), String::new(), fault.to_owned(), 1);
    node.set_fault(says).unwrap();
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, change(settings("new", 2048))).await;
    let error = failure(&report, TaskErrorKind::Node);
    assert!(error.message.contains("no such thing"), "{error:?}");
    assert!(error.message.contains("was put back"), "{error:?}");
    assert_eq!(error.left, [""; 0]);
    assert_eq!(vmx(&node), ODD);
    assert_nothing_else(&node, &before);
}

#[tokio::test]
async fn a_vm_that_is_switched_on_meanwhile_is_as_it_was() {
    let node = node();
    let on = "/bin/vim-cmd vmsvc/power.on 7 >/dev/null";
    right_before(&node, "cat", &Run::Cat(REPLACES), on);
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, change(settings("new", 2048))).await;
    let error = failure(&report, TaskErrorKind::Node);
    assert_eq!(error.left, [""; 0], "{error:?}");
    assert_eq!(node.vm(7).unwrap().power, Power::On);
    assert_eq!(shows(&node), ("old \"notes\"".to_owned(), 1024));
    let file = String::from_utf8(vmx(&node)).unwrap();
    assert!(file.contains("memSize = \"1024\""), "{file}");
}

/// The commands of an edit of notes and memory, as each can be cut or stand still.
const COMMANDS: u32 = 9;

#[tokio::test]
async fn whichever_command_is_cut_the_end_is_true() {
    let mut succeeded = 0;
    for cut in 1..=COMMANDS + 1 {
        let node = odd_node();
        let before = snapshot(&node);
        let bench = Bench::new(&[&node]).await;
        node.set_fault(Fault::CutConnection(cut)).unwrap();
        let report = bench.run(&node, change(settings("new", 2048))).await;
        match &report.progress.error {
            None => {
                succeeded += 1;
                assert_eq!(shows(&node), ("new".to_owned(), 2048), "cut {cut}");
            }
            Some(error) => {
                assert_eq!(
                    error.kind,
                    TaskErrorKind::Unreachable,
                    "cut {cut}: {error:?}"
                );
                assert!(
                    error.message.contains("Nothing was changed"),
                    "cut {cut}: {error:?}"
                );
                assert_eq!(error.left, [""; 0], "cut {cut}");
                assert_eq!(vmx(&node), ODD, "cut {cut}");
                assert_eq!(
                    shows(&node),
                    ("old \"notes\"".to_owned(), 1024),
                    "cut {cut}"
                );
            }
        }
        assert_nothing_else(&node, &before);
    }
    assert!(succeeded > 4, "{succeeded}");
}

/// The next run gets the same order again, as the dashboard gives it.
#[tokio::test]
async fn an_executor_that_dies_at_any_command_is_continued_by_the_next() {
    for (place, tool, run) in [
        ("looks", "vim-cmd", Run::With("get.summary")),
        ("reads", "cat", Run::Cat(1)),
        ("writes", "cat", Run::Cat(WRITES)),
        ("reads back", "cat", Run::Cat(READS_BACK)),
        ("replaces", "cat", Run::Cat(REPLACES)),
        ("reloads", "vim-cmd", Run::With("reload")),
    ] {
        let node = odd_node();
        let before = snapshot(&node);
        // Stands still there until the executor is dead, in the first run alone.
        let waits = ": >/tmp/there; while [ ! -e /tmp/dead ]; do sleep 0.05; done";
        right_before(&node, tool, &run, waits);
        let bench = Bench::new(&[&node]).await;
        let order = bench.order(&node, change(settings("new", 2048)));
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
        assert_eq!(
            report.progress.state,
            TaskState::Succeeded,
            "{place}: {report:#?}"
        );
        assert_eq!(shows(&node), ("new".to_owned(), 2048), "{place}");
        let after = snapshot(&node);
        let left: Vec<_> = before
            .symmetric_difference(&after)
            .map(|(path, _)| path.as_str())
            .filter(|path| {
                !path.ends_with("/web/web.vmx") && !path.contains("/bin/") && !path.contains("/tmp")
            })
            .collect();
        assert_eq!(left, [""; 0], "{place}");
    }
}

#[tokio::test]
async fn every_name_and_comment_is_refused_by_a_rule_or_reads_back_byte_for_byte() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let mut before = snapshot(&node);
    before.retain(|(path, _)| !path.ends_with("/web/web.vmx"));
    let (mut taken, mut refused) = (0, 0);
    for text in nasty() {
        let as_name = NewVm {
            name: text.clone(),
            ..new_vm("")
        };
        let wanted = VmSettings {
            name: as_name.check().is_ok().then(|| text.clone()),
            comment: Some(text.clone()),
            ..VmSettings::default()
        };
        let report = bench.run(&node, change(wanted.clone())).await;
        let spec = node.vm(7).unwrap().spec;
        if report.progress.state == TaskState::Succeeded {
            taken += 1;
            assert_eq!(spec.annotation, text);
            assert_eq!(wanted.name.as_ref().unwrap_or(&spec.name), &spec.name);
        } else {
            refused += 1;
            let error = failure(&report, TaskErrorKind::Refused);
            assert!(
                error.message.contains("Nothing was changed"),
                "{text:?}: {error:?}"
            );
        }
        let mut after = snapshot(&node);
        after.retain(|(path, _)| !path.ends_with("/web/web.vmx"));
        assert_eq!(after, before, "{text:?}");
    }
    assert!(
        taken > 100 && refused > 10,
        "{taken} taken, {refused} refused"
    );
    assert_eq!(node.vm(1).unwrap().spec.name, "bystander");
}
