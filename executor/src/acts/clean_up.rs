//! Removes what an interrupted create task left on the node.

use ecoman_esxi::{Command, is_made_by, parse};
use ecoman_model::{CleanUp, Step, StepState, TaskError, TaskErrorKind, TaskId};

use super::created_files::{Removed, ask, foreign, list, look_for, read, remove, unreadable};
use super::files::Files;
use crate::job::Job;

/// What may still be on the node if a clean-up stops early.
pub(super) fn possible_leftovers(node: &str, clean_up: &CleanUp) -> String {
    let CleanUp { vm, directory, .. } = clean_up;
    match directory {
        Some(directory) => format!("{directory} on {node} and its content, if it was created."),
        None => format!("Anything created for {} on {node}.", vm.name),
    }
}

/// Looks for what an interrupted create task left, and removes it.
pub(super) async fn clean_up_interrupted(job: &Job, clean_up: &CleanUp) -> Result<(), TaskError> {
    let CleanUp {
        task,
        vm,
        directory,
    } = clean_up;
    let (task, directory) = (*task, directory.as_deref());
    let files = directory.and_then(|directory| Files::within(directory, &vm.name));
    let mut files = files.unwrap_or_else(|| Files::of_new(&job.node.host.settings, vm));
    let first = job.plan([Step::LookForLeftovers, Step::RemoveLeftovers]);
    job.begin(first);
    let found = |detail: String| job.step(first, StepState::Done, Some(detail));
    let doing = format!("Looking for the datastore of {}", files.directory);
    let output = ask(job, &doing, &Command::filesystems()).await?;
    let datastores = parse::filesystem_list(&output.stdout)
        .map_err(|error| job.failed(&doing, &output, Some(&error)))?
        .rows;
    if !files.find_volume(&datastores) {
        return Err(TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "{} cannot access the datastore of {}.",
                job.name(),
                files.directory
            ),
            hint: "Check again once the datastore is accessible.".to_owned(),
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
            "VM {vmid} ({}) on {} was already registered when the creation was interrupted.",
            vm.name,
            job.name()
        );
        found(message.clone());
        job.step(first + 1, StepState::Skipped, None);
        return Err(TaskError {
            kind: TaskErrorKind::Refused,
            left: vec![message.clone()],
            message: format!("{message} Registered VMs are not removed."),
            hint: "The VM is complete: use it, or delete it.".to_owned(),
        });
    }
    // A directory that this task never asked for is not its own.
    let names = names.filter(|names| directory.is_some() || marked || names.is_empty());
    let Some(names) = names else {
        found("Nothing left behind.".to_owned());
        job.step(first + 1, StepState::Skipped, None);
        return Ok(());
    };
    let doubt = match doubt(&files, task, &names, &text, directory.is_some()) {
        Some(doubt) => Some(format!("{} on {} {doubt}", files.directory, job.name())),
        // Registering comes after the disk.
        None if !names.contains(&files.disk_name()) => None,
        None => unreadable(job, &files).await?,
    };
    if let Some(left) = doubt {
        return Err(TaskError {
            kind: TaskErrorKind::Refused,
            message: format!("Not removed: {left}"),
            hint: "Check the directory, and delete it if it is not needed.".to_owned(),
            left: vec![left],
        });
    }
    found(format!("Found {}.", files.directory));
    job.begin(first + 1);
    let left = remove(job, &files, names, Removed::ALL).await?;
    if left.is_empty() {
        job.done(first + 1);
        return Ok(());
    }
    Err(TaskError {
        kind: TaskErrorKind::Node,
        message: left.join(" "),
        hint: "Check the directory, and delete what is not needed.".to_owned(),
        left,
    })
}

/// Why a directory may not be that of an interrupted task; `None`: it is. `names`: the names in it,
/// `text`: its `.vmx`, read after the names, `asked`: whether the task is known to have asked for it.
fn doubt(files: &Files, task: TaskId, names: &[String], text: &str, asked: bool) -> Option<String> {
    if names.is_empty() {
        // The task asked for it only after it had seen that there was none.
        return (!asked).then(|| {
            format!("exists and is empty; it is unknown whether task {task} created it.")
        });
    }
    let vmx = files.vmx_name();
    if names.contains(&vmx) && is_made_by(text, task) {
        let others = foreign(names, &Removed::ALL.names(files));
        // A VM that has run leaves its log, and it may run on another node now.
        return (!others.is_empty()).then(|| {
            format!(
                "belongs to task {task} and contains other files: {}.",
                others.join(", ")
            )
        });
    }
    // Cut off before it wrote anything.
    if asked && text.is_empty() && names == [vmx] {
        return None;
    }
    Some(format!(
        "contains {}; nothing shows that task {task} created it.",
        names.join(", ")
    ))
}
