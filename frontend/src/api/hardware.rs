//! The virtual hardware of a VM.

use ecoman_api::{ChangeCdrom, DeviceKey, GrowDisk, MoveNic, Task, VmHardware};
use gloo_net::http::Request;

use super::http::{change, get, vm_path};
use crate::state::error::Error;
use crate::state::inventory::VmKey;

/// The hardware of a VM, which the server reads from its node at once.
pub(crate) async fn hardware(vm: &VmKey) -> Result<VmHardware, Error> {
    get(&format!("{}/hardware", vm_path(&vm.node, vm.vmid))).await
}

/// Asks to make a disk larger. The same `key` again is the same task.
pub(crate) async fn grow_disk(
    vm: &VmKey,
    disk: &DeviceKey,
    wanted: GrowDisk,
    key: &str,
) -> Result<Task, Error> {
    let path = format!("{}/disks/{disk}", vm_path(&vm.node, vm.vmid));
    change(
        Request::patch(&path).header("Idempotency-Key", key),
        &wanted,
    )
    .await
}

/// Asks for another image, or none, in a CD/DVD drive.
pub(crate) async fn change_cdrom(
    vm: &VmKey,
    wanted: &ChangeCdrom,
    key: &str,
) -> Result<Task, Error> {
    let path = format!("{}/cdrom", vm_path(&vm.node, vm.vmid));
    change(Request::put(&path).header("Idempotency-Key", key), wanted).await
}

/// Asks to move a network adapter to another port group.
pub(crate) async fn move_nic(
    vm: &VmKey,
    nic: &DeviceKey,
    wanted: &MoveNic,
    key: &str,
) -> Result<Task, Error> {
    let path = format!("{}/nics/{nic}", vm_path(&vm.node, vm.vmid));
    change(Request::patch(&path).header("Idempotency-Key", key), wanted).await
}
