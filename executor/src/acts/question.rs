//! The question that a VM waits with.

use ecoman_esxi::{Command, Output, SessionError, parse};
use ecoman_model::{Choice, Question, TaskError, Vmid};

use crate::job::{ASKING, Job};

/// Whether a VM has a question could not be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unknown;

/// The question that the VM waits with.
pub(super) async fn question(job: &Job, vmid: Vmid) -> Result<Option<Question>, Unknown> {
    let output = ask_beside(job, vmid).await.map_err(|_| Unknown)?;
    let question = parse::message(&output.stdout).map_err(|_| Unknown)?;
    Ok(question.map(known))
}

/// Not part of the task's commands: it would stand among those that change something.
async fn ask_beside(job: &Job, vmid: Vmid) -> Result<Output, Option<SessionError>> {
    let session = job.beside().await.ok_or(None)?;
    let command = Command::message(vmid);
    session.run(&command, ASKING).await.map_err(Some)
}

fn known(question: parse::Question) -> Question {
    Question {
        id: question.id,
        text: question.text,
        choices: question
            .choices
            .into_iter()
            .map(|choice| Choice {
                index: choice.index,
                label: choice.label,
                default: choice.default,
            })
            .collect(),
    }
}

pub(super) async fn ask(job: &Job, vmid: Vmid) -> Result<Option<Question>, TaskError> {
    let doing = format!("Asking VM {vmid} for its question");
    let output = job
        .ask(&Command::message(vmid))
        .await
        .map_err(|error| job.lost(&doing, &error))?;
    parse::message(&output.stdout)
        .map(|question| question.map(known))
        .map_err(|error| job.failed(&doing, &output, Some(&error)))
}
