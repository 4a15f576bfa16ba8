//! The log line of every request, and its count in the metrics.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;

use super::state::AppState;
use crate::http::request_id::RequestId;

/// Logs and counts the request when its answer begins.
pub(crate) async fn record(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let RequestId(request_id) = RequestId::of(&request);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let template = request.extensions().get::<MatchedPath>();
    let operation = state
        .operations
        .label(&method, template.map(MatchedPath::as_str));
    let span = tracing::info_span!("request", request_id, %method, path);

    let changes = !method.is_safe();
    let work = async move {
        let response = next.run(request).await;
        let took = started.elapsed();
        state.metrics.answered(operation, response.status(), took);
        let status = response.status().as_u16();
        let millis = took.as_secs_f64() * 1000.0;
        // Probes ask several times a minute.
        if matches!(
            path.as_str(),
            "/healthz" | "/readyz" | "/readyz/write" | "/metrics"
        ) && status < 400
        {
            tracing::debug!(status, millis, "answered");
        } else {
            tracing::info!(status, millis, "answered");
        }
        response
    }
    .instrument(span);
    if !changes {
        return work.await;
    }
    // A change continues when the client stops waiting: it is carried out and recorded to its end.
    tokio::spawn(work).await.unwrap_or_else(|error| {
        tracing::error!(
            error = crate::error_chain::chain(&error),
            "a request panicked"
        );
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}
