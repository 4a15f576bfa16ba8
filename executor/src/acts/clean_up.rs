//! Taking away what a creation has made and what is of no use to anybody.
//!
//! Removed is only what the creation makes, by name, in a directory that is known to be its own;
//! a registered VM only by the very task that has registered it. What belongs to a VM that is
//! registered stays, and so does whatever else is there; all of it is told.

use std::time::Duration;

use ecoman_esxi::{Command, Output, is_made_by, parse};
use ecoman_model::{NewVm, PowerState, StepState, TaskError, TaskErrorKind, TaskId, Vmid};
use tokio::sync::OwnedMutexGuard;

use super::files::Files;
use crate::job::Job;
use crate::locks::lock_of_vm;

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

/// What a clean-up that has not come to its end cannot deny.
pub(crate) fn untold(node: &str, vm: &NewVm, directory: Option<&str>) -> String {
    match directory {
        Some(directory) => format!("{directory} on {node}, with what is in it, if it was made."),
        None => format!("Whatever was made of {} on {node}, if anything.", vm.name),
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
                    ours.lock = Some(job.node.lock(lock_of_vm(row.vmid)).await);
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

/// Looks for what an interrupted creation has left, and removes it. `directory`: the one that it
/// is known to have asked for.
pub(crate) async fn after(
    job: &Job,
    task: TaskId,
    vm: &NewVm,
    directory: Option<&str>,
) -> Result<(), TaskError> {
    let files = directory.and_then(|directory| Files::within(directory, &vm.name));
    let mut files =
        files.unwrap_or_else(|| Files::of(&job.node.host.settings.datastore_path, &vm.name));
    let first = job.plan(["Look for what is left".to_owned(), "Remove it".to_owned()]);
    job.begin(first);
    let found = |detail: String| job.step(first, StepState::Done, Some(detail));
    let doing = format!("Looking for the datastore of {}", files.directory);
    let output = ask(job, &doing, &Command::filesystems()).await?;
    let datastores = parse::filesystem_list(&output.stdout)
        .map_err(|error| job.failed(&doing, &output, Some(&error)))?;
    if !files.find_volume(&datastores) {
        return Err(TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "{} cannot use the datastore of {} now.",
                job.name(),
                files.directory
            ),
            hint: "Look there when the datastore is back.".to_owned(),
            left: Vec::new(),
        });
    }
    let registered = look_for(job, &files).await?;
    let names = list(job, &files).await?;
    let text = read(job, &files).await?;
    let marked = is_made_by(&text, task);
    if let Some(row) = registered.filter(|_| marked) {
        let vmid = row.vmid;
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
    // What is there belongs to somebody else if this task never asked for it.
    let names = names.filter(|names| directory.is_some() || marked || names.is_empty());
    let Some(names) = names else {
        found("Nothing is left.".to_owned());
        job.step(first + 1, StepState::Skipped, None);
        return Ok(());
    };
    let doubt = match doubt(&files, task, &names, &text, directory.is_some()) {
        Some(doubt) => Some(format!("{} on {} {doubt}", files.directory, job.name())),
        // Without a disk it was not asked to be registered.
        None if !names.contains(&files.disk_name()) => None,
        None => unreadable(job, &files).await?,
    };
    if let Some(left) = doubt {
        return Err(TaskError {
            kind: TaskErrorKind::Refused,
            message: format!("Not removed: {left}"),
            hint: "Look at the directory, and remove it if it is of no use.".to_owned(),
            left: vec![left],
        });
    }
    found(format!("{} is left.", files.directory));
    job.begin(first + 1);
    let left = remove(job, &files, names, Removed::ALL).await?;
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

/// Why a directory may not be that of an interrupted task; `None`: it is. `names`: what is in it,
/// `text`: what was in its `.vmx` after that, `asked`: whether the task is known to have asked for
/// it.
fn doubt(files: &Files, task: TaskId, names: &[String], text: &str, asked: bool) -> Option<String> {
    if names.is_empty() {
        // The task saw that it was not there before it asked for it.
        return (!asked).then(|| {
            format!("is there and is empty; whether task {task} has made it is not known.")
        });
    }
    let vmx = files.vmx_name();
    if names.contains(&vmx) && is_made_by(text, task) {
        let others = foreign(names, &Removed::ALL.names(files));
        // A VM that has run leaves its log, and it may run on another node now.
        return (!others.is_empty()).then(|| {
            format!(
                "is of task {task}, and holds what no creation makes: {}.",
                others.join(", ")
            )
        });
    }
    // Cut off before anything was written.
    if asked && text.is_empty() && names == [vmx] {
        return None;
    }
    Some(format!(
        "holds {}, and nothing that shows it to be of task {task}.",
        names.join(", ")
    ))
}

/// Those of the names in a directory that a creation has not `made`.
fn foreign<'a>(names: &'a [String], made: &[String]) -> Vec<&'a str> {
    let others = names.iter().filter(|name| !made.contains(name));
    others.map(String::as_str).collect()
}

