//! Changes of power.

use std::time::Duration;

use ecoman_api::executor::Report;
use ecoman_model::{
    Answer, PowerAction, PowerChange, PowerState, StepState, TaskErrorKind, TaskId, TaskRequest,
    TaskState, Vmid,
};
use ecoman_simulator::{Fault, Generation, NodeSpec, Power, SimulatedNode, Timing, Tools, VmSpec};

use crate::bench::{Bench, power, sent, wrap_tool};

fn node(spec: NodeSpec) -> SimulatedNode {
    SimulatedNode::start(spec).expect("a simulated node")
}

#[tokio::test]
async fn every_change_works_on_every_release() {
    for generation in [
        Generation::V5_5,
        Generation::V6_5,
        Generation::V7_0,
        Generation::V8_0,
    ] {
        let node = node(
            NodeSpec::new("hoge")
                .generation(generation)
                .vm(VmSpec::new("web").id(1)),
        );
        let bench = Bench::new(&[&node]).await;
        for (action, then) in [
            (PowerAction::On, Power::On),
            (PowerAction::Reboot, Power::On),
            (PowerAction::Reset, Power::On),
            (PowerAction::Suspend, Power::Suspended),
            (PowerAction::On, Power::On),
            (PowerAction::Shutdown, Power::Off),
            (PowerAction::On, Power::On),
            (PowerAction::Off, Power::Off),
        ] {
            if matches!(action, PowerAction::Reboot | PowerAction::Shutdown) {
                // The guest answers some time after it was started.
                node.advance(Duration::from_secs(300));
            }
            node.forget_calls();
            let restarts = node.vm(1).unwrap().restarts;
            let report = bench.run(&node, power(1, action)).await;
            assert_eq!(
                report.progress.state,
                TaskState::Succeeded,
                "{generation:?} {action}: {report:#?}"
            );
            assert_eq!(changes(&node), [verb(action)], "{generation:?} {action}");
            node.advance(Duration::from_secs(300));
            let vm = node.vm(1).unwrap();
            assert_eq!(vm.power, then, "{generation:?} {action}");
            let restarts_guest = matches!(action, PowerAction::Reboot | PowerAction::Reset);
            assert_eq!(
                vm.restarts - restarts,
                u32::from(restarts_guest),
                "{generation:?} {action}"
            );
            // The state proves nothing then, and the task does not claim it.
            let last = report.progress.steps.last().expect("a step");
            let says = last.detail.as_deref().unwrap_or_default();
            assert_eq!(
                says.starts_with("Requested."),
                restarts_guest,
                "{generation:?} {action}: {last:?}"
            );
        }
    }
}

/// How a change of power is asked of the node.
fn verb(action: PowerAction) -> String {
    let verb = match action {
        PowerAction::On => "power.on",
        PowerAction::Off => "power.off",
        PowerAction::Shutdown => "power.shutdown",
        PowerAction::Reboot => "power.reboot",
        PowerAction::Reset => "power.reset",
        PowerAction::Suspend => "power.suspend",
    };
    format!("vmsvc/{verb} 1")
}

/// The changes of power that have reached the node.
fn changes(node: &SimulatedNode) -> Vec<String> {
    let calls = node.calls();
    let arguments = calls.iter().filter(|call| call.program == "vim-cmd");
    arguments
        .map(|call| call.arguments.join(" "))
        .filter(|line| line.contains("power.") && !line.contains("getstate"))
        .collect()
}

#[tokio::test]
async fn a_node_whose_boot_time_moves_proves_a_reset() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1).on()));
    // A reset there is a new start.
    let script = "case $1 in vmsvc/power.reset) /bin/real/vim-cmd vmsvc/power.off $2; \
                  exec /bin/real/vim-cmd vmsvc/power.on $2;; \
                  *) exec /bin/real/vim-cmd \"$@\";; esac";
    wrap_tool(&node, "vim-cmd", script);
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, power(1, PowerAction::Reset)).await;
    assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    let last = report.progress.steps.last().expect("a step");
    let says = last.detail.as_deref().unwrap_or_default();
    assert!(says.starts_with("The host reports a restart"), "{last:?}");
}

