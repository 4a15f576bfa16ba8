//! The files that a create task made on the node: finding and removing them.
//!
//! Removes only what a create task makes, by name, in a directory that is known to be its own, and a
//! registered VM only if this very task registered it. The files of a registered VM stay, as do all
//! other files; everything that stays is reported.

use std::time::Duration;

use ecoman_esxi::{Command, Output, parse};
use ecoman_model::{PowerState, TaskError, TaskErrorKind, Vmid};

use super::files::Files;
use crate::job::Job;

/// How long a step of undoing may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// How often to look for a VM that may be about to be registered: hostd continues what it has begun
/// when the session is cut.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(700);

/// The names in a directory that are not among those `made`.
pub(super) fn foreign<'a>(names: &'a [String], made: &[String]) -> Vec<&'a str> {
    let others = names.iter().filter(|name| !made.contains(name));
    others.map(String::as_str).collect()
}

/// The text of the `.vmx`; empty if there is none.
pub(super) async fn read(job: &Job, files: &Files) -> Result<String, TaskError> {
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

/// The VM that is registered with these files, or is about to be.
pub(super) async fn look_for(job: &Job, files: &Files) -> Result<Option<parse::VmRow>, TaskError> {
    for _ in 1..LOOKS {
        if let Some(row) = look_for_once(job, files).await? {
            return Ok(Some(row));
        }
        job.pause(BETWEEN_LOOKS).await;
    }
    look_for_once(job, files).await
}

/// The VM that is registered with these files.
pub(super) async fn look_for_once(
    job: &Job,
    files: &Files,
) -> Result<Option<parse::VmRow>, TaskError> {
    let doing = format!("Looking for a VM with {}", files.vmx);
    let listing = listing(job, &doing).await?;
    Ok(listing.rows.into_iter().find(|row| files.are_of(row)))
}

/// Every VM of the node. A list that may lack one is an error: a missing row does not prove that the
/// VM is gone.
async fn listing(job: &Job, doing: &str) -> Result<parse::VmList, TaskError> {
    let output = ask(job, doing, &Command::get_all_vms()).await?;
    let list = parse::getallvms(&output.stdout, &output.stderr)
        .map_err(|error| job.failed(doing, &output, Some(&error)))?;
    if output.exit != 0 {
        return Err(job.failed(doing, &output, None));
    }
    // Cut short, or the longest note ends with blanks. A list that comes twice is not cut.
    if list.may_lack_rows && ask(job, doing, &Command::get_all_vms()).await?.stdout != output.stdout
    {
        return Err(TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "{doing}: the list of VMs from {} may be incomplete.",
                job.name()
            ),
            hint: "Check the host in Host Client.".to_owned(),
            left: Vec::new(),
        });
    }
    Ok(list)
}

/// Registered VMs that the node cannot read: it does not say where their files are.
pub(super) async fn unreadable(job: &Job, files: &Files) -> Result<Option<String>, TaskError> {
    let doing = format!("Looking for a VM with {}", files.vmx);
    let invalid = listing(job, &doing).await?.invalid;
    let invalid: Vec<String> = invalid.iter().map(ToString::to_string).collect();
    Ok((!invalid.is_empty()).then(|| {
        format!(
            "{} on {} may belong to an invalid VM: {}.",
            files.directory,
            job.name(),
            invalid.join(", ")
        )
    }))
}

/// Unregisters a VM that this task has registered. Returns a sentence if it stays registered.
pub(super) async fn unregister(
    job: &Job,
    files: &Files,
    vmid: Vmid,
) -> Result<Option<String>, TaskError> {
    let doing = format!("Unregistering VM {vmid}");
    let output = ask(job, &doing, &Command::power_state(vmid)).await?;
    match parse::power_state(&output.stdout) {
        Ok(PowerState::Off) => {}
        Ok(state) => {
            return Ok(Some(format!(
                "VM {vmid} on {} is {state} and was not removed.",
                job.name()
            )));
        }
        // Gone already, or unknown: the listing decides below.
        Err(_) => {}
    }
    let outcome = job.act(&Command::unregister(vmid), STEP_TIMEOUT).await;
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
pub(super) async fn list(job: &Job, files: &Files) -> Result<Option<Vec<String>>, TaskError> {
    let doing = format!("Looking into {}", files.directory);
    if !is(job, &doing, &Command::exists(&files.directory)).await? {
        // A datastore that is away has no directories either.
        if is(job, &doing, &Command::is_directory(&files.base)).await? {
            return Ok(None);
        }
        return Err(TaskError {
            kind: TaskErrorKind::Node,
            message: format!("{} on {} is not accessible.", files.base, job.name()),
            hint: "Check again once the datastore is accessible.".to_owned(),
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
pub(super) struct Removed {
    pub(super) configuration: bool,
    pub(super) disk: bool,
    /// What hostd adds when a VM is registered.
    pub(super) by_hostd: bool,
}

impl Removed {
    pub(super) const ALL: Self = Self {
        configuration: true,
        disk: true,
        by_hostd: true,
    };

    /// The files, in the order of removal.
    pub(super) fn names(self, files: &Files) -> Vec<String> {
        let stem = &files.stem;
        let mut names = Vec::new();
        if self.disk {
            names.extend(files.disk_names());
        }
        if self.by_hostd {
            names.extend([".vmsd", ".vmxf", ".vmx~"].map(|suffix| format!("{stem}{suffix}")));
        }
        if self.configuration {
            // The mark goes last: while it is there, it shows whose the other files are.
            names.push(files.vmx_name());
        }
        names
    }
}

/// Removes the files of a create task and then the directory. Returns a sentence for each leftover.
pub(super) async fn remove(
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
        // Sending it twice is harmless.
        let output = ask(job, &doing, &Command::remove_file(&path)).await?;
        if output.exit != 0 {
            return Ok(vec![job.failed(&doing, &output, None).message]);
        }
    }
    if !foreign.is_empty() {
        return Ok(vec![format!(
            "{} on {}, because it contains other files: {}.",
            files.directory,
            job.name(),
            foreign.join(", ")
        )]);
    }
    let doing = format!("Removing {}", files.directory);
    let output = ask(job, &doing, &files.remove_directory()).await?;
    if is(job, &doing, &Command::exists(&files.directory)).await? {
        return Ok(vec![job.failed(&doing, &output, None).message]);
    }
    Ok(Vec::new())
}

/// The answer of `test`: yes or no; anything else is an error.
async fn is(job: &Job, doing: &str, test: &Command) -> Result<bool, TaskError> {
    let output = ask(job, doing, test).await?;
    match output.exit {
        0 => Ok(true),
        1 => Ok(false),
        _ => Err(job.failed(doing, &output, None)),
    }
}

pub(super) async fn ask(job: &Job, doing: &str, command: &Command) -> Result<Output, TaskError> {
    job.ask(command)
        .await
        .map_err(|error| job.lost(doing, &error))
}
