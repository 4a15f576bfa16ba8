//! Making a disk of a VM larger. What its descriptor says before and after decides, and a disk is never
//! made smaller, so that there is nothing to undo.

use std::time::Duration;

use ecoman_api::text::EN;
use ecoman_esxi::Command;
use ecoman_model::{
    Act as _, DiskGrow, Refusal, Situation, Step, StepState, TaskError, TaskErrorKind, VirtualDisk,
};
use tokio::time::Instant;

use super::facts::vm_facts_and_power;
use super::last_look::{changed, not_now, still_off, unread};
use crate::hardware::{GIB, SeenHardware, descriptor, look};
use crate::job::{Job, STATE_LAG, refused};

/// How long it may take: of a thick disk no block is written, but a busy datastore takes its time.
const GROW_TIMEOUT: Duration = Duration::from_secs(600);

/// How long the node may go on with it of which nobody hears any more.
const LATE: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

const LOOK: usize = 0;
const DISK: usize = 1;
const GROW: usize = 2;
const RELOAD: usize = 3;
const COMPARE: usize = 4;

/// Makes a disk larger.
pub(super) async fn grow(job: &Job, act: &DiskGrow) -> Result<(), TaskError> {
    let vmid = act.vmid;
    let key = &act.disk;
    // The dashboard has checked it too; this is the last check before the node.
    if let Err(faults) = act.clone().check() {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        return Err(refused(faults.join("; "), "Choose another size."));
    }
    job.plan([
        Step::LookAtVm,
        Step::LookAtDisk,
        Step::GrowDisk { gb: act.size_gb },
        Step::Reload,
        Step::CompareDisk,
    ]);
    let doing = format!("Making {key} of VM {vmid} on {} larger", job.name());
    let looking = async {
        job.begin(LOOK);
        let (facts, power) = vm_facts_and_power(job, vmid).await?;
        let situation = Situation {
            power,
            connection_state: facts.connection_state.as_deref(),
            ..Situation::default()
        };
        let may = act.may(&situation);
        may.map_err(|refusal| not_now(job, vmid, &refusal))?;
        job.step(LOOK, StepState::Done, Some(format!("It is {power}.")));
        job.begin(DISK);
        let seen = look(job, vmid).await;
        let seen = seen.map_err(|error| unread(job, vmid, &error))?;
        let disk = check(job, act, &seen)?;
        Ok((seen, disk))
    };
    let (seen, disk) = job.unless_cancelled(&doing, looking).await?;
    let wanted = act.size_gb * GIB;
    if disk.size_bytes == Some(wanted) {
        // By a run that has died since, or by hand: the node may not have heard of it.
        job.step(DISK, StepState::Done, Some("It is so already.".to_owned()));
        job.step(GROW, StepState::Skipped, None);
        job.close_cancellation(&doing)?;
    } else {
        let now = size(disk.size_bytes);
        let detail = format!("{now} → {} ({})", size(Some(wanted)), disk.file);
        job.step(DISK, StepState::Done, Some(detail));
        let vmx = (seen.vmx_file.as_str(), seen.vmx.as_slice());
        still_off(job, vmid, vmx, Refusal::NotOff, &doing).await?;
        job.close_cancellation(&doing)?;
        job.begin(GROW);
        send(job, act, &disk, &doing).await?;
    }
    let left = |error: TaskError| TaskError {
        left: vec![format!(
            "{key} ({}) on {} was expanded to {}, which cannot be undone; the host may show another \
             size until it reads the VM again.",
            disk.file,
            job.name(),
            size(Some(wanted)),
        )],
        ..error
    };
    job.begin(RELOAD);
    let reloading = format!("Having {} read VM {vmid} again", job.name());
    // Sending it twice is harmless.
    let output = job.ask(&Command::reload(vmid)).await;
    let output = output.map_err(|error| left(job.lost(&reloading, &error)))?;
    if let Some(complaint) = job.complaint(&reloading, &output) {
        return Err(left(complaint));
    }
    job.done(RELOAD);
    job.begin(COMPARE);
    let now = size_of(job, act, &disk).await.map_err(left)?;
    if now != Some(wanted) {
        return Err(left(TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "{key} of VM {vmid} on {} was expanded to {} and shows {} now.",
                job.name(),
                size(Some(wanted)),
                size(now)
            ),
            hint: "Check the disk on the host.".to_owned(),
            left: Vec::new(),
        }));
    }
    let detail = format!("{key} has {}.", size(now));
    job.step(COMPARE, StepState::Done, Some(detail));
    Ok(())
}