/// What is in the `.vmx`; nothing if there is none.
async fn read(job: &Job, files: &Files) -> Result<String, TaskError> {
    let doing = format!("Reading {}", files.vmx);
    if !is(job, &doing, &Command::is_file(&files.vmx)).await? {
        return Ok(String::new());
    }
    let output = ask(job, &doing, &Command::read_file(&files.vmx)).await?;
    if output.exit != 0 {
        return Err(job.failed(&doing, &output, None));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The VM that is registered with these files, or is on its way to be.
async fn look_for(job: &Job, files: &Files) -> Result<Option<parse::VmRow>, TaskError> {
    for _ in 1..LOOKS {
        if let Some(row) = look_for_once(job, files).await? {
            return Ok(Some(row));
        }
        job.pause(BETWEEN_LOOKS).await;
    }
    look_for_once(job, files).await
}

/// The VM that is registered with these files.
pub(crate) async fn look_for_once(
    job: &Job,
    files: &Files,
) -> Result<Option<parse::VmRow>, TaskError> {
    let doing = format!("Looking for a VM with {}", files.vmx);
    let listing = listing(job, &doing).await?;
    Ok(listing.rows.into_iter().find(|row| files.are_of(row)))
}

/// Every VM that the node knows. A list that lacks one is an error: nothing is to be taken for
/// gone that is only not told.
async fn listing(job: &Job, doing: &str) -> Result<parse::VmList, TaskError> {
    let output = ask(job, doing, &Command::get_all_vms()).await?;
    let list = parse::getallvms(&output.stdout, &output.stderr)
        .map_err(|error| job.failed(doing, &output, Some(&error)))?;
    if output.exit != 0 {
        return Err(job.failed(doing, &output, None));
    }
    // Cut short, or the longest note ends with blanks. What comes twice is not cut.
    if list.may_lack_rows && ask(job, doing, &Command::get_all_vms()).await?.stdout != output.stdout
    {
        return Err(TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "{doing}: the list of VMs that {} gave may have been cut short.",
                job.name()
            ),
            hint: "Look at the node in its own Host Client.".to_owned(),
            left: Vec::new(),
        });
    }
    Ok(list)
}

/// VMs that the node has registered and cannot read: it does not say where their files are.
async fn unreadable(job: &Job, files: &Files) -> Result<Option<String>, TaskError> {
    let doing = format!("Looking for a VM with {}", files.vmx);
    let invalid = listing(job, &doing).await?.invalid;
    let invalid: Vec<String> = invalid.iter().map(ToString::to_string).collect();
    Ok((!invalid.is_empty()).then(|| {
        format!(
            "{} on {} may belong to a VM that the node cannot read now: {}.",
            files.directory,
            job.name(),
            invalid.join(", ")
        )
    }))
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
    let list = listing(job, &doing).await?;
    let is_listed = list.invalid.contains(&vmid)
        || list
            .rows
            .iter()
            .any(|row| row.vmid == vmid && files.are_of(row));
    Ok(is_listed.then(|| {
        let reason = match outcome {
            Ok(output) => job.failed(&doing, &output, None),
            Err(error) => job.lost(&doing, &error),
        };
        format!(
            "VM {vmid} on {} is still registered. {}",
            job.name(),
            reason.message
        )
    }))
}

/// The names in the VM's directory; `None`: there is no such directory.
pub(crate) async fn list(job: &Job, files: &Files) -> Result<Option<Vec<String>>, TaskError> {
    let doing = format!("Looking into {}", files.directory);
    if !is(job, &doing, &Command::exists(&files.directory)).await? {
        // A datastore that is away has no directories either.
        if is(job, &doing, &Command::is_directory(&files.base)).await? {
            return Ok(None);
        }
        return Err(TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "There is no directory {} on {} now.",
                files.base,
                job.name()
            ),
            hint: "Look there when the datastore is back.".to_owned(),
            left: Vec::new(),
        });
    }
    let output = ask(job, &doing, &Command::list_directory(&files.directory)).await?;
    if output.exit != 0 {
        return Err(job.failed(&doing, &output, None));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let within = format!("{}/", files.directory);
    let names = text
        .lines()
        // The directory itself comes first.
        .filter(|line| *line != files.directory)
        .map(|line| line.strip_prefix(&within).unwrap_or(line).to_owned());
    Ok(Some(names.collect()))
}

/// Which files may be removed.
#[derive(Clone, Copy, Debug)]
struct Removed {
    configuration: bool,
    disk: bool,
    /// What hostd adds when a VM is registered.
    by_hostd: bool,
}

impl Removed {
    const ALL: Self = Self {
        configuration: true,
        disk: true,
        by_hostd: true,
    };

    /// The files in the order in which they are to go.
    fn names(self, files: &Files) -> Vec<String> {
        let stem = &files.stem;
        let mut names = Vec::new();
        if self.disk {
            names.extend(files.disk_names());
        }
        if self.by_hostd {
            names.extend([".vmsd", ".vmxf", ".vmx~"].map(|suffix| format!("{stem}{suffix}")));
        }
        if self.configuration {
            // The mark goes last: as long as it is there, the rest can be told to be ours.
            names.push(files.vmx_name());
        }
        names
    }
}

/// Removes the files of a creation and then the directory. Returns what is left.
async fn remove(
    job: &Job,
    files: &Files,
    names: Vec<String>,
    removed: Removed,
) -> Result<Vec<String>, TaskError> {
    let made = removed.names(files);
    let foreign = foreign(&names, &made);
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
    if is(job, &doing, &Command::exists(&files.directory)).await? {
        return Ok(vec![job.failed(&doing, &output, None).message]);
    }
    Ok(Vec::new())
}

/// What `test` says: yes or no, and nothing else.
async fn is(job: &Job, doing: &str, test: &Command) -> Result<bool, TaskError> {
    let output = ask(job, doing, test).await?;
    match output.exit {
        0 => Ok(true),
        1 => Ok(false),
        _ => Err(job.failed(doing, &output, None)),
    }
}

async fn ask(job: &Job, doing: &str, command: &Command) -> Result<Output, TaskError> {
    job.ask(command)
        .await
        .map_err(|error| job.lost(doing, &error))
}
