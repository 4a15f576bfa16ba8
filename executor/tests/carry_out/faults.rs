//! What changes on a node, or on the way to it, while a task is at work.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use ecoman_api::executor::Report;
use ecoman_model::{
    Answer, PowerAction, PowerChange, StepState, TaskErrorKind, TaskRequest, TaskState, Vmid,
};
use ecoman_simulator::{Fault, NodeSpec, Power, SimulatedNode, Timing, VmSpec};
use reqwest::StatusCode;

use crate::bench::{Bench, PATIENCE, create, create_while, new_vm, power, sent};

fn node(spec: NodeSpec) -> SimulatedNode {
    SimulatedNode::start(spec).expect("a simulated node")
}

/// One whose guest takes its time to shut down: none passes until the test says so.
fn slow_guest() -> SimulatedNode {
    let mut spec = NodeSpec::new("hoge").vm(VmSpec::new("web").id(1).on());
    spec.timing = Timing::REALISTIC;
    let node = node(spec);
    node.set_clock(node.now());
    node
}

/// The task failed for `reason`, and nothing of it is left.
fn assert_undone(node: &SimulatedNode, report: &Report, reason: &str) {
    assert_eq!(report.progress.state, TaskState::Failed, "{report:#?}");
    let error = report.progress.error.as_ref().expect("an error");
    assert!(error.message.contains(reason), "{error:?}");
    assert!(error.message.contains("Rolled back"), "{error:?}");
    assert_eq!(error.left, [""; 0]);
    let directory = format!("{}/web", node.datastore_path().trim_end_matches('/'));
    assert!(!node.file(&directory).exists());
    let bystander = node.vm(1).expect("the other VM");
    assert_eq!(bystander.power, Power::On);
    assert_eq!(sent(node, "registervm"), 1);
}

#[tokio::test]
async fn a_name_that_is_taken_while_the_vm_is_made_stays_with_the_vm_that_took_it() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("bystander").id(1).on()));
    let bench = Bench::new(&[&node]).await;
    let report = create_while(&node, &bench, new_vm("web"), |node| {
        let theirs = VmSpec::new("web").stored("datastore1", "theirs/theirs.vmx");
        node.add_vm(theirs.id(9)).unwrap();
    })
    .await;
    assert_undone(&node, &report, "VM 9 on hoge already has the name web");
    let ids: Vec<u32> = node.vms().iter().map(|vm| vm.id).collect();
    assert_eq!(ids, [1, 9]);
    assert!(
        node.file("/vmfs/volumes/datastore1/theirs/theirs.vmx")
            .exists()
    );
}

#[tokio::test]
async fn a_vm_whose_port_group_vanishes_while_it_is_made_is_removed() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("bystander").id(1).on()));
    let bench = Bench::new(&[&node]).await;
    let report = create_while(&node, &bench, new_vm("web"), |node| {
        node.edit(|spec| spec.port_groups.retain(|group| group.name != "VM Network"));
    })
    .await;
    assert_undone(&node, &report, "hoge has no port group \"VM Network\"");
    assert_eq!(node.vms().len(), 1);
}

#[tokio::test]
async fn a_vm_whose_iso_image_vanishes_while_it_is_made_is_removed() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("bystander").id(1).on()));
    let bench = Bench::new(&[&node]).await;
    let iso = "/vmfs/volumes/datastore1/os-images/mine.iso";
    std::fs::create_dir_all(node.file("/vmfs/volumes/datastore1/os-images")).unwrap();
    std::fs::write(node.file(iso), "").unwrap();
    let mut vm = new_vm("web");
    vm.iso_path = Some(iso.to_owned());
    // Would start without what it is to be installed from.
    vm.power_on = true;
    let report = create_while(&node, &bench, vm, |node| {
        std::fs::remove_file(node.file(iso)).unwrap();
    })
    .await;
    assert_undone(&node, &report, &format!("no ISO image {iso}"));
    assert_eq!(node.vms().len(), 1);
    assert_eq!(sent(&node, "power.on"), 0);
}