/// Checks the disk against the request.
fn check(job: &Job, act: &DiskGrow, seen: &SeenHardware) -> Result<VirtualDisk, TaskError> {
    let (vmid, key) = (act.vmid, &act.disk);
    let disk = seen.hardware.disk(key).ok_or_else(|| {
        refused(
            format!("VM {vmid} on {} has no disk {key}.", job.name()),
            "Look at its disks again.",
        )
    })?;
    let wanted = act.size_gb * GIB;
    if disk.size_bytes == Some(wanted) {
        return Ok(disk.clone());
    }
    let cannot = |why: String| {
        refused(
            format!(
                "{key} of VM {vmid} on {} cannot be made larger: {why} Nothing was changed.",
                job.name()
            ),
            "Look at the disk and decide again.",
        )
    };
    if let Some(fixed) = &disk.fixed {
        return Err(cannot((EN.tasks.fixed_disk)(fixed)));
    }
    if act
        .if_size_gb
        .is_some_and(|seen| disk.size_gb != Some(seen))
    {
        return Err(changed(
            job,
            &format!("The size of {key}, {} now,", size(disk.size_bytes)),
        ));
    }
    let now = disk.size_bytes.unwrap_or_default();
    if wanted < now {
        return Err(cannot(format!(
            "it has {} already, and a disk never gets smaller.",
            size(disk.size_bytes)
        )));
    }
    let free = seen.free_beside(&disk.file);
    let more = wanted - now;
    if disk.thin != Some(true) && free.is_some_and(|free| free < more) {
        return Err(cannot(format!(
            "it is thick, and its datastore has {} free, which is less than the {} that are to come.",
            size(free),
            size(Some(more)),
        )));
    }
    Ok(disk.clone())
}

/// Sends the command once, and looks whether it has worked.
async fn send(job: &Job, act: &DiskGrow, disk: &VirtualDisk, doing: &str) -> Result<(), TaskError> {
    let command = Command::grow_disk(&disk.file, act.size_gb);
    let (error, lag) = match job.act(&command, GROW_TIMEOUT).await {
        Ok(output) => (job.complaint(doing, &output), STATE_LAG),
        Err(error) => (Some(job.lost(doing, &error)), LATE),
    };
    let until = Instant::now() + if error.is_some() { lag } else { STATE_LAG };
    let wanted = act.size_gb * GIB;
    loop {
        let now = match size_of(job, act, disk).await {
            Ok(now) => now,
            Err(unread) => {
                return Err(TaskError {
                    left: vec![format!(
                        "{} ({}) on {} has the new size, or the former: {}",
                        act.disk,
                        disk.file,
                        job.name(),
                        unread.message
                    )],
                    ..error.unwrap_or(unread)
                });
            }
        };
        if now == Some(wanted) {
            let detail = error.map(|_| "The command failed, but the disk has the size.".to_owned());
            job.step(GROW, StepState::Done, detail);
            return Ok(());
        }
        // A command that has ended has no more to come.
        let ended = error
            .as_ref()
            .is_some_and(|it| it.kind == TaskErrorKind::Node);
        if ended || Instant::now() >= until {
            let mut error = error.unwrap_or_else(|| TaskError {
                kind: TaskErrorKind::Node,
                message: format!("{doing}: {} reports no failure.", job.name()),
                hint: "Look at the disk in the node's own Host Client.".to_owned(),
                left: Vec::new(),
            });
            let is = match now == disk.size_bytes {
                true => format!("The disk has its {} as before.", size(now)),
                false => format!("The disk has {} now.", size(now)),
            };
            error.message = format!("{} {is}", error.message);
            if !ended {
                error.left = vec![format!(
                    "{} ({}) on {}: the node may still go on making it larger.",
                    act.disk,
                    disk.file,
                    job.name()
                )];
            }
            return Err(error);
        }
        job.pause(BETWEEN_LOOKS).await;
    }
}

/// The size that the disk's descriptor has now.
async fn size_of(job: &Job, act: &DiskGrow, disk: &VirtualDisk) -> Result<Option<u64>, TaskError> {
    let read = descriptor(job, &disk.file).await;
    let read = read.map_err(|error| unread(job, act.vmid, &error))?;
    Ok(read.map(|it| it.size_bytes))
}

fn size(bytes: Option<u64>) -> String {
    match bytes {
        Some(bytes) => (EN.format.bytes)(bytes),
        None => "an unknown size".to_owned(),
    }
}
