//! Creating VMs, and what is left when that fails.

use std::os::unix::fs::PermissionsExt as _;

use ecoman_api::executor::Report;
use ecoman_model::{NewVm, StepState, TaskErrorKind, TaskProgress, TaskRequest, TaskState};
use ecoman_simulator::{Fault, Generation, NodeSpec, Power, Scope, SimulatedNode, VmSpec};

use crate::bench::{Bench, create, create_while, new_vm, sent, snapshot};

fn node() -> SimulatedNode {
    let spec = NodeSpec::new("hoge").vm(VmSpec::new("bystander").id(1).on());
    SimulatedNode::start(spec).expect("a simulated node")
}

fn vm_names(node: &SimulatedNode) -> Vec<String> {
    node.vms().into_iter().map(|vm| vm.spec.name).collect()
}

#[tokio::test]
async fn a_vm_is_created_as_asked_on_every_release_and_powered_on() {
    for generation in [
        Generation::V5_5,
        Generation::V6_5,
        Generation::V7_0,
        Generation::V8_0,
    ] {
        let spec = NodeSpec::new("hoge").generation(generation);
        let node = SimulatedNode::start(spec).unwrap();
        let bench = Bench::new(&[&node]).await;
        let mut vm = new_vm("ウェブ $(reboot) \"1\" |22 'x' 🦀");
        vm.comment = "two\nlines, \"quoted\" |0A `id` \\\tと".to_owned();
        vm.power_on = true;
        let report = bench.run(&node, create(vm.clone())).await;
        assert_eq!(
            report.progress.state,
            TaskState::Succeeded,
            "{generation:?}: {report:#?}"
        );
        let made = node.vm_named(&vm.name).expect("the VM");
        assert_eq!(report.progress.vmid.map(|vmid| vmid.0), Some(made.id));
        assert_eq!(made.spec.annotation, vm.comment);
        assert_eq!((made.spec.cpus, made.spec.memory_mb), (2, 1024));
        // That the directory is not there yet is the good answer, and told as such.
        let absent = report.progress.commands.iter();
        let absent: Vec<_> = absent.filter(|run| run.exit == Some(1)).collect();
        assert!(!absent.is_empty() && absent.iter().all(|run| run.expected));
        assert_eq!(made.power, Power::On);
        let newest = generation.newest_hardware();
        assert_eq!(made.spec.hardware, newest, "{generation:?}");
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_every_reason_before_anything_is_touched() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    let mut vm = new_vm("bystander");
    vm.cpus = 10_000;
    vm.network = Some("Nowhere".to_owned());
    vm.iso_path = Some("/vmfs/volumes/datastore1/nothing.iso".to_owned());
    let report = bench.run(&node, create(vm)).await;
    let error = report.progress.error.expect("an error");
    assert_eq!(error.kind, TaskErrorKind::Refused);
    for part in [
        "has the name bystander already",
        "no ISO image",
        "no port group \"Nowhere\"",
        "cpus must be at most",
    ] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    assert_eq!(error.left, [""; 0]);
    assert_eq!(snapshot(&node), before);
}

#[tokio::test]
async fn a_directory_that_is_there_is_not_touched() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let directory = node.file(&format!(
        "{}/taken",
        node.datastore_path().trim_end_matches('/')
    ));
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("taken.vmx"), "somebody's").unwrap();
    let before = snapshot(&node);
    let report = bench.run(&node, create(new_vm("taken"))).await;
    assert_eq!(report.progress.error.unwrap().kind, TaskErrorKind::Refused);
    assert_eq!(snapshot(&node), before);
}

#[tokio::test]
async fn a_datastore_that_is_full_already_is_not_touched() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    node.set_fault(Fault::DiskFull).unwrap();
    let report = bench.run(&node, create(new_vm("web"))).await;
    let error = report.progress.error.expect("an error");
    assert_eq!(error.kind, TaskErrorKind::Refused, "{error:?}");
    assert!(error.message.contains("disk_gb"), "{error:?}");
    assert_eq!(error.left, [""; 0]);
    assert_eq!(snapshot(&node), before);
    assert_eq!(vm_names(&node), ["bystander"]);
}

/// What the step is now that begins like this.
fn step(report: &Report, title: &str) -> StepState {
    let steps = &report.progress.steps;
    let step = steps.iter().find(|step| step.title.starts_with(title));
    step.unwrap_or_else(|| panic!("no step {title}: {report:#?}"))
        .state
}

