//! `PATCH /vms/{node}/{vmid}`: the settings of a VM.

use axum::extract::State;
use ecoman_api::{FieldError, UpdateVm};
use ecoman_model::{Act as _, Permission, TaskRequest, Vmid};

use super::guard::ChangeContext;
use super::paths::VmPath;
use super::responses::Accepted;
use super::snapshot::loaded;
use super::state::AppState;
use super::{parameters, responses};
use crate::http;
use crate::http::json::JsonBody;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;

/// Change settings of a VM
///
/// Makes a task, which changes the asked lines of the VM's `.vmx` and not one other byte, and has the
/// node read it. The VM must be off. Only what is named changes. Name and comment take the role
/// operator, everything else takes admin. It succeeds when the node itself shows the new values;
/// else the former `.vmx` is put back.
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
) -> Result<Accepted, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &context.caller)?;
    let (node, vm) = snapshot.find_vm(&path.node, &path.vmid)?;
    let edit = body.edit(Vmid(vm.view.vmid)).check();
    let edit = edit.map_err(|faults| http::Error::fields(&faults))?;
    if edit.settings.is_empty() {
        let nothing = FieldError::new("", "must name a setting to change");
        return Err(http::Error::BadBody(vec![nothing]).into());
    }
    let permission = edit.permission();
    if !context.caller.grant.may(permission) {
        return Err(context.caller.forbidden(permission).into());
    }
    let request = TaskRequest::Edit(Box::new(edit));
    let task = context
        .submit(&state.tasks, request, node, Some(vm))
        .await?;
    Ok(Accepted::new(task))
}
