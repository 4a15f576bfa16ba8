//! `/users`: the users, their roles and nodes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use ecoman_access::User;
use ecoman_api::{CreateUser, UpdateUser, UserList};
use ecoman_model::{Grant, NodeName, Permission};

use super::accounts::{blocking, hashing, node_names, only_with_sign_in, user_fault};
use super::guard::AuditDraft;
use super::paths::IdPath;
use super::responses;
use crate::access;
use crate::http::etag::NO_STORE;
use crate::http::json::JsonBody;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::routes::state::AppState;

/// List users
///
/// All users, with their roles and nodes.
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "listUsers",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Users))),
    responses(
        (status = 200, description = "All users, by name.", body = UserList),
        responses::NoParameters,
        responses::SignInOff,
    )
)]
pub(crate) async fn list_users(
    State(state): State<AppState>,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    only_with_sign_in(&state)?;
    let users = state.authenticator.access.users();
    let users = users.map_err(access::Error::from)?;
    let items = users.into_iter().map(|(name, user)| view(name, user));
    let list = UserList {
        items: items.collect(),
    };
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(list)).into_response())
}

/// Add a user
///
/// With a password for sign-in by password; without one for sign-in by a proxy.
#[utoipa::path(
    post,
    path = "/users",
    operation_id = "createUser",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Users))),
    request_body = CreateUser,
    responses(
        (status = 201, description = "The user.", body = ecoman_api::User),
        responses::BadJson,
        responses::UserRefused,
    )
)]
pub(crate) async fn create_user(
    State(state): State<AppState>,
    Extension(draft): Extension<AuditDraft>,
    _: NoParameters,
    JsonBody(body): JsonBody<CreateUser>,
) -> Result<Response, ErrorResponse> {
    only_with_sign_in(&state)?;
    let grant = Grant {
        role: body.role,
        nodes: node_names(body.nodes.as_deref())?,
    };
    draft.describe(format!("add {}", in_words(&grant)), Some(body.name.clone()));
    let (access, now) = (
        Arc::clone(&state.authenticator.access),
        (state.authenticator.clock)(),
    );
    let _alone = hashing(&state).await?;
    let name = body.name.clone();
    let added = blocking(move || access.add_user(&body.name, grant, body.password.as_deref(), now));
    let user = added.await?.map_err(user_fault)?;
    Ok((StatusCode::CREATED, Json(view(name, user))).into_response())
}

/// Change a user
///
/// The change applies to their sessions and tokens at once.
#[utoipa::path(
    put,
    path = "/users/{name}",
    operation_id = "updateUser",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Users))),
    params(("name" = String, Path, description = "Name of the user.", example = "alice")),
    request_body = UpdateUser,
    responses(
        (status = 200, description = "The user as they are now.", body = ecoman_api::User),
        responses::BadJson,
        responses::NoSuchUser,
        responses::UserRefused,
    )
)]
pub(crate) async fn update_user(
    State(state): State<AppState>,
    Extension(draft): Extension<AuditDraft>,
    IdPath(name): IdPath,
    _: NoParameters,
    JsonBody(body): JsonBody<UpdateUser>,
) -> Result<Response, ErrorResponse> {
    only_with_sign_in(&state)?;
    let grant = Grant {
        role: body.role,
        nodes: node_names(body.nodes.as_deref())?,
    };
    let with = if body.password.is_some() {
        ", with another password"
    } else {
        ""
    };
    draft.describe(
        format!("make {}{with}", in_words(&grant)),
        Some(name.clone()),
    );
    let (access, now) = (
        Arc::clone(&state.authenticator.access),
        (state.authenticator.clock)(),
    );
    let _alone = hashing(&state).await?;
    let asked = name.clone();
    let user =
        blocking(move || access.change_user(&asked, Some(grant), body.password.as_deref(), now));
    let user = user.await?.map_err(user_fault)?;
    Ok(Json(view(name, user)).into_response())
}

/// Remove a user
///
/// Also removes their sessions and tokens.
#[utoipa::path(
    delete,
    path = "/users/{name}",
    operation_id = "deleteUser",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Users))),
    params(("name" = String, Path, description = "Name of the user.", example = "alice")),
    responses(
        (status = 204, description = "They are removed."),
        responses::NoSuchUser,
        responses::UserRefused,
    )
)]
pub(crate) async fn delete_user(
    State(state): State<AppState>,
    Extension(draft): Extension<AuditDraft>,
    IdPath(name): IdPath,
    _: NoParameters,
) -> Result<StatusCode, ErrorResponse> {
    only_with_sign_in(&state)?;
    draft.describe("remove", Some(name.clone()));
    let access = Arc::clone(&state.authenticator.access);
    let removed = blocking(move || access.remove_user(&name)).await?;
    removed.map_err(user_fault)?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(name: String, user: User) -> ecoman_api::User {
    ecoman_api::User {
        name,
        role: user.grant.role,
        nodes: user
            .grant
            .nodes
            .map(|nodes| nodes.iter().map(NodeName::to_string).collect()),
        created_at: user.created_at,
        password_since: user.password_since,
    }
}

/// `operator on hoge, fuga`
fn in_words(grant: &Grant) -> String {
    match &grant.nodes {
        None => grant.role.to_string(),
        Some(nodes) => {
            let nodes: Vec<_> = nodes.iter().map(NodeName::as_str).collect();
            format!("{} on {}", grant.role, nodes.join(", "))
        }
    }
}
