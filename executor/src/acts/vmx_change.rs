//! A change of the `.vmx` of a VM: written beside the one that is there, put in its place, read by the node,
//! compared with what the node makes of it, and put back where it has not taken it.
//!
//! The node's `.vmx` is one of the two at any time, whole. It is replaced only while it holds what was
//! read, so that nothing that somebody else has written meanwhile is lost, and a `.vmx` from before a
//! snapshot never comes back. What a run that died has left is found by the id of the task.

use std::time::Duration;

use ecoman_esxi::{Command, edit_vmx, vmx_value};
use ecoman_model::{PowerState, Step, StepState, TaskError, TaskErrorKind, VmFacts, Vmid};
use tokio::time::Instant;

use super::configuration::Configuration;
use super::facts::vm_facts_and_power;
use crate::job::{Job, STATE_LAG, refused};

/// The steps of such a task.
pub(super) const STEPS: [Step; 6] = [
    Step::LookAtVm,
    Step::ReadConfiguration,
    Step::WriteBeside,
    Step::ReplaceConfiguration,
    Step::Reload,
    Step::CompareSettings,
];

pub(super) const LOOK: usize = 0;
pub(super) const READ: usize = 1;
const WRITE: usize = 2;
const REPLACE: usize = 3;
const RELOAD: usize = 4;
const COMPARE: usize = 5;

/// Between two looks at what the node makes of a change.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// A VM as the node shows it before the change.
pub(super) struct Before {
    pub(super) vmid: Vmid,
    pub(super) name: String,
    pub(super) facts: VmFacts,
    pub(super) power: PowerState,
    pub(super) file: Configuration,
}

/// The change of a `.vmx`.
pub(super) struct Change {
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Change {
    /// Of the values of some keys; an empty value is only written over another one.
    pub(super) fn of(
        job: &Job,
        vm: &Before,
        old: Vec<u8>,
        values: &[(String, String)],
    ) -> Result<Self, TaskError> {
        let values: Vec<(&str, &str)> = values
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            // No line says the same as an empty text.
            .filter(|(key, value)| !value.is_empty() || vmx_value(&old, key).is_some())
            .collect();
        let new = edit_vmx(&old, &values).map_err(|error| {
            refused(
                format!("{} on {}: {error}.", vm.file.path, job.name()),
                "Leave those characters out.",
            )
        })?;
        Ok(Self { old, new })
    }

    fn is_written(&self) -> bool {
        self.old == self.new
    }
}

/// What a node shows of a change; each difference is in words.
pub(super) trait Shown: Sync {
    /// Whether the node showed it before anything was done.
    fn is_shown(&self) -> bool;

    /// Whether what differs is asked of the node, and not read in the file that was written.
    fn is_asked_of_node(&self) -> bool;

    /// What the node shows otherwise than was requested.
    fn differs(
        &self,
        job: &Job,
        vm: &Before,
    ) -> impl Future<Output = Result<Vec<String>, TaskError>> + Send;

