//! The last look at a VM before something that cannot be taken back, and why it is not done.

use ecoman_api::text::EN;
use ecoman_esxi::{Command, parse};
use ecoman_model::{PowerState, Refusal, TaskError, TaskErrorKind, Vmid};

use crate::job::{Job, refused};
use crate::reading::ReadError;

/// Whether the VM is still off, and its `.vmx` as it was looked at.
///
/// # Errors
///
/// That it is not; `not_off` is why nothing is done in another power state.
pub(super) async fn still_off(
    job: &Job,
    vmid: Vmid,
    (vmx_file, vmx): (&str, &[u8]),
    not_off: fn(PowerState) -> Refusal,
    doing: &str,
) -> Result<(), TaskError> {
    let commands = [
        Command::read_private_file(vmx_file),
        Command::power_state(vmid),
    ];
    let asking = job.ask_all(&commands);
    let looking = async { asking.await.map_err(|error| job.lost(doing, &error)) };
    let outputs = job.unless_cancelled(doing, looking).await?;
    let [now, power] = outputs.as_slice() else {
        // As many outputs as commands.
        return Err(refused(doing, ""));
    };
    if now.exit != 0 {
        return Err(job.failed(doing, now, None));
    }
    if now.stdout != vmx {
        return Err(changed(job, vmx_file));
    }
    match parse::power_state(&power.stdout) {
        Ok(PowerState::Off) => Ok(()),
        Ok(state) => Err(not_now(job, vmid, &not_off(state))),
        Err(error) => Err(job.failed(doing, power, Some(&error))),
    }
}

/// Of a VM that could not be looked at.
pub(super) fn unread(job: &Job, vmid: Vmid, error: &ReadError) -> TaskError {
    let doing = format!("Reading VM {vmid}");
    match error {
        ReadError::Session(error) => job.lost(&doing, error),
        ReadError::NoVm(_) => refused(
            format!("{} no longer has VM {vmid}.", job.name()),
            "Reload the list of VMs.",
        ),
        ReadError::Node(why) => TaskError {
            kind: TaskErrorKind::Node,
            message: format!("{doing} failed on {}: {why}", job.name()),
            hint: "See the task's commands for the host's output.".to_owned(),
            left: Vec::new(),
        },
    }
}

/// Of an act that is not possible now.
pub(super) fn not_now(job: &Job, vmid: Vmid, refusal: &Refusal) -> TaskError {
    let why = (EN.refusals.sentence)(refusal);
    refused(
        format!("VM {vmid} on {}: {why}", job.name()),
        "Check the VM's current state, then try again if needed.",
    )
}

/// Of a VM that is another one than its requester, or the task itself, saw.
pub(super) fn changed(job: &Job, what: &str) -> TaskError {
    TaskError {
        kind: TaskErrorKind::VmChanged,
        message: format!(
            "{what} on {} changed after the request. Nothing was done.",
            job.name()
        ),
        hint: "Check the VM's current state, then try again if needed.".to_owned(),
        left: Vec::new(),
    }
}
