//! Creating VMs, and what is left when that fails.

use ecoman_api::executor::Report;
use ecoman_model::{NewVm, StepState, TaskErrorKind, TaskState, VmPlace};
use ecoman_simulator::{Fault, Generation, NodeSpec, Power, Scope, SimulatedNode, VmSpec};

use crate::bench::{
    Bench, create, create_while, make_tool, new_vm, sent, snapshot, vm_names, with_second,
    wrap_tool,
};

fn node() -> SimulatedNode {
    let spec = NodeSpec::new("hoge").vm(VmSpec::new("bystander").id(1).on());
    SimulatedNode::start(spec).expect("a simulated node")
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
        // What hosts.yml stands for is reported as it was.
        let place = VmPlace {
            datastore: "datastore1".to_owned(),
            network: "VM Network".to_owned(),
            iso_path: Some("/vmfs/volumes/datastore1/os-images/ubuntu2004.iso".to_owned()),
        };
        assert_eq!(report.progress.place, Some(place));
        // That the directory is not there yet is the good answer, and reported as such.
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
        "already has the name bystander",
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
async fn a_vm_is_made_on_the_datastore_that_was_chosen() {
    // The one of hosts.yml has no room.
    let mut spec = with_second(NodeSpec::new("hoge"));
    for datastore in &mut spec.datastores {
        if datastore.name != "second" {
            datastore.free_bytes = 1 << 30;
        }
    }
    let node = SimulatedNode::start(spec).unwrap();
    let bench = Bench::new(&[&node]).await;
    let vm = |datastore: Option<&str>| NewVm {
        datastore: datastore.map(str::to_owned),
        ..new_vm("web")
    };
    let report = bench.run(&node, create(vm(None))).await;
    let error = report.progress.error.expect("an error");
    assert!(
        error.message.contains("disk_gb must be at most 1"),
        "{}",
        error.message
    );
    let report = bench.run(&node, create(vm(Some("second")))).await;
    let state = report.progress.state;
    assert_eq!(state, TaskState::Succeeded, "{report:#?}");
    assert!(node.file("/vmfs/volumes/second/web/web.vmx").is_file());
    let made = node.vm_named("web").expect("the VM");
    assert_eq!(made.spec.datastore, "second");
    let place = report.progress.place.expect("the place");
    assert_eq!(place.datastore, "second");
}

#[tokio::test]
async fn a_datastore_that_cannot_take_a_vm_is_refused_also_where_hosts_yml_names_it() {
    let mut spec = with_second(NodeSpec::new("hoge"));
    let gone = spec.datastores.iter_mut().find(|it| it.name == "second");
    gone.expect("the datastore").mounted = false;
    let node = SimulatedNode::start(spec).unwrap();
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    for (datastore, reason) in [
        (
            "nowhere",
            "hoge has no datastore \"nowhere\"; it has datastore1, second",
        ),
        ("second", "the datastore second on hoge is inaccessible"),
    ] {
        let vm = NewVm {
            datastore: Some(datastore.to_owned()),
            ..new_vm("web")
        };
        let report = bench.run(&node, create(vm)).await;
        let error = report.progress.error.expect("an error");
        assert_eq!(error.kind, TaskErrorKind::Refused);
        assert!(error.message.contains(reason), "{}", error.message);
        assert!(!error.message.contains("hosts.yml"), "{}", error.message);
    }
    node.edit(|spec| {
        for datastore in &mut spec.datastores {
            datastore.mounted = false;
        }
    });
    let report = bench.run(&node, create(new_vm("web"))).await;
    let error = report.progress.error.expect("an error");
    assert!(
        error.message.contains(
            "the datastore datastore1 on hoge is inaccessible (datastore_path of hosts.yml)"
        ),
        "{}",
        error.message
    );
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
    assert!(error.message.contains("Rolled back"), "{error:?}");
    assert_eq!(error.left, [""; 0]);
    assert_eq!(step(&report, "Create the disk"), StepState::Failed);
    for undone in ["Create the directory", "Write the configuration"] {
        assert_eq!(step(&report, undone), StepState::Undone, "{undone}");
    }
    assert_eq!(step(&report, "Roll back"), StepState::Done);
    assert_eq!(snapshot(&node), before);
    assert_eq!(vm_names(&node), ["bystander"]);
}

#[tokio::test]
async fn a_configuration_that_is_written_by_half_is_removed() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    // Writes a little of what it is given, and then there is no more space.
    let script = "[ $# = 0 ] || exec /bin/real/cat \"$@\"\n\
                  head -c 20; echo 'cat: write error: No space left on device' >&2; exit 1";
    wrap_tool(&node, "cat", script);
    let before = snapshot(&node);
    let report = bench.run(&node, create(new_vm("web"))).await;
    let error = report.progress.error.as_ref().expect("an error");
    assert!(
        error.message.contains("No space left on device"),
        "{error:?}"
    );
    assert_eq!(error.left, [""; 0], "{error:?}");
    assert_eq!(step(&report, "Write the configuration"), StepState::Failed);
    assert_eq!(step(&report, "Create the directory"), StepState::Undone);
    assert_eq!(snapshot(&node), before);
}

