//! Undoing a creation that has failed.

use ecoman_esxi::is_made_by;
use ecoman_model::{LockName, StepState, TaskError, Vmid};
use tokio::sync::OwnedMutexGuard;

use crate::acts::created_files::{
    Removed, list, look_for, look_for_once, read, remove, unreadable, unregister,
};
use crate::acts::files::Files;
use crate::job::Job;

/// Whether something was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Made {
    /// It was not, or not by this task.
    #[default]
    No,
    /// It was asked for, and the answer was lost or does not tell.
    Perhaps,
    /// It was.
    Yes,
}

/// Whether a creation has registered its VM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Registered {
    /// It was not, or by somebody else.
    #[default]
    No,
    /// It was asked for, and the answer was lost or does not tell.
    Perhaps,
    /// It was.
    Yes(Vmid),
}

/// What is there because of a creation.
#[derive(Debug, Default)]
pub(crate) struct Ours {
    pub(crate) directory: Made,
    pub(crate) configuration: Made,
    /// What was written into the configuration.
    pub(crate) content: String,
    pub(crate) disk: Made,
    pub(crate) registered: Registered,
    /// Keeps others from changing the registered VM.
    pub(crate) lock: Option<OwnedMutexGuard<()>>,
}

impl Ours {
    pub(crate) fn anything(&self) -> bool {
        self.directory != Made::No
    }

    /// Whether a configuration that reads like this is the one that was written, or what has come
    /// of it so far.
    fn wrote(&self, job: &Job, text: &str) -> bool {
        self.content.starts_with(text) || is_made_by(text, job.id)
    }
}

/// Undoes a creation that has failed. Returns what is left, a sentence each.
pub(crate) async fn undo(job: &Job, files: &Files, ours: &mut Ours) -> Vec<String> {
    if !ours.anything() {
        return Vec::new();
    }
    let step = job.plan(["Undo: remove what was made".to_owned()]);
    job.begin(step);
    let left = match undo_all(job, files, ours).await {
        Ok(left) => left,
        Err(error) => {
            let mut left = vec![format!(
                "{} on {}, with what is in it, if it was made: {}",
                files.directory,
                job.name(),
                error.message
            )];
            if ours.registered != Registered::No {
                left.push(format!(
                    "A VM registered on {} with {}, perhaps.",
                    job.name(),
                    files.vmx
                ));
            }
            left
        }
    };
    if left.is_empty() {
        job.step(step, StepState::Done, Some("Nothing is left.".to_owned()));
        undone(job, step);
    } else {
        job.step(step, StepState::Failed, Some(left.join(" ")));
    }
    left
}

/// The steps that had been done are undone now.
fn undone(job: &Job, undoing: usize) {
    job.change(|progress| {
        // The first one only looked.
        let steps = progress.steps.iter_mut().take(undoing).skip(1);
        for step in steps.filter(|step| step.state == StepState::Done) {
            step.state = StepState::Undone;
        }
    });
}

async fn undo_all(job: &Job, files: &Files, ours: &mut Ours) -> Result<Vec<String>, TaskError> {
    let mut registered = None;
    match ours.registered {
        Registered::No => {}
        Registered::Yes(vmid) => registered = Some(vmid),
        Registered::Perhaps => {
            let found = look_for(job, files).await?;
            match found {
                // Under another name it is somebody else who has registered it.
                Some(row) if row.name.as_deref() == Some(&files.stem) => {
                    job.rest().await;
                    ours.lock = Some(job.node.lock(LockName::Vm(row.vmid)).await);
                    registered = Some(row.vmid);
                }
                Some(_) => {}
                None => {
                    if let Some(left) = unreadable(job, files).await? {
                        return Ok(vec![left]);
                    }
                }
            }
        }
    }
    if let Some(vmid) = registered
        && let Some(left) = unregister(job, files, vmid).await?
    {
        return Ok(vec![left]);
    }
    if let Some(other) = look_for_once(job, files).await? {
        return Ok(vec![format!(
            "{} on {}, with what is in it: VM {} is registered with it, and not by this task.",
            files.directory,
            job.name(),
            other.vmid
        )]);
    }
    let Some(names) = list(job, files).await? else {
        return Ok(Vec::new());
    };
    let configuration = ours.configuration != Made::No
        && names.contains(&files.vmx_name())
        && ours.wrote(job, &read(job, files).await?);
    // It was not there when the task looked. If the answer to making it was lost, an empty one is
    // its own; what is in another one is not. Neither is one whose configuration was exchanged.
    let ours_is_there = match (ours.directory, ours.configuration) {
        (Made::Yes, Made::Yes) => configuration,
        (Made::Yes, _) => true,
        (Made::Perhaps | Made::No, _) => names.is_empty(),
    };
    if !ours_is_there {
        return Ok(vec![format!(
            "{} on {} is there, and not by this task.",
            files.directory,
            job.name()
        )]);
    }
    let removed = Removed {
        configuration,
        disk: ours.disk != Made::No,
        by_hostd: ours.registered != Registered::No,
    };
    remove(job, files, names, removed).await
}
