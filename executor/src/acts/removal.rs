//! VMs taken off their node: unregistered, or deleted with their files. The node's list, and what is
//! in the directory then, decide.

use std::time::Duration;

use ecoman_api::text::EN;
use ecoman_esxi::{Command, parse};
use ecoman_model::{
    Act, Destroy, KEPT_VMX_BYTES, NodeBefore, Refusal, Removal, Situation, Step, StepState,
    TaskError, TaskErrorKind, Unregister, VmFile, Vmid,
};
use tokio::time::Instant;

use super::hostd_task::{Ended, Work};
use super::last_look::{changed, not_now, still_off, unread};
use crate::job::{Job, STATE_LAG, refused};
use crate::reading::on_volume;
use crate::vm_files::{Seen, SeenFiles, look, look_at_files};

/// How long hostd may go on with a removal of which nobody hears any more.
const LATE: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// How long unregistering may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

const DESTROY: &[&str] = &["destroy"];

/// Takes a VM off the inventory. Its files stay.
pub(super) async fn unregister(job: &Job, act: &Unregister) -> Result<(), TaskError> {
    let vmid = act.vmid;
    if job.earlier().is_some() {
        return follow(job, vmid, "vmsvc/unregister").await;
    }
    let first = job.plan([Step::LookAtFiles, Step::Unregister, Step::LookWhatIsLeft]);
    job.begin(first);
    let doing = format!("Unregistering VM {vmid} on {}", job.name());
    let looking = check(job, act, vmid, |name| act.is_of(name));
    let seen = job.unless_cancelled(&doing, looking).await?;
    let name = seen.facts.name.clone().unwrap_or_else(|| vmid.to_string());
    let vmx_path = seen.facts.vmx_path.clone().unwrap_or_default();
    let file = on_volume(&vmx_path).unwrap_or_else(|| vmx_path.clone());
    job.step(
        first,
        StepState::Done,
        Some(format!("Configuration file: {file}.")),
    );
    job.close_cancellation(&doing)?;
    job.change(|progress| {
        progress.removal = Some(Removal {
            vmx_path,
            ..Removal::default()
        });
    });
    job.begin(first + 1);
    let doing = format!("Unregistering {name}");
    // Once: what it has said does not matter where the VM is gone.
    let outcome = job.act(&Command::unregister(vmid), STEP_TIMEOUT).await;
    let (error, lag) = match outcome {
        Ok(output) => (job.complaint(&doing, &output), STATE_LAG),
        Err(error) => (Some(job.lost(&doing, &error)), LATE),
    };
    if !is_gone(job, vmid, &doing, lag).await? {
        return Err(still_there(job, &name, error, &doing));
    }
    job.done(first + 1);
    job.begin(first + 2);
    let detail = format!("The files remain: {file} on {}.", job.name());
    job.step(first + 2, StepState::Done, Some(detail));
    Ok(())
}

/// Deletes a VM with its files.
pub(super) async fn destroy(job: &Job, act: &Destroy) -> Result<(), TaskError> {
    let vmid = act.vmid;
    if job.earlier().is_some() {
        return follow(job, vmid, "vmsvc/destroy").await;
    }
    let first = job.plan([Step::LookAtFiles, Step::Destroy, Step::LookWhatIsLeft]);
    job.begin(first);
    let doing = format!("Deleting VM {vmid} on {}", job.name());
    let looking = async {
        let seen = check(job, act, vmid, |name| act.is_of(name)).await?;
        let files = look_at_files(job, vmid, &seen.facts).await;
        let files = files.map_err(|error| unread(job, vmid, &error))?;
        allowed(job, act, &seen, &files)?;
        Ok((seen, files))
    };
    let (
        seen,
        SeenFiles {
            vmx_file,
            vmx,
            files,
        },
    ) = job.unless_cancelled(&doing, looking).await?;
    let going: Vec<&VmFile> = files.items.iter().filter(|it| it.stays.is_none()).collect();
    let bytes = going.iter().filter_map(|file| file.size_bytes).sum();
    let size = (EN.format.bytes)(bytes);
    let staying = files.items.len() - going.len();
    let detail = format!(
        "{} files ({size}) to delete, {staying} to keep.",
        going.len()
    );
    job.step(first, StepState::Done, Some(detail));
    let name = seen.facts.name.clone().unwrap_or_else(|| vmid.to_string());
    let doing = format!("Deleting {name}");
    still_off(
        job,
        vmid,
        (&vmx_file, &vmx),
        Refusal::NotOffToDelete,
        &doing,
    )
    .await?;
    job.close_cancellation(&doing)?;
    let kept = vmx.get(..KEPT_VMX_BYTES).unwrap_or(&vmx);
    let removal = Removal {
        vmx_path: seen.facts.vmx_path.clone().unwrap_or_default(),
        directory: Some(files.directory.clone()),
        files: going.iter().map(|file| file.path.clone()).collect(),
        vmx: Some(String::from_utf8_lossy(kept).into_owned()),
    };
    job.change(|progress| {
        progress.removal = Some(removal.clone());
        progress.before = Some(NodeBefore {
            snapshots: Vec::new(),
            tasks: seen.tasks.clone(),
        });
    });
    job.begin(first + 1);
    let work = Work {
        vmid,
        verbs: DESTROY,
    };
    let command = Command::destroy(vmid);
    let before = seen.tasks.as_deref();
    let (error, lag) = match work.send(job, &command, before, &doing).await? {
        Ended::Quietly => (None, STATE_LAG),
        Ended::Complaining(error) if error.kind == TaskErrorKind::Node => (Some(error), STATE_LAG),
        Ended::Complaining(error) => (Some(error), LATE),
    };
    if !is_gone(job, vmid, &doing, lag).await? {
        return Err(with_left(job, &removal, still_there(job, &name, error, &doing)).await);
    }
    job.done(first + 1);
    job.begin(first + 2);
    let detail = what_is_left(job, &removal, &name).await?;
    job.step(first + 2, StepState::Done, Some(detail));
    Ok(())
}

