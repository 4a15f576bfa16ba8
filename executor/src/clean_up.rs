//! Taking away what a creation has made and what is of no use to anybody.
//!
//! Removed is only what the creation makes, by name, in a directory that is known to be its own;
//! a registered VM only by the very task that has registered it. Whatever else is there stays,
//! and is told.

use std::time::Duration;

use ecoman_esxi::{Command, Output, is_made_by, parse};
use ecoman_model::{NewVm, PowerState, StepState, TaskError, TaskErrorKind, TaskId, Vmid};
use tokio::sync::OwnedMutexGuard;

use crate::create::Files;
use crate::job::Job;

/// How long a step of undoing may take.
const STEP: Duration = Duration::from_secs(60);

/// How often a VM is looked for that may be on its way to be registered: hostd goes on with what
/// it has begun when the session that asked is cut.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(700);

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

/// What is there because of a creation.
#[derive(Debug, Default)]
pub(crate) struct Ours {
    pub(crate) directory: Made,
    pub(crate) configuration: Made,
    pub(crate) disk: Made,
    /// It was asked to be registered.
    pub(crate) registering: bool,
    /// It was registered.
    pub(crate) vmid: Option<Vmid>,
    /// Keeps others from changing the registered VM.
    pub(crate) lock: Option<OwnedMutexGuard<()>>,
}

impl Ours {
    pub(crate) fn anything(&self) -> bool {
        self.directory != Made::No
    }
}

