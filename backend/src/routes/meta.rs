//! The server itself: configuration, OpenAPI documents, health.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use ecoman_api::{Config, Notice, NoticeKind};
use ecoman_model::Permission;
use tokio::time::timeout;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

use super::responses;
use crate::access::Caller;
use crate::error_chain::chain;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::inventory::error::StoreUnavailable;
use crate::routes::state::AppState;
use crate::tasks::guest_os;

/// Get the configuration
///
/// The settings that a client needs first.
#[utoipa::path(
    get,
    path = "/config",
    operation_id = "getConfig",
    tag = "Server",
    extensions(("x-permission" = json!(Permission::Read))),
    responses(
        (status = 200, description = "The configuration.", body = Config),
        responses::NoParameters,
    )
)]
pub(crate) async fn get_config(
    State(state): State<AppState>,
    caller: Caller,
    _: NoParameters,
) -> Result<Json<Config>, ErrorResponse> {
    let snapshot = state.inventory.snapshot();
    let newest = snapshot
        .nodes
        .iter()
        .max_by_key(|node| node.record.attempted_at);
    Ok(Json(Config {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        thresholds: state.thresholds,
        presets: state.presets.to_vec(),
        guest_oses: guest_os::all(),
        interval_seconds: newest.map(|node| node.record.interval_seconds),
        notices: notices(&state, &caller),
        identity: caller.identity(&state.authenticator.sign_in),
    }))
}

fn notices(state: &AppState, caller: &Caller) -> Vec<Notice> {
    let unwritable = state.writability.failure().map(|failure| Notice {
        kind: NoticeKind::StoreUnwritable,
        since: Some(failure.since),
        message: failure.message,
    });
    let snapshot = state.inventory.snapshot();
    let hosts = snapshot
        .hosts_problem()
        .filter(|_| caller.grant.may(Permission::Users))
        .map(|problem| Notice {
            kind: NoticeKind::HostsFile,
            since: None,
            message: problem.to_owned(),
        });
    unwritable.into_iter().chain(hosts).collect()
}

/// Get this document
///
/// In OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenapi",
    tag = "Server",
    extensions(("x-permission" = json!("anybody"))),
    responses(
        (status = 200, description = "The OpenAPI 3.1 document.", body = OpenapiDocument),
        responses::NoParameters,
    )
)]
pub(crate) async fn get_openapi(
    State(state): State<AppState>,
    _: NoParameters,
) -> impl IntoResponse {
    let json = [(CONTENT_TYPE, "application/json")];
    (json, state.openapi.version_3_1.to_string())
}

/// Get this document in OpenAPI 3.0.3
///
/// For tools without support for 3.1.
#[utoipa::path(
    get,
    path = "/openapi-3.0.json",
    operation_id = "getOpenapi30",
    tag = "Server",
    extensions(("x-permission" = json!("anybody"))),
    responses((status = 200, description = "The OpenAPI 3.0.3 document.", body = OpenapiDocument))
)]
pub(crate) async fn get_openapi_3_0(
    State(state): State<AppState>,
    _: NoParameters,
) -> impl IntoResponse {
    let json = [(CONTENT_TYPE, "application/json")];
    (json, state.openapi.version_3_0.to_string())
}

/// Check liveness
///
/// Whether the process serves; restart it on a failure.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "healthz",
    tag = "Server",
    extensions(("x-permission" = json!("anybody"))),
    responses(
        (
            status = 200,
            description = "It serves.",
            body = str,
            content_type = "text/plain; charset=utf-8",
            example = "ok\n"
        ),
        responses::NoParameters,
    )
)]
pub(crate) async fn healthz(_: NoParameters) -> &'static str {
    "ok\n"
}

/// Check readiness
///
/// Whether the database has been read and is responding. A read-only database is also ready; see
/// `/readyz/write`.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "Server",
    extensions(("x-permission" = json!("anybody"))),
    responses(
        (
            status = 200,
            description = "It is ready.",
            body = str,
            content_type = "text/plain; charset=utf-8",
            example = "ready\n"
        ),
        responses::NoParameters,
        responses::NotReady,
    )
)]
pub(crate) async fn readyz(
    State(state): State<AppState>,
    _: NoParameters,
) -> Result<String, ErrorResponse> {
    super::visible::whole(&state.inventory)?;
    let answered = answers(&state).await;
    Ok(match state.writability.failure() {
        Some(failure) => format!("ready; the database is read-only: {}\n", failure.message),
        None => {
            answered?;
            READY.to_owned()
        }
    })
}

/// Check readiness for changes
///
/// Whether the database is writable. If not, the dashboard still serves the last known data: a
/// probe of this must not take it out of service.
#[utoipa::path(
    get,
    path = "/readyz/write",
    operation_id = "readyzWrite",
    tag = "Server",
    extensions(("x-permission" = json!("anybody"))),
    responses(
        (
            status = 200,
            description = "It takes changes.",
            body = str,
            content_type = "text/plain; charset=utf-8",
            example = "ready\n"
        ),
        responses::NoParameters,
        responses::NotWritable,
    )
)]
pub(crate) async fn readyz_write(
    State(state): State<AppState>,
    _: NoParameters,
) -> Result<&'static str, ErrorResponse> {
    super::visible::whole(&state.inventory)?;
    state.writability.ensure().await?;
    answers(&state).await?;
    Ok(READY)
}

const READY: &str = "ready\n";

/// Whether the store answers.
async fn answers(state: &AppState) -> Result<(), StoreUnavailable> {
    const PATIENCE: Duration = Duration::from_secs(5);
    match timeout(PATIENCE, state.store.ping()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(StoreUnavailable::Unreadable(chain(&error))),
        Err(_) => Err(StoreUnavailable::Unreadable(
            "it does not answer".to_owned(),
        )),
    }
}

/// A document such as this one.
struct OpenapiDocument;

impl utoipa::ToSchema for OpenapiDocument {
    fn name() -> Cow<'static, str> {
        "OpenapiDocument".into()
    }
}

impl utoipa::PartialSchema for OpenapiDocument {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("A document such as this one."))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .examples([serde_json::json!({
                "openapi": "3.1.0",
                "info": { "title": "ECoMan", "version": env!("CARGO_PKG_VERSION") },
                "paths": {}
            })])
            .into()
    }
}
