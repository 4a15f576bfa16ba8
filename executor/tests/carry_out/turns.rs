//! Which tasks wait for each other, and which do not.

use std::time::Duration;

use ecoman_model::{
    Answer, PowerAction, Question, TaskErrorKind, TaskId, TaskRequest, TaskState, Vmid,
};
use ecoman_simulator::{Fault, NodeSpec, Power, Scope, SimulatedNode, Timing, VmSpec};

use crate::bench::{Bench, PATIENCE, create, new_vm, power, sent, wrap_tool};

/// A node with so many VMs: 1, 2, and so on.
fn node(name: &str, vms: u32, on: bool) -> NodeSpec {
    (1..=vms).fold(NodeSpec::new(name), |spec, id| {
        let vm = VmSpec::new(&format!("web-{id}")).id(id);
        spec.vm(if on { vm.on() } else { vm })
    })
}

fn start(spec: NodeSpec) -> SimulatedNode {
    SimulatedNode::start(spec).expect("a simulated node")
}

#[tokio::test]
async fn a_vm_is_changed_by_one_task_at_a_time_and_another_one_meanwhile() {
    let node = start(node("hoge", 2, true));
    let stalled = Fault::Hang(Scope::command("power.off").and_vm(1));
    node.set_fault(stalled.clone()).unwrap();
    let bench = Bench::new(&[&node]).await;
    let off = bench.order(&node, power(1, PowerAction::Off));
    bench.post(&off).await;
    bench
        .until(off.id, "is at work", |_| sent(&node, "power.off 1") == 1)
        .await;
    let reset = bench.order(&node, power(1, PowerAction::Reset));
    bench.post(&reset).await;
    let other = bench.run(&node, power(2, PowerAction::Off)).await;
    assert_eq!(other.progress.state, TaskState::Succeeded, "{other:#?}");
    let waits = bench.report(reset.id).await;
    assert_eq!(waits.progress.state, TaskState::Queued, "{waits:#?}");
    assert_eq!(waits.progress.commands, []);

    node.clear_fault(&stalled).unwrap();
    let off = bench.end(off.id).await;
    assert_eq!(off.progress.state, TaskState::Succeeded, "{off:#?}");
    // It finds the VM as the other one has left it.
    let reset = bench.end(reset.id).await;
    let error = reset.progress.error.expect("a VM that is off is not reset");
    assert_eq!(error.kind, TaskErrorKind::Refused, "{error:?}");
    assert_eq!(sent(&node, "power.reset"), 0);
}

#[tokio::test]
async fn a_vm_that_is_being_powered_on_by_its_creation_is_changed_after_that() {
    let node = start(NodeSpec::new("hoge"));
    let stalled = Fault::Hang(Scope::command("power.on"));
    node.set_fault(stalled.clone()).unwrap();
    let bench = Bench::new(&[&node]).await;
    let mut vm = new_vm("web");
    vm.power_on = true;
    let creation = bench.order(&node, create(vm));
    bench.post(&creation).await;
    let made = bench
        .until(creation.id, "powers it on", |_| {
            sent(&node, "power.on") == 1
        })
        .await;
    let vmid = made.progress.vmid.expect("it is registered").0;
    let off = bench.order(&node, power(vmid, PowerAction::Off));
    bench.post(&off).await;
    // Something else goes through meanwhile.
    let another = bench.run(&node, create(new_vm("another"))).await;
    assert_eq!(another.progress.state, TaskState::Succeeded, "{another:#?}");
    assert_eq!(
        bench.report(off.id).await.progress.state,
        TaskState::Queued,
        "a change of a VM that is being made"
    );
    node.clear_fault(&stalled).unwrap();
    for id in [creation.id, off.id] {
        let report = bench.end(id).await;
        assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    }
    assert_eq!(node.vm(vmid).unwrap().power, Power::Off);
}