#[tokio::test]
async fn a_disk_that_somebody_else_has_put_there_is_left_and_reported() {
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
        error.left[0].ends_with("it contains other files: web.vmdk."),
        "{error:?}"
    );
    assert_eq!(std::fs::read(&theirs).unwrap(), b"somebody's");
    // What is of the task is gone all the same.
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
}

#[tokio::test]
async fn a_configuration_that_somebody_else_has_put_there_is_left_and_reported() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    // Right before the task writes its own.
    let script = "case $2 in 'set -C'*) printf \"somebody's\" >\"$4\" ;; esac\n\
                  exec /bin/real/sh \"$@\"";
    wrap_tool(&node, "sh", script);
    let report = bench.run(&node, create(new_vm("web"))).await;
    let error = report.progress.error.expect("an error");
    assert!(error.message.contains("File exists"), "{error:?}");
    assert_eq!(error.left.len(), 1, "{error:?}");
    assert!(error.left[0].contains("web.vmx"), "{error:?}");
    let theirs = node.file(&format!("{}/web/web.vmx", node.datastore_path()));
    assert_eq!(std::fs::read(theirs).unwrap(), b"somebody's");
}

#[tokio::test]
async fn a_vm_that_cannot_be_powered_on_is_complete_and_reported() {
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
async fn a_connection_that_is_cut_at_any_command_leaves_nothing_that_is_not_reported() {
    let failures = cut_at_every_command(false).await;
    assert!(failures > 2, "the cuts hit nothing that matters");
}

#[tokio::test]
async fn a_connection_that_is_cut_before_the_vm_is_on_leaves_nothing_that_is_not_reported() {
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
            (None, None) => panic!("cut {cut}: reported as made"),
            (Some(error), Some(made)) => {
                failures += 1;
                // It stays: only powering it on has failed.
                assert!(power_on, "cut {cut}: {error:?}");
                assert_eq!(made.power, Power::Off, "cut {cut}: {error:?}");
                assert_eq!(error.left.len(), 1, "cut {cut}: {error:?}");
                let reported = format!("VM {} (web) on hoge is complete", made.id);
                assert!(error.left[0].starts_with(&reported), "cut {cut}: {error:?}");
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

#[tokio::test]
async fn names_in_any_language_are_undone_too() {
    for name in ["ウェブ", "é", "web🦀", "a b", "it's $x", "-x", "\"*?["] {
        let node = node();
        let bench = Bench::new(&[&node]).await;
        let before = snapshot(&node);
        let report = create_while(&node, &bench, new_vm(name), |node| {
            node.set_fault(Fault::DiskFull).unwrap();
        })
        .await;
        let error = report.progress.error.expect("an error");
        assert_eq!(error.left, [""; 0], "{name}");
        assert_eq!(snapshot(&node), before, "{name}");
    }
}

#[tokio::test]
async fn a_directory_that_was_exchanged_is_left_and_reported() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let directory = node.file(&format!("{}/web", node.datastore_path()));
    let report = create_while(&node, &bench, new_vm("web"), |_| {
        std::fs::remove_dir_all(&directory).unwrap();
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("web.vmx"), "displayName = \"theirs\"\n").unwrap();
        std::fs::write(directory.join("web.vmdk"), "theirs").unwrap();
    })
    .await;
    let error = report.progress.error.expect("an error");
    assert_eq!(error.left.len(), 1, "{error:?}");
    assert!(
        error.left[0].contains("not created by this task"),
        "{error:?}"
    );
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2);
}

#[tokio::test]
async fn whatever_vmkfstools_says_a_disk_of_somebody_else_is_left() {
    for words in [
        "Failed to create virtual disk: A file with this name is already present (39).",
        "DiskLib_Create() failed : 0x2700 (The file specified is not new)",
    ] {
        let node = node();
        let tool = node.file("/sbin/vmkfstools");
        std::fs::remove_file(&tool).unwrap();
        make_tool(&tool, &format!("echo '{words}' >&2; exit 255"));
        // It appears while the configuration is read back.
        let script = "[ $# = 0 ] || echo theirs >\"${1%/*}/web.vmdk\"\nexec /bin/real/cat \"$@\"";
        wrap_tool(&node, "cat", script);
        let bench = Bench::new(&[&node]).await;
        let report = bench.run(&node, create(new_vm("web"))).await;
        let error = report.progress.error.expect("an error");
        assert_eq!(error.left.len(), 1, "{error:?}");
        assert!(error.left[0].contains("web.vmdk"), "{error:?}");
        let disk = node.file(&format!("{}/web/web.vmdk", node.datastore_path()));
        assert_eq!(std::fs::read(disk).unwrap(), b"theirs\n", "{words}");
    }
}

