//! `/tasks`: the list, and one task.

use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use ecoman_api::{Task, TaskPage};
use ecoman_model::{self as model, NodeName, Permission, TaskId, TaskState};
use ecoman_store::TaskQuery;
use serde::Serialize;

use super::guard::ChangeContext;
use super::paths::IdPath;
use super::responses::Accepted;
use super::{parameters, responses};
use crate::access::Caller;
use crate::http;
use crate::http::etag::{NO_STORE, REVALIDATE};
use crate::http::page_token::List;
use crate::http::problem::ErrorResponse;
use crate::http::query::{NoParameters, Parameters, whole_number};
use crate::routes::state::AppState;
use crate::tasks::{self, MAX_WAIT, view};

/// The most tasks on one page, and the default.
const LIMIT: usize = 500;
const USUAL: usize = 50;

const STATES: [(&str, TaskState); 6] = [
    ("queued", TaskState::Queued),
    ("running", TaskState::Running),
    ("succeeded", TaskState::Succeeded),
    ("failed", TaskState::Failed),
    ("interrupted", TaskState::Interrupted),
    ("cancelled", TaskState::Cancelled),
];

/// List tasks
///
/// The tasks of all nodes, newest first. Finished ones are kept for the number of days in the
/// server's `DASHBOARD_EVENT_DAYS`, and the newest 5,000 always.
#[utoipa::path(
    get,
    path = "/tasks",
    operation_id = "listTasks",
    tag = "Tasks",
    extensions(("x-permission" = json!(Permission::Read))),
    params(
        (
            "state" = Option<String>,
            Query,
            description = "States, separated by commas: `queued`, `running`, `succeeded`, \
                `failed`, `interrupted`, `cancelled`.",
            example = "queued,running"
        ),
        (
            "node" = Option<String>,
            Query,
            description = "Names of hosts, separated by commas.",
            example = "hoge,fuga"
        ),
        (
            "limit" = Option<u32>,
            Query,
            description = "The most tasks on one page; 50 by default.",
            minimum = 1,
            maximum = 500,
            example = 50
        ),
        (
            "page_token" = Option<String>,
            Query,
            description = "`next_page` of the previous page; `state` and `node` must be the same. No \
                task comes twice; new ones come before the first page. Tokens do not expire.",
            min_length = 1,
            pattern = "^[A-Za-z0-9_-]+$",
            example = "AZqtXnoAcACAAAAAAAAAAQ"
        ),
    ),
    responses(
        (status = 200, description = "The tasks.", body = TaskPage),
        responses::BadParameters,
        responses::StoreAway,
    )
)]
pub(crate) async fn list_tasks(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, ErrorResponse> {
    let asked = ListParameters::read(query.as_deref())?;
    let Some(nodes) = caller.nodes_in_reach(asked.nodes.clone()) else {
        return Ok(uncached(asked.page(Vec::new(), 0)));
    };
    let query = TaskQuery {
        states: asked.states.clone(),
        nodes,
        before: asked.before,
        // One more shows whether there is another page.
        limit: asked.limit + 1,
    };
    let total = state.tasks.count(&query).await?;
    let tasks = state.tasks.list(&query).await?;
    Ok(uncached(asked.page(tasks, total)))
}

/// The parameters of the list.
struct ListParameters {
    states: Vec<TaskState>,
    nodes: Option<Vec<NodeName>>,
    limit: usize,
    list: List,
    before: Option<TaskId>,
}

impl ListParameters {
    fn read(query: Option<&str>) -> Result<Self, http::Error> {
        let mut parameters = Parameters::new(query);
        let mut states = parameters.take_words("state", &STATES);
        let mut nodes = parameters.take_list::<NodeName>("node");
        let limit = parameters.take_limit(LIMIT);
        // Their order does not make it another list.
        states.sort_unstable();
        if let Some(nodes) = &mut nodes {
            nodes.sort_unstable();
        }
        let list = List::new(&format!("tasks\n{states:?}\n{nodes:?}"), "state or node");
        let before = parameters.take("page_token", |text| list.after::<TaskId>(text));
        parameters
            .finish("state, node, limit and page_token")
            .map_err(http::Error::BadParameters)?;
        Ok(Self {
            states,
            nodes,
            limit: limit.unwrap_or(USUAL),
            list,
            before,
        })
    }

    /// A page of the list; `tasks` has one more where there is another page.
    fn page(&self, mut tasks: Vec<ecoman_model::Task>, total: u64) -> TaskPage {
        let is_last = tasks.len() <= self.limit;
        tasks.truncate(self.limit);
        let last = tasks.last().filter(|_| !is_last);
        TaskPage {
            next_page: last.map(|task| self.list.token(&task.id)),
            items: tasks.into_iter().map(view::task).collect(),
            total,
        }
    }
}

/// Get a task
///
/// As it is now; with `wait`, once it has ended.
#[utoipa::path(
    get,
    path = "/tasks/{id}",
    operation_id = "getTask",
    tag = "Tasks",
    extensions(("x-permission" = json!(Permission::Read))),
    params(
        (
            "id" = String,
            Path,
            description = "Id of the task.",
            format = "uuid",
            example = "019aad5e-7a00-7000-8000-000000000001"
        ),
        (
            "wait" = Option<u32>,
            Query,
            description = "Respond when the task has ended, or after this many seconds with its \
                           current state.",
            minimum = 0,
            maximum = 60,
            example = 30
        ),
    ),
    responses(
        (status = 200, description = "The task.", body = Task),
        responses::BadParameters,
        responses::NoSuchTask,
        responses::StoreAway,
    )
)]
pub(crate) async fn get_task(
    State(state): State<AppState>,
    caller: Caller,
    IdPath(id): IdPath,
    RawQuery(query): RawQuery,
) -> Result<Response, ErrorResponse> {
    let wait = read_wait(query.as_deref())?;
    // Found before the wait: a task's node does not change.
    let task = find_task(&state, &caller, id).await?;
    let task = match wait {
        None => task,
        Some(wait) => state.tasks.ended(task.id, wait).await?,
    };
    Ok(uncached(view::task(task)))
}

