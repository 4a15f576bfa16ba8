//! `POST /vms`: a new VM.

use axum::extract::State;
use ecoman_api::CreateVm;
use ecoman_model::{Permission, TaskRequest};

use super::guard::ChangeContext;
use super::responses::Accepted;
use super::state::AppState;
use super::visible::loaded;
use super::{parameters, responses};
use crate::http;
use crate::http::json::JsonBody;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::tasks;

/// Create a VM
///
/// Makes a task, which creates a directory, a `.vmx` and a thin disk, registers the VM and, unless
/// `power_on` is false, powers it on. If a step fails, the task is rolled back. The capacity of the
/// node is in `/nodes/{node}`: `cpu.threads`, `memory.capacity_bytes`, the free space of the
/// datastore.
#[utoipa::path(
    post,
    path = "/vms",
    operation_id = "createVm",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Create))),
    params(
        parameters::IdempotencyKey,
    ),
    request_body = CreateVm,
    responses(
        Accepted,
        responses::BadBody,
        responses::NoSuchNode,
        responses::CreationRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn create_vm(
    State(state): State<AppState>,
    _: NoParameters,
    context: ChangeContext,
    JsonBody(body): JsonBody<CreateVm>,
) -> Result<Accepted, ErrorResponse> {
    let name = body.node.clone();
    let vm = body.vm().check();
    let vm = vm.map_err(|faults| http::Error::fields(&faults))?;
    let snapshot = loaded(&state.inventory, &context.caller)?;
    context.caller.check_reach(&name)?;
    let node = snapshot
        .node(&name)
        .ok_or(tasks::Error::NodeNotFound(name))?;
    let request = TaskRequest::Create(Box::new(vm));
    let task = context.submit(&state.tasks, request, node, None).await?;
    Ok(Accepted::new(task))
}
