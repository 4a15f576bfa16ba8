//! `/v1/machine`: the API of the original ECoMan, for scripts that were written for it. A change
//! becomes a task here too, but the answer waits for its end.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use ecoman_api::text::EN;
use ecoman_api::{
    ApiError, CreateMachine, FieldError, Machine, MachineCreated, MachinePowerSet, MachineResult,
    Machines, ProblemKind, SetMachinePower, TaskId, task_path,
};
use ecoman_model::{
    DEFAULT_GUEST_OS, GUEST_SECONDS, NewVm, Permission, PowerAction, PowerChange, Task,
    TaskRequest, TaskState,
};
use uuid::Uuid;

use super::guard::ChangeContext;
use super::paths::MachinePath;
use super::visible::{etag, json_at, loaded};
use super::vm_change::VmChange;
use super::{parameters, responses};
use crate::access::Caller;
use crate::http;
use crate::http::etag::{REVALIDATE, matches_etag, not_modified};
use crate::http::json::{JsonBody, json};
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::inventory::published::{NodeEntry, Snapshot};
use crate::routes::state::AppState;
use crate::tasks::{self, MAX_WAIT, view};

/// Fields that have other names in the original's API: this API's name, the original's.
const FIELDS: [(&str, &str); 4] = [
    ("memory_mb", "ram_mb"),
    ("cpus", "cpu_cores"),
    ("disk_gb", "storage_gb"),
    ("node", "esxi_nodename"),
];

/// List machines
///
/// All VMs of all nodes, by node and id.
#[utoipa::path(
    get,
    path = "/v1/machine",
    operation_id = "listMachines",
    tag = "Original",
    extensions(("x-permission" = json!(Permission::Read))),
    params(parameters::IfNoneMatch),
    responses(
        (
            status = 200,
            description = "The VMs.",
            body = Machines,
            headers(("ETag" = String, description = "For `If-None-Match`."))
        ),
        responses::NotModified,
        responses::NoParameters,
        responses::NothingToShow,
    )
)]
pub(crate) async fn list_machines(
    State(state): State<AppState>,
    caller: Caller,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller)?;
    let etag = etag(&snapshot);
    if matches_etag(&headers, &etag) {
        return Ok(not_modified(etag));
    }
    let made = tokio::task::spawn_blocking(move || json(&machines(&snapshot)));
    let body = made.await.map_err(|error| http::Error::internal(&error))?;
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CACHE_CONTROL, REVALIDATE.to_owned()),
        (ETAG, etag),
    ];
    Ok((headers, body.to_string()).into_response())
}

/// Get a machine
///
/// One VM, in the original's format.
#[utoipa::path(
    get,
    path = "/v1/machine/{node}/{id}",
    operation_id = "getMachine",
    tag = "Original",
    extensions(("x-permission" = json!(Permission::Read))),
    params(
        MachinePath,
        parameters::IfNoneMatch,
    ),
    responses(
        (
            status = 200,
            description = "The VM.",
            body = Machine,
            headers(("ETag" = String, description = "For `If-None-Match`."))
        ),
        responses::NotModified,
        responses::NoParameters,
        responses::NoSuchVm,
        responses::NothingToShow,
    )
)]
pub(crate) async fn get_machine(
    State(state): State<AppState>,
    caller: Caller,
    path: MachinePath,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller)?;
    let (node, vm) = snapshot.find_vm(&path.node, &path.id)?;
    Ok(json_at(&snapshot, &headers, || {
        json(&Machine::new(&vm.view, &node.view.address)).to_string()
    }))
}