#[tokio::test]
async fn a_datastore_that_fills_up_while_the_vm_is_made_leaves_nothing_behind() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    let report = create_while(&node, &bench, new_vm("web"), |node| {
        node.set_fault(Fault::DiskFull).unwrap();
    })
    .await;
    let error = report.progress.error.as_ref().expect("an error");
    assert_eq!(error.kind, TaskErrorKind::Node, "{error:?}");
    assert!(error.message.contains("not enough space"), "{error:?}");
    assert!(error.message.contains("was removed again"), "{error:?}");
    assert_eq!(error.left, [""; 0]);
    assert_eq!(step(&report, "Create the disk"), StepState::Failed);
    for undone in ["Make the directory", "Write the configuration"] {
        assert_eq!(step(&report, undone), StepState::Undone, "{undone}");
    }
    assert_eq!(step(&report, "Undo"), StepState::Done);
    assert_eq!(snapshot(&node), before);
    assert_eq!(vm_names(&node), ["bystander"]);
}

/// Has a tool of the node do something else: `script` of its shell.
fn replace_tool(node: &SimulatedNode, tool: &str, script: &str) {
    let path = node.file(&format!("/bin/{tool}"));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, format!("#!/bin/ash\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_configuration_that_is_written_by_half_is_removed() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    // Writes a little of what it is given, and then there is no more space.
    let script = "[ $# = 0 ] || exec busybox cat \"$@\"\n\
                  head -c 20; echo 'cat: write error: No space left on device' >&2; exit 1";
    replace_tool(&node, "cat", script);
    let before = snapshot(&node);
    let report = bench.run(&node, create(new_vm("web"))).await;
    let error = report.progress.error.as_ref().expect("an error");
    assert!(
        error.message.contains("No space left on device"),
        "{error:?}"
    );
    assert_eq!(error.left, [""; 0], "{error:?}");
    assert_eq!(step(&report, "Write the configuration"), StepState::Failed);
    assert_eq!(step(&report, "Make the directory"), StepState::Undone);
    assert_eq!(snapshot(&node), before);
}

#[tokio::test]
async fn a_disk_that_somebody_else_has_put_there_is_left_and_told() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let directory = node.file(&format!("{}/web", node.datastore_path()));
    let theirs = directory.join("web.vmdk");
    let report = create_while(&node, &bench, new_vm("web"), |_| {
        std::fs::write(&theirs, "somebody's").unwrap();
    })
    .await;
    let error = report.progress.error.expect("an error");
    assert_eq!(error.left.len(), 1, "{error:?}");
    assert!(
        error.left[0].ends_with("not of this task in it: web.vmdk."),
        "{error:?}"
    );
    assert_eq!(std::fs::read(&theirs).unwrap(), b"somebody's");
    // What is of the task is gone all the same.
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
}

#[tokio::test]
async fn a_configuration_that_somebody_else_has_put_there_is_left_and_told() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    // Right before the task writes its own.
    let script = "case $2 in 'set -C'*) printf \"somebody's\" >\"$4\" ;; esac\n\
                  exec busybox sh \"$@\"";
    replace_tool(&node, "sh", script);
    let report = bench.run(&node, create(new_vm("web"))).await;
    let error = report.progress.error.expect("an error");
    assert!(error.message.contains("File exists"), "{error:?}");
    assert_eq!(error.left.len(), 1, "{error:?}");
    assert!(error.left[0].contains("web.vmx"), "{error:?}");
    let theirs = node.file(&format!("{}/web/web.vmx", node.datastore_path()));
    assert_eq!(std::fs::read(theirs).unwrap(), b"somebody's");
}

#[tokio::test]
async fn a_vm_that_cannot_be_powered_on_is_complete_and_told() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    node.set_fault(Fault::LacksMemory(2)).unwrap();
    let mut vm = new_vm("web");
    vm.power_on = true;
    let report = bench.run(&node, create(vm)).await;
    assert_eq!(report.progress.state, TaskState::Failed);
    let error = report.progress.error.expect("an error");
    assert!(
        error.message.starts_with("web was created as VM 2"),
        "{error:?}"
    );
    assert_eq!(error.left.len(), 1);
    assert_eq!(node.vm_named("web").unwrap().power, Power::Off);
}

#[tokio::test]
async fn a_connection_that_is_cut_at_any_command_leaves_nothing_that_is_not_told() {
    let failures = cut_at_every_command(false).await;
    assert!(failures > 2, "the cuts hit nothing that matters");
}