    /// What the node shows otherwise than before the change.
    fn is_not_back(
        &self,
        job: &Job,
        vm: &Before,
    ) -> impl Future<Output = Result<Vec<String>, TaskError>> + Send;
}

/// Looks at the VM.
pub(super) async fn look(job: &Job, vmid: Vmid) -> Result<Before, TaskError> {
    let (facts, power) = vm_facts_and_power(job, vmid).await?;
    let name = facts.name.clone().unwrap_or_else(|| vmid.to_string());
    let path = facts.vmx_path.as_deref().unwrap_or_default();
    let Some(file) = Configuration::of(path, job.id) else {
        return Err(refused(
            format!(
                "{name} on {} has its configuration at {path:?}, which is on no datastore.",
                job.name()
            ),
            "Change it in the node's own Host Client.",
        ));
    };
    Ok(Before {
        vmid,
        name,
        facts,
        power,
        file,
    })
}

/// Makes the change, or leaves everything as it was.
pub(super) async fn carry_out(
    job: &Job,
    vm: &Before,
    change: &Change,
    shown: &impl Shown,
    doing: &str,
) -> Result<(), TaskError> {
    let file = &vm.file;
    if change.is_written() {
        // By a run that has died since, or by hand.
        file.discard_leftover(job).await;
        job.step(WRITE, StepState::Skipped, None);
        job.step(REPLACE, StepState::Skipped, None);
        if shown.is_shown() {
            job.step(RELOAD, StepState::Skipped, None);
            job.step(COMPARE, StepState::Skipped, None);
            return Ok(());
        }
        job.close_cancellation(doing)?;
        return take_over(job, vm, shown).await.map_err(|mut error| {
            error.left = vec![format!(
                "{} on {} holds the change, and the node does not show it.",
                file.path,
                job.name()
            )];
            error
        });
    }
    job.check_cancelled(doing)?;
    job.begin(WRITE);
    if let Err(error) = file.write_beside(job, &change.new).await {
        return Err(file.unchanged(job, error).await);
    }
    job.done(WRITE);
    if let Err(error) = job.close_cancellation(doing) {
        return Err(file.unchanged(job, error).await);
    }
    job.begin(REPLACE);
    if let Err(error) = file.replace(job, &change.old, &change.new).await {
        return Err(file.unchanged(job, error).await);
    }
    job.done(REPLACE);
    match take_over(job, vm, shown).await {
        Ok(()) => Ok(()),
        Err(error) => Err(put_back(job, vm, change, shown, error).await),
    }
}

/// Has the node read the `.vmx`, and compares what it makes of it.
async fn take_over(job: &Job, vm: &Before, shown: &impl Shown) -> Result<(), TaskError> {
    job.begin(RELOAD);
    reload(job, vm).await?;
    job.done(RELOAD);
    job.begin(COMPARE);
    let until = Instant::now() + STATE_LAG;
    loop {
        let wrong = shown.differs(job, vm).await?;
        if wrong.is_empty() {
            job.done(COMPARE);
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(TaskError {
                kind: TaskErrorKind::Node,
                message: format!(
                    "{} did not take the change of VM {}: now and requested are {}.",
                    job.name(),
                    vm.vmid,
                    wrong.join("; ")
                ),
                hint:
                    "Look at the VM in the node's own Host Client, and report it with the task's \
                       commands."
                        .to_owned(),
                left: Vec::new(),
            });
        }
        job.pause(BETWEEN_LOOKS).await;
    }
}

async fn reload(job: &Job, vm: &Before) -> Result<(), TaskError> {
    let doing = format!("Having {} read {}", job.name(), vm.file.path);
    // Sending it twice is harmless.
    let output = job.ask(&Command::reload(vm.vmid)).await;
    let output = output.map_err(|error| job.lost(&doing, &error))?;
    job.complaint(&doing, &output).map_or(Ok(()), Err)
}

/// Puts the former `.vmx` back after a change that the node has not taken. Returns the error, with
/// what has become of it.
async fn put_back(
    job: &Job,
    vm: &Before,
    change: &Change,
    shown: &impl Shown,
    mut error: TaskError,
) -> TaskError {
    let step = job.plan([Step::PutBack]);
    job.begin(step);
    match undo(job, vm, change, shown).await {
        Ok(sentence) => {
            job.step(step, StepState::Done, Some(sentence.to_owned()));
            error.message = format!("{} {sentence}", error.message);
        }
        Err(why) => {
            job.step(step, StepState::Failed, Some(why.message.clone()));
            error.message += " The former configuration could not be put back.";
            error.left = vec![format!(
                "{} on {} may hold the change, and the node may show another one: {}",
                vm.file.path,
                job.name(),
                why.message
            )];
        }
    }
    error
}

async fn undo(
    job: &Job,
    vm: &Before,
    change: &Change,
    shown: &impl Shown,
) -> Result<&'static str, TaskError> {
    let file = &vm.file;
    let rewritten = file.read(job).await? != change.new;
    if !rewritten {
        file.write_beside(job, &change.old).await?;
        if let Err(error) = file.replace(job, &change.new, &change.old).await {
            file.discard_leftover(job).await;
            return Err(error);
        }
    }
    let complaint = reload(job, vm).await.err();
    let differ = shown.is_not_back(job, vm).await?;
    if !differ.is_empty() {
        let shows = || refused(format!("it shows {}.", differ.join("; ")), "");
        return Err(complaint.unwrap_or_else(shows));
    }
    // Where the node shows nothing, its word about the file says what it has; without one, nobody knows.
    let is_unknown = |it: &TaskError| it.kind != TaskErrorKind::Node && !shown.is_asked_of_node();
    if let Some(complaint) = complaint.filter(is_unknown) {
        return Err(complaint);
    }
    Ok(if rewritten {
        "The node has written the configuration over it; the VM is as it was."
    } else {
        "The former configuration was put back."
    })
}