/// Change a machine's power
///
/// Responds when the host reports the requested state. If `shutdown` or `reboot` takes longer than
/// a minute, it is enough that the guest has received the request.
#[utoipa::path(
    put,
    path = "/v1/machine/{node}/{id}/power",
    operation_id = "setMachinePower",
    tag = "Original",
    extensions(("x-permission" = json!(Permission::Power))),
    params(
        MachinePath,
        parameters::IdempotencyKey,
    ),
    request_body = SetMachinePower,
    responses(
        (status = 200, description = "It is done.", body = MachinePowerSet),
        responses::BadMachineBody,
        responses::NoSuchVm,
        responses::MachineFailed,
    )
)]
pub(crate) async fn set_machine_power(
    State(state): State<AppState>,
    context: ChangeContext,
    path: MachinePath,
    _: NoParameters,
    body: Result<JsonBody<SetMachinePower>, http::Error>,
) -> Result<Json<MachinePowerSet>, ErrorResponse> {
    let JsonBody(SetMachinePower { status: action }) = body.map_err(body_as_original)?;
    let vm = VmChange::find(&state, &context, &path.node, &path.id)?;
    let request = TaskRequest::Power(PowerChange {
        vmid: vm.vmid(),
        action,
        guest_seconds: GUEST_SECONDS,
        if_power: None,
    });
    let task = vm.submit(request).await.map_err(as_original)?;
    let task = state.tasks.ended(task.id, MAX_WAIT).await?;
    if !has_asked_guest(&task, action) {
        succeeded(&task)?;
    }
    Ok(Json(MachinePowerSet {
        result: MachineResult::Ok,
        request_status: action,
        message: printed(&task, action),
    }))
}

/// Create a machine
///
/// Responds when the VM exists and is powered on. If a step fails, the task is rolled back.
#[utoipa::path(
    post,
    path = "/v1/machine",
    operation_id = "createMachine",
    tag = "Original",
    extensions(("x-permission" = json!(Permission::Create))),
    params(parameters::IdempotencyKey),
    request_body = CreateMachine,
    responses(
        (status = 200, description = "It is done.", body = MachineCreated),
        responses::BadMachineBody,
        responses::MachineFailed,
    )
)]
pub(crate) async fn create_machine(
    State(state): State<AppState>,
    context: ChangeContext,
    _: NoParameters,
    body: Result<JsonBody<CreateMachine>, http::Error>,
) -> Result<Json<MachineCreated>, ErrorResponse> {
    let JsonBody(body) = body.map_err(body_as_original)?;
    context.caller.check_reach(&body.esxi_nodename)?;
    let snapshot = loaded(&state.inventory, &context.caller)?;
    let node = snapshot.node(&body.esxi_nodename).ok_or_else(|| {
        original_field(
            "/esxi_nodename",
            "must be a node of the crawler's hosts.yml",
        )
    })?;
    let vm = new_vm(body, node)?;
    let name = vm.name.clone();
    let request = TaskRequest::Create(Box::new(vm));
    let submitted = context.submit(&state.tasks, request, node, None);
    let task = submitted.await.map_err(as_original)?;
    let task = state.tasks.ended(task.id, MAX_WAIT).await?;
    succeeded(&task)?;
    Ok(Json(MachineCreated {
        result: MachineResult::Ok,
        message: created(&task, &name),
    }))
}

/// The VM that a body describes.
fn new_vm(body: CreateMachine, node: &NodeEntry) -> Result<NewVm, ErrorResponse> {
    let name = match body.name.as_str() {
        "" => free_name(node)?,
        name => name.to_lowercase(),
    };
    let vm = NewVm {
        name,
        // No node has as many.
        cpus: u32::try_from(body.cpu_cores.0).unwrap_or(u32::MAX),
        memory_mb: body.ram_mb.0,
        disk_gb: body.storage_gb.0,
        comment: body.comment,
        guest_os: DEFAULT_GUEST_OS.to_owned(),
        datastore: None,
        network: None,
        iso_path: None,
        power_on: true,
    };
    let vm = vm.check();
    vm.map_err(|faults| body_as_original(http::Error::fields(&faults)))
}

/// `Created web on hoge, VM 14.`
fn created(task: &Task, name: &str) -> String {
    let vmid = task.vmid().map(|vmid| format!(", VM {}", vmid.0));
    format!(
        "Created {} on {}{}.",
        task.vm_name.as_deref().unwrap_or(name),
        task.node,
        vmid.unwrap_or_default()
    )
}

fn machines(snapshot: &Snapshot) -> Machines {
    let of_node = |node: &Arc<NodeEntry>| {
        let address = node.view.address.clone();
        let vms = node.vms.iter();
        vms.map(|vm| Machine::new(&vm.view, &address))
            .collect::<Vec<_>>()
    };
    Machines(snapshot.nodes.iter().flat_map(of_node).collect())
}

