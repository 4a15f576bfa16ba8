//! `/tokens`: the API tokens of programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use ecoman_access::{NewToken, Token, TokenFault};
use ecoman_api::{CreateToken, CreatedToken, TokenList};
use ecoman_model::{Grant, NodeName, Permission, Role, Timestamp};
use uuid::Uuid;

use super::accounts::{blocking, node_names, only_with_sign_in};
use super::guard::AuditDraft;
use super::paths::IdPath;
use super::responses;
use crate::access::{self, BadCredentials, Caller};
use crate::http;
use crate::http::etag::NO_STORE;
use crate::http::json::JsonBody;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::routes::state::AppState;

/// The default lifetime of a token, and the longest, in days.
const USUAL_DAYS: u32 = 90;
const MOST_DAYS: u32 = 3650;

/// List API tokens
///
/// The caller's own, or all tokens for an admin of all nodes; the newest first.
#[utoipa::path(
    get,
    path = "/tokens",
    operation_id = "listTokens",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Tokens))),
    responses(
        (status = 200, description = "The tokens, without their secrets.", body = TokenList),
        responses::NoParameters,
        responses::SignInOff,
    )
)]
pub(crate) async fn list_tokens(
    State(state): State<AppState>,
    caller: Caller,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    only_with_sign_in(&state)?;
    let tokens = state.authenticator.access.tokens();
    let tokens = tokens.map_err(access::Error::from)?;
    let items = tokens
        .into_iter()
        .rev()
        .filter(|(_, token)| is_in_reach(token, &caller))
        .map(|(id, token)| view(id, token))
        .collect();
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(TokenList { items })).into_response())
}

/// Create an API token
///
/// For the caller, with at most their own role and hosts. Only this response has the secret.
#[utoipa::path(
    post,
    path = "/tokens",
    operation_id = "createToken",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Tokens))),
    request_body = CreateToken,
    responses(
        (status = 201, description = "The token, with its secret.", body = CreatedToken),
        responses::BadJson,
        responses::SignInOff,
    )
)]
pub(crate) async fn create_token(
    State(state): State<AppState>,
    Extension(draft): Extension<AuditDraft>,
    caller: Caller,
    _: NoParameters,
    JsonBody(body): JsonBody<CreateToken>,
) -> Result<Response, ErrorResponse> {
    only_with_sign_in(&state)?;
    let now = (state.authenticator.clock)();
    let days = days(body.expires_in_days)?;
    let new = new_token(body, &caller, now + TimeDelta::days(days.into()))?;
    draft.describe(
        format!("create {} token for {days} days", new.grant.role),
        Some(new.name.clone()),
    );
    let access = Arc::clone(&state.authenticator.access);
    let (id, token, secret) = blocking(move || access.create_token(new, now))
        .await?
        .map_err(fault)?;
    let created = CreatedToken {
        token: view(id, token),
        secret: secret.reveal().to_owned(),
    };
    let headers = [(CACHE_CONTROL, NO_STORE)];
    Ok((StatusCode::CREATED, headers, Json(created)).into_response())
}

/// The lifetime of a token, in days.
fn days(asked: Option<u32>) -> Result<u32, http::Error> {
    let days = asked.unwrap_or(USUAL_DAYS);
    if (1..=MOST_DAYS).contains(&days) {
        return Ok(days);
    }
    let rule = format!("must be from 1 to {MOST_DAYS}");
    Err(http::Error::field("expires_in_days", &rule))
}

/// The token that a body describes; it expires at `end` at the latest.
fn new_token(body: CreateToken, caller: &Caller, end: Timestamp) -> Result<NewToken, http::Error> {
    let nodes = node_names(body.nodes.as_deref())?;
    Ok(NewToken {
        name: body.name,
        owner: caller.actor.name.clone().ok_or(http::Error::Internal)?,
        owner_is_listed: caller.is_listed,
        owner_grant: caller.grant.clone(),
        grant: Grant {
            role: body.role.unwrap_or(Role::Viewer),
            nodes: nodes.or_else(|| caller.grant.nodes.clone()),
        },
        made_by: caller.token,
        // A token that another token makes does not outlive it.
        expires_at: Some(match caller.actor.token {
            Some(_) => caller.expires_at.map_or(end, |limit| limit.min(end)),
            None => end,
        }),
    })
}

/// Revoke an API token
///
/// It becomes invalid, with all tokens created with it, directly or indirectly.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    operation_id = "revokeToken",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Tokens))),
    params(("id" = String, Path, description = "Id of the token.", format = "uuid", example = "019aad5e-7a00-7000-8000-000000000001")),
    responses(
        (status = 204, description = "It is revoked."),
        responses::NoSuchToken,
        responses::SignInOff,
    )
)]
pub(crate) async fn revoke_token(
    State(state): State<AppState>,
    Extension(draft): Extension<AuditDraft>,
    caller: Caller,
    IdPath(text): IdPath,
    _: NoParameters,
) -> Result<StatusCode, ErrorResponse> {
    only_with_sign_in(&state)?;
    let id: Uuid = text.parse().map_err(|_| access::Error::TokenNotFound)?;
    let tokens = state.authenticator.access.tokens();
    let tokens = tokens.map_err(access::Error::from)?;
    let token = tokens
        .get(&id)
        .filter(|token| is_in_reach(token, &caller))
        .ok_or(access::Error::TokenNotFound)?;
    draft.describe(
        format!("revoke token of {}", token.owner),
        Some(token.name.clone()),
    );
    let access = Arc::clone(&state.authenticator.access);
    let revoked = blocking(move || access.revoke_token(id)).await?;
    let revoked = revoked.map_err(access::Error::from)?;
    let (token, made) = revoked.split_first().ok_or(access::Error::TokenNotFound)?;
    if !made.is_empty() {
        let owner = &token.owner;
        let summary = format!(
            "revoke token of {owner} and {} that it had made",
            made.len()
        );
        draft.describe(summary, Some(token.name.clone()));
    }
    Ok(StatusCode::NO_CONTENT)
}

fn is_in_reach(token: &Token, caller: &Caller) -> bool {
    caller.grant == Grant::ALL || caller.actor.name.as_deref() == Some(&token.owner)
}

fn view(id: Uuid, token: Token) -> ecoman_api::Token {
    ecoman_api::Token {
        id,
        name: token.name,
        owner: token.owner,
        role: token.grant.role,
        nodes: token
            .grant
            .nodes
            .map(|nodes| nodes.iter().map(NodeName::to_string).collect()),
        made_by: token.made_by,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    }
}

fn fault(fault: TokenFault) -> ErrorResponse {
    match fault {
        TokenFault::Name => http::Error::field("name", &fault).into(),
        TokenFault::Past => http::Error::field("expires_in_days", &fault).into(),
        TokenFault::Exceeds { .. } => http::Error::field("role", &fault).into(),
        TokenFault::MakerRevoked => access::Error::from(BadCredentials::TokenUnknown).into(),
        TokenFault::NoOwner(_) => access::Error::from(BadCredentials::UserRemoved).into(),
        TokenFault::Access(error) => access::Error::from(error).into(),
        other => http::Error::internal(&other).into(),
    }
}
