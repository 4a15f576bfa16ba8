//! Model → API: tasks as the API shows them.

use ecoman_api as api;
use ecoman_api::text::EN;
use ecoman_api::{Problem, ProblemKind, task_path};
use ecoman_model::{StepState, Task, TaskError, TaskProgress, TaskStep};

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
        place: progress.place,
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

/// The error of a task, as if it had been the answer to its request.
pub(crate) fn problem(task: &Task, error: &TaskError) -> Problem {
    let kind = ProblemKind::of_task(error.kind);
    let detail = [&error.message, &error.hint]
        .into_iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    Problem {
        kind: kind.urn(),
        title: (EN.problems.title)(kind).to_owned(),
        status: kind.status(),
        detail,
        instance: task_path(task.id),
        request_id: task.request_id.clone(),
        errors: Vec::new(),
    }
}

pub(super) fn task_title(task: &Task) -> String {
    let texts = EN.tasks;
    let vm = match (&task.vm_name, task.vmid()) {
        (Some(name), _) => name.clone(),
        (None, Some(vmid)) => (texts.vm_by_id)(vmid.0),
        (None, None) => texts.some_vm.to_owned(),
    };
    (texts.title)(&task.request, &vm, task.node.as_str())
}

/// The step that runs, or that the task ended at.
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