/// Undoes a creation that has failed. Returns what is left, a sentence each.
pub(crate) async fn undo(job: &Job, files: &Files, ours: &Ours) -> Vec<String> {
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
            if ours.registering {
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

async fn undo_all(job: &Job, files: &Files, ours: &Ours) -> Result<Vec<String>, TaskError> {
    if ours.registering {
        let registered = match ours.vmid {
            Some(vmid) => Some(vmid),
            None => look_for(job, files).await?,
        };
        if let Some(vmid) = registered
            && let Some(left) = unregister(job, files, vmid).await?
        {
            return Ok(vec![left]);
        }
    }
    let names = match list(job, files).await? {
        Some(names) => names,
        None => return Ok(Vec::new()),
    };
    // It was not there when the task looked. If the answer to making it was lost, an empty one is
    // its own; what is in another one is not.
    if ours.directory == Made::Perhaps && !names.is_empty() {
        return Ok(vec![format!(
            "{} on {} is there, and not by this task.",
            files.directory,
            job.name()
        )]);
    }
    let configuration = match ours.configuration {
        Made::Perhaps if names.contains(&files.vmx_name()) => {
            let text = read(job, files).await?;
            // Cut off before anything was written, or marked in one of the first lines.
            text.is_empty() || is_made_by(&text, job.id)
        }
        made => made == Made::Yes,
    };
    let removed = Removed {
        configuration,
        disk: ours.disk != Made::No,
        by_hostd: ours.registering,
    };
    remove(job, files, names, removed).await
}

/// Looks for what an interrupted creation has left, and removes it. `changing`: whether it is
/// known to have asked the node for a change.
pub(crate) async fn after(
    job: &Job,
    task: TaskId,
    vm: &NewVm,
    changing: bool,
) -> Result<(), TaskError> {
    let files = Files::of(&job.node.host.settings.datastore_path, &vm.name);
    let first = job.plan(["Look for what is left".to_owned(), "Remove it".to_owned()]);
    job.begin(first);
    let found = |detail: String| job.step(first, StepState::Done, Some(detail));
    if let Some(vmid) = look_for(job, &files).await? {
        job.made(vmid);
        let message = format!(
            "VM {vmid} ({}) on {} had been registered when the creation was interrupted.",
            vm.name,
            job.name()
        );
        found(message.clone());
        job.step(first + 1, StepState::Skipped, None);
        return Err(TaskError {
            kind: TaskErrorKind::Refused,
            left: vec![message.clone()],
            message: format!("{message} A registered VM is not removed."),
            hint: "It is complete: use it, or unregister and delete it in the Host Client."
                .to_owned(),
        });
    }
    let Some(names) = list(job, &files).await? else {
        found("Nothing is left.".to_owned());
        job.step(first + 1, StepState::Skipped, None);
        return Ok(());
    };
    if let Some(doubt) = doubt(job, &files, task, &names, changing).await? {
        let left = format!("{} on {} {doubt}", files.directory, job.name());
        return Err(TaskError {
            kind: TaskErrorKind::Refused,
            message: format!("Not removed: {left}"),
            hint: "Look at the directory, and remove it if it is of no use.".to_owned(),
            left: vec![left],
        });
    }
    found(format!("{} is left.", files.directory));
    job.begin(first + 1);
    let all = Removed {
        configuration: true,
        disk: true,
        by_hostd: true,
    };
    let left = remove(job, &files, names, all).await?;
    if left.is_empty() {
        job.done(first + 1);
        return Ok(());
    }
    Err(TaskError {
        kind: TaskErrorKind::Node,
        message: left.join(" "),
        hint: "Look at the directory, and remove what is of no use.".to_owned(),
        left,
    })
}

/// Why a directory may not be that of an interrupted task; `None`: it is.
async fn doubt(
    job: &Job,
    files: &Files,
    task: TaskId,
    names: &[String],
    changing: bool,
) -> Result<Option<String>, TaskError> {
    if names.is_empty() {
        // The task saw that it was not there before it asked for it.
        return Ok((!changing).then(|| {
            format!("is there and is empty; whether task {task} has made it is not known.")
        }));
    }
    let vmx = files.vmx_name();
    if names.contains(&vmx) {
        let text = read(job, files).await?;
        // Cut off before anything was written.
        let begun = changing && text.is_empty() && names == [vmx];
        if begun || is_made_by(&text, task) {
            return Ok(None);
        }
    }
    Ok(Some(format!(
        "holds {}, and nothing that shows it to be of task {task}.",
        names.join(", ")
    )))
}

/// What is in the `.vmx`; nothing if it is gone.
async fn read(job: &Job, files: &Files) -> Result<String, TaskError> {
    let doing = format!("Reading {}", files.vmx);
    let there = ask(job, &doing, &Command::is_file(&files.vmx)).await?;
    if there.exit != 0 {
        return Ok(String::new());
    }
    let output = ask(job, &doing, &Command::read_file(&files.vmx)).await?;
    if output.exit != 0 {
        return Err(job.failed(&doing, &output, None));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The VM that is registered with these files, or is on its way to be.
async fn look_for(job: &Job, files: &Files) -> Result<Option<Vmid>, TaskError> {
    for _ in 1..LOOKS {
        if let Some(vmid) = look_for_once(job, files).await? {
            return Ok(Some(vmid));
        }
        job.pause(BETWEEN_LOOKS).await;
    }
    look_for_once(job, files).await
}

/// Takes a VM off the node's list that this task has put there. Returns what is left instead.
async fn unregister(job: &Job, files: &Files, vmid: Vmid) -> Result<Option<String>, TaskError> {
    let doing = format!("Unregistering VM {vmid}");
    let output = ask(job, &doing, &Command::power_state(vmid)).await?;
    match parse::power_state(&output.stdout) {
        Ok(PowerState::Off) => {}
        Ok(state) => {
            return Ok(Some(format!(
                "VM {vmid} on {} is {state} and was left as it is.",
                job.name()
            )));
        }
        // Gone already, or nobody can tell: the listing decides below.
        Err(_) => {}
    }
    let outcome = job.alter(&Command::unregister(vmid), STEP).await;
    Ok(match look_for_once(job, files).await? {
        None => None,
        Some(still) => {
            let reason = match outcome {
                Ok(output) => job.failed(&doing, &output, None),
                Err(error) => job.lost(&doing, &error),
            };
            Some(format!(
                "VM {still} on {} is still registered. {}",
                job.name(),
                reason.message
            ))
        }
    })
}

async fn look_for_once(job: &Job, files: &Files) -> Result<Option<Vmid>, TaskError> {
    let doing = format!("Looking for a VM with {}", files.vmx);
    let output = ask(job, &doing, &Command::get_all_vms()).await?;
    let list = parse::getallvms(&output.stdout, &output.stderr)
        .map_err(|error| job.failed(&doing, &output, Some(&error)))?;
    let here = |row: &&parse::VmRow| {
        row.vmx_path
            .as_deref()
            .is_some_and(|path| files.is_at(path))
    };
    Ok(list.rows.iter().find(here).map(|row| row.vmid))
}

/// The names in the VM's directory; `None`: there is no such directory.
async fn list(job: &Job, files: &Files) -> Result<Option<Vec<String>>, TaskError> {
    let doing = format!("Looking into {}", files.directory);
    let there = ask(job, &doing, &Command::exists(&files.directory)).await?;
    if there.exit != 0 {
        return Ok(None);
    }
    let output = ask(job, &doing, &Command::list_directory(&files.directory)).await?;
    if output.exit != 0 {
        return Err(job.failed(&doing, &output, None));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(Some(text.lines().map(str::to_owned).collect()))
}

/// Which files may be removed.
#[derive(Clone, Copy, Debug)]
struct Removed {
    configuration: bool,
    disk: bool,
    /// What hostd adds when a VM is registered.
    by_hostd: bool,
}

/// Removes the files of a creation and then the directory. Returns what is left.
async fn remove(
    job: &Job,
    files: &Files,
    names: Vec<String>,
    removed: Removed,
) -> Result<Vec<String>, TaskError> {
    let stem = files.stem();
    let made: Vec<String> = [
        (".vmdk", removed.disk),
        ("-flat.vmdk", removed.disk),
        (".vmsd", removed.by_hostd),
        (".vmxf", removed.by_hostd),
        (".nvram", removed.by_hostd),
        (".vmx~", removed.by_hostd),
        // The mark goes last: as long as it is there, the rest can be told to be ours.
        (".vmx", removed.configuration),
    ]
    .into_iter()
    .filter(|(_, removed)| *removed)
    .map(|(suffix, _)| format!("{stem}{suffix}"))
    .collect();
    let foreign: Vec<String> = names
        .iter()
        .filter(|name| !made.contains(name))
        .cloned()
        .collect();
    for name in made.iter().filter(|name| names.contains(name)) {
        let path = format!("{}/{name}", files.directory);
        let doing = format!("Removing {path}");
        // Sent again it does no harm.
        let output = ask(job, &doing, &Command::remove_file(&path)).await?;
        if output.exit != 0 {
            return Ok(vec![job.failed(&doing, &output, None).message]);
        }
    }
    if !foreign.is_empty() {
        return Ok(vec![format!(
            "{} on {}, because of what is not of this task in it: {}.",
            files.directory,
            job.name(),
            foreign.join(", ")
        )]);
    }
    let doing = format!("Removing {}", files.directory);
    let output = ask(job, &doing, &Command::remove_directory(&files.directory)).await?;
    let there = ask(job, &doing, &Command::exists(&files.directory)).await?;
    if there.exit == 0 {
        return Ok(vec![job.failed(&doing, &output, None).message]);
    }
    Ok(Vec::new())
}

async fn ask(job: &Job, doing: &str, command: &Command) -> Result<Output, TaskError> {
    job.ask(command)
        .await
        .map_err(|error| job.lost(doing, &error))
}
