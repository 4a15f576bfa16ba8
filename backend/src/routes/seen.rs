//! `/session/seen-tasks`: what the caller has seen of what has failed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use ecoman_access::SEEN_TASKS;
use ecoman_api::SeenTasks;
use ecoman_model::Permission;

use super::accounts::{blocking, only_with_sign_in};
use super::guard::AuditDraft;
use super::responses;
use crate::access::{self, Caller};
use crate::http;
use crate::http::etag::NO_STORE;
use crate::http::json::JsonBody;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::routes::state::AppState;

/// List the failed tasks that the caller has seen
///
/// For pages that announce a failure until its user has seen it in any browser. Without sign-in,
/// each browser keeps this itself.
#[utoipa::path(
    get,
    path = "/session/seen-tasks",
    operation_id = "listSeenTasks",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Read))),
    responses(
        (status = 200, description = "The tasks, the oldest first.", body = SeenTasks),
        responses::NoParameters,
        responses::SignInOff,
    )
)]
pub(crate) async fn list_seen_tasks(
    State(state): State<AppState>,
    caller: Caller,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    let user = user(&state, &caller)?;
    let access = Arc::clone(&state.authenticator.access);
    let seen = blocking(move || access.seen_tasks(&user)).await?;
    Ok(answer(seen.map_err(access::Error::from)?))
}

/// Mark failed tasks as seen by the caller
///
/// Tasks already seen stay seen. The response lists all.
#[utoipa::path(
    post,
    path = "/session/seen-tasks",
    operation_id = "markTasksSeen",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Read))),
    request_body = SeenTasks,
    responses(
        (status = 200, description = "All that the caller has seen, the oldest first.", body = SeenTasks),
        responses::BadJson,
        responses::SignInOff,
    )
)]
pub(crate) async fn mark_tasks_seen(
    State(state): State<AppState>,
    Extension(draft): Extension<AuditDraft>,
    caller: Caller,
    _: NoParameters,
    JsonBody(body): JsonBody<SeenTasks>,
) -> Result<Response, ErrorResponse> {
    // It concerns nobody else.
    draft.omit();
    let user = user(&state, &caller)?;
    if body.tasks.len() > SEEN_TASKS {
        let rule = format!("must be {SEEN_TASKS} at most");
        return Err(http::Error::field("tasks", &rule).into());
    }
    let access = Arc::clone(&state.authenticator.access);
    let tasks = body.tasks.into_iter().collect();
    let seen = blocking(move || access.mark_seen(&user, &tasks)).await?;
    Ok(answer(seen.map_err(access::Error::from)?))
}

/// Whose it is: a token acts for its owner.
fn user(state: &AppState, caller: &Caller) -> Result<String, ErrorResponse> {
    only_with_sign_in(state)?;
    let name = caller.actor.name.clone();
    Ok(name.ok_or(http::Error::Internal)?)
}

fn answer(seen: impl IntoIterator<Item = ecoman_model::TaskId>) -> Response {
    let tasks = seen.into_iter().collect();
    ([(CACHE_CONTROL, NO_STORE)], Json(SeenTasks { tasks })).into_response()
}
