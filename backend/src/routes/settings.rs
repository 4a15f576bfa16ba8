//! `PATCH /vms/{node}/{vmid}`: the settings of a VM.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use ecoman_api::text::EN;
use ecoman_api::{FieldError, UpdateVm, Vm};
use ecoman_model::{Act as _, Edit, PendingChange, Permission, PowerState, TaskRequest, VmKey};
use uuid::Uuid;

use super::guard::ChangeContext;
use super::paths::VmPath;
use super::responses::Accepted;
use super::state::AppState;
use super::vm_change::VmChange;
use super::{parameters, responses};
use crate::http;
use crate::http::json::JsonBody;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::inventory::published::{NodeEntry, VmEntry};
use crate::inventory::view;

/// Change settings of a VM
///
/// Makes a task, which changes the asked lines of the VM's `.vmx` and not one other byte, and has the
/// node read it. Only what is named changes. Name and comment take the role operator, everything
/// else takes admin. It succeeds when the node itself shows the new values; else the former `.vmx`
/// is put back.
///
/// The VM must be off. Of one that is not, name and comment are kept as `pending`: 200 with the VM,
/// and a task follows when it is seen off, with rights and old values checked again.
#[utoipa::path(
    patch,
    path = "/vms/{node}/{vmid}",
    operation_id = "updateVm",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Notes))),
    params(
        VmPath,
        parameters::IdempotencyKey,
    ),
    request_body = UpdateVm,
    responses(
        (status = OK, body = Vm, description = "The VM with what waits until it is off."),
        Accepted,
        responses::BadBody,
        responses::NoSuchVm,
        responses::EditRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn update_vm(
    State(state): State<AppState>,
    context: ChangeContext,
    path: VmPath,
    _: NoParameters,
    JsonBody(body): JsonBody<UpdateVm>,
) -> Result<Response, ErrorResponse> {
    let change = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let edit = body.edit(change.vmid()).check();
    let edit = edit.map_err(|faults| http::Error::fields(&faults))?;
    if edit.settings.is_empty() {
        let nothing = FieldError::new("", "must name a setting to change");
        return Err(http::Error::BadBody(vec![nothing]).into());
    }
    let permission = edit.permission();
    if !context.caller.grant.may(permission) {
        return Err(context.caller.forbidden(permission).into());
    }
    let now = &change.vm.view;
    let is_off = matches!(now.power, PowerState::Off | PowerState::Unknown);
    if edit.settings.is_labels() && !is_off && !now.stale {
        let vm = keep(&state, &context, &change.node, &change.vm, edit).await?;
        return Ok(Json(vm).into_response());
    }
    let request = TaskRequest::Edit(Box::new(edit));
    Ok(change.accept(request).await?.into_response())
}

/// Keeps a change until the VM is off. Returns the VM with what waits of it.
async fn keep(
    state: &AppState,
    context: &ChangeContext,
    node: &NodeEntry,
    vm: &VmEntry,
    edit: Edit,
) -> Result<Vm, ErrorResponse> {
    let vmid = edit.vmid;
    let request = TaskRequest::Edit(Box::new(edit.clone()));
    let name = vm.view.name.as_deref();
    context
        .draft
        .describe_task(&node.record.name, &request, name);
    let caller = &context.caller;
    let change = PendingChange {
        id: Uuid::now_v7(),
        key: VmKey {
            node: node.record.name.clone(),
            vmid,
        },
        uuid: vm.view.uuid.clone(),
        settings: edit.settings.clone(),
        seen: edit.seen.clone(),
        actor: caller.actor.clone(),
        grant: caller.grant.clone(),
        request_id: context.request_id.0.clone(),
        at: (state.authenticator.clock)(),
    };
    let waits = state.tasks.keep_until_off(&edit, node, vm, change).await?;
    let summary = (EN.tasks.pending_summary)(&crate::audit::summary(&request));
    context.draft.describe(summary, vm.view.name.clone());
    let mut shown = vm.view.clone();
    view::set_pending(&mut shown, waits.as_slice());
    Ok(shown)
}

/// Discard a pending change
///
/// Of a VM whose name or notes change once it is off. A change that has become a task is cancelled
/// there.
#[utoipa::path(
    delete,
    path = "/vms/{node}/{vmid}/pending",
    operation_id = "cancelPending",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Notes))),
    params(VmPath),
    responses(
        (status = NO_CONTENT, description = "Nothing waits any more."),
        responses::NoParameters,
        responses::NothingWaits,
        responses::StoreAway,
    )
)]
pub(crate) async fn cancel_pending(
    State(state): State<AppState>,
    context: ChangeContext,
    path: VmPath,
    _: NoParameters,
) -> Result<StatusCode, ErrorResponse> {
    let VmChange { node, vm, .. } = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let name = vm.view.name.clone();
    context.draft.describe(EN.tasks.pending_cancelled, name);
    state.tasks.take_back(&node, &vm).await?;
    Ok(StatusCode::NO_CONTENT)
}