/// Looks at the VM, and whether it can be deleted now.
async fn check(
    job: &Job,
    act: &(dyn Act + Sync),
    vmid: Vmid,
    is_of: impl Fn(Option<&str>) -> Result<(), Refusal>,
) -> Result<Seen, TaskError> {
    let seen = look(job, vmid).await;
    let seen = seen.map_err(|error| unread(job, vmid, &error))?;
    let situation = Situation {
        power: seen.power,
        connection_state: seen.facts.connection_state.as_deref(),
        ..Situation::default()
    };
    let may = is_of(seen.facts.name.as_deref())
        .and_then(|()| act.may(&situation))
        .and(match seen.is_busy {
            true => Err(Refusal::UnderWay),
            false => Ok(()),
        });
    may.map_err(|refusal| not_now(job, vmid, &refusal))?;
    Ok(seen)
}

/// Whether nothing forbids deleting the files, and they are those that were seen.
fn allowed(job: &Job, act: &Destroy, seen: &Seen, files: &SeenFiles) -> Result<(), TaskError> {
    if let Some(obstacle) = files.files.obstacles.first() {
        let why = (EN.tasks.obstacle)(obstacle);
        return Err(refused(
            format!("VM {} on {} cannot be deleted: {why}", act.vmid, job.name()),
            "Check its files, then try again.",
        ));
    }
    let expected = act.fingerprint.as_ref();
    if expected.is_some_and(|expected| *expected != files.files.fingerprint) {
        let name = seen.facts.name.as_deref().unwrap_or_default();
        return Err(changed(job, &format!("The files of {name}")));
    }
    Ok(())
}

/// Follows what an earlier run of the executor may have asked for; sends nothing. `command` is what
/// it would have sent.
async fn follow(job: &Job, vmid: Vmid, command: &str) -> Result<(), TaskError> {
    let first = job.plan([Step::FollowOnNode, Step::LookWhatIsLeft]);
    job.close_cancellation("The task")?;
    job.begin(first);
    let doing = format!("Removing VM {vmid}");
    let earlier = job.earlier();
    let was_sent = earlier.is_some_and(|earlier| {
        let mut commands = earlier.commands.iter();
        // Reports come late: where it was about to be sent, it may have been.
        earlier.removal.is_some() || commands.any(|run| run.command.contains(command))
    });
    let tasks = earlier.and_then(|earlier| earlier.before.clone()?.tasks);
    let removal = earlier.and_then(|earlier| earlier.removal.clone());
    let work = Work {
        vmid,
        verbs: DESTROY,
    };
    if was_sent {
        work.resume(job, tasks.as_deref(), &doing).await?;
    }
    let lag = if was_sent { LATE } else { Duration::ZERO };
    let is_gone = is_gone(job, vmid, &doing, lag).await?;
    job.done(first);
    job.begin(first + 1);
    let removal = removal.unwrap_or_default();
    if is_gone && was_sent {
        let detail = match removal.directory {
            Some(_) => what_is_left(job, &removal, &format!("VM {vmid}")).await?,
            None => format!(
                "The VM is unregistered; its files remain: {}.",
                removal.vmx_path
            ),
        };
        job.step(first + 1, StepState::Done, Some(detail));
        return Ok(());
    }
    let detail = match (is_gone, was_sent) {
        (true, _) => "The VM is gone, but not through this task.",
        (false, true) => "The VM is still registered.",
        (false, false) => "The VM is still registered; nothing was sent to the host.",
    };
    let error = TaskError {
        kind: TaskErrorKind::Interrupted,
        message: format!("{} {detail}", (EN.tasks.interrupted)(job.name())),
        hint: "Nothing was repeated. Check the VM, then try again if needed.".to_owned(),
        left: Vec::new(),
    };
    Err(with_left(job, &removal, error).await)
}