#[tokio::test]
async fn what_is_done_already_is_not_done_again() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1).on()));
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, power(1, PowerAction::On)).await;
    assert_eq!(report.progress.state, TaskState::Succeeded);
    assert_eq!(report.progress.steps[1].state, StepState::Skipped);
    let sent = |call: &ecoman_simulator::Call| call.line().contains("power.on");
    assert!(!node.calls().iter().any(sent));
}

#[tokio::test]
async fn a_guest_without_tools_is_not_asked() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1).on().tools(Tools::Missing)));
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, power(1, PowerAction::Shutdown)).await;
    let error = report.progress.error.expect("an error");
    assert_eq!(error.kind, TaskErrorKind::Refused);
    assert!(
        error.message.contains("VMware Tools is not installed"),
        "{error:?}"
    );
    assert!(error.hint.contains("power off"), "{error:?}");
    assert_eq!(node.vm(1).unwrap().power, Power::On);
}

#[tokio::test]
async fn a_power_on_that_the_node_refuses_says_why_in_one_sentence() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1)));
    node.set_fault(Fault::LacksMemory(1)).unwrap();
    let bench = Bench::new(&[&node]).await;
    let report = bench.run(&node, power(1, PowerAction::On)).await;
    assert_eq!(report.progress.state, TaskState::Failed);
    let error = report.progress.error.expect("an error");
    assert_eq!(error.kind, TaskErrorKind::Node);
    assert!(error.message.to_lowercase().contains("memory"), "{error:?}");
    let on = report.progress.commands.iter();
    let on = on.filter(|run| run.command.contains("power.on"));
    assert_eq!(on.map(|run| run.times).sum::<u32>(), 1);
}

#[tokio::test]
async fn a_question_is_reported_and_can_be_answered() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1)));
    node.set_fault(Fault::Question(1)).unwrap();
    let bench = Bench::new(&[&node]).await;
    let order = bench.order(&node, power(1, PowerAction::On));
    bench.post(&order).await;
    let asking = bench
        .until(order.id, "asks", |report| {
            report.progress.question.is_some()
        })
        .await;
    assert_eq!(asking.progress.state, TaskState::Running);
    let question = asking.progress.question.expect("a question");
    let answer = |choice| {
        TaskRequest::Answer(Answer {
            vmid: Vmid(1),
            question: question.id.clone(),
            choice,
        })
    };
    let wrong = bench.run(&node, answer(99)).await;
    assert_eq!(wrong.progress.error.unwrap().kind, TaskErrorKind::Refused);
    let copied = question
        .choices
        .iter()
        .find(|choice| choice.label.contains("Copied"))
        .expect("one can say that it was copied");
    let answered = bench.run(&node, answer(copied.index)).await;
    assert_eq!(
        answered.progress.state,
        TaskState::Succeeded,
        "{answered:#?}"
    );
    let report = bench.end(order.id).await;
    assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    assert_eq!(report.progress.question, None);
    assert_eq!(node.vm(1).unwrap().power, Power::On);
}

#[tokio::test]
async fn a_cut_connection_is_made_again_and_nothing_is_sent_twice() {
    for cut in 1..=6 {
        let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1)));
        let bench = Bench::new(&[&node]).await;
        node.set_fault(Fault::CutConnection(cut)).unwrap();
        let report = bench.run(&node, power(1, PowerAction::On)).await;
        let sent = node.calls();
        let sent = sent.iter().filter(|call| call.line().contains("power.on"));
        assert!(sent.count() <= 1, "cut {cut}");
        // The reported end is true.
        let on = node.vm(1).unwrap().power == Power::On;
        let says_on = report.progress.state == TaskState::Succeeded;
        assert_eq!(on, says_on, "cut {cut}: {report:#?}");
    }
}