#[tokio::test]
async fn files_that_somebody_else_has_registered_are_left_and_reported() {
    let node = node();
    // Right before the task registers them.
    let script = "case $1 in solo/registervm)\n\
                  /bin/real/vim-cmd solo/registervm \"$2\" theirs >/dev/null;;\n\
                  esac; exec /bin/real/vim-cmd \"$@\"";
    wrap_tool(&node, "vim-cmd", script);
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, create(new_vm("web"))).await;
    let error = report.progress.error.expect("an error");
    assert_eq!(error.left.len(), 1, "{error:?}");
    assert!(
        error.left[0].contains("registered by someone else"),
        "{error:?}"
    );
    assert_eq!(vm_names(&node), ["bystander", "theirs"]);
    assert_eq!(sent(&node, "unregister"), 0);
    let disk = node.file(&format!("{}/web/web.vmdk", node.datastore_path()));
    assert!(disk.exists());
}

#[tokio::test]
async fn a_vm_at_the_same_place_of_another_volume_is_not_the_new_one() {
    let spec = with_second(NodeSpec::new("hoge"));
    let theirs = VmSpec::new("theirs").id(5).stored("second", "web/web.vmx");
    let node = SimulatedNode::start(spec.clone().vm(theirs.clone())).unwrap();
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, create(new_vm("web"))).await;
    assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");

    // It appears behind the check, and the answer to registering the new one is lost.
    let node = SimulatedNode::start(spec).unwrap();
    let bench = Bench::new(&[&node]).await;
    node.set_fault(Fault::Truncated(Scope::command("registervm"), 0))
        .unwrap();
    let report = create_while(&node, &bench, new_vm("web"), |node| {
        node.add_vm(theirs).unwrap();
    })
    .await;
    let error = report.progress.error.expect("an error");
    assert_eq!(error.left, [""; 0], "{error:?}");
    assert_eq!(vm_names(&node), ["theirs"]);
    let directory = node.file(&format!("{}/web", node.datastore_path()));
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_vm_that_somebody_unregisters_while_it_is_powered_on_is_reported() {
    let node = node();
    node.set_fault(Fault::Question(2)).unwrap();
    let bench = Bench::new(&[&node]).await;
    let mut vm = new_vm("web");
    vm.power_on = true;
    let order = bench.order(&node, create(vm));
    bench.post(&order).await;
    let asks = bench.until(order.id, "asks", |report| {
        report.progress.question.is_some()
    });
    let vmid = asks.await.progress.vmid.expect("it is registered").0;
    node.remove_vm(vmid).unwrap();
    let error = bench.end(order.id).await.progress.error.expect("an error");
    assert_eq!(error.left.len(), 1, "{error:?}");
    assert!(error.left[0].contains("unregistered VM"), "{error:?}");
}

#[tokio::test]
async fn a_vm_that_the_node_cannot_read_again_is_not_said_to_be_gone() {
    let node = node();
    node.set_fault(Fault::InvalidVm(2)).unwrap();
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, create(new_vm("web"))).await;
    let error = report.progress.error.expect("an error");
    let registered = node.vm(2).expect("it is registered, and stays so");
    assert_eq!(registered.spec.name, "web");
    assert_eq!(error.left.len(), 1, "{error:?}");
    assert!(error.left[0].contains("VM 2"), "{error:?}");
    let directory = node.file(&format!("{}/web", node.datastore_path()));
    for file in ["web.vmx", "web.vmdk", "web-flat.vmdk"] {
        assert!(directory.join(file).exists(), "{file}: {error:?}");
    }
}

#[tokio::test]
async fn a_renamed_vm_at_the_same_place_is_reported_as_what_it_is() {
    let spec = NodeSpec::new("hoge").vm(VmSpec::new("old-web")
        .id(5)
        .stored("datastore1", "web/web.vmx"));
    let node = SimulatedNode::start(spec).unwrap();
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, create(new_vm("web"))).await;
    let error = report.progress.error.expect("an error");
    let reported = "VM 5 (old-web) on hoge already uses [datastore1] web/web.vmx";
    assert!(error.message.contains(reported), "{error:?}");
}
