//! The HTTP API of the executor.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, WWW_AUTHENTICATE,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use axum::{Json, Router};
use ecoman_api::executor::{Cancel, Instance, Order, Report};
use ecoman_api::text::EN;
use ecoman_api::{Problem, ProblemKind};
use ecoman_model::{SnapshotTree, TaskId, VmFiles, VmHardware, Vmid};
use futures::{Stream, stream};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::nodes::Node;
use crate::reading::ReadError;
use crate::registry::{CancelError, ForgetError, OrderError, Registry};
use crate::{hardware, snapshot_tree, vm_files};

/// How often a silent stream of reports sends a comment, so that the client notices a lost connection.
const PING: Duration = Duration::from_secs(15);

pub(crate) fn router(registry: Arc<Registry>, token: Option<String>) -> Router {
    let (api, _) = api().split_for_parts();
    api.with_state(registry)
        .fallback(|| async { problem(ProblemKind::NotFound, "There is nothing here.") })
        .layer(middleware::from_fn_with_state(Arc::new(token), guard))
        .layer(middleware::from_fn(render_problems))
}

/// The OpenAPI 3.1 document as served, and as committed in `openapi/executor.json`.
#[must_use]
pub fn openapi_json() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        #[expect(
            clippy::expect_used,
            reason = "the document is the same in every run, and a test makes it"
        )]
        let mut text = api()
            .into_openapi()
            .to_pretty_json()
            .expect("the document is JSON");
        text.push('\n');
        text
    });
    &TEXT
}

fn api() -> OpenApiRouter<Arc<Registry>> {
    OpenApiRouter::with_openapi(Base::openapi())
        .routes(routes!(get_instance))
        .routes(routes!(post_task))
        .routes(routes!(get_task, delete_task))
        .routes(routes!(get_events))
        .routes(routes!(cancel_task))
        .routes(routes!(get_snapshots))
        .routes(routes!(get_files))
        .routes(routes!(get_hardware))
        .routes(routes!(get_openapi))
        .routes(routes!(healthz))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ECoMan executor",
        description = "Carries out changes of ESXi nodes over SSH, for the dashboard.\n\n\
            Where EXECUTOR_TOKEN is set, every request but `/healthz` names it: \
            `Authorization: Bearer TOKEN`. Where it is not, the server has to be called by a \
            loopback address or as localhost. Requests of browsers (with `Origin` or \
            `Sec-Fetch-Site`) are refused with 403.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags((name = "Tasks", description = "Changes of nodes."), (name = "Nodes", description = "What is read from a node at once."), (name = "Server", description = "The executor itself.")),
    components(schemas(Problem))
)]
struct Base;