#[tokio::test]
async fn a_connection_that_is_cut_before_the_vm_is_on_leaves_nothing_that_is_not_told() {
    let failures = cut_at_every_command(true).await;
    assert!(failures > 3, "the cuts hit nothing that matters");
}

/// How many creations have failed because of it.
async fn cut_at_every_command(power_on: bool) -> usize {
    let mut failures = 0;
    for cut in 1..=30 {
        let node = node();
        let bench = Bench::new(&[&node]).await;
        let before = snapshot(&node);
        node.set_fault(Fault::CutConnection(cut)).unwrap();
        let mut vm = new_vm("web");
        vm.power_on = power_on;
        let report = bench.run(&node, create(vm)).await;
        let made = node.vm_named("web");
        match (report.progress.error, made) {
            (None, Some(made)) => {
                let power = if power_on { Power::On } else { Power::Off };
                assert_eq!(made.power, power, "cut {cut}");
            }
            (None, None) => panic!("cut {cut}: told to be made"),
            (Some(error), Some(made)) => {
                failures += 1;
                // It stays: only powering it on has failed.
                assert!(power_on, "cut {cut}: {error:?}");
                assert_eq!(made.power, Power::Off, "cut {cut}: {error:?}");
                assert_eq!(error.left.len(), 1, "cut {cut}: {error:?}");
                let told = format!("VM {} (web) on hoge is complete", made.id);
                assert!(error.left[0].starts_with(&told), "cut {cut}: {error:?}");
            }
            (Some(error), None) => {
                failures += 1;
                assert_eq!(error.left, [""; 0], "cut {cut}: {error:?}");
                assert_eq!(snapshot(&node), before, "cut {cut}");
            }
        }
        for command in ["registervm", "vmkfstools -c", "power.on"] {
            assert!(sent(&node, command) <= 1, "cut {cut}: {command} ran twice");
        }
        assert_eq!(
            node.vm(1).unwrap().power,
            Power::On,
            "cut {cut}: another VM"
        );
    }
    failures
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
    let request = TaskRequest::CleanUp {
        task: last.id,
        vm: Box::new(vm.clone()),
        directory: last.progress.directory.clone(),
    };
    again.run(node, request).await.progress
}

#[tokio::test]
async fn an_executor_that_dies_over_a_creation_leaves_what_another_one_removes() {
    // Died behind: the directory, the configuration, the disk, and with the VM registered.
    for (behind, registered) in [
        ("Make the", false),
        ("Write the", false),
        ("Create the", false),
        ("Register", true),
    ] {
        let node = node();
        let before = snapshot(&node);
        node.set_latency(std::time::Duration::from_millis(150));
        let vm = new_vm("web");
        let last = interrupted(&node, &vm, "gets so far", |report| {
            let steps = &report.progress.steps;
            steps
                .iter()
                .any(|step| step.title.starts_with(behind) && step.state == StepState::Done)
        })
        .await;
        node.set_latency(std::time::Duration::ZERO);

        let progress = clean_up(&node, &vm, &last).await;
        if node.vm_named("web").is_some() {
            let error = progress.error.expect("a VM is told");
            assert!(error.left[0].contains("(web)"), "{behind}: {error:?}");
        } else {
            assert!(!registered, "{behind}: the VM is gone");
            assert_eq!(
                progress.state,
                TaskState::Succeeded,
                "{behind}: {progress:#?}"
            );
            assert_eq!(snapshot(&node), before, "{behind}");
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
                assert!(error.left[0].contains("is there and is empty"), "{error:?}");
            }
            (theirs, error) => panic!("{theirs}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn an_executor_that_dies_over_the_power_on_leaves_a_vm_that_is_told() {
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
    let error = progress.error.expect("the VM is told");
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
        let clean_up = TaskRequest::CleanUp {
            task: order.id,
            vm: Box::new(new_vm("web")),
            directory: asked.then(|| format!("{}/web", node.datastore_path())),
        };
        let report = bench.run(&node, clean_up).await;
        match report.progress.error {
            // Nobody knows what has become of the directory that it asked for.
            Some(error) => assert_eq!((asked, error.left.len()), (true, 1), "{error:?}"),
            None => assert!(!asked, "the directory that it asked for is not told"),
        }
        assert_eq!(snapshot(&node), before);
    }
}