#[tokio::test]
async fn a_read_only_node_is_not_changed() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1)));
    let bench = Bench::with(&[&node], "  read_only: true\n", None).await;
    let report = bench.run(&node, power(1, PowerAction::On)).await;
    assert_eq!(report.progress.error.unwrap().kind, TaskErrorKind::Refused);
    assert!(node.calls().is_empty());
}

/// Answers the question of a VM, which has to have one, with the last choice.
async fn answer(bench: &Bench, node: &SimulatedNode, vmid: u32, on: TaskId) {
    let asks = bench.until(on, "asks", |report| report.progress.question.is_some());
    let question = asks.await.progress.question.expect("one");
    let answer = TaskRequest::Answer(Answer {
        vmid: Vmid(vmid),
        question: question.id,
        choice: question.choices.last().expect("choices").index,
    });
    let answered = bench.run(node, answer).await;
    assert_eq!(
        answered.progress.state,
        TaskState::Succeeded,
        "{answered:#?}"
    );
}

#[tokio::test]
async fn a_node_with_fewer_sessions_than_hosts_yml_says_is_not_held_up_by_questions() {
    let spec = NodeSpec::new("hoge")
        .vm(VmSpec::new("asks").id(1))
        .vm(VmSpec::new("asks-too").id(2))
        .vm(VmSpec::new("other").id(3));
    let node = SimulatedNode::start(spec).unwrap();
    node.set_fault(Fault::MaxSessions(1)).unwrap();
    for vmid in [1, 2] {
        node.set_fault(Fault::Question(vmid)).unwrap();
    }
    let bench = Bench::new(&[&node]).await;
    let mut orders = Vec::new();
    for vmid in [1, 2, 3] {
        let on = bench.order(&node, power(vmid, PowerAction::On));
        bench.post(&on).await;
        orders.push(on.id);
    }
    for (vmid, on) in [(1, orders[0]), (2, orders[1])] {
        answer(&bench, &node, vmid, on).await;
    }
    for (vmid, on) in (1..).zip(orders) {
        let report = bench.end(on).await;
        assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
        assert_eq!(sent(&node, &format!("power.on {vmid}")), 1);
    }
}

#[tokio::test]
async fn a_vm_that_takes_its_time_once_its_question_is_answered_is_waited_for() {
    let mut spec = NodeSpec::new("hoge")
        .vm(VmSpec::new("asks").id(1))
        .vm(VmSpec::new("other").id(2).on());
    spec.timing = Timing {
        power_on: Duration::from_secs(6),
        ..Timing::AT_ONCE
    };
    let node = SimulatedNode::start(spec).unwrap();
    node.set_fault(Fault::Question(1)).unwrap();
    // So few sessions that the command is not waited for.
    let bench = Bench::with(&[&node], "  max_sessions: 2\n", None).await;
    let on = bench.order(&node, power(1, PowerAction::On));
    bench.post(&on).await;
    let let_go = |report: &Report| {
        report
            .progress
            .commands
            .iter()
            .any(|run| run.failure.is_some())
    };
    bench.until(on.id, "lets its command go", let_go).await;
    answer(&bench, &node, 1, on.id).await;
    let report = bench.end(on.id).await;
    assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
}

#[tokio::test]
async fn a_change_is_refused_when_the_node_says_another_state_than_the_requester_saw() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1).on()));
    let bench = Bench::new(&[&node]).await;
    let request = |if_power| {
        TaskRequest::Power(PowerChange {
            vmid: Vmid(1),
            action: PowerAction::Off,
            guest_seconds: 60,
            if_power: Some(if_power),
        })
    };
    let report = bench.run(&node, request(PowerState::Suspended)).await;
    let error = report.progress.error.expect("an error");
    assert_eq!(error.kind, TaskErrorKind::PowerChanged, "{error:?}");
    assert!(error.message.contains("it was suspended"), "{error:?}");
    assert_eq!(sent(&node, "power.off"), 0);
    let report = bench.run(&node, request(PowerState::On)).await;
    assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
}
