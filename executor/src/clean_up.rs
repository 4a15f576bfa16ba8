//! Taking away what a creation has made and what is of no use to anybody.
//!
//! Removed is only what the creation makes, by name, in a directory that is known to be its own;
//! a registered VM only by the very task that has registered it. Whatever else is there stays,
//! and is told.

use std::time::Duration;

use ecoman_esxi::{Command, Output, is_made_by, parse};
use ecoman_model::{NewVm, PowerState, StepState, TaskError, TaskErrorKind, TaskId, Vmid};
use tokio::time::sleep;

use crate::create::Files;
use crate::job::Job;

/// How long a step of undoing may take.
const STEP: Duration = Duration::from_secs(60);

/// How often a VM is looked for that may be on its way to be registered: hostd goes on with what
/// it has begun when the session that asked is cut.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(700);

/// What is there because of a creation.
#[derive(Debug, Default)]
pub(crate) struct Ours {
    /// The directory was made.
    pub(crate) directory: bool,
    /// Nobody knows whether it was: the connection was lost over it.
    pub(crate) perhaps: bool,
    /// It was asked to be registered.
    pub(crate) registering: bool,
    /// It was registered.
    pub(crate) vmid: Option<Vmid>,
}

impl Ours {
    pub(crate) fn anything(&self) -> bool {
        self.directory || self.perhaps
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
    // Whether the directory is ours is not known where the connection was lost over it: then
    // only an empty one is.
    if !ours.directory && !names.is_empty() {
        return Ok(vec![format!(
            "{} on {} is there, and not by this task.",
            files.directory,
            job.name()
        )]);
    }
    remove(job, files, names).await
}

/// Looks for what an interrupted creation has left, and removes it.
pub(crate) async fn after(job: &Job, task: TaskId, vm: &NewVm) -> Result<(), TaskError> {
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
    if !names.is_empty() {
        let doing = format!("Reading {}", files.vmx);
        let output = ask(job, &doing, &Command::read_file(&files.vmx)).await?;
        let marked = output.exit == 0 && is_made_by(&String::from_utf8_lossy(&output.stdout), task);
        if !marked {
            let left = format!(
                "{} on {} holds {}, and nothing that shows it to be of task {task}.",
                files.directory,
                job.name(),
                names.join(", ")
            );
            return Err(TaskError {
                kind: TaskErrorKind::Refused,
                message: format!("Not removed: {left}"),
                hint: "Look at the directory, and remove it if it is of no use.".to_owned(),
                left: vec![left],
            });
        }
    }
    found(format!("{} is left.", files.directory));
    job.begin(first + 1);
    let left = remove(job, &files, names).await?;
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

/// The VM that is registered with these files.
async fn look_for(job: &Job, files: &Files) -> Result<Option<Vmid>, TaskError> {
    let doing = format!("Looking for a VM with {}", files.vmx);
    for look in 0..LOOKS {
        if look > 0 {
            sleep(BETWEEN_LOOKS).await;
        }
        let output = ask(job, &doing, &Command::get_all_vms()).await?;
        let list = parse::getallvms(&output.stdout, &output.stderr)
            .map_err(|error| job.failed(&doing, &output, Some(&error)))?;
        let here = |row: &&parse::VmRow| {
            row.vmx_path
                .as_deref()
                .is_some_and(|path| files.is_at(path))
        };
        if let Some(row) = list.rows.iter().find(here) {
            return Ok(Some(row.vmid));
        }
    }
    Ok(None)
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
    let outcome = job.act(&Command::unregister(vmid), STEP).await;
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

/// Removes the files of a creation and then the directory. Returns what is left.
async fn remove(job: &Job, files: &Files, names: Vec<String>) -> Result<Vec<String>, TaskError> {
    let stem = files
        .vmx
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".vmx"))
        .unwrap_or_default();
    // What the steps make, and what hostd adds when a VM is registered.
    let made = [
        ".vmdk",
        "-flat.vmdk",
        ".vmsd",
        ".vmxf",
        ".nvram",
        ".vmx~",
        // The mark goes last: as long as it is there, the rest can be told to be ours.
        ".vmx",
    ]
    .map(|suffix| format!("{stem}{suffix}"));
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
