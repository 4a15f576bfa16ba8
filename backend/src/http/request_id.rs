//! The id of a request.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

/// The id of a request: the client's if it is safe to log, else a new one.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestId(pub(crate) String);

const HEADER: &str = "x-request-id";

impl RequestId {
    /// The id of a request, or an empty one before [`assign`] has run.
    pub(crate) fn of(request: &Request) -> Self {
        request.extensions().get().cloned().unwrap_or_default()
    }
}

/// Sets the id of a request, and returns it with the answer.
pub(crate) async fn assign(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_safe(id))
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    // A safe id is a valid header value.
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HEADER, id);
    }
    response
}

/// Whether a client's id can go into logs and answers unchanged.
fn is_safe(id: &str) -> bool {
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
        assert!(is_safe("0b1c2d3e-4f50_4a6b.8c7d"));
        for id in ["", "a b", "a\n", "<b>", "é", &"x".repeat(129)] {
            assert!(!is_safe(id), "{id:?}");
        }
    }
}
