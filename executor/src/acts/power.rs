//! Changes of power. The state that the node reports decides, not what the command printed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ecoman_api::text::EN;
use ecoman_esxi::Command;
use ecoman_model::{
    Act as _, PowerAction, PowerChange, PowerState, Refusal, Situation, Step, StepState, TaskError,
    TaskErrorKind, Vmid,
};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::facts::{power_state, vm_facts};
use super::question::{Unknown, question};
use crate::job::{Job, STATE_LAG, is_lost, refused};

/// How long a change may take that does not wait for a guest.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long suspending may take: it writes the VM's memory to a file.
const SUSPEND_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a VM may wait for an answer to its question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a power-on may take before the executor looks for a question.
const QUESTION_CHECK_DELAY: Duration = Duration::from_secs(2);

/// How long a query beside a command may take before that command is abandoned.
const SIDE_QUERY_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a VM may take to start after its question is answered.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the executor watches whether a command whose connection was lost suspends the VM.
const SUSPEND_CHECK_TIMEOUT: Duration = Duration::from_secs(15);

/// Changes the power of a VM.
pub(crate) async fn change(job: &Job, change: &PowerChange) -> Result<(), TaskError> {
    let PowerChange {
        vmid,
        action,
        guest_seconds,
        ..
    } = *change;
    let guest = Duration::from_secs(guest_seconds.into());
    let first = job.plan([Step::LookAtVm]);
    let second = job.plan(Step::of_power(action));
    job.begin(first);
    let looking = look(job, change);
    let doing = format!("{} VM {vmid} on {}", gerund(action), job.name());
    let looked = job.unless_cancelled(&doing, looking).await?;
    let state = looked.state;
    if looked.is_done {
        let detail = Some(format!("Already {state}."));
        job.step(first, StepState::Done, detail);
        job.step(second, StepState::Skipped, None);
        job.step(second + 1, StepState::Skipped, None);
        return Ok(());
    }
    job.step(
        first,
        StepState::Done,
        Some(format!("Power state: {state}.")),
    );
    carry_out(job, second, vmid, &looked.name, action, guest).await?;
    if matches!(action, PowerAction::Reboot | PowerAction::Reset) {
        let proof = restart_proof(job, vmid, looked.booted_at).await;
        job.step(second + 1, StepState::Done, Some(proof));
    }
    Ok(())
}

/// A VM before its power is changed.
struct Looked {
    name: String,
    state: PowerState,
    /// Whether its state is the requested one already.
    is_done: bool,
    booted_at: Option<DateTime<Utc>>,
}

/// What proves that a guest was restarted: the VM is on before and after. A node whose boot time moves
/// with a restart says it; vSphere documents that time as set at power-on, so most do not.
async fn restart_proof(job: &Job, vmid: Vmid, before: Option<DateTime<Utc>>) -> String {
    let facts = vm_facts(job, vmid).await.ok();
    match (before, facts.and_then(|facts| facts.booted_at)) {
        (Some(before), Some(now)) if now > before => {
            format!("The host reports a restart at {now}.")
        }
        _ => "Requested. The host does not report whether the guest has restarted.".to_owned(),
    }
}

/// Looks at a VM before its power is changed.
async fn look(job: &Job, change: &PowerChange) -> Result<Looked, TaskError> {
    let PowerChange { vmid, action, .. } = *change;
    let facts = vm_facts(job, vmid).await?;
    let name = facts.name.clone().unwrap_or_else(|| vmid.to_string());
    let state = power_state(job, vmid).await?;
    let situation = Situation {
        power: state,
        tools_status: facts.tools_status.as_deref(),
        connection_state: facts.connection_state.as_deref(),
        read_only: false,
    };
    let looked = |name, is_done| Looked {
        name,
        state,
        is_done,
        booted_at: facts.booted_at,
    };
    match change.may(&situation) {
        Ok(()) => Ok(looked(name, false)),
        Err(Refusal::Already(_)) => Ok(looked(name, true)),
        Err(refusal @ Refusal::Changed { .. }) => Err(TaskError {
            kind: TaskErrorKind::PowerChanged,
            message: format!(
                "{name} on {}: {}",
                job.name(),
                (EN.refusals.sentence)(&refusal)
            ),
            hint: "Nothing was changed. Check the VM's current state, then try again if needed."
                .to_owned(),
            left: Vec::new(),
        }),
        Err(refusal) => Err(refused(
            format!(
                "Cannot {action} {name} on {}. {}",
                job.name(),
                (EN.refusals.sentence)(&refusal)
            ),
            hint(action, &refusal),
        )),
    }
}

/// What a task does, as the subject of a sentence.
fn gerund(action: PowerAction) -> &'static str {
    match action {
        PowerAction::On => "Powering on",
        PowerAction::Off => "Powering off",
        PowerAction::Shutdown => "Shutting down",
        PowerAction::Reboot => "Restarting",
        PowerAction::Reset => "Resetting",
        PowerAction::Suspend => "Suspending",
    }
}