/// Whether the node lists the VM no more, within a time.
async fn is_gone(job: &Job, vmid: Vmid, doing: &str, within: Duration) -> Result<bool, TaskError> {
    let until = Instant::now() + within;
    loop {
        let output = job.ask(&Command::get_all_vms()).await;
        let output = output.map_err(|error| job.lost(doing, &error))?;
        let list = parse::getallvms(&output.stdout, &output.stderr)
            .map_err(|error| job.failed(doing, &output, Some(&error)))?;
        if output.exit != 0 {
            return Err(job.failed(doing, &output, None));
        }
        let is_listed =
            list.invalid.contains(&vmid) || list.rows.iter().any(|row| row.vmid == vmid);
        // A list that may have been cut short proves nothing; the node says so itself.
        if !is_listed && (!list.may_lack_rows || is_unknown(job, vmid, doing).await?) {
            return Ok(true);
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        job.pause(BETWEEN_LOOKS).await;
    }
}

/// Whether the node says that it has no such VM.
async fn is_unknown(job: &Job, vmid: Vmid, doing: &str) -> Result<bool, TaskError> {
    let output = job.ask(&Command::summary(vmid)).await;
    let output = output.map_err(|error| job.lost(doing, &error))?;
    let fault = parse::fault_of(&output.stdout, &output.stderr);
    Ok(fault.is_some_and(|fault| fault.class == parse::FaultClass::NotFound))
}

/// The files in the directory; `None`: there is no such directory.
async fn files_now(job: &Job, directory: &str) -> Result<Option<Vec<String>>, TaskError> {
    let doing = format!("Looking into {directory}");
    let lost = |error| job.lost(&doing, &error);
    let there = job.ask(&Command::exists(directory)).await.map_err(lost)?;
    if there.exit == 1 {
        let volume = directory.strip_prefix("/vmfs/volumes/").unwrap_or_default();
        let volume = volume.split('/').next().unwrap_or_default();
        let volume = Command::is_directory(&format!("/vmfs/volumes/{volume}/"));
        // A datastore that is away has no directories either.
        return match job.ask(&volume).await.map_err(lost)?.exit {
            0 => Ok(None),
            _ => Err(refused(
                format!("{directory} on {} is not accessible.", job.name()),
                "Check again once the datastore is accessible.",
            )),
        };
    }
    let list = job.ask(&Command::list_directory(directory)).await;
    let list = list.map_err(lost)?;
    if list.exit != 0 {
        return Err(job.failed(&doing, &list, None));
    }
    let text = String::from_utf8_lossy(&list.stdout);
    let files = text.lines().filter(|line| *line != directory);
    Ok(Some(files.map(str::to_owned).collect()))
}

/// What is left after a deletion, as a sentence.
///
/// # Errors
///
/// That a file of the VM is left.
async fn what_is_left(job: &Job, removal: &Removal, name: &str) -> Result<String, TaskError> {
    let directory = removal.directory.as_deref().unwrap_or_default();
    let Some(now) = files_now(job, directory).await? else {
        return Ok(format!(
            "{} files and {directory} deleted.",
            removal.files.len()
        ));
    };
    let own: Vec<&String> = now
        .iter()
        .filter(|file| removal.files.contains(file))
        .collect();
    if own.is_empty() {
        let names = now
            .iter()
            .map(|file| file.rsplit('/').next().unwrap_or(file));
        let names: Vec<&str> = names.collect();
        return Ok(format!(
            "{} files deleted. {directory} stays, with other files: {}.",
            removal.files.len(),
            names.join(", ")
        ));
    }
    Err(TaskError {
        kind: TaskErrorKind::Node,
        message: format!(
            "{name} is no longer registered on {}, but {} of its {} files still exist.",
            job.name(),
            own.len(),
            removal.files.len()
        ),
        hint: "Check the directory, and delete what is not needed.".to_owned(),
        left: own.into_iter().cloned().collect(),
    })
}

/// The error, with what has become of the files, as far as that can be seen now.
async fn with_left(job: &Job, removal: &Removal, mut error: TaskError) -> TaskError {
    let Some(directory) = removal.directory.as_deref() else {
        return error;
    };
    match files_now(job, directory).await {
        Ok(now) => {
            let now = now.unwrap_or_default();
            let is_there = |file: &&String| now.contains(file);
            let missing = removal.files.iter().filter(|file| !is_there(file)).count();
            let sentence = match missing {
                0 => "All its files still exist.".to_owned(),
                missing => format!("{missing} of its {} files are gone.", removal.files.len()),
            };
            error.message = format!("{} {sentence}", error.message);
        }
        Err(why) => error.message = format!("{} {}", error.message, why.message),
    }
    error
}

fn still_there(job: &Job, name: &str, error: Option<TaskError>, doing: &str) -> TaskError {
    error.unwrap_or_else(|| TaskError {
        kind: TaskErrorKind::Node,
        message: format!("{doing} failed: {} still lists {name}.", job.name()),
        hint: "See the task's commands for the host's output.".to_owned(),
        left: Vec::new(),
    })
}