/// How long an answer waits for the end of a task, if it does.
fn read_wait(query: Option<&str>) -> Result<Option<Duration>, http::Error> {
    let mut parameters = Parameters::new(query);
    let wait = parameters.take("wait", |text| {
        let most = MAX_WAIT.as_secs();
        let seconds = whole_number(text);
        seconds
            .filter(|seconds| *seconds <= most)
            .ok_or_else(|| format!("must be a whole number of seconds from 0 to {most}"))
    });
    let known = parameters.finish("wait");
    known.map_err(http::Error::BadParameters)?;
    Ok(wait.filter(|seconds| *seconds > 0).map(Duration::from_secs))
}

/// Cancel a task
///
/// Cancels a queued task, the wait for a guest to shut down, or a creation before the VM is
/// registered, which is rolled back. The task then ends as `cancelled`. If it has started something
/// that cannot be stopped: 409. Repeating the request changes nothing.
#[utoipa::path(
    post,
    path = "/tasks/{id}/cancel",
    operation_id = "cancelTask",
    tag = "Tasks",
    extensions(("x-permission" = json!(Permission::Power))),
    params(
        (
            "id" = String,
            Path,
            description = "Id of the task.",
            format = "uuid",
            example = "019aad5e-7a00-7000-8000-000000000001"
        ),
        parameters::IdempotencyKey,
    ),
    responses(
        Accepted,
        responses::NoParameters,
        responses::NoSuchTask,
        responses::NotCancellable,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn cancel_task(
    State(state): State<AppState>,
    context: ChangeContext,
    IdPath(id): IdPath,
    _: NoParameters,
) -> Result<Accepted, ErrorResponse> {
    let caller = &context.caller;
    let task = find_task(&state, caller, id).await?;
    context.draft.describe_cancel(&task);
    // It takes the permission that requesting the task took.
    let permission = task.request.act().permission();
    if !caller.grant.may(permission) {
        return Err(caller.forbidden(permission).into());
    }
    let by = caller.actor.name.clone();
    Ok(Accepted::new(state.tasks.cancel(task, by).await?))
}

/// Get the `.vmx` of a deleted VM
///
/// As it was when the task deleted the VM from disk, up to 64 KiB. It may hold secrets.
#[utoipa::path(
    get,
    path = "/tasks/{id}/vmx",
    operation_id = "getTaskVmx",
    tag = "Tasks",
    extensions(("x-permission" = json!(Permission::Delete))),
    params(
        (
            "id" = String,
            Path,
            description = "Id of the task.",
            format = "uuid",
            example = "019aad5e-7a00-7000-8000-000000000001"
        ),
    ),
    responses(
        (status = 200, description = "The `.vmx`.", body = str, content_type = "text/plain; charset=utf-8", example = ".encoding = \"UTF-8\"\n"),
        responses::NoParameters,
        responses::NoKeptVmx,
        responses::StoreAway,
    )
)]
pub(crate) async fn get_task_vmx(
    State(state): State<AppState>,
    caller: Caller,
    IdPath(id): IdPath,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    let task = find_task(&state, &caller, id).await?;
    let kept = task.progress.removal.and_then(|removal| removal.vmx);
    match kept {
        Some(vmx) => Ok(([(CACHE_CONTROL, NO_STORE)], vmx).into_response()),
        None => Err(tasks::Error::TaskNotFound(task.id.to_string()).into()),
    }
}

/// The task of an id in a path. One of a node that the caller does not reach is not there for them.
async fn find_task(
    state: &AppState,
    caller: &Caller,
    id: String,
) -> Result<model::Task, tasks::Error> {
    // An invalid id names no task.
    let id: TaskId = id.parse().map_err(|_| tasks::Error::TaskNotFound(id))?;
    let task = state.tasks.task(id).await?;
    if caller.grant.reaches(task.node.as_str()) {
        Ok(task)
    } else {
        Err(tasks::Error::TaskNotFound(id.to_string()))
    }
}

/// JSON that a client asks for again each time.
fn uncached(body: impl Serialize) -> Response {
    ([(CACHE_CONTROL, REVALIDATE)], Json(body)).into_response()
}
