//! Creating VMs, and what is left when that fails.

use std::collections::BTreeSet;
use std::path::Path;

use ecoman_model::{StepState, TaskErrorKind, TaskRequest, TaskState};
use ecoman_simulator::{Fault, Generation, NodeSpec, Power, SimulatedNode, VmSpec};

use crate::bench::{Bench, create, new_vm};

fn node() -> SimulatedNode {
    let spec = NodeSpec::new("hoge").vm(VmSpec::new("bystander").id(1).on());
    SimulatedNode::start(spec).expect("a simulated node")
}

/// Every file and directory below the volumes, with the content of small files.
fn snapshot(node: &SimulatedNode) -> BTreeSet<(String, Vec<u8>)> {
    fn walk(directory: &Path, found: &mut BTreeSet<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let shown = path.to_string_lossy().into_owned();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                found.insert((shown, Vec::new()));
                walk(&path, found);
            } else {
                let small = path.metadata().unwrap().len() < 100_000;
                let content = if small {
                    std::fs::read(&path).unwrap()
                } else {
                    Vec::new()
                };
                found.insert((shown, content));
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&node.file("/vmfs/volumes"), &mut found);
    found
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
async fn a_full_datastore_leaves_nothing_behind() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    node.set_fault(Fault::DiskFull).unwrap();
    let report = bench.run(&node, create(new_vm("web"))).await;
    assert_eq!(report.progress.state, TaskState::Failed);
    assert_eq!(report.progress.error.unwrap().left, [""; 0]);
    assert_eq!(snapshot(&node), before);
    assert_eq!(vm_names(&node), ["bystander"]);
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
    let mut failures = 0;
    for cut in 1..=30 {
        let node = node();
        let bench = Bench::new(&[&node]).await;
        let before = snapshot(&node);
        node.set_fault(Fault::CutConnection(cut)).unwrap();
        let report = bench.run(&node, create(new_vm("web"))).await;
        let made = node.vm_named("web").is_some();
        match report.progress.error {
            None => assert!(made, "cut {cut}: told to be made"),
            Some(error) => {
                failures += 1;
                assert!(!made, "cut {cut}: {error:?}");
                assert_eq!(error.left, [""; 0], "cut {cut}: {error:?}");
                assert_eq!(snapshot(&node), before, "cut {cut}");
            }
        }
        // Nothing ran twice.
        for command in ["registervm", "vmkfstools -c"] {
            let calls = node.calls();
            let sent = calls.iter().filter(|call| call.line().contains(command));
            assert!(sent.count() <= 1, "cut {cut}: {command}");
        }
        assert_eq!(
            node.vm(1).unwrap().power,
            Power::On,
            "cut {cut}: another VM"
        );
        node.clear_faults().unwrap();
    }
    assert!(failures > 2, "the cuts hit nothing that matters");
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
        let bench = Bench::new(&[&node]).await;
        let before = snapshot(&node);
        node.set_latency(std::time::Duration::from_millis(150));
        let order = bench.order(&node, create(new_vm("web")));
        bench.post(&order).await;
        bench
            .until(order.id, "gets so far", |report| {
                let steps = &report.progress.steps;
                steps
                    .iter()
                    .any(|step| step.title.starts_with(behind) && step.state == StepState::Done)
            })
            .await;
        drop(bench);
        node.cut_connections().unwrap();
        node.set_latency(std::time::Duration::ZERO);

        let again = Bench::new(&[&node]).await;
        let clean_up = TaskRequest::CleanUp {
            task: order.id,
            vm: Box::new(new_vm("web")),
        };
        let report = again.run(&node, clean_up).await;
        if node.vm_named("web").is_some() {
            let error = report.progress.error.expect("a VM is told");
            assert!(error.left[0].contains("(web)"), "{behind}: {error:?}");
        } else {
            assert!(!registered, "{behind}: the VM is gone");
            assert_eq!(
                report.progress.state,
                TaskState::Succeeded,
                "{behind}: {report:#?}"
            );
            assert_eq!(snapshot(&node), before, "{behind}");
        }
        assert_eq!(node.vm(1).unwrap().power, Power::On);
    }
}

#[tokio::test]
async fn what_is_not_of_the_task_is_not_cleaned_up() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let directory = node.file(&format!(
        "{}/web",
        node.datastore_path().trim_end_matches('/')
    ));
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("web.vmx"), "ecoman.task = \"another\"\n").unwrap();
    let before = snapshot(&node);
    let order = bench.order(&node, create(new_vm("web")));
    let clean_up = TaskRequest::CleanUp {
        task: order.id,
        vm: Box::new(new_vm("web")),
    };
    let report = bench.run(&node, clean_up).await;
    assert_eq!(report.progress.error.expect("an error").left.len(), 1);
    assert_eq!(snapshot(&node), before);
}
