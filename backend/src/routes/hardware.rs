//! `/vms/{node}/{vmid}/hardware`, `…/disks/{key}`, `…/cdrom`, `…/nics/{key}`: the virtual hardware of a VM.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use ecoman_api::{ChangeCdrom, DeviceKey, GrowDisk, MoveNic, VmHardware};
use ecoman_model::{Permission, TaskRequest, Vmid};

use super::guard::ChangeContext;
use super::paths::{DevicePath, VmPath};
use super::responses::Accepted;
use super::state::AppState;
use super::visible::loaded;
use super::vm_change::VmChange;
use super::{parameters, responses};
use crate::access::Caller;
use crate::http;
use crate::http::etag::NO_STORE;
use crate::http::json::JsonBody;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;

/// Get a VM's disks, CD/DVD drives and network adapters
///
/// Read from the node at the moment, through the executor: it takes some seconds. Each has a `key`, its
/// name in the VM's `.vmx`: `scsi0:0`, `sata0:0`, `ethernet0`. It stays the same as long as the device
/// stays in its slot, and changes name it so. Of each disk it is said whether it can be made larger, and
/// why not.
#[utoipa::path(
    get,
    path = "/vms/{node}/{vmid}/hardware",
    operation_id = "getVmHardware",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Hardware))),
    params(VmPath),
    responses(
        (status = 200, description = "The hardware of the VM.", body = VmHardware),
        responses::NoParameters,
        responses::NoSuchVm,
        responses::NodeNotRead,
    )
)]
pub(crate) async fn get_vm_hardware(
    State(state): State<AppState>,
    caller: Caller,
    path: VmPath,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller)?;
    let (node, vm) = snapshot.find_vm(&path.node, &path.vmid)?;
    let vmid = Vmid(vm.view.vmid);
    let hardware = state.tasks.hardware(&node.record.name, vmid).await?;
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(hardware)).into_response())
}

/// Make a disk larger
///
/// Makes a task. It succeeds when the disk's descriptor has the new size. The VM must be off. A disk never
/// gets smaller, and the growth cannot be taken back; the guest sees more space, and its file systems stay
/// as they are.
///
/// The task fails, and changes nothing, while the VM has snapshots; where the disk is a raw device mapping,
/// shared between VMs, or needed by another VM or disk; where it is thick and its datastore lacks the
/// space. A disk that has the size already is left as it is.
#[utoipa::path(
    patch,
    path = "/vms/{node}/{vmid}/disks/{key}",
    operation_id = "growDisk",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Hardware))),
    params(DevicePath, parameters::IdempotencyKey),
    request_body = GrowDisk,
    responses(
        Accepted,
        responses::BadBody,
        responses::NoSuchVm,
        responses::HardwareRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn grow_disk(
    State(state): State<AppState>,
    context: ChangeContext,
    path: DevicePath,
    _: NoParameters,
    JsonBody(body): JsonBody<GrowDisk>,
) -> Result<Accepted, ErrorResponse> {
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let disk = path.key(|key| !key.is_nic())?;
    let act = body.act(vm.vmid(), disk).check();
    let act = act.map_err(|faults| http::Error::fields(&faults))?;
    vm.accept(TaskRequest::DiskGrow(act)).await
}

/// Put an ISO image into a CD/DVD drive, or take it out
///
/// Makes a task, which changes the lines of the drive in the VM's `.vmx` and not one other byte, and has the
/// node read it; else the former `.vmx` is put back. The VM must be off, and the node must have the image.
/// With an image in it the drive is connected when the VM is powered on, without it is not.
#[utoipa::path(
    put,
    path = "/vms/{node}/{vmid}/cdrom",
    operation_id = "changeCdrom",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Hardware))),
    params(VmPath, parameters::IdempotencyKey),
    request_body = ChangeCdrom,
    responses(
        Accepted,
        responses::BadBody,
        responses::NoSuchVm,
        responses::HardwareRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn change_cdrom(
    State(state): State<AppState>,
    context: ChangeContext,
    path: VmPath,
    _: NoParameters,
    JsonBody(body): JsonBody<ChangeCdrom>,
) -> Result<Accepted, ErrorResponse> {
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let act = body.act(vm.vmid()).check();
    let act = act.map_err(|faults| http::Error::fields(&faults))?;
    vm.accept(TaskRequest::CdromChange(act)).await
}

/// Move a network adapter to another port group
///
/// Makes a task, which changes the name of the port group in the VM's `.vmx` and not one other byte, and has
/// the node read it; else the former `.vmx` is put back. The VM must be off, and a standard switch of the node
/// must have the port group.
#[utoipa::path(
    patch,
    path = "/vms/{node}/{vmid}/nics/{key}",
    operation_id = "moveNic",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Hardware))),
    params(DevicePath, parameters::IdempotencyKey),
    request_body = MoveNic,
    responses(
        Accepted,
        responses::BadBody,
        responses::NoSuchVm,
        responses::HardwareRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn move_nic(
    State(state): State<AppState>,
    context: ChangeContext,
    path: DevicePath,
    _: NoParameters,
    JsonBody(body): JsonBody<MoveNic>,
) -> Result<Accepted, ErrorResponse> {
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let nic = path.key(DeviceKey::is_nic)?;
    let act = body.act(vm.vmid(), nic).check();
    let act = act.map_err(|faults| http::Error::fields(&faults))?;
    vm.accept(TaskRequest::NicMove(act)).await
}