/// Get which run this is
///
/// Another one after each start: an order names the run that it is meant for.
#[utoipa::path(
    get,
    path = "/instance",
    operation_id = "getInstance",
    tag = "Server",
    responses(
        (status = 200, description = "This run.", body = Instance),
        (status = 403, description = "A browser asks, or the server is called by a foreign name.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get_instance(State(registry): State<Arc<Registry>>) -> Json<Instance> {
    Json(Instance {
        instance: registry.instance,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Hand a task over
///
/// The same order again is the same task, and is not done again.
#[utoipa::path(
    post,
    path = "/tasks",
    operation_id = "postTask",
    tag = "Tasks",
    request_body = Order,
    responses(
        (status = 200, description = "The task is known.", body = Report),
        (status = 202, description = "The task is new, and is begun.", body = Report),
        (status = 400, description = "The order cannot be read.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A browser asks, or the server is called by a foreign name.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is meant for another run (type urn:ecoman:problem:other-instance), or another order has this id. Nothing was done.", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The task has ended, and was forgotten since its end was kept elsewhere. It is not done again.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The executor is stopping. Nothing was done.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn post_task(
    State(registry): State<Arc<Registry>>,
    order: Result<Json<Order>, JsonRejection>,
) -> Response {
    let order = match order {
        Ok(Json(order)) => order,
        Err(error) => {
            return problem(ProblemKind::BadOrder, &error.body_text());
        }
    };
    match registry.take(order) {
        Ok((report, true)) => (StatusCode::ACCEPTED, Json(report)).into_response(),
        Ok((report, false)) => Json(report).into_response(),
        Err(error) => {
            let kind = match &error {
                OrderError::OtherInstance(_) => ProblemKind::OtherInstance,
                OrderError::OtherOrder => ProblemKind::OtherOrder,
                OrderError::Forgotten => ProblemKind::Forgotten,
                OrderError::Stopping => ProblemKind::Stopping,
            };
            problem(kind, &error.to_string())
        }
    }
}

/// Get how far a task is
#[utoipa::path(
    get,
    path = "/tasks/{id}",
    operation_id = "getTask",
    tag = "Tasks",
    params(("id" = Uuid, Path, description = "The task.")),
    responses(
        (status = 200, description = "How far it is.", body = Report),
        (status = 403, description = "A browser asks, or the server is called by a foreign name.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "This run knows no such task, or was asked to forget it.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get_task(State(registry): State<Arc<Registry>>, Path(id): Path<String>) -> Response {
    match follow(&registry, &id) {
        Some(report) => Json(report.borrow().clone()).into_response(),
        None => unknown(),
    }
}

/// Follow a task
///
/// Server-sent events `report` with a Report each, from now on; the stream ends behind the report
/// of the end. Reports may be left out where they come too fast, never the last.
#[utoipa::path(
    get,
    path = "/tasks/{id}/events",
    operation_id = "getTaskEvents",
    tag = "Tasks",
    params(("id" = Uuid, Path, description = "The task.")),
    responses(
        (status = 200, description = "The reports.", body = Report, content_type = "text/event-stream"),
        (status = 403, description = "A browser asks, or the server is called by a foreign name.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "This run knows no such task, or was asked to forget it.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get_events(State(registry): State<Arc<Registry>>, Path(id): Path<String>) -> Response {
    match follow(&registry, &id) {
        Some(report) => Sse::new(reports(report))
            .keep_alive(KeepAlive::new().interval(PING))
            .into_response(),
        None => unknown(),
    }
}

/// Cancel a task
///
/// It ends by itself, as `cancelled`, when it has undone what it made. Once more changes nothing.
#[utoipa::path(
    post,
    path = "/tasks/{id}/cancel",
    operation_id = "cancelTask",
    tag = "Tasks",
    params(("id" = Uuid, Path, description = "The task.")),
    request_body = Cancel,
    responses(
        (status = 202, description = "It is being cancelled; the report as it is now.", body = Report),
        (status = 400, description = "The body cannot be read.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A browser asks, or the server is called by a foreign name.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "This run knows no such task, or was asked to forget it.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has ended, or has begun what cannot be stopped.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn cancel_task(
    State(registry): State<Arc<Registry>>,
    Path(id): Path<String>,
    body: Result<Json<Cancel>, JsonRejection>,
) -> Response {
    let by = match body {
        Ok(Json(Cancel { by })) => by,
        Err(error) => return problem(ProblemKind::BadOrder, &error.body_text()),
    };
    let outcome = id
        .parse()
        .map_err(|_| CancelError::Unknown)
        .and_then(|id| registry.cancel(id, by));
    match outcome {
        Ok(report) => (StatusCode::ACCEPTED, Json(report)).into_response(),
        Err(CancelError::Unknown) => unknown(),
        Err(error) => problem(ProblemKind::NotCancellable, &error.to_string()),
    }
}

/// Forget a task that has ended
///
/// Its last report has been kept elsewhere.
#[utoipa::path(
    delete,
    path = "/tasks/{id}",
    operation_id = "deleteTask",
    tag = "Tasks",
    params(("id" = Uuid, Path, description = "The task.")),
    responses(
        (status = 204, description = "It is forgotten."),
        (status = 403, description = "A browser asks, or the server is called by a foreign name.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "This run knows no such task.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has not ended.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn delete_task(State(registry): State<Arc<Registry>>, Path(id): Path<String>) -> Response {
    let outcome = id
        .parse()
        .map_err(|_| ForgetError::Unknown)
        .and_then(|id| registry.forget(id));
    match outcome {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(ForgetError::Unknown) => unknown(),
        Err(error @ ForgetError::Running) => problem(ProblemKind::Running, &error.to_string()),
    }
}

/// Get the snapshots of a VM
///
/// Reads them from the node at once, beside the tasks.
#[utoipa::path(
    get,
    path = "/nodes/{node}/vms/{vmid}/snapshots",
    operation_id = "getSnapshots",
    tag = "Nodes",
    params(
        ("node" = String, Path, description = "The node, a name of `hosts.yml`."),
        ("vmid" = u32, Path, description = "The VM."),
    ),
    responses(
        (status = 200, description = "The snapshots as the node has them.", body = SnapshotTree),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such node, or it has no such VM.", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "The node failed.", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "The node did not answer in time.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get_snapshots(
    State(registry): State<Arc<Registry>>,
    Path((node, vmid)): Path<(String, String)>,
) -> Response {
    read_of_vm(&registry, &node, &vmid, snapshot_tree::read).await
}

/// Get the files of a VM
///
/// Reads them from the node at once, beside the tasks: which deleting the VM from disk would remove,
/// which stay, and what forbids it.
#[utoipa::path(
    get,
    path = "/nodes/{node}/vms/{vmid}/files",
    operation_id = "getFiles",
    tag = "Nodes",
    params(
        ("node" = String, Path, description = "The node, a name of `hosts.yml`."),
        ("vmid" = u32, Path, description = "The VM."),
    ),
    responses(
        (status = 200, description = "The files as the node has them.", body = VmFiles),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such node, or it has no such VM.", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "The node failed.", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "The node did not answer in time.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get_files(
    State(registry): State<Arc<Registry>>,
    Path((node, vmid)): Path<(String, String)>,
) -> Response {
    read_of_vm(&registry, &node, &vmid, vm_files::read).await
}

/// Get the hardware of a VM
///
/// Reads its disks, CD/DVD drives and network adapters from the node at once, beside the tasks.
#[utoipa::path(
    get,
    path = "/nodes/{node}/vms/{vmid}/hardware",
    operation_id = "getHardware",
    tag = "Nodes",
    params(
        ("node" = String, Path, description = "The node, a name of `hosts.yml`."),
        ("vmid" = u32, Path, description = "The VM."),
    ),
    responses(
        (status = 200, description = "The hardware as the node has it.", body = VmHardware),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such node, or it has no such VM.", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "The node failed.", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "The node did not answer in time.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get_hardware(
    State(registry): State<Arc<Registry>>,
    Path((node, vmid)): Path<(String, String)>,
) -> Response {
    read_of_vm(&registry, &node, &vmid, hardware::read).await
}

/// What is read of the VM in a path, or why it is not.
async fn read_of_vm<T>(
    registry: &Registry,
    node: &str,
    vmid: &str,
    read: impl AsyncFnOnce(&Node, Vmid) -> Result<T, ReadError>,
) -> Response
where
    Json<T>: IntoResponse,
{
    let Some(found) = node.parse().ok().and_then(|node| registry.nodes.get(&node)) else {
        let detail = format!("The executor's hosts.yml has no host {node}.");
        return problem(ProblemKind::NodeNotFound, &detail);
    };
    let Ok(vmid) = vmid.parse() else {
        return problem(ProblemKind::VmNotFound, &format!("No VM {vmid}."));
    };
    match read(&found, vmid).await {
        Ok(read) => Json(read).into_response(),
        Err(error) => problem(error.kind(), &error.to_string()),
    }
}

/// Get this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenapi",
    tag = "Server",
    responses(
        (status = 200, description = "The OpenAPI 3.1 document.", body = serde_json::Value),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A browser asks, or the server is called by a foreign name.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get_openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi_json())
}

/// Ask for life
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "healthz",
    tag = "Server",
    responses(
        (status = 200, description = "It serves.", body = str, content_type = "text/plain; charset=utf-8", example = "ok\n"),
        (status = 403, description = "A browser asks, or the server is called by a foreign name.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn healthz() -> &'static str {
    "ok\n"
}

/// Refuses requests without the secret, where there is one, and all browsers: a page of another site
/// can point a name of its own at this machine, which makes it of the same origin.
async fn guard(State(token): State<Arc<Option<String>>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_of_a_page = headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site");
    if is_of_a_page || (token.is_none() && !is_for_this_machine(headers)) {
        let detail = "The executor takes orders from the dashboard alone, by its address.";
        return problem(ProblemKind::Forbidden, detail);
    }
    let open = matches!(request.uri().path(), "/healthz") || token.is_none();
    let named = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let right = match (token.as_deref(), named) {
        (Some(token), Some(named)) => bool::from(token.as_bytes().ct_eq(named)),
        _ => false,
    };
    if open || right {
        return next.run(request).await;
    }
    let detail = "EXECUTOR_TOKEN must be the same for executor and dashboard.";
    let mut response = problem(ProblemKind::Unauthorized, detail);
    let scheme = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    response
}

/// Whether the client calls the server by a loopback address or as localhost.
fn is_for_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none());
    let authority = host
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || address
                .parse::<IpAddr>()
                .is_ok_and(|address| address.to_canonical().is_loopback())
    })
}

fn follow(registry: &Registry, id: &str) -> Option<watch::Receiver<Report>> {
    registry.follow(id.parse::<TaskId>().ok()?)
}

/// The report as it is, each change of it, and the end.
fn reports(
    report: watch::Receiver<Report>,
) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    stream::unfold(Some((report, true)), |state| async move {
        let (mut receiver, first) = state?;
        if !first && receiver.changed().await.is_err() {
            return None;
        }
        let report = receiver.borrow_and_update().clone();
        let event = Event::default()
            .event("report")
            .id(report.revision.to_string());
        // Plain data always becomes JSON.
        let event = event.json_data(&report).unwrap_or_default();
        let next = (!report.progress.state.is_final()).then_some((receiver, false));
        Some((Ok(event), next))
    })
}

fn unknown() -> Response {
    let detail = "This run of the executor does not know the task.";
    problem(ProblemKind::TaskNotFound, detail)
}

/// A failure on its way to [`render_problems`], which knows the request.
#[derive(Clone)]
struct Failure {
    kind: ProblemKind,
    detail: String,
}

fn problem(kind: ProblemKind, detail: &str) -> Response {
    let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = status.into_response();
    response.extensions_mut().insert(Failure {
        kind,
        detail: detail.to_owned(),
    });
    response
}

/// Gives every failure its body.
async fn render_problems(request: Request, next: Next) -> Response {
    let instance = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let failure = response.extensions_mut().remove::<Failure>();
    let Failure { kind, detail } = match (failure, status) {
        (Some(failure), _) => failure,
        (None, StatusCode::METHOD_NOT_ALLOWED) => Failure {
            kind: ProblemKind::MethodNotAllowed,
            detail: EN.problems.method_not_allowed.to_owned(),
        },
        (None, _) => return response,
    };
    let problem = Problem {
        kind: kind.urn(),
        title: (EN.problems.title)(kind).to_owned(),
        status: kind.status(),
        detail,
        instance,
        request_id: Uuid::new_v4().to_string(),
        errors: Vec::new(),
    };
    let body = Json(problem).into_response();
    *response.body_mut() = body.into_body();
    response.headers_mut().remove(CONTENT_LENGTH);
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
