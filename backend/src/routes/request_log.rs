//! What happens to every request: an id, a line in the log, limits.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::access;
use crate::routes::state::AppState;

/// The most that a request's body may have, in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// How long a client may have its answer wait for the end of a task.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long an answer may take to begin: longer than one that is meant to wait.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(75);

/// The id of a request: the client's, where it is a sensible one, else our own.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestId(pub(crate) String);

const HEADER: &str = "x-request-id";

/// Gives the request its id, the log its line and the metrics their count.
pub(crate) async fn identify(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_sensible(id))
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let template = request.extensions().get::<MatchedPath>();
    let operation = access::operation_label(&method, template.map(MatchedPath::as_str));
    let span = tracing::info_span!("request", request_id = id, %method, path);
    request.extensions_mut().insert(RequestId(id.clone()));

    let changes = !method.is_safe();
    let work = async move {
        let mut response = next.run(request).await;
        // It consists of letters that a header takes.
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert(HEADER, id);
        }
        let took = started.elapsed();
        state.metrics.answered(operation, response.status(), took);
        let status = response.status().as_u16();
        let millis = took.as_secs_f64() * 1000.0;
        // Probes ask several times a minute for ever.
        if matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics") && status < 400 {
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
    // A change goes on when the client does not wait for its answer: it is done to its end, and
    // written down.
    tokio::spawn(work).await.unwrap_or_else(|error| {
        tracing::error!(
            error = crate::inventory::watcher::chain(&error),
            "a request died"
        );
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

/// Whether an id of a client can go into logs and answers as it is.
fn is_sensible(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_of_harmless_letters() {
        assert!(is_sensible("0b1c2d3e-4f50_4a6b.8c7d"));
        for id in ["", "a b", "a\n", "<b>", "é", &"x".repeat(129)] {
            assert!(!is_sensible(id), "{id:?}");
        }
    }
}
