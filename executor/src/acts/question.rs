//! The question that a VM waits with.

use ecoman_esxi::{Command, Output, SessionError, parse};
use ecoman_model::{Question, TaskError, Vmid};

use crate::job::{Job, QUERY_TIMEOUT};

/// Whether the VM has a question is unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unknown;

/// The question that the VM waits with, queried beside a running command.
pub(super) async fn question(job: &Job, vmid: Vmid) -> Result<Option<Question>, Unknown> {
    let output = query(job, vmid).await.map_err(|_| Unknown)?;
    let question = parse::message(&output.stdout).map_err(|_| Unknown)?;
    Ok(question.map(Question::from))
}

/// Not among the task's commands, which are those that change something.
async fn query(job: &Job, vmid: Vmid) -> Result<Output, Option<SessionError>> {
    let session = job.query_session().await.ok_or(None)?;
    let command = Command::message(vmid);
    session.run(&command, QUERY_TIMEOUT).await.map_err(Some)
}

pub(super) async fn ask(job: &Job, vmid: Vmid) -> Result<Option<Question>, TaskError> {
    let doing = format!("Reading the question of VM {vmid}");
    let output = job
        .ask(&Command::message(vmid))
        .await
        .map_err(|error| job.lost(&doing, &error))?;
    parse::message(&output.stdout)
        .map(|question| question.map(Question::from))
        .map_err(|error| job.failed(&doing, &output, Some(&error)))
}
