//! What another executor does about a creation over which one has died.

use std::path::PathBuf;

use ecoman_api::executor::{Order, Report};
use ecoman_model::{
    CleanUp, NewVm, StepState, TaskErrorKind, TaskProgress, TaskRequest, TaskState,
};
use ecoman_simulator::{Fault, NodeSpec, Power, Scope, SimulatedNode, VmSpec};

use crate::bench::{
    Bench, create, new_vm, no_shell_is_left, nothing_runs, sent, snapshot, vm_names, with_second,
};

fn node() -> SimulatedNode {
    let spec = NodeSpec::new("hoge").vm(VmSpec::new("bystander").id(1).on());
    SimulatedNode::start(spec).expect("a simulated node")
}

/// Creates a VM with an executor that dies when `is` holds of its report, which is returned.
async fn interrupted(
    node: &SimulatedNode,
    vm: &NewVm,
    what: &str,
    is: impl Fn(&Report) -> bool,
) -> Report {
    let bench = Bench::new(&[node]).await;
    let order = bench.order(node, create(vm.clone()));
    bench.post(&order).await;
    let last = bench.until(order.id, what, is).await;
    drop(bench);
    node.cut_connections().unwrap();
    last
}

/// Cleans up after it with another executor, which knows what was reported last.
async fn clean_up(node: &SimulatedNode, vm: &NewVm, last: &Report) -> TaskProgress {
    let again = Bench::new(&[node]).await;
    let request = TaskRequest::CleanUp(CleanUp {
        task: last.id,
        vm: Box::new(vm.clone()),
        directory: last.progress.directory.clone(),
    });
    again.run(node, request).await.progress
}

#[tokio::test]
async fn an_executor_that_dies_over_a_creation_leaves_what_another_one_removes() {
    // What it has done when it dies, and the tool that it waits for then.
    for (done, waits_for, registered) in [
        ("Write the", "vmkfstools", false),
        ("Create the disk", "registervm", false),
        ("Register", "get.summary", true),
    ] {
        let node = node();
        let before = snapshot(&node);
        let stalled = Fault::Hang(Scope::command(waits_for));
        node.set_fault(stalled.clone()).unwrap();
        let vm = new_vm("web");
        let last = interrupted(&node, &vm, &format!("waits for {waits_for}"), |_| {
            sent(&node, waits_for) > 0
        })
        .await;
        nothing_runs(&node).await;
        node.clear_fault(&stalled).unwrap();
        no_shell_is_left(&node).await;
        let mut steps = last.progress.steps.iter();
        let step = steps.find(|step| step.title.starts_with(done));
        let state = step.map(|step| step.state);
        assert_eq!(state, Some(StepState::Done), "{done}: {last:#?}");
        let vms = vm_names(&node);
        assert_eq!(vms.contains(&"web".to_owned()), registered, "{done}");

        let died = snapshot(&node);
        assert_ne!(died, before, "{done}: nothing was made");
        let progress = clean_up(&node, &vm, &last).await;
        assert_eq!(vm_names(&node), vms, "{done}");
        if registered {
            let error = progress.error.expect("a VM is reported");
            assert!(error.left[0].contains("(web)"), "{done}: {error:?}");
            assert_eq!(snapshot(&node), died, "{done}");
        } else {
            let state = progress.state;
            assert_eq!(state, TaskState::Succeeded, "{done}: {progress:#?}");
            assert_eq!(snapshot(&node), before, "{done}");
        }
        assert_eq!(node.vm(1).unwrap().power, Power::On);
    }
}