#[tokio::test]
async fn a_node_whose_clock_is_hours_off_is_changed_like_any_other() {
    for hours in [-9, 31] {
        let node = node(NodeSpec::new("hoge").vm(VmSpec::new("bystander").id(1).on()));
        node.set_fault(Fault::ClockWrong(hours * 3600)).unwrap();
        let bench = Bench::new(&[&node]).await;
        let mut vm = new_vm("web");
        vm.power_on = true;
        let begun = Utc::now() - TimeDelta::seconds(1);
        let created = bench.run(&node, create(vm)).await;
        let off = bench.run(&node, power(1, PowerAction::Shutdown)).await;
        let ended = Utc::now() + TimeDelta::seconds(1);
        for report in [created, off] {
            let progress = report.progress;
            assert_eq!(
                progress.state,
                TaskState::Succeeded,
                "{hours} h: {progress:#?}"
            );
            let reported = [progress.started_at, progress.finished_at];
            let runs = progress.commands.iter().map(|run| Some(run.at));
            for at in reported.into_iter().chain(runs) {
                let at = at.expect("a time");
                assert!(begun < at && at < ended, "{hours} h: {at}");
            }
        }
        assert_eq!(node.vm_named("web").unwrap().power, Power::On);
        assert_eq!(node.vm(1).unwrap().power, Power::Off);
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_while_a_question_is_answered_leaves_both_tasks_true() {
    for cut in 1..=4 {
        let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1)));
        let asks = Fault::Question(1);
        node.set_fault(asks).unwrap();
        let bench = Bench::new(&[&node]).await;
        let order = bench.order(&node, power(1, PowerAction::On));
        bench.post(&order).await;
        let asking = bench
            .until(order.id, "asks", |report| {
                report.progress.question.is_some()
            })
            .await;
        let question = asking.progress.question.expect("a question");
        let copied = question.choices.iter();
        let mut copied = copied.filter(|choice| choice.label.contains("Copied"));
        let choice = copied.next().expect("one can say that it was copied").index;
        let answer = || {
            TaskRequest::Answer(Answer {
                vmid: Vmid(1),
                question: question.id.clone(),
                choice,
            })
        };
        node.set_fault(Fault::CutConnection(cut)).unwrap();
        let answered = bench.run(&node, answer()).await;
        assert!(sent(&node, "vmsvc/message 1 ") <= 1, "cut {cut}");
        if answered.progress.state == TaskState::Failed {
            // It has not arrived: the question is still there, and can be answered.
            assert_eq!(node.vm(1).unwrap().power, Power::Off, "cut {cut}");
            let again = bench.run(&node, answer()).await;
            assert_eq!(
                again.progress.state,
                TaskState::Succeeded,
                "cut {cut}: {again:#?}"
            );
        }
        let report = bench.end(order.id).await;
        assert_eq!(
            report.progress.state,
            TaskState::Succeeded,
            "cut {cut}: {report:#?}"
        );
        assert_eq!(report.progress.question, None, "cut {cut}");
        assert_eq!(node.vm(1).unwrap().power, Power::On, "cut {cut}");
        assert_eq!(sent(&node, "power.on"), 1, "cut {cut}");
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_while_a_shutdown_is_waited_for_is_made_again() {
    let node = slow_guest();
    let bench = Bench::new(&[&node]).await;
    let order = bench.order(&node, power(1, PowerAction::Shutdown));
    bench.post(&order).await;
    bench
        .until(order.id, "waits for the guest", |report| {
            report.progress.steps.get(2).map(|step| step.state) == Some(StepState::Running)
        })
        .await;
    let logins = node.logins();
    node.cut_connections().unwrap();
    bench
        .until(order.id, "connects again", |_| node.logins() > logins)
        .await;
    let polled = sent(&node, "power.getstate");
    bench
        .until(order.id, "goes on waiting", |_| {
            sent(&node, "power.getstate") > polled
        })
        .await;
    node.advance(Duration::from_secs(600));
    let report = bench.end(order.id).await;
    assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    assert_eq!(node.vm(1).unwrap().power, Power::Off);
    assert_eq!(sent(&node, "power.shutdown"), 1);
}

#[tokio::test]
async fn whichever_command_of_a_change_is_cut_its_end_is_true_and_nothing_is_sent_twice() {
    for (action, verb, before, after) in [
        (
            PowerAction::Shutdown,
            "power.shutdown",
            Power::On,
            Power::Off,
        ),
        (PowerAction::Off, "power.off", Power::On, Power::Off),
        (
            PowerAction::Suspend,
            "power.suspend",
            Power::On,
            Power::Suspended,
        ),
        (PowerAction::Reset, "power.reset", Power::On, Power::On),
    ] {
        for cut in 1..=5 {
            let mut vm = VmSpec::new("web").id(1);
            vm.power = before;
            let node = node(NodeSpec::new("hoge").vm(vm));
            let bench = Bench::new(&[&node]).await;
            node.set_fault(Fault::CutConnection(cut)).unwrap();
            let request = TaskRequest::Power(PowerChange {
                vmid: Vmid(1),
                action,
                guest_seconds: 5,
                if_power: None,
            });
            let report = bench.run(&node, request).await;
            let what = format!("{action}, cut {cut}");
            assert!(sent(&node, verb) <= 1, "{what}");
            let vm = node.vm(1).unwrap();
            let is = vm.power;
            match report.progress.error {
                None => {
                    assert_eq!(is, after, "{what}");
                    let restarts = u32::from(action == PowerAction::Reset);
                    assert_eq!(vm.restarts, restarts, "{what}");
                }
                Some(error) => {
                    assert_eq!(error.kind, TaskErrorKind::Unreachable, "{what}: {error:?}");
                    assert_eq!(is, before, "{what}: {error:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_node_that_restarts_while_a_task_waits_is_found_again() {
    let node = slow_guest();
    let bench = Bench::new(&[&node]).await;
    let order = bench.order(&node, power(1, PowerAction::Shutdown));
    bench.post(&order).await;
    bench
        .until(order.id, "waits for the guest", |report| {
            report.progress.steps.get(2).map(|step| step.state) == Some(StepState::Running)
        })
        .await;
    node.stop().unwrap();
    node.advance(Duration::from_secs(600));
    node.start_again().unwrap();
    let report = tokio::time::timeout(PATIENCE, bench.end(order.id));
    let report = report.await.expect("an end");
    assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    assert_eq!(sent(&node, "power.shutdown"), 1);
}

#[tokio::test]
async fn a_refused_login_is_not_repeated_by_each_task_until_the_node_is_changed_in_hosts_yml() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1).on()));
    node.set_fault(Fault::AuthenticationRefused).unwrap();
    let bench = Bench::new(&[&node]).await;
    for tried in 1..=3 {
        let report = bench.run(&node, power(1, PowerAction::Off)).await;
        let error = report.progress.error.expect("no login");
        assert_eq!(error.kind, TaskErrorKind::Unreachable, "{error:?}");
        assert!(
            error.message.contains("No further attempt before 2"),
            "{error:?}"
        );
        assert!(error.hint.contains("authorized_keys"), "{error:?}");
        let snapshots = bench.get("/nodes/hoge/vms/1/snapshots").await;
        assert_eq!(snapshots.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(node.connections(), 1, "after {tried} tasks");
    }

    node.clear_faults().unwrap();
    // A line above the entry changes nothing by which the login may succeed.
    bench
        .edit_hosts(|hosts| format!("# a comment\n{hosts}"))
        .await;
    let report = bench.run(&node, power(1, PowerAction::Off)).await;
    assert_eq!(report.progress.state, TaskState::Failed, "{report:#?}");
    assert_eq!(node.connections(), 1);

    bench
        .edit_hosts(|hosts| hosts.replacen("username:", "max_sessions: 3\n  username:", 1))
        .await;
    let report = bench.run(&node, power(1, PowerAction::Off)).await;
    assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    assert_eq!(node.logins(), 1);
}
