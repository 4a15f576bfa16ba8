//! Cancelling: at each step of each kind of task, also with the executor killed in between.

use std::collections::BTreeSet;
use std::time::Duration;

use ecoman_api::executor::{Cancel, Report};
use ecoman_model::{
    Answer, CleanUp, PowerAction, StepState, TaskErrorKind, TaskId, TaskRequest, TaskState, Vmid,
};
use ecoman_simulator::{Fault, NodeSpec, Power, Scope, SimulatedNode, Timing, VmSpec};
use reqwest::StatusCode;

use crate::bench::{
    Bench, create, new_vm, no_shell_is_left, nothing_runs, power, sent, snapshot, wrap_tool,
};

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
    /// VM 2 waits with a question.
    Asks,
}

/// What a cancellation comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Cancelled,
    /// Refused with 409; the task goes on to its end.
    GoesOn,
}

/// What the node itself says of its VMs: of VM 1, of VM 2, and of the new one where there is one.
type Powers = (Power, Power, Option<Power>);

/// As they were before.
const UNCHANGED: Powers = (Power::On, Power::Off, None);

/// A task that is cancelled at one place.
struct Case {
    name: &'static str,
    request: TaskRequest,
    at: At,
    then: Then,
    /// On the node, when the task has ended.
    ended: Powers,
    /// On the node, when the executor was killed in between and another one has cleaned up.
    killed: Powers,
}

/// A task that stands still at its place.
struct Scene {
    node: SimulatedNode,
    bench: Bench,
    fault: Option<Fault>,
    before: BTreeSet<(String, Vec<u8>)>,
    id: TaskId,
}

impl Case {
    /// Cancelled there, and nothing has changed.
    fn cancelled(name: &'static str, request: TaskRequest, at: At) -> Self {
        Self {
            name,
            request,
            at,
            then: Then::Cancelled,
            ended: UNCHANGED,
            killed: UNCHANGED,
        }
    }

    /// Goes on to this end. What a killed executor had sent, the node has not begun.
    fn goes_on(name: &'static str, request: TaskRequest, at: At, ended: Powers) -> Self {
        Self {
            then: Then::GoesOn,
            ended,
            ..Self::cancelled(name, request, at)
        }
    }

    /// Brings the task to its place.
    async fn scene(&self) -> Scene {
        let node = node();
        let fault = stall(&node, self.at);
        let before = snapshot(&node);
        if let At::Tool(..) = self.at {
            std::fs::write(node.file(&stall_file(&node)), "").unwrap();
        }
        let bench = Bench::new(&[&node]).await;
        if let At::Queued = self.at {
            let other = bench.order(&node, power(1, PowerAction::Reset));
            bench.post(&other).await;
            bench
                .until(other.id, "hangs", |_| sent(&node, "power.reset") > 0)
                .await;
        }
        let order = bench.order(&node, self.request.clone());
        bench.post(&order).await;
        bench
            .until(order.id, &format!("comes to {}", self.name), |report| {
                is_there(&node, self.at, report)
            })
            .await;
        Scene {
            node,
            bench,
            fault,
            before,
            id: order.id,
        }
    }
}

fn powers(node: &SimulatedNode) -> Powers {
    let vms = node.vms();
    let of = |name: &str| {
        let mut vms = vms.iter();
        vms.find(|vm| vm.spec.name == name).map(|vm| vm.power)
    };
    assert!(vms.len() <= 3, "{vms:?}");
    (of("on").expect("VM 1"), of("off").expect("VM 2"), of("web"))
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
        At::Asks => {
            node.set_fault(Fault::Question(2)).unwrap();
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
        At::Asks => report.progress.question.is_some(),
    }
}

fn let_go(node: &SimulatedNode, at: At, fault: Option<&Fault>) {
    if let Some(fault) = fault {
        node.clear_fault(fault).unwrap();
    }
    match at {
        At::Tool(..) => std::fs::remove_file(node.file(&stall_file(node))).unwrap(),
        At::Step(_) => node.set_latency(Duration::ZERO),
        // The node goes on by itself once somebody has answered in its Host Client.
        At::Asks => node.clear_fault(&Fault::Question(2)).unwrap(),
        At::Call(_) | At::Wait(_) | At::Queued => {}
    }
}

async fn cancel(bench: &Bench, id: TaskId) -> StatusCode {
    let by = Some("alice".to_owned());
    let path = bench.url(&format!("/tasks/{id}/cancel"));
    let request = bench.client.post(path).json(&Cancel { by });
    request.send().await.expect("an answer").status()
}

