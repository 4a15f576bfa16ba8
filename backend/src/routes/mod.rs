//! The whole API on one screen, and the layers around it.

mod accounts;
mod audit;
mod create;
mod deletion;
mod events;
mod guard;
mod hardware;
mod history;
mod meta;
mod metrics;
mod nodes;
mod parameters;
mod paths;
mod power;
mod question;
mod request_log;
pub(crate) mod responses;
mod seen;
mod session;
mod settings;
mod snapshots;
pub(crate) mod state;
mod tasks;
mod tokens;
mod users;
mod v1_machine;
mod visible;
mod vm_change;
mod vms;

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::any;
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Caller, SignIn};
use crate::http::problem::{panicked, render_problems};
use crate::http::{self, headers, host, language, request_id, static_files};
use crate::routes::state::AppState;

/// The longest time until an answer begins; more than `?wait=` of a task allows.
const TIMEOUT: Duration = Duration::from_secs(75);

/// The operations of the OpenAPI document, added to `base`.
pub(crate) fn api(base: OpenApi) -> OpenApiRouter<AppState> {
    let version_1 = OpenApiRouter::new()
        .routes(routes!(vms::list_vms, create::create_vm))
        .routes(routes!(
            vms::get_vm,
            settings::update_vm,
            deletion::delete_vm
        ))
        .routes(routes!(deletion::list_vm_files))
        .routes(routes!(hardware::get_vm_hardware))
        .routes(routes!(hardware::grow_disk))
        .routes(routes!(hardware::change_cdrom))
        .routes(routes!(hardware::move_nic))
        .routes(routes!(settings::cancel_pending))
        .routes(routes!(power::set_power))
        .routes(routes!(question::answer_question))
        .routes(routes!(
            snapshots::list_snapshots,
            snapshots::create_snapshot,
            snapshots::remove_all_snapshots
        ))
        .routes(routes!(snapshots::remove_snapshot))
        .routes(routes!(snapshots::revert_to_snapshot))
        .routes(routes!(tasks::list_tasks))
        .routes(routes!(tasks::get_task))
        .routes(routes!(tasks::cancel_task))
        .routes(routes!(tasks::get_task_vmx))
        .routes(routes!(history::list_history))
        .routes(routes!(nodes::list_nodes))
        .routes(routes!(nodes::get_node))
        .routes(routes!(nodes::poll_node))
        .routes(routes!(meta::get_config))
        .routes(routes!(events::stream_events))
        .routes(routes!(
            session::get_session,
            session::sign_in,
            session::sign_out
        ))
        .routes(routes!(session::change_password))
        .routes(routes!(seen::list_seen_tasks, seen::mark_tasks_seen))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::update_user, users::delete_user))
        .routes(routes!(audit::list_audit))
        .routes(routes!(meta::get_openapi))
        .routes(routes!(meta::get_openapi_3_0));
    OpenApiRouter::with_openapi(base)
        .nest("/api/v1", version_1)
        .routes(routes!(
            v1_machine::list_machines,
            v1_machine::create_machine
        ))
        .routes(routes!(v1_machine::get_machine))
        .routes(routes!(v1_machine::set_machine_power))
        .routes(routes!(meta::healthz))
        .routes(routes!(meta::readyz))
        .routes(routes!(meta::readyz_write))
        .routes(routes!(metrics::get_metrics))
}

/// The API, its documentation, the page, and the layers around them.
pub(crate) fn router(state: AppState, docs: Router<AppState>) -> Router {
    let (api, _) = api(OpenApi::default()).split_for_parts();
    api.merge(docs)
        .route("/api", any(no_such_path))
        .route("/api/", any(no_such_path))
        .route("/api/{*rest}", any(no_such_path))
        .route("/v1", any(no_such_path))
        .route("/v1/{*rest}", any(no_such_path))
        .fallback(page)
        .layer(
            // The outermost first.
            ServiceBuilder::new()
                .layer(from_fn(headers::add))
                .layer(from_fn(request_id::assign))
                .layer(from_fn_with_state(state.language, language::choose))
                .layer(from_fn_with_state(state.clone(), request_log::record))
                .layer(from_fn(render_problems))
                .layer(CatchPanicLayer::custom(panicked))
                .layer(from_fn_with_state(state.allowed_hosts.clone(), host::check))
                // Passes streams of events and compressed answers. Above quality 4 the time grows
                // faster than the savings.
                .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
                // Streams of events begin their answer at once.
                .layer(TimeoutLayer::with_status_code(
                    StatusCode::SERVICE_UNAVAILABLE,
                    TIMEOUT,
                ))
                .layer(from_fn_with_state(state.clone(), guard::guard))
                .layer(RequestBodyLimitLayer::new(http::BODY_LIMIT)),
        )
        .with_state(state)
}

/// A file of the page, or the page itself. One that asks for a password is not to ask for lists first,
/// only to be refused.
async fn page(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let signed_out = state.authenticator.sign_in == SignIn::Password && !caller.is_known;
    static_files::serve(&state.static_files, signed_out, &request)
}

async fn no_such_path() -> http::Error {
    http::Error::NotFound
}