#[tokio::test]
async fn an_executor_that_dies_over_its_check_leaves_nothing_and_takes_nothing_for_its_own() {
    for theirs in [false, true] {
        let node = node();
        let stalled = Fault::Hang(Scope::command("portgroup"));
        node.set_fault(stalled.clone()).unwrap();
        let vm = new_vm("web");
        let last = interrupted(&node, &vm, "looks for port groups", |_| {
            let calls = node.calls();
            calls.iter().any(|call| call.line().contains("portgroup"))
        })
        .await;
        node.clear_fault(&stalled).unwrap();
        assert_eq!(last.progress.directory, None);
        if theirs {
            std::fs::create_dir(node.file(&format!("{}/web", node.datastore_path()))).unwrap();
        }
        let before = snapshot(&node);
        let progress = clean_up(&node, &vm, &last).await;
        assert_eq!(snapshot(&node), before, "{progress:#?}");
        match (theirs, progress.error) {
            (false, None) => assert_eq!(progress.steps[1].state, StepState::Skipped),
            (true, Some(error)) => {
                assert_eq!(error.left.len(), 1, "{error:?}");
                assert!(error.left[0].contains("exists and is empty"), "{error:?}");
            }
            (theirs, error) => panic!("{theirs}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn an_executor_that_dies_over_the_power_on_leaves_a_vm_that_is_reported() {
    let node = node();
    let stalled = Fault::Hang(Scope::command("power.on"));
    node.set_fault(stalled.clone()).unwrap();
    let mut vm = new_vm("web");
    vm.power_on = true;
    let last = interrupted(&node, &vm, "powers it on", |_| {
        let calls = node.calls();
        calls.iter().any(|call| call.line().contains("power.on"))
    })
    .await;
    node.clear_fault(&stalled).unwrap();
    let made = node.vm_named("web").expect("the VM").id;
    let before = snapshot(&node);
    let progress = clean_up(&node, &vm, &last).await;
    let error = progress.error.expect("the VM is reported");
    assert_eq!(error.kind, TaskErrorKind::Refused);
    assert!(
        error.left[0].contains(&format!("VM {made} (web)")),
        "{error:?}"
    );
    assert_eq!(progress.vmid.map(|vmid| vmid.0), Some(made));
    assert_eq!(snapshot(&node), before);
    assert_eq!(vm_names(&node), ["bystander", "web"]);
}

#[tokio::test]
async fn what_is_not_of_the_task_is_not_cleaned_up() {
    for asked in [false, true] {
        let node = node();
        let bench = Bench::new(&[&node]).await;
        let directory = node.file(&format!("{}/web", node.datastore_path()));
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("web.vmx"), "ecoman.task = \"another\"\n").unwrap();
        let before = snapshot(&node);
        let order = bench.order(&node, create(new_vm("web")));
        let clean_up = TaskRequest::CleanUp(CleanUp {
            task: order.id,
            vm: Box::new(new_vm("web")),
            directory: asked.then(|| format!("{}/web", node.datastore_path())),
        });
        let report = bench.run(&node, clean_up).await;
        match report.progress.error {
            // Nobody knows what has become of the directory that it asked for.
            Some(error) => assert_eq!((asked, error.left.len()), (true, 1), "{error:?}"),
            None => assert!(!asked, "the directory that it asked for is not reported"),
        }
        assert_eq!(snapshot(&node), before);
    }
}

/// A VM's directory on the datastore for new ones, as the task reports it.
fn directory_of(node: &SimulatedNode, name: &str) -> String {
    format!("{}/{name}", node.datastore_path().trim_end_matches('/'))
}

/// Puts there what a creation leaves that was interrupted. Returns its directory, and the order
/// to clean up after it.
fn left_over(bench: &Bench, node: &SimulatedNode, name: &str) -> (PathBuf, Order) {
    let reported = directory_of(node, name);
    let creation = bench.order(node, create(new_vm(name))).id;
    let directory = node.file(&reported);
    std::fs::create_dir(&directory).unwrap();
    let marked = format!(".encoding = \"UTF-8\"\necoman.task = \"{creation}\"\n");
    std::fs::write(directory.join(format!("{name}.vmx")), marked).unwrap();
    let clean_up = TaskRequest::CleanUp(CleanUp {
        task: creation,
        vm: Box::new(new_vm(name)),
        directory: Some(reported),
    });
    (directory, bench.order(node, clean_up))
}

#[tokio::test]
async fn names_in_any_language_are_cleaned_up() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    for name in ["ウェブ", "é", "web🦀", "it's $x"] {
        let (_, clean_up) = left_over(&bench, &node, name);
        bench.post(&clean_up).await;
        let progress = bench.end(clean_up.id).await.progress;
        assert_eq!(
            progress.state,
            TaskState::Succeeded,
            "{name}: {progress:#?}"
        );
        assert_eq!(snapshot(&node), before, "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_not_said_to_be_gone() {
    let unreadable = Fault::Garbage(Scope::command("getallvms"));
    for (fault, extra) in [(Some(unreadable), ""), (None, "  read_only: true\n")] {
        let node = node();
        let bench = Bench::with(&[&node], extra, None).await;
        let (directory, clean_up) = left_over(&bench, &node, "web");
        if let Some(fault) = fault {
            node.set_fault(fault).unwrap();
        }
        bench.post(&clean_up).await;
        let error = bench.end(clean_up.id).await.progress.error;
        let error = error.expect("an error");
        assert_eq!(error.left.len(), 1, "{error:?}");
        assert!(error.left[0].contains("/web on hoge"), "{error:?}");
        assert!(directory.exists());
    }
}

#[tokio::test]
async fn a_datastore_that_is_away_is_looked_at_when_it_is_back() {
    let node = SimulatedNode::start(with_second(NodeSpec::new("hoge"))).unwrap();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    let (directory, clean_up) = left_over(&bench, &node, "web");
    let mut away = Vec::new();
    node.edit(|spec| away.push(spec.datastores.remove(0)));
    bench.post(&clean_up).await;
    let error = bench.end(clean_up.id).await.progress.error;
    let error = error.expect("an error");
    assert!(
        error.message.contains("cannot access the datastore"),
        "{error:?}"
    );
    assert_eq!(error.left.len(), 1, "{error:?}");
    assert!(directory.exists());

    node.edit(|spec| spec.datastores.append(&mut away));
    let again = bench.run(&node, clean_up.request).await.progress;
    assert_eq!(again.state, TaskState::Succeeded, "{again:#?}");
    assert_eq!(snapshot(&node), before);
}

#[tokio::test]
async fn what_was_left_is_found_after_datastore_path_has_changed() {
    let node = SimulatedNode::start(with_second(NodeSpec::new("hoge"))).unwrap();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    let (_, clean_up) = left_over(&bench, &node, "web");
    bench
        .edit_hosts(|text| {
            let changed = text.replace("/vmfs/volumes/datastore1", "/vmfs/volumes/second");
            assert_ne!(changed, text);
            changed
        })
        .await;
    bench.post(&clean_up).await;
    let progress = bench.end(clean_up.id).await.progress;
    assert_eq!(progress.state, TaskState::Succeeded, "{progress:#?}");
    assert_eq!(snapshot(&node), before);
}

#[tokio::test]
async fn a_vm_at_the_same_place_of_another_volume_is_none_of_it() {
    let theirs = VmSpec::new("theirs").id(5).stored("second", "web/web.vmx");
    let node = SimulatedNode::start(with_second(NodeSpec::new("hoge").vm(theirs))).unwrap();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    let (_, clean_up) = left_over(&bench, &node, "web");
    bench.post(&clean_up).await;
    let progress = bench.end(clean_up.id).await.progress;
    assert_eq!(progress.state, TaskState::Succeeded, "{progress:#?}");
    assert_eq!(snapshot(&node), before);
    assert_eq!(vm_names(&node), ["theirs"]);
}

#[tokio::test]
async fn a_vm_that_another_task_has_made_since_is_not_claimed() {
    for asked in [false, true] {
        let node = node();
        let bench = Bench::new(&[&node]).await;
        let made = bench.run(&node, create(new_vm("web"))).await;
        assert_eq!(made.progress.state, TaskState::Succeeded, "{made:#?}");
        let before = snapshot(&node);
        let clean_up = TaskRequest::CleanUp(CleanUp {
            task: bench.order(&node, create(new_vm("web"))).id,
            vm: Box::new(new_vm("web")),
            directory: asked.then(|| directory_of(&node, "web")),
        });
        let progress = bench.run(&node, clean_up).await.progress;
        assert_eq!(progress.vmid, None, "somebody else's");
        assert_eq!(progress.error.is_some(), asked, "{:?}", progress.error);
        assert_eq!(snapshot(&node), before);
        assert_eq!(vm_names(&node), ["bystander", "web"]);
    }
}

#[tokio::test]
async fn the_files_of_a_vm_that_the_node_cannot_read_are_left_and_reported() {
    for has_disk in [true, false] {
        let node = node();
        let bench = Bench::new(&[&node]).await;
        let (directory, clean_up) = left_over(&bench, &node, "web");
        if has_disk {
            std::fs::write(directory.join("web.vmdk"), "made").unwrap();
        }
        // Of one that was registered when the node started before its datastore was there, it
        // says no more than this.
        node.add_vm(VmSpec::new("unreadable").id(7)).unwrap();
        node.set_fault(Fault::InvalidVm(7)).unwrap();
        let before = snapshot(&node);
        bench.post(&clean_up).await;
        match bench.end(clean_up.id).await.progress.error {
            Some(error) => {
                assert!(has_disk, "nothing without a disk is registered: {error:?}");
                assert_eq!(error.left.len(), 1, "{error:?}");
                assert!(error.left[0].contains("invalid VM: 7"), "{error:?}");
                assert_eq!(snapshot(&node), before);
            }
            None => assert!(!has_disk && !directory.exists()),
        }
    }
}

#[tokio::test]
async fn a_vm_that_has_run_since_is_left_and_reported() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let (directory, clean_up) = left_over(&bench, &node, "web");
    // Another node that shares the datastore has it registered, and it runs there.
    for name in ["web.vmdk", "web-flat.vmdk", "vmware.log"] {
        std::fs::write(directory.join(name), "in use").unwrap();
    }
    let before = snapshot(&node);
    bench.post(&clean_up).await;
    let error = bench.end(clean_up.id).await.progress.error;
    let error = error.expect("an error");
    assert_eq!(error.left.len(), 1, "{error:?}");
    assert!(error.left[0].contains("vmware.log"), "{error:?}");
    assert_eq!(snapshot(&node), before);
}