#[tokio::test]
async fn two_tasks_are_at_work_on_a_node_at_a_time_over_one_connection() {
    let (busy, idle) = (start(node("busy", 3, true)), start(node("idle", 1, true)));
    let stalled = Fault::Hang(Scope::command("power.off"));
    busy.set_fault(stalled.clone()).unwrap();
    let bench = Bench::new(&[&busy, &idle]).await;
    let orders: Vec<_> = (1..=3)
        .map(|id| bench.order(&busy, power(id, PowerAction::Off)))
        .collect();
    for order in &orders {
        bench.post(order).await;
    }
    bench
        .until(orders[0].id, "is at work beside another", |_| {
            sent(&busy, "power.off") == 2
        })
        .await;
    let elsewhere = bench.run(&idle, power(1, PowerAction::Off)).await;
    assert_eq!(elsewhere.progress.state, TaskState::Succeeded);
    let mut states = Vec::new();
    for order in &orders {
        states.push(bench.report(order.id).await.progress.state);
    }
    states.sort_unstable();
    let expected = [TaskState::Queued, TaskState::Running, TaskState::Running];
    assert_eq!(states, expected);
    assert_eq!(sent(&busy, "power.off"), 2);

    busy.clear_fault(&stalled).unwrap();
    for order in &orders {
        let report = bench.end(order.id).await;
        assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    }
    assert_eq!(busy.logins(), 1, "one kept connection");
}

#[tokio::test]
async fn tasks_that_wait_for_a_guest_leave_the_node_to_others() {
    let mut spec = node("hoge", 3, true).vm(VmSpec::new("other").id(4).on());
    spec.timing = Timing {
        guest_shutdown: Timing::REALISTIC.guest_shutdown,
        ..Timing::AT_ONCE
    };
    let node = start(spec);
    // No time passes for the guests until the test says so.
    node.set_clock(node.now());
    let bench = Bench::new(&[&node]).await;
    let orders: Vec<_> = (1..=3)
        .map(|id| bench.order(&node, power(id, PowerAction::Shutdown)))
        .collect();
    for order in &orders {
        bench.post(order).await;
    }
    bench
        .until(orders[2].id, "waits beside two others", |_| {
            sent(&node, "power.shutdown") == 3
        })
        .await;
    let other = bench.run(&node, power(4, PowerAction::Off)).await;
    assert_eq!(other.progress.state, TaskState::Succeeded, "{other:#?}");
    for order in &orders {
        let report = bench.report(order.id).await;
        assert_eq!(report.progress.state, TaskState::Running, "{report:#?}");
    }
    node.advance(Duration::from_secs(600));
    for order in &orders {
        let report = bench.end(order.id).await;
        assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    }
}

#[tokio::test]
async fn vms_that_wait_with_questions_leave_the_node_to_others_however_many_they_are() {
    // More than the node's four sessions.
    const ASKING: u32 = 5;
    let node = start(node("hoge", ASKING + 1, false));
    for id in 1..=ASKING {
        node.set_fault(Fault::Question(id)).unwrap();
    }
    let bench = Bench::new(&[&node]).await;
    let orders: Vec<_> = (1..=ASKING)
        .map(|id| bench.order(&node, power(id, PowerAction::On)))
        .collect();
    for order in &orders {
        bench.post(order).await;
    }
    let mut questions = Vec::new();
    for order in &orders {
        let asks = bench
            .until(order.id, "asks", |report| {
                report.progress.question.is_some()
            })
            .await;
        questions.extend(asks.progress.question);
    }
    let other = bench.run(&node, power(ASKING + 1, PowerAction::On)).await;
    assert_eq!(other.progress.state, TaskState::Succeeded, "{other:#?}");
    for (id, question) in (1..).zip(&questions) {
        let copied = question.choices.iter();
        let mut copied = copied.filter(|choice| choice.label.contains("Copied"));
        let answer = TaskRequest::Answer(Answer {
            vmid: Vmid(id),
            question: question.id.clone(),
            choice: copied.next().expect("one can say that it was copied").index,
        });
        let answered = bench.run(&node, answer).await;
        assert_eq!(answered.progress.state, TaskState::Succeeded, "{id}");
    }
    for (id, order) in (1..).zip(&orders) {
        let report = bench.end(order.id).await;
        assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
        assert_eq!(report.progress.question, None);
        assert_eq!(sent(&node, &format!("power.on {id}")), 1);
        assert_eq!(node.vm(id).unwrap().power, Power::On);
    }
}

