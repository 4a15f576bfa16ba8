//! Deleting a VM.

use ecoman_api::{Task, VmFiles};
use gloo_net::http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::http::{change_for_bytes, get, read_task, vm_path};
use crate::state::error::Error;

/// The files of a VM, which the server reads from its node at once.
pub(crate) async fn vm_files(node: &str, vmid: u32) -> Result<VmFiles, Error> {
    get(&format!("{}/files", vm_path(node, vmid))).await
}

/// Asks to unregister a VM, or, with the `fingerprint` of its files, to delete it from disk.
pub(crate) async fn delete_vm(
    node: &str,
    vmid: u32,
    name: &str,
    fingerprint: Option<&str>,
    key: &str,
) -> Result<Task, Error> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let path = vm_path(node, vmid);
    let path = match fingerprint {
        None => format!("{path}?files=keep&name={name}"),
        Some(seen) => format!("{path}?files=delete&name={name}&fingerprint={seen}"),
    };
    let request = Request::delete(&path).header("Idempotency-Key", key);
    read_task(change_for_bytes(request, None::<&()>).await?).await
}
