//! Changes of power. The node's own word for the state decides.

use std::time::Duration;

use ecoman_api::text::EN;
use ecoman_esxi::{Command, parse};
use ecoman_model::{
    PowerAction, PowerChange, PowerState, Refusal, Situation, StepState, TaskError, TaskErrorKind,
    Vmid,
};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::question::{Unknown, question};
use crate::job::{Job, LAG, is_lost, refused};

/// How long a change may take that asks no guest.
const CHANGING: Duration = Duration::from_secs(60);

/// Suspending writes the VM's memory to a file.
const SUSPENDING: Duration = Duration::from_secs(600);

/// How long a VM may wait for somebody to answer its question.
const ANSWERING: Duration = Duration::from_secs(600);

/// How long a power-on may take before the VM is asked whether it waits with a question.
const SUSPICION: Duration = Duration::from_secs(2);

/// How long it may take to ask beside a command, until that command has to make room.
const ASKING_BESIDE: Duration = Duration::from_secs(15);

/// How long a VM may take to start when its question is answered.
const STARTING: Duration = Duration::from_secs(30);

/// How long it is looked whether a VM is suspended by a command whose connection was lost.
const CUT_OFF: Duration = Duration::from_secs(15);

/// Changes the power of a VM.
pub(crate) async fn change(job: &Job, change: &PowerChange) -> Result<(), TaskError> {
    let PowerChange {
        vmid,
        action,
        guest_seconds,
    } = *change;
    let guest = Duration::from_secs(guest_seconds.into());
    let first = job.plan(["Look at the VM".to_owned()]);
    let second = job.plan(steps(action));
    job.begin(first);
    let doing = format!("Looking at VM {vmid}");
    let output = job
        .ask(&Command::summary(vmid))
        .await
        .map_err(|error| job.lost(&doing, &error))?;
    let summary = parse::summary(&output.stdout)
        .map_err(|error| job.failed(&doing, &output, Some(&error)))?;
    let name = summary
        .facts
        .name
        .clone()
        .unwrap_or_else(|| vmid.to_string());
    let state = state(job, vmid).await?;
    let situation = Situation {
        power: state,
        tools_status: summary.facts.tools_status.as_deref(),
        connection_state: summary.facts.connection_state.as_deref(),
        read_only: false,
    };
    match action.may(&situation) {
        Ok(()) => {}
        Err(Refusal::Already(_)) => {
            job.step(
                first,
                StepState::Done,
                Some(format!("It is {state} already.")),
            );
            job.step(second, StepState::Skipped, None);
            job.step(second + 1, StepState::Skipped, None);
            return Ok(());
        }
        Err(refusal) => {
            return Err(refused(
                format!(
                    "{name} on {} cannot be told to {action}. {}",
                    job.name(),
                    (EN.refusals.sentence)(&refusal)
                ),
                hint(action, &refusal),
            ));
        }
    }
    job.step(first, StepState::Done, Some(format!("It is {state}.")));
    carry_out(job, second, vmid, &name, action, guest).await
}

fn hint(action: PowerAction, refusal: &Refusal) -> String {
    match (refusal, action.forced()) {
        (Refusal::NoTools { .. }, Some(forced)) => format!(
            "See that VMware Tools is installed and runs in the guest; only {forced} does \
             not ask it."
        ),
        _ => "Look at the VM as it is now and decide again.".to_owned(),
    }
}

/// The steps of a change: telling it, and looking what has become of it.
pub(crate) fn steps(action: PowerAction) -> [String; 2] {
    let wait = format!("Wait until the VM is {}", action.leads_to());
    match action {
        PowerAction::On => ["Power on".to_owned(), wait],
        PowerAction::Off => ["Power off".to_owned(), wait],
        PowerAction::Suspend => ["Suspend".to_owned(), wait],
        PowerAction::Shutdown => ["Ask the guest to shut down".to_owned(), wait],
        // The VM is on before and after, so this shows only that nothing worse has happened.
        PowerAction::Reboot => ["Ask the guest to restart".to_owned(), still_on()],
        PowerAction::Reset => ["Reset".to_owned(), still_on()],
    }
}

fn still_on() -> String {
    "See that the VM is on".to_owned()
}