/// A VM by its name, as soon as it is registered.
async fn registered(node: &SimulatedNode, name: &str) -> u32 {
    let looking = async {
        loop {
            if let Some(vm) = node.vm_named(name) {
                return vm.id;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, looking).await {
        Ok(id) => id,
        Err(_) => panic!("{name} is never registered"),
    }
}

#[tokio::test]
async fn changes_of_vms_that_are_just_being_made_hold_up_nobody() {
    let node = start(node("hoge", 1, false));
    // Each VM is there before its creation hears of it, until the test says so.
    let held = format!("{}/held", node.datastore_path().trim_end_matches('/'));
    std::fs::write(node.file(&held), "").unwrap();
    let script = format!(
        "case $1 in solo/registervm) /bin/real/vim-cmd \"$@\"\n\
         while [ -e {held} ]; do sleep 0.1; done;;\n\
         *) exec /bin/real/vim-cmd \"$@\";; esac"
    );
    wrap_tool(&node, "vim-cmd", &script);
    let bench = Bench::new(&[&node]).await;
    let mut orders = Vec::new();
    for name in ["a", "b"] {
        orders.push(bench.order(&node, create(new_vm(name))));
    }
    for order in &orders {
        bench.post(order).await;
    }
    for name in ["a", "b"] {
        let vmid = registered(&node, name).await;
        orders.push(bench.order(&node, power(vmid, PowerAction::On)));
    }
    orders.push(bench.order(&node, power(1, PowerAction::On)));
    for order in &orders {
        bench.post(order).await;
    }
    // Each change waits for its VM's creation now, and a creation for nothing but the node.
    for order in &orders {
        let state = bench.report(order.id).await.progress.state;
        assert!(!state.is_final(), "{state:?}");
    }
    std::fs::remove_file(node.file(&held)).unwrap();
    for order in &orders {
        let report = bench.end(order.id).await;
        assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    }
}

/// The question with which a VM waits for its power-on, and that task.
async fn asking(bench: &Bench, node: &SimulatedNode, vmid: u32) -> (Question, TaskId) {
    node.set_fault(Fault::Question(vmid)).unwrap();
    let on = bench.order(node, power(vmid, PowerAction::On));
    bench.post(&on).await;
    let asks = bench.until(on.id, "asks", |report| report.progress.question.is_some());
    (asks.await.progress.question.expect("one"), on.id)
}

#[tokio::test]
async fn of_two_answers_at_once_one_is_given_and_the_other_says_so() {
    let node = start(node("hoge", 1, false));
    let bench = Bench::new(&[&node]).await;
    let (question, on) = asking(&bench, &node, 1).await;
    node.set_latency(Duration::from_millis(200));
    let mut answers = Vec::new();
    for choice in &question.choices {
        let answer = TaskRequest::Answer(Answer {
            vmid: Vmid(1),
            question: question.id.clone(),
            choice: choice.index,
        });
        answers.push(bench.order(&node, answer));
    }
    for answer in &answers {
        bench.post(answer).await;
    }
    let mut given = 0;
    for answer in &answers {
        match bench.end(answer.id).await.progress.error {
            None => given += 1,
            Some(error) => {
                assert_eq!(error.kind, TaskErrorKind::Refused, "{error:?}");
                assert!(
                    error.message.contains("no longer has question"),
                    "{error:?}"
                );
            }
        }
    }
    assert_eq!(given, 1);
    bench.end(on).await;
}

#[tokio::test]
async fn a_vm_that_is_suspended_leaves_the_node_to_others() {
    let mut spec = node("hoge", 3, true);
    spec.timing = Timing {
        suspend: Duration::from_secs(600),
        ..Timing::AT_ONCE
    };
    let node = start(spec);
    // Suspending takes until the test says so.
    node.set_clock(node.now());
    let bench = Bench::new(&[&node]).await;
    // Two are all that may be at work.
    let mut suspends = Vec::new();
    for vmid in [1, 2] {
        let suspend = bench.order(&node, power(vmid, PowerAction::Suspend));
        bench.post(&suspend).await;
        suspends.push(suspend.id);
    }
    bench
        .until(suspends[1], "is at work beside the other", |_| {
            sent(&node, "power.suspend") == 2
        })
        .await;
    let other = bench.run(&node, power(3, PowerAction::Off)).await;
    assert_eq!(other.progress.state, TaskState::Succeeded, "{other:#?}");
    for id in &suspends {
        let waits = bench.report(*id).await;
        assert_eq!(waits.progress.state, TaskState::Running, "{waits:#?}");
    }
    node.advance(Duration::from_secs(600));
    for id in suspends {
        let report = bench.end(id).await;
        assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
    }
}

/// Has a task of a VM under way, and another one of the same VM behind it.
async fn one_behind_another(bench: &Bench, node: &SimulatedNode) -> (Fault, TaskId, TaskId) {
    let stalled = Fault::Hang(Scope::command("power.off"));
    node.set_fault(stalled.clone()).unwrap();
    let off = bench.order(node, power(1, PowerAction::Off));
    bench.post(&off).await;
    bench
        .until(off.id, "is at work", |_| sent(node, "power.off") == 1)
        .await;
    let reset = bench.order(node, power(1, PowerAction::Reset));
    bench.post(&reset).await;
    (stalled, off.id, reset.id)
}

#[tokio::test]
async fn what_hosts_yml_says_when_a_task_begins_counts() {
    for (edit, reported) in [
        (
            (|text| text + "  read_only: true\n") as fn(String) -> String,
            "hoge is read-only",
        ),
        (|_| String::new(), "has no host hoge"),
    ] {
        let node = start(node("hoge", 1, true));
        let bench = Bench::new(&[&node]).await;
        let (stalled, off, reset) = one_behind_another(&bench, &node).await;
        bench.edit_hosts(edit).await;
        node.clear_fault(&stalled).unwrap();
        let report = bench.end(off).await;
        assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
        let report = bench.end(reset).await;
        assert_eq!(report.progress.commands, []);
        let error = report.progress.error.expect("an error");
        assert!(error.message.contains(reported), "{error:?}");
    }
}

#[tokio::test]
async fn a_vm_is_changed_by_one_task_at_a_time_whatever_becomes_of_hosts_yml() {
    let node = start(node("hoge", 1, true));
    let bench = Bench::new(&[&node]).await;
    let (stalled, off, _) = one_behind_another(&bench, &node).await;
    // Its entry goes, comes back, and is another one then.
    let entry = node.hosts_yml_entry();
    bench.edit_hosts(|_| String::new()).await;
    bench.edit_hosts(|_| entry + "  max_sessions: 3\n").await;
    let reset = bench.order(&node, power(1, PowerAction::Reset));
    bench.post(&reset).await;
    let waits = bench.report(reset.id).await;
    assert_eq!(waits.progress.state, TaskState::Queued, "{waits:#?}");
    node.clear_fault(&stalled).unwrap();
    bench.end(off).await;
    let error = bench.end(reset.id).await.progress.error;
    let error = error.expect("a VM that is off is not reset");
    assert_eq!(error.kind, TaskErrorKind::Refused, "{error:?}");
}

#[tokio::test]
async fn an_executor_that_is_stopped_begins_with_nothing_more() {
    let node = start(node("hoge", 2, true));
    let stalled = Fault::Hang(Scope::command("power.off").and_vm(1));
    node.set_fault(stalled.clone()).unwrap();
    // One turn, so that the second task waits for it.
    let bench = Bench::with(&[&node], "  max_sessions: 2\n", None).await;
    let mut followed = Vec::new();
    for vmid in [1, 2] {
        let off = bench.order(&node, power(vmid, PowerAction::Off));
        bench.post(&off).await;
        if vmid == 1 {
            bench
                .until(off.id, "is at work", |_| sent(&node, "power.off 1") == 1)
                .await;
        }
        followed.push(bench.get(&format!("/tasks/{}/events", off.id)).await);
    }
    bench.stop.cancel();
    for (events, (state, reported)) in followed.into_iter().zip([
        ("interrupted", "Check the VM's state before you try again."),
        ("failed", "Nothing was sent to hoge."),
    ]) {
        // It ends when the executor has.
        let events = events.text().await.expect("events");
        let last = events.rsplit("event: report").next().unwrap_or_default();
        assert!(last.contains(&format!("\"state\":\"{state}\"")), "{last}");
        assert!(last.contains(reported), "{last}");
    }
    node.clear_fault(&stalled).unwrap();
    assert_eq!(sent(&node, "power.off 2"), 0);
    assert_eq!(node.vm(2).unwrap().power, Power::On);
}
