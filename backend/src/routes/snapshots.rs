//! `/vms/{node}/{vmid}/snapshots`: a VM's snapshots.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use ecoman_api::{CreateSnapshot, RevertToSnapshot, SnapshotTree};
use ecoman_model::{
    Permission, SnapshotRemove, SnapshotRemoveAll, SnapshotRevert, TaskRequest, Vmid,
};

use super::guard::ChangeContext;
use super::paths::{SnapshotPath, VmPath};
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
use crate::http::query::{NoParameters, Parameters};

/// List a VM's snapshots
///
/// Read from the node at the moment, through the executor: it takes a second or two. Parents come
/// before their children.
#[utoipa::path(
    get,
    path = "/vms/{node}/{vmid}/snapshots",
    operation_id = "listSnapshots",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Read))),
    params(VmPath),
    responses(
        (status = 200, description = "The snapshots, and where the VM is among them.", body = SnapshotTree),
        responses::NoParameters,
        responses::NoSuchVm,
        responses::NodeNotRead,
    )
)]
pub(crate) async fn list_snapshots(
    State(state): State<AppState>,
    caller: Caller,
    path: VmPath,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller)?;
    let (node, vm) = snapshot.find_vm(&path.node, &path.vmid)?;
    let tree = state
        .tasks
        .snapshots(&node.record.name, Vmid(vm.view.vmid))
        .await?;
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(tree)).into_response())
}

/// Take a snapshot
///
/// Makes a task. It succeeds when the node lists the new snapshot; the free space of the datastore
/// is looked at first.
#[utoipa::path(
    post,
    path = "/vms/{node}/{vmid}/snapshots",
    operation_id = "createSnapshot",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Power))),
    params(VmPath, parameters::IdempotencyKey),
    request_body = CreateSnapshot,
    responses(
        Accepted,
        responses::BadBody,
        responses::NoSuchVm,
        responses::PowerRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn create_snapshot(
    State(state): State<AppState>,
    context: ChangeContext,
    path: VmPath,
    _: NoParameters,
    JsonBody(body): JsonBody<CreateSnapshot>,
) -> Result<Accepted, ErrorResponse> {
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let act = body.act(vm.vmid()).check();
    let act = act.map_err(|faults| http::Error::fields(&faults))?;
    let request = TaskRequest::SnapshotCreate(act);
    vm.accept(request).await
}

/// Revert to a snapshot
///
/// Makes a task. Changes on the disks since then are lost, and so is the running state of the VM;
/// memory, CPUs and notes revert too. With a snapshot with memory, the VM continues from that
/// moment, unless `keep_off`.
#[utoipa::path(
    post,
    path = "/vms/{node}/{vmid}/snapshots/{id}/revert",
    operation_id = "revertToSnapshot",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Delete))),
    params(SnapshotPath, parameters::IdempotencyKey),
    request_body = RevertToSnapshot,
    responses(
        Accepted,
        responses::BadBody,
        responses::NoSuchVm,
        responses::PowerRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn revert_to_snapshot(
    State(state): State<AppState>,
    context: ChangeContext,
    path: SnapshotPath,
    _: NoParameters,
    JsonBody(body): JsonBody<RevertToSnapshot>,
) -> Result<Accepted, ErrorResponse> {
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let request = TaskRequest::SnapshotRevert(SnapshotRevert {
        vmid: vm.vmid(),
        snapshot: path.id()?,
        keep_off: body.keep_off,
    });
    vm.accept(request).await
}

/// Remove a snapshot
///
/// Makes a task. The VM keeps its current state; it can no longer be reverted to this snapshot. May
/// take long; the task reports the node's progress.
#[utoipa::path(
    delete,
    path = "/vms/{node}/{vmid}/snapshots/{id}",
    operation_id = "removeSnapshot",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Delete))),
    params(
        SnapshotPath,
        (
            "children" = Option<bool>,
            Query,
            description = "Whether the snapshots below it are removed, too. Otherwise they stay \
                           and take over its changes.",
            example = false
        ),
        parameters::IdempotencyKey,
    ),
    responses(
        Accepted,
        responses::BadParameters,
        responses::NoSuchVm,
        responses::PowerRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn remove_snapshot(
    State(state): State<AppState>,
    context: ChangeContext,
    path: SnapshotPath,
    RawQuery(query): RawQuery,
) -> Result<Accepted, ErrorResponse> {
    let mut parameters = Parameters::new(query.as_deref());
    let children = parameters.take("children", |text| {
        let flag = text.parse::<bool>();
        flag.map_err(|_| "must be true or false".to_owned())
    });
    let known = parameters.finish("children");
    known.map_err(http::Error::BadParameters)?;
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let request = TaskRequest::SnapshotRemove(SnapshotRemove {
        vmid: vm.vmid(),
        snapshot: path.id()?,
        children: children.unwrap_or(false),
    });
    vm.accept(request).await
}

/// Remove all snapshots
///
/// Makes a task. The VM keeps its current state; it can no longer be reverted.
#[utoipa::path(
    delete,
    path = "/vms/{node}/{vmid}/snapshots",
    operation_id = "removeAllSnapshots",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Delete))),
    params(VmPath, parameters::IdempotencyKey),
    responses(
        Accepted,
        responses::NoParameters,
        responses::NoSuchVm,
        responses::PowerRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn remove_all_snapshots(
    State(state): State<AppState>,
    context: ChangeContext,
    path: VmPath,
    _: NoParameters,
) -> Result<Accepted, ErrorResponse> {
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let vmid = vm.vmid();
    let request = TaskRequest::SnapshotRemoveAll(SnapshotRemoveAll { vmid });
    vm.accept(request).await
}
