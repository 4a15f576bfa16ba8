//! `/vms/{node}/{vmid}/power`: a VM's power.

use axum::extract::State;
use ecoman_api::SetPower;
use ecoman_model::{GUEST_SECONDS, GUEST_SECONDS_RANGE, Permission, PowerChange, TaskRequest};

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

/// Change a VM's power
///
/// Creates a task. It succeeds when the host reports the requested state.
#[utoipa::path(
    put,
    path = "/vms/{node}/{vmid}/power",
    operation_id = "setPower",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Power))),
    params(
        VmPath,
        parameters::IdempotencyKey,
    ),
    request_body = SetPower,
    responses(
        Accepted,
        responses::BadBody,
        responses::NoSuchVm,
        responses::PowerRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn set_power(
    State(state): State<AppState>,
    context: ChangeContext,
    path: VmPath,
    _: NoParameters,
    JsonBody(body): JsonBody<SetPower>,
) -> Result<Accepted, ErrorResponse> {
    let guest_seconds = body.guest_seconds.unwrap_or(GUEST_SECONDS);
    if !GUEST_SECONDS_RANGE.contains(&guest_seconds) {
        let (least, most) = GUEST_SECONDS_RANGE.into_inner();
        let rule = format!("must be from {least} to {most}");
        return Err(http::Error::field("guest_seconds", &rule).into());
    }
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let request = TaskRequest::Power(PowerChange {
        vmid: vm.vmid(),
        action: body.action,
        guest_seconds,
        if_power: body.if_power,
    });
    vm.accept(request).await
}
