//! `/session`: signing in and out.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use ecoman_access::{Session, User, UserFault};
use ecoman_api::{ChangePassword, Identity, SignIn as SignInBody};
use ecoman_model::{Actor, Authentication, Permission};

use super::accounts::{blocking, hashing, user_fault};
use super::guard::AuditDraft;
use super::responses;
use crate::access::{self, Caller, Credentials, SignIn, password_actor};
use crate::http;
use crate::http::etag::NO_STORE;
use crate::http::json::JsonBody;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::routes::state::AppState;

/// Get the current user
///
/// The current user and their permissions. Also available without sign-in.
#[utoipa::path(
    get,
    path = "/session",
    operation_id = "getSession",
    tag = "Access",
    extensions(("x-permission" = json!("anybody"))),
    responses(
        (status = 200, description = "The caller.", body = Identity),
        responses::NoParameters,
    )
)]
pub(crate) async fn get_session(
    State(state): State<AppState>,
    caller: Caller,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    let identity = caller.identity(&state.authenticator.sign_in);
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(identity)).into_response())
}

/// Sign in
///
/// With name and password, for the hours in the server's `DASHBOARD_SESSION_HOURS`. The session is
/// a cookie for this server only. Programs use an API token instead.
#[utoipa::path(
    post,
    path = "/session",
    operation_id = "signIn",
    tag = "Access",
    extensions(("x-permission" = json!("anybody"))),
    request_body = SignInBody,
    responses(
        (
            status = 200,
            description = "The caller, who is signed in now.",
            body = Identity,
            headers(("Set-Cookie" = String, description = "The session."))
        ),
        responses::BadJson,
        responses::WrongPassword,
        responses::SignInOff,
        responses::TooManyTries,
    )
)]
pub(crate) async fn sign_in(
    State(state): State<AppState>,
    Extension(credentials): Extension<Credentials>,
    Extension(draft): Extension<AuditDraft>,
    _: NoParameters,
    JsonBody(body): JsonBody<SignInBody>,
) -> Result<Response, ErrorResponse> {
    only_with_passwords(&state)?;
    let user = check_password(&state, &credentials, &body.name, body.password, &draft).await?;
    let user = user.ok_or(access::Error::WrongPassword)?;
    let actor = password_actor(body.name.clone(), credentials.address);
    draft.set_actor(actor.clone());
    let (session, cookie) = open_session(&state, body.name, credentials.secure).await?;
    let caller = Caller::with_session(actor, user.grant, session.expires_at);
    let headers = [(CACHE_CONTROL, NO_STORE.to_owned()), (SET_COOKIE, cookie)];
    let identity = caller.identity(&state.authenticator.sign_in);
    Ok((headers, Json(identity)).into_response())
}

/// A session, and the cookie that carries its secret.
async fn open_session(
    state: &AppState,
    name: String,
    secure: bool,
) -> Result<(Session, String), ErrorResponse> {
    let length = state.authenticator.session_length;
    let (access, now) = (
        Arc::clone(&state.authenticator.access),
        (state.authenticator.clock)(),
    );
    let opened = blocking(move || access.open_session(&name, length, now)).await?;
    let (session, secret) = opened.map_err(access::Error::from)?;
    let cookie = state
        .authenticator
        .cookie(secure)
        .open(secret.reveal(), length);
    Ok((session, cookie))
}

/// Sign out
///
/// Ends the session, if there is one.
#[utoipa::path(
    delete,
    path = "/session",
    operation_id = "signOut",
    tag = "Access",
    extensions(("x-permission" = json!("anybody"))),
    responses(
        (
            status = 204,
            description = "The session is ended.",
            headers(("Set-Cookie" = String, description = "Removes the session."))
        ),
        responses::CrossSite,
    )
)]
pub(crate) async fn sign_out(
    State(state): State<AppState>,
    Extension(credentials): Extension<Credentials>,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    if let Some(secret) = credentials.session {
        let access = Arc::clone(&state.authenticator.access);
        let closed = blocking(move || access.close_session(&secret)).await?;
        closed.map_err(access::Error::from)?;
    }
    let headers = [(
        SET_COOKIE,
        state.authenticator.cookie(credentials.secure).close(),
    )];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Change your password
///
/// Ends all sessions of the user, including this one.
#[utoipa::path(
    put,
    path = "/session/password",
    operation_id = "changePassword",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Read))),
    request_body = ChangePassword,
    responses(
        (
            status = 204,
            description = "The password is changed, and all sessions are ended.",
            headers(("Set-Cookie" = String, description = "Removes the session."))
        ),
        responses::BadJson,
        responses::SignInOff,
        responses::TooManyTries,
    )
)]
pub(crate) async fn change_password(
    State(state): State<AppState>,
    Extension(credentials): Extension<Credentials>,
    Extension(draft): Extension<AuditDraft>,
    caller: Caller,
    _: NoParameters,
    JsonBody(body): JsonBody<ChangePassword>,
) -> Result<Response, ErrorResponse> {
    only_with_passwords(&state)?;
    let name = password_user(&caller.actor)?;
    let user = check_password(&state, &credentials, &name, body.current, &draft).await?;
    // Not 401: the caller is signed in.
    user.ok_or_else(|| http::Error::field("current", "is not the password"))?;
    draft.describe("change password", Some(name.clone()));
    let (access, now) = (
        Arc::clone(&state.authenticator.access),
        (state.authenticator.clock)(),
    );
    let _alone = hashing(&state).await?;
    let changed = blocking(move || access.change_user(&name, None, Some(&body.new), now)).await?;
    changed.map_err(|error| match error {
        UserFault::Password(fault) => http::Error::field("new", &fault).into(),
        other => user_fault(other),
    })?;
    let headers = [(
        SET_COOKIE,
        state.authenticator.cookie(credentials.secure).close(),
    )];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Who has signed in with a password.
fn password_user(actor: &Actor) -> Result<String, access::Error> {
    let name = actor.name.clone();
    let name = name.filter(|_| actor.by == Authentication::Password);
    name.ok_or(access::Error::NotByPassword)
}

/// The user of this name, if the password is theirs; not asked too often.
async fn check_password(
    state: &AppState,
    credentials: &Credentials,
    name: &str,
    password: String,
    draft: &AuditDraft,
) -> Result<Option<User>, ErrorResponse> {
    let authenticator = &state.authenticator;
    // What is typed where a name belongs may be a password: only names are written down.
    let is_user = authenticator.grant(name)?.is_some();
    draft.describe("sign in", is_user.then(|| name.to_owned()));
    let waiting = Arc::clone(&authenticator.waiting).try_acquire_owned();
    let waiting = waiting.map_err(|_| access::Error::TooManyTries(Duration::from_secs(1)))?;
    authenticator
        .throttle
        .begin(name, credentials.address, (authenticator.clock)())
        .map_err(access::Error::TooManyTries)?;
    let _alone = hashing(state).await?;
    drop(waiting);
    let (access, asked) = (Arc::clone(&authenticator.access), name.to_owned());
    let found = blocking(move || access.check_password(&asked, &password)).await?;
    let found = found.map_err(access::Error::from)?;
    if found.is_some() {
        authenticator
            .throttle
            .succeeded(name, credentials.address, (authenticator.clock)());
    }
    Ok(found)
}

fn only_with_passwords(state: &AppState) -> Result<(), access::Error> {
    match state.authenticator.sign_in {
        SignIn::Password => Ok(()),
        SignIn::None | SignIn::Proxy(_) => Err(access::Error::NoPasswordSignIn),
    }
}
