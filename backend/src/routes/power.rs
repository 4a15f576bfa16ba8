//! What changes nodes: power, questions, new VMs. Each makes a task.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ecoman_api::{AnswerQuestion, CreateVm, FieldError, SetPower, Task, task_path};
use ecoman_model::{
    Answer, FieldFault, Limits, NewVm, PowerAction, PowerChange, Refusal, TaskRequest, Vmid,
};

use super::guard::{Asking, Deed};
use super::snapshot::loaded;
use super::{parameters, responses};
use crate::access::Caller;
use crate::http::json::{JsonBody, field_errors};
use crate::http::problem::Error;
use crate::http::query::NoParameters;
use crate::http::request_id::RequestId;
use crate::inventory::snapshot::{NodeEntry, Snapshot, VmEntry};
use crate::routes::state::AppState;
use crate::tasks::Wish;
use crate::tasks::guest_os;
use crate::tasks::view;

/// How long a guest may take to shut down where nothing is said, in seconds.
const GUEST_SECONDS: u32 = 120;

/// Change a VM's power
///
/// Makes a task. It has succeeded when the node says that the VM is in the wanted state.
#[utoipa::path(
    put,
    path = "/vms/{node}/{vmid}/power",
    operation_id = "setPower",
    tag = "Virtual machines",
    params(
        parameters::VmPath,
        parameters::IdempotencyKey,
    ),
    request_body = SetPower,
    responses(
        (
            status = 202,
            description = "The task that does it; with a key that was used before, the one that was \
                made then.",
            body = Task,
            headers(("Location" = String, description = "Address of the task."))
        ),
        responses::BadBody,
        responses::NoSuchVm,
        responses::PowerRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn set_power(
    State(state): State<AppState>,
    Asking {
        caller,
        deed,
        request_id,
    }: Asking,
    path: Result<Path<(String, String)>, PathRejection>,
    _: NoParameters,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SetPower>,
) -> Result<Response, Error> {
    let idempotency_key = idempotency_key(&headers)?;
    let guest_seconds = body.guest_seconds.unwrap_or(GUEST_SECONDS);
    if !(5..=3600).contains(&guest_seconds) {
        return Err(Error::Body(field_errors(&[FieldFault {
            field: "guest_seconds",
            rule: "must be from 5 to 3600".to_owned(),
        }])));
    }
    let change = WantedPower {
        action: body.action,
        guest_seconds,
        idempotency_key,
        request_id,
    };
    let task = ask_for_power(&state, &caller, &deed, path, change).await?;
    Ok(accepted(task, &deed))
}

/// A change of power that is to become a task.
pub(super) struct WantedPower {
    pub(super) action: PowerAction,
    /// How long the guest may take to shut down, in seconds.
    pub(super) guest_seconds: u32,
    pub(super) idempotency_key: Option<String>,
    pub(super) request_id: RequestId,
}

/// Makes a task of a change of power, if it can be done now.
pub(super) async fn ask_for_power(
    state: &AppState,
    caller: &Caller,
    deed: &Deed,
    path: Result<Path<(String, String)>, PathRejection>,
    change: WantedPower,
) -> Result<ecoman_model::Task, Error> {
    let WantedPower {
        action,
        guest_seconds,
        idempotency_key,
        request_id,
    } = change;
    let snapshot = loaded(&state.live, caller)?;
    let (node, vm) = find(&snapshot, path)?;
    let request = TaskRequest::Power(PowerChange {
        vmid: Vmid(vm.view.vmid),
        action,
        guest_seconds,
    });
    let wish = Wish {
        node: node.record.name.clone(),
        request,
        vm_name: vm.view.name.clone(),
        idempotency_key,
        request_id: request_id.0,
        actor: caller.actor.clone(),
    };
    deed.asks(&wish.node, &wish.request, wish.vm_name.as_deref());
    if let Some(task) = state.tasks.known(&wish).await? {
        return Ok(task);
    }
    if let Err(refusal) = action.may(&vm.view.situation(node.record.settings.read_only)) {
        // What a task has changed the crawler may not have seen yet: then the executor, which asks
        // the node itself, is the one to say no.
        let moved = refusal != Refusal::ReadOnly
            && state
                .tasks
                .touched_since(&node.record.name, Vmid(vm.view.vmid), vm.view.observed_at)
                .await?;
        if !moved {
            return Err(Error::Refused {
                node: node.view.name.clone(),
                vm: display_name(vm),
                refusal,
            });
        }
    }
    state.tasks.submit(wish).await
}

/// Answer a VM's question
///
/// Makes a task. The question is that of a task of this VM (`question`), or of the node's own
/// page.
#[utoipa::path(
    post,
    path = "/vms/{node}/{vmid}/question",
    operation_id = "answerQuestion",
    tag = "Virtual machines",
    params(
        parameters::VmPath,
        parameters::IdempotencyKey,
    ),
    request_body = AnswerQuestion,
    responses(
        (
            status = 202,
            description = "The task that does it; with a key that was used before, the one that was \
                made then.",
            body = Task,
            headers(("Location" = String, description = "Address of the task."))
        ),
        responses::BadBody,
        responses::NoSuchVm,
        responses::AnswerRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn answer_question(
    State(state): State<AppState>,
    Asking {
        caller,
        deed,
        request_id,
    }: Asking,
    path: Result<Path<(String, String)>, PathRejection>,
    _: NoParameters,
    headers: HeaderMap,
    JsonBody(body): JsonBody<AnswerQuestion>,
) -> Result<Response, Error> {
    let idempotency_key = idempotency_key(&headers)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if body.question.is_empty() || body.question.len() > 64 || !body.question.chars().all(legal) {
        return Err(Error::Body(field_errors(&[FieldFault {
            field: "question",
            rule: "must be the id of a question, such as _vmx1 or 0".to_owned(),
        }])));
    }
    let snapshot = loaded(&state.live, &caller)?;
    let (node, vm) = find(&snapshot, path)?;
    let wish = Wish {
        node: node.record.name.clone(),
        request: TaskRequest::Answer(Answer {
            vmid: Vmid(vm.view.vmid),
            question: body.question,
            choice: body.choice,
        }),
        vm_name: vm.view.name.clone(),
        idempotency_key,
        request_id: request_id.0,
        actor: caller.actor,
    };
    deed.asks(&wish.node, &wish.request, wish.vm_name.as_deref());
    if let Some(task) = state.tasks.known(&wish).await? {
        return Ok(accepted(task, &deed));
    }
    if node.record.settings.read_only {
        return Err(Error::Refused {
            node: node.view.name.clone(),
            vm: display_name(vm),
            refusal: Refusal::ReadOnly,
        });
    }
    let task = state.tasks.submit(wish).await?;
    Ok(accepted(task, &deed))
}

/// Create a VM
///
/// Makes a task: a directory, a `.vmx`, a thin disk, registered and, unless `power_on` says no,
/// powered on. If a step fails, all that was made is taken back. What the node has room for is in
/// `/nodes/{node}`: `cpu.threads`, `memory.capacity_bytes`, the free space of the datastore.
#[utoipa::path(
    post,
    path = "/vms",
    operation_id = "createVm",
    tag = "Virtual machines",
    params(
        parameters::IdempotencyKey,
    ),
    request_body = CreateVm,
    responses(
        (
            status = 202,
            description = "The task that does it; with a key that was used before, the one that was \
                made then.",
            body = Task,
            headers(("Location" = String, description = "Address of the task."))
        ),
        responses::BadBody,
        responses::NoSuchNode,
        responses::CreationRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn create_vm(
    State(state): State<AppState>,
    _: NoParameters,
    Asking {
        caller,
        deed,
        request_id,
    }: Asking,
    headers: HeaderMap,
    JsonBody(body): JsonBody<CreateVm>,
) -> Result<Response, Error> {
    let idempotency_key = idempotency_key(&headers)?;
    let name = body.node.clone();
    let vm = body.vm().check();
    let vm = vm.map_err(|faults| Error::Body(field_errors(&faults)))?;
    let wanted = (name, vm);
    let task = ask_for_vm(&state, &caller, &deed, wanted, idempotency_key, request_id).await?;
    Ok(accepted(task, &deed))
}

/// Makes a task of a VM to be created, whose rules have been checked, if its node has room for it.
pub(super) async fn ask_for_vm(
    state: &AppState,
    caller: &Caller,
    deed: &Deed,
    (node, vm): (String, NewVm),
    idempotency_key: Option<String>,
    request_id: RequestId,
) -> Result<ecoman_model::Task, Error> {
    let snapshot = loaded(&state.live, caller)?;
    if !caller.grant.reaches(&node) {
        return Err(Error::out_of_reach(caller, &node));
    }
    let node = snapshot.node(&node).ok_or(Error::NoNodeForVm(node))?;
    let wish = Wish {
        node: node.record.name.clone(),
        vm_name: Some(vm.name.clone()),
        request: TaskRequest::Create(Box::new(vm.clone())),
        idempotency_key,
        request_id: request_id.0,
        actor: caller.actor.clone(),
    };
    deed.asks(&wish.node, &wish.request, wish.vm_name.as_deref());
    // Before what depends on the node as it is now: asked for again, the name is taken, by the VM
    // of that very task.
    if let Some(task) = state.tasks.known(&wish).await? {
        return Ok(task);
    }
    let settings = &node.record.settings;
    if settings.read_only {
        return Err(Error::ReadOnly(node.view.name.clone()));
    }
    if let Some(other) = node
        .vms
        .iter()
        .find(|other| other.view.name.as_deref() == Some(&vm.name))
    {
        return Err(Error::NameTaken {
            node: node.view.name.clone(),
            name: vm.name,
            vmid: other.view.vmid,
        });
    }
    let mut errors = Vec::new();
    if let Some(facts) = &node.record.facts {
        errors = field_errors(&Limits::of(settings, facts).faults(&vm));
        errors.extend(guest_fault(&vm.guest_os, facts.version.newest_hardware()));
    }
    if !errors.is_empty() {
        return Err(Error::Body(errors));
    }
    state.tasks.submit(wish).await
}

/// A guest system that is newer than the node.
fn guest_fault(id: &str, newest: Option<u32>) -> Option<FieldError> {
    let (least, newest) = (guest_os::least_hardware(id)?, newest?);
    (least > newest).then(|| FieldError {
        pointer: "/guest_os".to_owned(),
        detail: format!(
            "needs virtual hardware {least}, and the node has {newest} at most; choose an older \
             version of the system, or otherlinux-64 or other-64"
        ),
    })
}

pub(super) fn find(
    snapshot: &Snapshot,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(&NodeEntry, &VmEntry), Error> {
    let Path((node, vmid)) = path.map_err(|_| Error::NoSuchPath)?;
    let Some(entry) = snapshot.node(&node) else {
        return Err(Error::NoSuchNode(node));
    };
    let vm = match vmid.parse::<Vmid>() {
        Ok(vmid) => snapshot.vm(&node, vmid.0),
        Err(_) => None,
    };
    let vm = vm.ok_or(Error::NoSuchVm { node, vmid })?;
    Ok((entry, vm))
}

fn display_name(vm: &VmEntry) -> String {
    let name = vm.view.name.clone();
    name.unwrap_or_else(|| format!("VM {}", vm.view.vmid))
}

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let key = key.to_str().ok().filter(|key| {
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    match (key, keys.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => Err(Error::IdempotencyKey),
    }
}

fn accepted(task: ecoman_model::Task, deed: &Deed) -> Response {
    deed.is_task();
    let location = task_path(task.id);
    (
        StatusCode::ACCEPTED,
        [(LOCATION, location)],
        Json(view::task(task)),
    )
        .into_response()
}
