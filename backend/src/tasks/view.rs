//! Model → API: tasks as the API shows them.

use axum::http::StatusCode;
use ecoman_api as api;
use ecoman_api::{Problem, task_path};
use ecoman_model::{
    PowerAction, StepState, Task, TaskError, TaskErrorKind, TaskProgress, TaskRequest, TaskStep,
};

/// A task.
pub(crate) fn task(task: Task) -> api::Task {
    let vmid = task.vmid();
    let error = task.progress.error.as_ref();
    let problem = error.map(|error| problem(&task, error));
    let title = task_title(&task);
    let step = current_step(&task.progress).map(|step| step.title.clone());
    let Task {
        id,
        node,
        request,
        vm_name,
        actor,
        created_at,
        progress,
        ..
    } = task;
    api::Task {
        id,
        title,
        node: node.into(),
        vm: vmid.map(|vmid| api::TaskVm {
            vmid: vmid.0,
            name: vm_name,
        }),
        request,
        actor,
        state: progress.state,
        step,
        steps: progress.steps,
        progress: progress.percent,
        created_at,
        started_at: progress.started_at,
        finished_at: progress.finished_at,
        commands: progress.commands,
        question: progress.question,
        left: progress.error.map(|error| error.left).unwrap_or_default(),
        error: problem,
    }
}

/// Why a task did not succeed, as if it had been the answer to the request that asked for it.
pub(crate) fn problem(task: &Task, error: &TaskError) -> Problem {
    let (status, kind, title) = match error.kind {
        TaskErrorKind::Refused => (StatusCode::CONFLICT, "task-refused", "Not possible now"),
        TaskErrorKind::Node => (
            StatusCode::BAD_GATEWAY,
            "task-node",
            "The node failed at it",
        ),
        TaskErrorKind::Timeout => (
            StatusCode::GATEWAY_TIMEOUT,
            "task-timeout",
            "Not done in time",
        ),
        TaskErrorKind::Unreachable => (
            StatusCode::BAD_GATEWAY,
            "task-unreachable",
            "Node unreachable",
        ),
        TaskErrorKind::Question => (
            StatusCode::CONFLICT,
            "task-question",
            "The VM waits for an answer",
        ),
        TaskErrorKind::Executor => (
            StatusCode::SERVICE_UNAVAILABLE,
            "task-executor",
            "Executor unavailable",
        ),
        TaskErrorKind::Interrupted => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "task-interrupted",
            "Interrupted",
        ),
    };
    let detail = [&error.message, &error.hint]
        .into_iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    Problem {
        kind: format!("urn:ecoman:problem:{kind}"),
        title: title.to_owned(),
        status: status.as_u16(),
        detail,
        instance: task_path(task.id),
        request_id: task.request_id.clone(),
        errors: Vec::new(),
    }
}

fn task_title(task: &Task) -> String {
    let node = &task.node;
    let vm = || match (&task.vm_name, task.vmid()) {
        (Some(name), _) => name.clone(),
        (None, Some(vmid)) => format!("VM {}", vmid.0),
        (None, None) => "a VM".to_owned(),
    };
    match &task.request {
        TaskRequest::Power(change) => {
            let action = match change.action {
                PowerAction::On => "Power on",
                PowerAction::Off => "Power off",
                PowerAction::Shutdown => "Shut down",
                PowerAction::Reboot => "Reboot",
                PowerAction::Reset => "Reset",
                PowerAction::Suspend => "Suspend",
            };
            format!("{action} {} on {node}", vm())
        }
        TaskRequest::Create(vm) => format!("Create {} on {node}", vm.name),
        TaskRequest::Answer(_) => format!("Answer the question of {} on {node}", vm()),
        TaskRequest::CleanUp(clean_up) => {
            format!(
                "Clean up after the interrupted creation of {} on {node}",
                clean_up.vm.name
            )
        }
    }
}

/// The step that is being done, or that it ended at.
fn current_step(progress: &TaskProgress) -> Option<&TaskStep> {
    use StepState::{Done, Failed, Pending, Running};
    let steps = &progress.steps;
    let last = |state| steps.iter().rev().find(|step| step.state == state);
    let running = steps.iter().find(|step| step.state == Running);
    running
        .or_else(|| last(Failed))
        .or_else(|| last(Done))
        .or_else(|| steps.iter().rev().find(|step| step.state != Pending))
}
