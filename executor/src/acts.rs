//! How each act is carried out, an act a file.

mod answer;
mod clean_up;
mod create;
mod created_files;
mod files;
mod power;
mod question;

use std::time::Duration;

use ecoman_model::{NodeName, TaskError, TaskRequest};

use crate::job::Job;

/// Carries out what is asked for.
pub(crate) async fn run(job: &Job, request: &TaskRequest) -> Result<(), TaskError> {
    match request {
        TaskRequest::Power {
            vmid,
            action,
            guest_seconds,
        } => {
            let limit = Duration::from_secs((*guest_seconds).into());
            power::change(job, *vmid, *action, limit).await
        }
        TaskRequest::Answer {
            vmid,
            question,
            choice,
        } => answer::answer(job, *vmid, question, *choice).await,
        TaskRequest::Create(vm) => create::create(job, vm).await,
        TaskRequest::CleanUp {
            task,
            vm,
            directory,
        } => clean_up::after(job, *task, vm, directory.as_deref()).await,
    }
}

/// What a clean-up that fails before it has looked leaves as it was.
pub(crate) fn untold(node: &NodeName, request: &TaskRequest) -> Option<String> {
    match request {
        TaskRequest::CleanUp { vm, directory, .. } => {
            Some(clean_up::untold(node.as_str(), vm, directory.as_deref()))
        }
        _ => None,
    }
}