/// Powers on a VM that was just created, in the [`steps`] of the plan.
pub(crate) async fn on(job: &Job, step: usize, vmid: Vmid, name: &str) -> Result<(), TaskError> {
    carry_out(job, step, vmid, name, PowerAction::On, CHANGING).await
}

/// Sends the command in step `step`, and waits for the state in the one behind it.
async fn carry_out(
    job: &Job,
    step: usize,
    vmid: Vmid,
    name: &str,
    action: PowerAction,
    guest: Duration,
) -> Result<(), TaskError> {
    job.begin(step);
    let doing = format!("Telling {name} to {action}");
    let limit = match action {
        PowerAction::Suspend => SUSPENDING,
        PowerAction::On if job.has_room_beside() => ANSWERING,
        _ => CHANGING,
    };
    let command = Command::power(action, vmid);
    let outcome = match action {
        PowerAction::On if job.has_room_beside() => {
            let begun = Notify::new();
            tokio::select! {
                outcome = job.act_telling(&command, limit, &begun) => Ok(outcome),
                why = hinders_others(job, vmid, &begun) => Err(why),
            }
        }
        PowerAction::Suspend => {
            tokio::select! {
                outcome = job.act(&command, limit) => Ok(outcome),
                never = leave_to_others(job) => match never {},
            }
        }
        _ => Ok(job.act(&command, limit).await),
    };
    let complaint = match &outcome {
        Ok(Ok(output)) => job.complaint(&doing, output),
        Ok(Err(error)) => Some(job.lost(&doing, error)),
        Err(why) => {
            job.let_go(
                &command,
                &format!("No longer waited for: {}.", why.reason()),
            );
            Some(TaskError {
                kind: TaskErrorKind::Node,
                message: format!(
                    "{name} on {} was told to {action} and is not on: the answer was not waited \
                     for, because {}.",
                    job.name(),
                    why.reason()
                ),
                hint: format!("Tell it to {action} again: then the node says why."),
                left: Vec::new(),
            })
        }
    };
    let cut = matches!(&outcome, Ok(Err(error)) if is_lost(error));
    if complaint.is_none() {
        job.asks(None);
        let detail = (action == PowerAction::Reboot)
            .then(|| "Asked. The node does not tell when the guest has restarted.".to_owned());
        job.step(step, StepState::Done, detail);
    }
    job.begin(step + 1);
    let wanted = action.leads_to();
    let unchanged = matches!(action, PowerAction::Reboot | PowerAction::Reset);
    if unchanged && let Some(mut error) = complaint {
        // The state is the same before and after: it cannot tell.
        if cut {
            error.message = format!(
                "{doing}: the connection to {} was lost, and nobody can tell whether it was done.",
                job.name()
            );
            error.hint = "Look at the VM's console; it was not sent a second time.".to_owned();
        }
        return Err(error);
    }
    // What was cut off may have arrived, and hostd goes on with what it has begun.
    let limit = match (&complaint, action) {
        (Some(_), _) if !cut => LAG,
        (_, PowerAction::Shutdown) => guest,
        (None, PowerAction::Suspend) => SUSPENDING,
        (Some(_), PowerAction::Suspend) => CUT_OFF,
        (Some(_), _) => LAG,
        (None, _) => CHANGING,
    };
    let last = match &outcome {
        // It may be slow for another reason than a question.
        Err(LetGo::NoSession) => wait_answered(job, vmid, CHANGING).await?,
        Err(LetGo::Question) => wait_answered(job, vmid, LAG).await?,
        Ok(_) if cut && action == PowerAction::On => wait_answered(job, vmid, LAG).await?,
        Ok(_) => wait(job, vmid, wanted, Instant::now() + limit).await?,
    };
    if last == wanted {
        if complaint.is_some() {
            job.asks(None);
            let detail = match outcome {
                Ok(_) => "The command failed, but the node says that it is done.".to_owned(),
                Err(why) => format!("Its answer was not waited for: {}.", why.reason()),
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
                "{doing}: the connection to {} was lost, and {name} is {last} after that.",
                job.name()
            );
            error.hint =
                "It was not sent a second time. Look at the VM's state again, then ask again."
                    .to_owned();
        }
        return Err(error);
    }
    Err(match action {
        PowerAction::Shutdown => TaskError {
            kind: TaskErrorKind::Timeout,
            message: format!(
                "{name} on {} was asked to shut down and is still {last} after {} s.",
                job.name(),
                guest.as_secs()
            ),
            hint: "The guest may still be at it: wait, ask again with more time, or power it off, \
                   which may cost what it has not written."
                .to_owned(),
            left: Vec::new(),
        },
        _ => TaskError {
            kind: TaskErrorKind::Timeout,
            message: format!(
                "{name} on {} was told to {action}, and the node says that it is {last}.",
                job.name()
            ),
            hint: "Look at the VM in the node's own Host Client.".to_owned(),
            left: Vec::new(),
        },
    })
}

