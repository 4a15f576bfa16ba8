//! Answers to the questions that VMs wait with.

use std::time::Duration;

use ecoman_esxi::Command;
use ecoman_model::{Answer, Step, StepState, TaskError, TaskErrorKind};
use tokio::time::Instant;

use super::question::ask;
use crate::job::{Job, QUERY_TIMEOUT, STATE_LAG, refused};

/// Answers the question that a VM waits with.
pub(crate) async fn answer(job: &Job, answer: &Answer) -> Result<(), TaskError> {
    let (vmid, wanted, choice) = (answer.vmid, answer.question.as_str(), answer.choice);
    let first = job.plan([Step::LookAtQuestion, Step::Answer, Step::WaitForVm]);
    job.begin(first);
    let doing = format!("Answering VM {vmid} on {}", job.name());
    let asked = job.unless_cancelled(&doing, ask(job, vmid)).await?;
    let Some(asked) = asked.filter(|asked| asked.id == wanted) else {
        return Err(refused(
            format!(
                "VM {vmid} on {} no longer has question {wanted}.",
                job.name()
            ),
            "Reload the VM. Someone else may have answered the question.",
        ));
    };
    let Some(label) = asked
        .choices
        .iter()
        .find(|known| known.index == choice)
        .map(|known| known.label.clone())
    else {
        return Err(refused(
            format!("Question {wanted} of VM {vmid} has no choice {choice}."),
            "Use the index of one of its choices.",
        ));
    };
    job.close_cancellation(&doing)?;
    job.step(first, StepState::Done, Some(asked.text));
    job.step(first + 1, StepState::Running, Some(label));
    let doing = format!("Answering the question of VM {vmid}");
    let outcome = job
        .act(&Command::answer(vmid, wanted, choice), QUERY_TIMEOUT)
        .await;
    let complaint = match &outcome {
        Ok(output) => job.complaint(&doing, output),
        Err(error) => Some(job.lost(&doing, error)),
    };
    job.begin(first + 2);
    let until = Instant::now() + STATE_LAG;
    let mut pause = Duration::from_millis(250);
    loop {
        // Another question is no answer to this one, but this one is answered.
        if ask(job, vmid).await?.is_none_or(|now| now.id != wanted) {
            if let (Ok(_), Some(complaint)) = (&outcome, complaint) {
                return Err(TaskError {
                    kind: TaskErrorKind::Refused,
                    message: format!(
                        "Someone else has answered the question. {}",
                        complaint.message
                    ),
                    ..complaint
                });
            }
            job.done(first + 1);
            job.done(first + 2);
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(complaint.unwrap_or_else(|| TaskError {
                kind: TaskErrorKind::Node,
                message: format!(
                    "VM {vmid} on {} still needs an answer to the question.",
                    job.name()
                ),
                hint: "Answer it in Host Client.".to_owned(),
                left: Vec::new(),
            }));
        }
        job.pause(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}