fn hint(action: PowerAction, refusal: &Refusal) -> String {
    match (refusal, action.hard_counterpart()) {
        (Refusal::NoTools { .. }, Some(forced)) => format!(
            "Install and start VMware Tools in the guest, or use {forced} (unsaved data in the \
             guest is lost)."
        ),
        _ => "Check the VM's current state, then try again if needed.".to_owned(),
    }
}

/// Powers on a VM that was just created, in step `step` and the next one.
pub(crate) async fn on(job: &Job, step: usize, vmid: Vmid, name: &str) -> Result<(), TaskError> {
    carry_out(job, step, vmid, name, PowerAction::On, CHANGE_TIMEOUT).await
}

/// Sends the command in step `step`, and waits for the state in the next one.
async fn carry_out(
    job: &Job,
    step: usize,
    vmid: Vmid,
    name: &str,
    action: PowerAction,
    guest: Duration,
) -> Result<(), TaskError> {
    let doing = format!("{} {name}", gerund(action));
    let cancelled = format!("{doing} on {}", job.name());
    match action {
        PowerAction::Shutdown => job.check_cancelled(&cancelled)?,
        // Its command cannot be stopped, and nothing but the node is waited for.
        _ => job.close_cancellation(&cancelled)?,
    }
    job.begin(step);
    let limit = match action {
        PowerAction::Suspend => SUSPEND_TIMEOUT,
        PowerAction::On if job.has_query_session() => ANSWER_TIMEOUT,
        _ => CHANGE_TIMEOUT,
    };
    let command = Command::power(action, vmid);
    let outcome = match action {
        PowerAction::On if job.has_query_session() => {
            let begun = Notify::new();
            tokio::select! {
                outcome = job.run_and_notify(&command, limit, &begun) => Ok(outcome),
                why = watch_for_question(job, vmid, &begun) => Err(why),
            }
        }
        PowerAction::Suspend => {
            tokio::select! {
                outcome = job.act(&command, limit) => Ok(outcome),
                never = release_slot_while_running(job) => match never {},
            }
        }
        _ => Ok(job.act(&command, limit).await),
    };
    let complaint = match &outcome {
        Ok(Ok(output)) => job.complaint(&doing, output),
        Ok(Err(error)) => Some(job.lost(&doing, error)),
        Err(why) => {
            job.abandon(
                &command,
                &format!("ECoMan stopped waiting: {}.", why.reason()),
            );
            Some(TaskError {
                kind: TaskErrorKind::Node,
                message: format!(
                    "{name} on {} is not on. ECoMan stopped waiting for the response: {}.",
                    job.name(),
                    why.reason()
                ),
                hint: format!("Try {action} again: the host then reports the reason."),
                left: Vec::new(),
            })
        }
    };
    let cut = matches!(&outcome, Ok(Err(error)) if is_lost(error));
    if complaint.is_none() {
        job.asks(None);
        job.done(step);
    }
    job.begin(step + 1);
    let wanted = action.leads_to();
    let unchanged = matches!(action, PowerAction::Reboot | PowerAction::Reset);
    if unchanged && let Some(mut error) = complaint {
        // The state is the same before and after, so it proves nothing.
        if cut {
            error.message = format!(
                "{doing}: connection to {} lost; the result is unknown.",
                job.name()
            );
            error.hint = "Check the VM's console. The command was not repeated.".to_owned();
        }
        return Err(error);
    }
    // A command that was cut off may have arrived, and hostd continues what it has begun.
    let limit = match (&complaint, action) {
        (Some(_), _) if !cut => STATE_LAG,
        (_, PowerAction::Shutdown) => guest,
        (None, PowerAction::Suspend) => SUSPEND_TIMEOUT,
        (Some(_), PowerAction::Suspend) => SUSPEND_CHECK_TIMEOUT,
        (Some(_), _) => STATE_LAG,
        (None, _) => CHANGE_TIMEOUT,
    };
    let last = match &outcome {
        // It may be slow for another reason than a question.
        Err(Abandoned::NoSession) => wait_answered(job, vmid, CHANGE_TIMEOUT).await?,
        // It may have been answered already.
        Err(Abandoned::Question) => wait_answered(job, vmid, START_TIMEOUT).await?,
        Ok(_) if cut && action == PowerAction::On => wait_answered(job, vmid, STATE_LAG).await?,
        Ok(_) => {
            let waiting = wait(job, vmid, wanted, Instant::now() + limit);
            match job.unless_cancelled(&cancelled, waiting).await {
                Err(mut error) if error.kind == TaskErrorKind::Cancelled => {
                    error.hint = "The guest may still shut down.".to_owned();
                    return Err(error);
                }
                waited => waited?,
            }
        }
    };
    if last == wanted {
        if complaint.is_some() {
            job.asks(None);
            let detail = match outcome {
                Ok(_) => {
                    "The command reported a failure, but the host shows it as done.".to_owned()
                }
                Err(why) => format!("ECoMan did not wait for the response: {}.", why.reason()),
            };
            job.step(step, StepState::Done, Some(detail));
        }
        job.done(step + 1);
        return Ok(());
    }
    if let Some(mut error) = complaint {
        if let Ok(Some(question)) = question(job, vmid).await {
            job.asks(Some(question));
            return Err(unanswered(job, name));
        }
        job.asks(None);
        if cut {
            error.message = format!(
                "{doing}: connection to {} lost; {name} is {last} now.",
                job.name()
            );
            error.hint =
                "The command was not repeated. Check the VM's state, then try again if needed."
                    .to_owned();
        }
        return Err(error);
    }
    Err(match action {
        PowerAction::Shutdown => TaskError {
            kind: TaskErrorKind::Timeout,
            message: format!(
                "{name} on {} is still {last} after {} s: the guest has not shut down.",
                job.name(),
                guest.as_secs()
            ),
            hint: "Keep waiting, or power off (unsaved data in the guest is lost).".to_owned(),
            left: Vec::new(),
        },
        _ => TaskError {
            kind: TaskErrorKind::Timeout,
            message: format!(
                "{name} on {} is still {last} after the {action} request.",
                job.name()
            ),
            hint: "Check the VM in Host Client.".to_owned(),
            left: Vec::new(),
        },
    })
}