/// Asks for the state until it is `wanted` or the time is over; returns the last one.
async fn wait(
    job: &Job,
    vmid: Vmid,
    wanted: PowerState,
    until: Instant,
) -> Result<PowerState, TaskError> {
    let mut pause = Duration::from_millis(250);
    loop {
        let state = state(job, vmid).await?;
        if state == wanted || Instant::now() >= until {
            return Ok(state);
        }
        job.pause(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Asks for the state of a VM that was perhaps told to start: for `patience`, for as long as it
/// has a question, and a little longer, until it is on; returns the last one.
async fn wait_answered(job: &Job, vmid: Vmid, patience: Duration) -> Result<PowerState, TaskError> {
    let end = Instant::now() + ANSWERING;
    let mut until = Instant::now() + patience;
    let mut pause = Duration::from_millis(250);
    loop {
        let state = state(job, vmid).await?;
        if state == PowerState::On {
            return Ok(state);
        }
        let question = question(job, vmid).await;
        if !matches!(question, Ok(None)) {
            until = (Instant::now() + STARTING).max(until).min(end);
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

async fn state(job: &Job, vmid: Vmid) -> Result<PowerState, TaskError> {
    let doing = format!("Asking for the power state of VM {vmid}");
    let output = job
        .ask(&Command::power_state(vmid))
        .await
        .map_err(|error| job.lost(&doing, &error))?;
    parse::power_state(&output.stdout).map_err(|error| job.failed(&doing, &output, Some(&error)))
}

/// Why a command is not waited for to its end. The node goes on with it all the same.
#[derive(Clone, Copy, Debug)]
enum LetGo {
    /// The VM has a question, and as many others as the node's sessions allow stand still with
    /// one.
    Question,
    /// The node does not answer beside it, so that the VM cannot be asked for a question: it grants
    /// fewer sessions than hosts.yml says.
    NoSession,
}

impl LetGo {
    fn reason(self) -> &'static str {
        match self {
            Self::Question => "the VM had a question, and the session was needed",
            Self::NoSession => "the node answered nothing beside it, and the session was needed",
        }
    }
}

/// Tells of the VM's question for as long as a power-on that has `begun` is blocked by it. Comes
/// back when the command must not stand still any longer.
async fn hinders_others(job: &Job, vmid: Vmid, begun: &Notify) -> LetGo {
    begun.notified().await;
    let mut standing = None;
    loop {
        sleep(SUSPICION).await;
        // The node may grant fewer sessions than hosts.yml says: then there is no room to ask.
        match timeout(ASKING_BESIDE, question(job, vmid)).await {
            Ok(Ok(asked)) => {
                let blocked = asked.is_some();
                job.asks(asked);
                if blocked && standing.is_none() {
                    job.rest().await;
                    standing = job.node.stand();
                    if standing.is_none() {
                        return LetGo::Question;
                    }
                }
            }
            // What was known of a question stays true until something else is known.
            Ok(Err(Unknown)) => {}
            Err(_) => return LetGo::NoSession,
        }
    }
}

/// Leaves the node to others while a command takes its time, if that leaves sessions to them.
async fn leave_to_others(job: &Job) -> std::convert::Infallible {
    loop {
        sleep(SUSPICION).await;
        if let Some(_standing) = job.node.stand() {
            job.rest().await;
            return std::future::pending().await;
        }
    }
}

fn unanswered(job: &Job, name: &str) -> TaskError {
    TaskError {
        kind: TaskErrorKind::Question,
        message: format!("{name} on {} waits with a question.", job.name()),
        hint: "Answer it; then ask again if the VM is not as it should be.".to_owned(),
        left: Vec::new(),
    }
}
