//! How each act is carried out, undone and followed, an act a file.

mod answer;
mod clean_up;
mod create;
mod created_files;
mod files;
mod power;
mod question;

use ecoman_model::{AfterCrash, NodeName, TaskError, TaskRequest};

use crate::job::Job;

/// Carries out an act.
pub(crate) async fn run(job: &Job, request: &TaskRequest) -> Result<(), TaskError> {
    if request.act().after_crash() == AfterCrash::Follow
        && let Some(outcome) = follow(job, request).await
    {
        return outcome;
    }
    match request {
        TaskRequest::Power(change) => power::change(job, change).await,
        TaskRequest::Answer(answer) => answer::answer(job, answer).await,
        TaskRequest::Create(vm) => create::create(job, vm).await,
        TaskRequest::CleanUp(clean_up) => clean_up::after(job, clean_up).await,
    }
}

/// Follows to its end what an earlier run of the executor began; `None`: it began nothing.
///
/// The order of an act with [`AfterCrash::Follow`] may come a second time, to a run that knows
/// nothing of the first. Such an act leaves a mark on the node that names the task, and finds by it
/// what the node has made of the first order. Creating a snapshot will look for the task's id
/// among the descriptions of the VM's snapshots, and wait while hostd still lists its own task
/// for that VM (`vimsvc/task_list`, `vimsvc/task_info`).
async fn follow(_job: &Job, request: &TaskRequest) -> Option<Result<(), TaskError>> {
    match request {
        // None of these is followed. `after_crash` of each says why.
        TaskRequest::Power(_)
        | TaskRequest::Answer(_)
        | TaskRequest::Create(_)
        | TaskRequest::CleanUp(_) => None,
    }
}

/// What a clean-up that fails before it has looked leaves as it was.
pub(crate) fn untold(node: &NodeName, request: &TaskRequest) -> Option<String> {
    match request {
        TaskRequest::CleanUp(clean_up) => Some(clean_up::untold(node.as_str(), clean_up)),
        TaskRequest::Power(_) | TaskRequest::Answer(_) | TaskRequest::Create(_) => None,
    }
}