fn table() -> Vec<Case> {
    use Power as Is;
    use PowerAction::{Off, On, Reboot, Reset, Shutdown, Suspend};
    let creation = || create(new_vm("web"));
    let started = || {
        let mut vm = new_vm("web");
        vm.power_on = true;
        create(vm)
    };
    let answer = |vmid, question: &str| {
        TaskRequest::Answer(Answer {
            vmid: Vmid(vmid),
            question: question.to_owned(),
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
    let looks = At::Call("get.summary");
    let (same, made) = (UNCHANGED, (Is::On, Is::Off, Some(Is::Off)));
    vec![
        Case::cancelled("queued", power(1, Off), At::Queued),
        Case::cancelled("on, looks", power(2, On), looks),
        Case::goes_on(
            "on, begun",
            power(2, On),
            At::Call("power.on"),
            (Is::On, Is::On, None),
        ),
        Case {
            // hostd has begun, and needs nobody who waits.
            killed: (Is::On, Is::On, None),
            ..Case::goes_on("on, asks", power(2, On), At::Asks, (Is::On, Is::On, None))
        },
        Case::cancelled("off, looks", power(1, Off), looks),
        Case::goes_on(
            "off, begun",
            power(1, Off),
            At::Call("power.off"),
            (Is::Off, Is::Off, None),
        ),
        Case::cancelled("shutdown, looks", power(1, Shutdown), looks),
        Case::cancelled(
            "shutdown, begun",
            power(1, Shutdown),
            At::Call("power.shutdown"),
        ),
        Case::cancelled(
            "shutdown, waits",
            power(1, Shutdown),
            At::Wait("power.shutdown"),
        ),
        Case::cancelled("reboot, looks", power(1, Reboot), looks),
        Case::goes_on(
            "reboot, begun",
            power(1, Reboot),
            At::Call("power.reboot"),
            same,
        ),
        Case::cancelled("reset, looks", power(1, Reset), looks),
        Case::goes_on(
            "reset, begun",
            power(1, Reset),
            At::Call("power.reset"),
            same,
        ),
        Case::cancelled("suspend, looks", power(1, Suspend), looks),
        Case::goes_on(
            "suspend, begun",
            power(1, Suspend),
            At::Call("power.suspend"),
            (Is::Suspended, Is::Off, None),
        ),
        Case::cancelled(
            "answer, looks",
            answer(2, "_vmx1"),
            At::Call("vmsvc/message"),
        ),
        Case::cancelled("create, checks", creation(), At::Call("portgroup")),
        Case::cancelled(
            "create, directory",
            creation(),
            At::Step("Create the directory"),
        ),
        Case::cancelled(
            "create, configuration",
            creation(),
            At::Tool("cat", "[ $# = 0 ]"),
        ),
        Case::cancelled("create, disk", creation(), At::Call("vmkfstools")),
        Case::goes_on(
            "create, registers",
            creation(),
            At::Call("registervm"),
            made,
        ),
        Case {
            killed: made,
            ..Case::goes_on("create, compares", creation(), looks, made)
        },
        Case {
            killed: made,
            ..Case::goes_on(
                "create, powers on",
                started(),
                At::Call("power.on"),
                (Is::On, Is::Off, Some(Is::On)),
            )
        },
        Case::goes_on("clean-up, looks", clean_up(), At::Call("filesystem"), same),
    ]
}

#[tokio::test]
async fn a_task_is_cancelled_where_it_can_be_and_never_leaves_a_half() {
    for case in table() {
        let (name, then) = (case.name, case.then);
        let Scene {
            node,
            bench,
            fault,
            before,
            id,
        } = case.scene().await;
        let status = cancel(&bench, id).await;
        match then {
            Then::Cancelled => assert_eq!(status, StatusCode::ACCEPTED, "{name}"),
            Then::GoesOn => assert_eq!(status, StatusCode::CONFLICT, "{name}"),
        }
        // Once more changes nothing.
        let again = cancel(&bench, id).await;
        let has_ended = bench.report(id).await.progress.state.is_final();
        assert!(again == status || has_ended, "{name}: {again}");
        let_go(&node, case.at, fault.as_ref());
        let end = bench.end(id).await.progress;
        assert_eq!(
            end.state == TaskState::Cancelled,
            then == Then::Cancelled,
            "{name}: {end:#?}"
        );
        assert_eq!(powers(&node), case.ended, "{name}");
        let _ = std::fs::remove_file(node.file(&reached_file(&node)));
        if then == Then::Cancelled {
            let error = end.error.expect("an error");
            assert_eq!(error.kind, TaskErrorKind::Cancelled, "{name}");
            assert!(error.message.contains("alice"), "{name}: {error:?}");
            assert_eq!(error.left, [""; 0], "{name}");
            if matches!(case.request, TaskRequest::Create(_)) {
                assert_eq!(snapshot(&node), before, "{name}");
            }
        } else {
            assert_eq!(end.state, TaskState::Succeeded, "{name}: {end:#?}");
        }
        // What has ended is not cancelled any more.
        assert_eq!(cancel(&bench, id).await, StatusCode::CONFLICT, "{name}");
    }
}

#[tokio::test]
async fn an_executor_that_is_killed_behind_a_cancellation_leaves_no_half() {
    for case in table() {
        let name = case.name;
        let Scene {
            node,
            bench,
            fault,
            before,
            id,
        } = case.scene().await;
        let last = bench.report(id).await;
        let status = cancel(&bench, id).await;
        match case.then {
            Then::Cancelled => assert_eq!(status, StatusCode::ACCEPTED, "{name}"),
            Then::GoesOn => assert_eq!(status, StatusCode::CONFLICT, "{name}"),
        }
        drop(bench);
        node.cut_connections().unwrap();
        nothing_runs(&node).await;
        let_go(&node, case.at, fault.as_ref());
        no_shell_is_left(&node).await;

        let again = Bench::new(&[&node]).await;
        let directory = last.progress.directory.as_deref();
        if let Some(clean_up) = case.request.clean_up_after(id, directory) {
            let clean_up = TaskRequest::CleanUp(clean_up);
            let end = again.run(&node, clean_up).await.progress;
            let _ = std::fs::remove_file(node.file(&reached_file(&node)));
            if case.killed.2.is_some() {
                // A registered VM is complete: it stays, and is reported.
                let error = end.error.expect("the VM is reported");
                assert_eq!(error.left.len(), 1, "{name}: {error:?}");
                assert!(error.left[0].contains("(web)"), "{name}: {error:?}");
            } else {
                assert_eq!(end.state, TaskState::Succeeded, "{name}: {end:#?}");
                assert_eq!(snapshot(&node), before, "{name}");
            }
        }
        assert_eq!(powers(&node), case.killed, "{name}");
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
    assert!(message.contains("replaced by power off"), "{message}");
}
