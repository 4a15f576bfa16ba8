//! Cancelling: at each step of each kind of task, also with the executor killed in between.

use std::time::Duration;

use ecoman_api::executor::{Cancel, Report};
use ecoman_model::{
    Answer, CleanUp, PowerAction, StepState, TaskErrorKind, TaskId, TaskRequest, TaskState, Vmid,
};
use ecoman_simulator::{Fault, NodeSpec, Power, Scope, SimulatedNode, Timing, VmSpec};
use reqwest::StatusCode;

use crate::bench::{Bench, create, new_vm, power, sent, snapshot, vm_names, wrap_tool};

/// VM 1 is on and its guest takes an hour to shut down; VM 2 is off.
fn node() -> SimulatedNode {
    let mut spec = NodeSpec::new("hoge")
        .vm(VmSpec::new("on").id(1).on())
        .vm(VmSpec::new("off").id(2));
    spec.timing = Timing {
        guest_shutdown: Duration::from_secs(3600),
        ..Timing::AT_ONCE
    };
    SimulatedNode::start(spec).expect("a simulated node")
}

/// Where a task stands still when it is cancelled.
#[derive(Clone, Copy, Debug)]
enum At {
    /// A call of a simulated tool with this word.
    Call(&'static str),
    /// A call of one of the shell's tools, if this condition of the shell holds.
    Tool(&'static str, &'static str),
    /// A step, which takes its time.
    Step(&'static str),
    /// The wait for the guest, after the command.
    Wait(&'static str),
    /// Behind another task of VM 1, which hangs.
    Queued,
}

/// What a cancellation comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Cancelled,
    /// Refused with 409; the task goes on to its end.
    GoesOn,
}

/// Files on the datastore, which the node's tools and the test both see: what makes a tool stand
/// still, and that it does.
fn stall_file(node: &SimulatedNode) -> String {
    format!("{}/stall", node.datastore_path().trim_end_matches('/'))
}

fn reached_file(node: &SimulatedNode) -> String {
    format!("{}/reached", node.datastore_path().trim_end_matches('/'))
}

/// Makes the task stand still there. Returns what lets it go on.
fn stall(node: &SimulatedNode, at: At) -> Option<Fault> {
    match at {
        At::Call(word) => {
            let fault = Fault::Hang(Scope::command(word));
            node.set_fault(fault.clone()).unwrap();
            Some(fault)
        }
        At::Queued => {
            let fault = Fault::Hang(Scope::command("power.reset").and_vm(1));
            node.set_fault(fault.clone()).unwrap();
            Some(fault)
        }
        At::Tool(tool, when) => {
            let (stall, reached) = (stall_file(node), reached_file(node));
            let script = format!(
                "{when} || exec /bin/real/{tool} \"$@\"\n: > {reached}\n\
                 while [ -e {stall} ]; do sleep 1; done\nexec /bin/real/{tool} \"$@\""
            );
            wrap_tool(node, tool, &script);
            None
        }
        At::Step(_) => {
            node.set_latency(Duration::from_secs(1));
            None
        }
        At::Wait(_) => None,
    }
}

fn is_there(node: &SimulatedNode, at: At, report: &Report) -> bool {
    match at {
        At::Call(word) => sent(node, word) > 0,
        At::Wait(word) => {
            let mut runs = report.progress.commands.iter();
            runs.any(|run| run.command.contains(word) && run.exit == Some(0))
        }
        At::Step(title) => {
            let mut steps = report.progress.steps.iter();
            steps.any(|step| step.title == title && step.state == StepState::Running)
        }
        At::Tool(..) => node.file(&reached_file(node)).exists(),
        At::Queued => report.progress.state == TaskState::Queued,
    }
}

fn let_go(node: &SimulatedNode, at: At, fault: Option<&Fault>) {
    if let Some(fault) = fault {
        node.clear_fault(fault).unwrap();
    }
    match at {
        At::Tool(..) => std::fs::remove_file(node.file(&stall_file(node))).unwrap(),
        At::Step(_) => node.set_latency(Duration::ZERO),
        At::Call(_) | At::Wait(_) | At::Queued => {}
    }
}

async fn cancel(bench: &Bench, id: TaskId) -> StatusCode {
    let by = Some("alice".to_owned());
    let path = bench.url(&format!("/tasks/{id}/cancel"));
    let request = bench.client.post(path).json(&Cancel { by });
    request.send().await.expect("an answer").status()
}

fn table() -> Vec<(&'static str, TaskRequest, At, Then)> {
    let creation = || create(new_vm("web"));
    let started = || {
        let mut vm = new_vm("web");
        vm.power_on = true;
        create(vm)
    };
    let answer = || {
        TaskRequest::Answer(Answer {
            vmid: Vmid(2),
            question: "_vmx1".to_owned(),
            choice: 0,
        })
    };
    let clean_up = || {
        TaskRequest::CleanUp(CleanUp {
            task: TaskId(uuid::Uuid::new_v4()),
            vm: Box::new(new_vm("web")),
            directory: None,
        })
    };
    let power = |vmid, action| power(vmid, action);
    use PowerAction::{Off, On, Reboot, Reset, Shutdown, Suspend};
    use Then::{Cancelled, GoesOn};
    vec![
        ("queued", power(1, Off), At::Queued, Cancelled),
        (
            "on, looks",
            power(2, On),
            At::Call("get.summary"),
            Cancelled,
        ),
        ("on, begun", power(2, On), At::Call("power.on"), GoesOn),
        (
            "off, looks",
            power(1, Off),
            At::Call("get.summary"),
            Cancelled,
        ),
        ("off, begun", power(1, Off), At::Call("power.off"), GoesOn),
        (
            "shutdown, looks",
            power(1, Shutdown),
            At::Call("get.summary"),
            Cancelled,
        ),
        (
            "shutdown, begun",
            power(1, Shutdown),
            At::Call("power.shutdown"),
            Cancelled,
        ),
        (
            "shutdown, waits",
            power(1, Shutdown),
            At::Wait("power.shutdown"),
            Cancelled,
        ),
        (
            "reboot, begun",
            power(1, Reboot),
            At::Call("power.reboot"),
            GoesOn,
        ),
        (
            "reset, begun",
            power(1, Reset),
            At::Call("power.reset"),
            GoesOn,
        ),
        (
            "suspend, begun",
            power(1, Suspend),
            At::Call("power.suspend"),
            GoesOn,
        ),
        (
            "answer, looks",
            answer(),
            At::Call("vmsvc/message"),
            Cancelled,
        ),
        (
            "create, checks",
            creation(),
            At::Call("portgroup"),
            Cancelled,
        ),
        (
            "create, directory",
            creation(),
            At::Step("Make the directory"),
            Cancelled,
        ),
        (
            "create, configuration",
            creation(),
            At::Tool("cat", "[ $# = 0 ]"),
            Cancelled,
        ),
        (
            "create, disk",
            creation(),
            At::Call("vmkfstools"),
            Cancelled,
        ),
        (
            "create, registers",
            creation(),
            At::Call("registervm"),
            GoesOn,
        ),
        ("create, powers on", started(), At::Call("power.on"), GoesOn),
        (
            "clean-up, looks",
            clean_up(),
            At::Call("filesystem"),
            GoesOn,
        ),
    ]
}

#[tokio::test]
async fn a_task_is_cancelled_where_it_can_be_and_never_leaves_a_half() {
    for (name, request, at, then) in table() {
        let node = node();
        let fault = stall(&node, at);
        let before = snapshot(&node);
        if let At::Tool(..) = at {
            std::fs::write(node.file(&stall_file(&node)), "").unwrap();
        }
        let bench = Bench::new(&[&node]).await;
        if let At::Queued = at {
            let other = bench.order(&node, power(1, PowerAction::Reset));
            bench.post(&other).await;
            bench
                .until(other.id, "hangs", |_| sent(&node, "power.reset") > 0)
                .await;
        }
        let order = bench.order(&node, request.clone());
        bench.post(&order).await;
        bench
            .until(order.id, &format!("comes to {name}"), |report| {
                is_there(&node, at, report)
            })
            .await;
        let status = cancel(&bench, order.id).await;
        match then {
            Then::Cancelled => assert_eq!(status, StatusCode::ACCEPTED, "{name}"),
            Then::GoesOn => assert_eq!(status, StatusCode::CONFLICT, "{name}"),
        }
        // Once more changes nothing.
        let again = cancel(&bench, order.id).await;
        let has_ended = bench.report(order.id).await.progress.state.is_final();
        assert!(again == status || has_ended, "{name}: {again}");
        let_go(&node, at, fault.as_ref());
        let end = bench.end(order.id).await.progress;
        assert_eq!(
            end.state == TaskState::Cancelled,
            then == Then::Cancelled,
            "{name}: {end:#?}"
        );
        if then == Then::Cancelled {
            let error = end.error.expect("an error");
            assert_eq!(error.kind, TaskErrorKind::Cancelled, "{name}");
            assert!(error.message.contains("alice"), "{name}: {error:?}");
            assert_eq!(error.left, [""; 0], "{name}");
            let _ = std::fs::remove_file(node.file(&reached_file(&node)));
            if matches!(request, TaskRequest::Create(_)) {
                assert_eq!(snapshot(&node), before, "{name}");
            }
            assert_eq!(vm_names(&node), ["on", "off"], "{name}");
            assert_eq!(node.vm(2).unwrap().power, Power::Off, "{name}");
            if !matches!(at, At::Queued) {
                assert_eq!(node.vm(1).unwrap().power, Power::On, "{name}");
            }
        }
        // What has ended is not cancelled any more.
        assert_eq!(
            cancel(&bench, order.id).await,
            StatusCode::CONFLICT,
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_executor_that_is_killed_while_it_cancels_leaves_what_a_clean_up_removes() {
    for (name, request, at, then) in table() {
        if then == Then::GoesOn || matches!(at, At::Queued) {
            continue;
        }
        let node = node();
        let fault = stall(&node, at);
        let before = snapshot(&node);
        if let At::Tool(..) = at {
            std::fs::write(node.file(&stall_file(&node)), "").unwrap();
        }
        let bench = Bench::new(&[&node]).await;
        let order = bench.order(&node, request.clone());
        bench.post(&order).await;
        bench
            .until(order.id, &format!("comes to {name}"), |report| {
                is_there(&node, at, report)
            })
            .await;
        let last = bench.report(order.id).await;
        assert_eq!(
            cancel(&bench, order.id).await,
            StatusCode::ACCEPTED,
            "{name}"
        );
        drop(bench);
        node.cut_connections().unwrap();
        let_go(&node, at, fault.as_ref());

        let again = Bench::new(&[&node]).await;
        let directory = last.progress.directory.as_deref();
        if let Some(clean_up) = request.clean_up_after(order.id, directory) {
            let end = again
                .run(&node, TaskRequest::CleanUp(clean_up))
                .await
                .progress;
            assert_eq!(end.state, TaskState::Succeeded, "{name}: {end:#?}");
            let _ = std::fs::remove_file(node.file(&reached_file(&node)));
            assert_eq!(snapshot(&node), before, "{name}");
        }
        assert_eq!(vm_names(&node), ["on", "off"], "{name}");
        assert_eq!(node.vm(1).unwrap().power, Power::On, "{name}");
        assert_eq!(node.vm(2).unwrap().power, Power::Off, "{name}");
    }
}

#[tokio::test]
async fn a_forced_power_off_ends_the_wait_for_a_guest() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let shutdown = bench.order(&node, power(1, PowerAction::Shutdown));
    bench.post(&shutdown).await;
    bench
        .until(shutdown.id, "asks the guest", |report| {
            let mut runs = report.progress.commands.iter();
            runs.any(|run| run.command.contains("power.shutdown") && run.exit == Some(0))
        })
        .await;
    let off = bench.run(&node, power(1, PowerAction::Off)).await;
    assert_eq!(off.progress.state, TaskState::Succeeded, "{off:#?}");
    assert_eq!(node.vm(1).unwrap().power, Power::Off);
    let end = bench.end(shutdown.id).await.progress;
    assert_eq!(end.state, TaskState::Cancelled, "{end:#?}");
    let message = end.error.expect("an error").message;
    assert!(message.contains("power off was requested"), "{message}");
}
