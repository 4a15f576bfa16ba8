//! Settings of a VM.

use ecoman_api::{Task, UpdateVm, Vm};
use gloo_net::http::Request;

use super::http::{change_for_answer, change_for_bytes, read_json, read_task, vm_path};
use crate::state::error::Error;

/// What has become of a change of settings.
#[derive(Clone, Debug)]
pub(crate) enum Updated {
    /// It is a task.
    Task(Box<Task>),
    /// It waits until the VM is off: the VM with what waits.
    Waits(Box<Vm>),
}

/// Asks for other settings of a VM. The same `key` again is the same change.
pub(crate) async fn update_vm(
    node: &str,
    vmid: u32,
    wanted: &UpdateVm,
    key: &str,
) -> Result<Updated, Error> {
    let request = Request::patch(&vm_path(node, vmid)).header("Idempotency-Key", key);
    let (status, body) = change_for_answer(request, Some(wanted)).await?;
    Ok(match status {
        200 => Updated::Waits(read_json(&body)?),
        _ => Updated::Task(Box::new(read_task(body).await?)),
    })
}

/// Takes back what waits until a VM is off.
pub(crate) async fn cancel_pending(node: &str, vmid: u32) -> Result<(), Error> {
    let request = Request::delete(&format!("{}/pending", vm_path(node, vmid)));
    change_for_bytes(request, None::<&()>).await.map(drop)
}