/// Queries the state until it is `wanted` or the time is over; returns the last one.
async fn wait(
    job: &Job,
    vmid: Vmid,
    wanted: PowerState,
    until: Instant,
) -> Result<PowerState, TaskError> {
    let mut pause = Duration::from_millis(250);
    loop {
        let state = power_state(job, vmid).await?;
        if state == wanted || Instant::now() >= until {
            return Ok(state);
        }
        job.pause(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Queries the state of a VM that may be starting until it is on: for `patience`, for as long as it
/// has a question, and a little longer; returns the last one.
async fn wait_answered(job: &Job, vmid: Vmid, patience: Duration) -> Result<PowerState, TaskError> {
    let end = Instant::now() + ANSWER_TIMEOUT;
    let mut until = Instant::now() + patience;
    let mut pause = Duration::from_millis(250);
    loop {
        let state = power_state(job, vmid).await?;
        if state == PowerState::On {
            return Ok(state);
        }
        let question = question(job, vmid).await;
        if !matches!(question, Ok(None)) {
            until = (Instant::now() + START_TIMEOUT).max(until).min(end);
        }
        if let Ok(question) = question {
            job.asks(question);
        }
        if Instant::now() >= until {
            return Ok(state);
        }
        job.pause(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Why a command is abandoned: nobody waits for its answer, and the node continues all the same.
#[derive(Clone, Copy, Debug)]
enum Abandoned {
    /// A question blocks the command, and the node's sessions allow no more blocked ones.
    Question,
    /// The node answers no query beside it: it grants fewer sessions than hosts.yml says.
    NoSession,
}

impl Abandoned {
    fn reason(self) -> &'static str {
        match self {
            Self::Question => "the VM has a question, and other tasks needed the session",
            Self::NoSession => "the host allowed no other session, and one was needed",
        }
    }
}

/// Reports the VM's question while it blocks a power-on that has `begun`. Returns when the command has
/// to be abandoned.
async fn watch_for_question(job: &Job, vmid: Vmid, begun: &Notify) -> Abandoned {
    begun.notified().await;
    let mut blocked_slots = None;
    loop {
        sleep(QUESTION_CHECK_DELAY).await;
        // The node may grant fewer sessions than hosts.yml says, and none is left for queries.
        match timeout(SIDE_QUERY_TIMEOUT, question(job, vmid)).await {
            Ok(Ok(asked)) => {
                let blocked = asked.is_some();
                job.asks(asked);
                if blocked && blocked_slots.is_none() {
                    job.release_slot().await;
                    blocked_slots = job.node.try_blocked_slot();
                    if blocked_slots.is_none() {
                        return Abandoned::Question;
                    }
                }
            }
            // The last known question stays.
            Ok(Err(Unknown)) => {}
            Err(_) => return Abandoned::NoSession,
        }
    }
}

/// Gives the slot to other tasks while a command takes its time, if the node has sessions for them.
async fn release_slot_while_running(job: &Job) -> std::convert::Infallible {
    loop {
        sleep(QUESTION_CHECK_DELAY).await;
        if let Some(_permit) = job.node.try_blocked_slot() {
            job.release_slot().await;
            return std::future::pending().await;
        }
    }
}

fn unanswered(job: &Job, name: &str) -> TaskError {
    TaskError {
        kind: TaskErrorKind::Question,
        message: format!("{name} on {} needs an answer to a question.", job.name()),
        hint: "Answer the question, then try again if needed.".to_owned(),
        left: Vec::new(),
    }
}