/// A name that no VM of the node has, in the original's pattern.
fn free_name(node: &NodeEntry) -> Result<String, Error> {
    const NAMES: u128 = 1000;
    let is_free = |name: &String| {
        let mut taken = node.vms.iter().filter_map(|vm| vm.view.name.as_ref());
        !taken.any(|other| other == name)
    };
    let first = Uuid::new_v4().as_u128() % NAMES;
    (first..first + NAMES)
        .map(|number| format!("machine-{:03}", number % NAMES))
        .find(is_free)
        .ok_or_else(|| {
            let rule = "must be said: machine-000 to machine-999 are taken on this node";
            original_field("/name", rule)
        })
}

/// Checks that a task has succeeded.
fn succeeded(task: &Task) -> Result<(), Error> {
    if task.progress.state == TaskState::Succeeded {
        return Ok(());
    }
    let title = view::task(task.clone()).title;
    if !task.progress.state.is_final() {
        return Err(Error::Unfinished {
            title,
            task: task.id,
        });
    }
    let detail = match &task.progress.error {
        Some(error) => view::problem(task, error).detail,
        None => (EN.problems.not_done)(&title),
    };
    Err(Error::NotDone {
        detail,
        task: Some(task.id),
    })
}

/// Whether an unfinished task has asked the guest to shut down or restart, which is all that the
/// original waits for.
fn has_asked_guest(task: &Task, action: PowerAction) -> bool {
    let by_guest = matches!(action, PowerAction::Shutdown | PowerAction::Reboot);
    by_guest
        && !task.progress.state.is_final()
        && change(task, action).is_some_and(|command| command.exit == Some(0))
}

/// The output of the command that changed the power, on one line.
fn printed(task: &Task, action: PowerAction) -> String {
    change(task, action).map_or_else(String::new, |command| command.stdout.replace('\n', ""))
}

/// The command that changed the power.
fn change(task: &Task, action: PowerAction) -> Option<&ecoman_model::CommandRun> {
    let vmid = task.request.act().vmid()?;
    let word = format!("vmsvc/power.{} {}", action.word(), vmid.0);
    let mut commands = task.progress.commands.iter().rev();
    commands.find(|run| run.command.contains(&word))
}

/// Errors that have a status of their own in the original's API.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{}", EN.problems.bad_body)]
    BadBody(Vec<FieldError>),
    /// The change was not made.
    #[error("{detail}")]
    NotDone {
        detail: String,
        task: Option<TaskId>,
    },
    #[error("{}", (EN.problems.unfinished)(title, &task_path(*task)))]
    Unfinished { title: String, task: TaskId },
}

impl ApiError for Error {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadBody(_) => ProblemKind::BadMachineBody,
            Self::NotDone { .. } => ProblemKind::NotDone,
            Self::Unfinished { .. } => ProblemKind::Unfinished,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::BadBody(errors) => errors.clone(),
            Self::NotDone { .. } | Self::Unfinished { .. } => Vec::new(),
        }
    }

    fn task(&self) -> Option<TaskId> {
        match self {
            Self::BadBody(_) => None,
            Self::NotDone { task, .. } => *task,
            Self::Unfinished { task, .. } => Some(*task),
        }
    }
}

/// One field of the body breaks a rule.
fn original_field(pointer: &str, rule: &str) -> Error {
    Error::BadBody(vec![FieldError::new(pointer, rule)])
}

/// An error of a body with the original's status and names.
fn body_as_original(error: http::Error) -> ErrorResponse {
    match error {
        http::Error::BadBody(mut errors) => {
            for error in &mut errors {
                let renamed = FIELDS.iter().find(|(ours, _)| *ours == error.field());
                if let Some((_, theirs)) = renamed {
                    *error = FieldError::new(&format!("/{theirs}"), &*error.detail);
                }
            }
            Error::BadBody(errors).into()
        }
        other => other.into(),
    }
}

/// An error of a task with the original's status.
fn as_original(error: tasks::Error) -> ErrorResponse {
    match error {
        tasks::Error::Http(error) => body_as_original(error),
        tasks::Error::Refused { .. }
        | tasks::Error::ReadOnly(_)
        | tasks::Error::NameTaken { .. } => {
            let detail = error.to_string();
            Error::NotDone { detail, task: None }.into()
        }
        other => other.into(),
    }
}
