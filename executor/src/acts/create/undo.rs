//! Undoes a create task that has failed.

use ecoman_esxi::is_made_by;
use ecoman_model::{LockName, Step, StepState, TaskError, Vmid};
use tokio::sync::OwnedMutexGuard;

use crate::acts::created_files::{
    Removed, list, look_for, look_for_once, read, remove, unreadable, unregister,
};
use crate::acts::files::Files;
use crate::job::Job;

/// Whether this task made something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Created {
    /// It did not.
    #[default]
    No,
    /// It sent the command, and the answer was lost or does not say.
    Unknown,
    /// It did.
    Yes,
}

/// Whether this task registered its VM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Registered {
    /// It did not.
    #[default]
    No,
    /// It sent the command, and the answer was lost or does not say.
    Unknown,
    /// It did.
    Yes(Vmid),
}

/// What a create task has made.
#[derive(Debug, Default)]
pub(crate) struct CreatedFiles {
    pub(crate) directory: Created,
    pub(crate) configuration: Created,
    /// The text that it wrote into the configuration.
    pub(crate) content: String,
    pub(crate) disk: Created,
    pub(crate) registered: Registered,
    /// Keeps others from changing the registered VM.
    pub(crate) lock: Option<OwnedMutexGuard<()>>,
}

impl CreatedFiles {
    pub(crate) fn anything(&self) -> bool {
        self.directory != Created::No
    }

    /// Whether `text` is the configuration that this task wrote, or a beginning of it.
    fn wrote(&self, job: &Job, text: &str) -> bool {
        self.content.starts_with(text) || is_made_by(text, job.id)
    }
}

/// Undoes a create task that has failed. Returns a sentence for each leftover.
pub(crate) async fn undo(job: &Job, files: &Files, created: &mut CreatedFiles) -> Vec<String> {
    if !created.anything() {
        return Vec::new();
    }
    job.undo_begins();
    let step = job.plan([Step::Undo]);
    job.begin(step);
    let left = match undo_all(job, files, created).await {
        Ok(left) => left,
        Err(error) => {
            let mut left = vec![format!(
                "{} on {} and its content, if it was created: {}",
                files.directory,
                job.name(),
                error.message
            )];
            if created.registered != Registered::No {
                left.push(format!(
                    "Possibly a VM registered on {} with {}.",
                    job.name(),
                    files.vmx
                ));
            }
            left
        }
    };
    if left.is_empty() {
        job.step(
            step,
            StepState::Done,
            Some("Nothing left behind.".to_owned()),
        );
        undone(job, step);
    } else {
        job.step(step, StepState::Failed, Some(left.join(" ")));
    }
    left
}

/// Reports the finished steps as undone.
fn undone(job: &Job, undoing: usize) {
    job.change(|progress| {
        // The first one changed nothing.
        let steps = progress.steps.iter_mut().take(undoing).skip(1);
        for step in steps.filter(|step| step.state == StepState::Done) {
            step.state = StepState::Undone;
        }
    });
}

async fn undo_all(
    job: &Job,
    files: &Files,
    created: &mut CreatedFiles,
) -> Result<Vec<String>, TaskError> {
    let mut registered = None;
    match created.registered {
        Registered::No => {}
        Registered::Yes(vmid) => registered = Some(vmid),
        Registered::Unknown => {
            let found = look_for(job, files).await?;
            match found {
                // Under another name it was registered by somebody else.
                Some(row) if row.name.as_deref() == Some(&files.stem) => {
                    job.release_slot().await;
                    created.lock = Some(job.node.lock(LockName::Vm(row.vmid)).await);
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
            "{} on {} and its content: VM {}, registered by someone else, uses it.",
            files.directory,
            job.name(),
            other.vmid
        )]);
    }
    let Some(names) = list(job, files).await? else {
        return Ok(Vec::new());
    };
    let configuration = created.configuration != Created::No
        && names.contains(&files.vmx_name())
        && created.wrote(job, &read(job, files).await?);
    // There was no directory when the task looked. If the answer to creating it was lost, an empty one
    // is its own and a filled one is not. Neither is one whose configuration was replaced.
    let is_own = match (created.directory, created.configuration) {
        (Created::Yes, Created::Yes) => configuration,
        (Created::Yes, _) => true,
        (Created::Unknown | Created::No, _) => names.is_empty(),
    };
    if !is_own {
        return Ok(vec![format!(
            "{} on {} exists and was not created by this task.",
            files.directory,
            job.name()
        )]);
    }
    let removed = Removed {
        configuration,
        disk: created.disk != Created::No,
        by_hostd: created.registered != Registered::No,
    };
    remove(job, files, names, removed).await
}
