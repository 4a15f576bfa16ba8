//! Snapshots.

use ecoman_api::{CreateSnapshot, RevertToSnapshot, SnapshotTree, Task};
use gloo_net::http::{Request, RequestBuilder};

use super::http::{change, change_for_bytes, get, read_task, vm_path};
use crate::state::error::Error;

fn path(node: &str, vmid: u32) -> String {
    format!("{}/snapshots", vm_path(node, vmid))
}

/// The snapshots of a VM, which the server reads from its node at once.
pub(crate) async fn snapshots(node: &str, vmid: u32) -> Result<SnapshotTree, Error> {
    get(&path(node, vmid)).await
}

/// Asks for a snapshot. The same `key` again is the same snapshot.
pub(crate) async fn create_snapshot(
    node: &str,
    vmid: u32,
    wanted: &CreateSnapshot,
    key: &str,
) -> Result<Task, Error> {
    let request = Request::post(&path(node, vmid)).header("Idempotency-Key", key);
    change(request, wanted).await
}

/// Asks to go back to a snapshot.
pub(crate) async fn revert_to_snapshot(
    node: &str,
    vmid: u32,
    id: u32,
    wanted: RevertToSnapshot,
    key: &str,
) -> Result<Task, Error> {
    let path = format!("{}/{id}/revert", path(node, vmid));
    let request = Request::post(&path).header("Idempotency-Key", key);
    change(request, &wanted).await
}

/// Asks to remove a snapshot.
pub(crate) async fn remove_snapshot(
    node: &str,
    vmid: u32,
    id: u32,
    children: bool,
    key: &str,
) -> Result<Task, Error> {
    remove(
        &format!("{}/{id}?children={children}", path(node, vmid)),
        key,
    )
    .await
}

/// Asks to remove all snapshots.
pub(crate) async fn remove_all_snapshots(node: &str, vmid: u32, key: &str) -> Result<Task, Error> {
    remove(&path(node, vmid), key).await
}

async fn remove(path: &str, key: &str) -> Result<Task, Error> {
    let request: RequestBuilder = Request::delete(path).header("Idempotency-Key", key);
    read_task(change_for_bytes(request, None::<&()>).await?).await
}
