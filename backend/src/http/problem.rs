//! Errors → problems (RFC 9457).
//!
//! Handlers return an [`ErrorResponse`], an answer without a body that carries the error; layers
//! and axum itself answer with a mere status. [`render_problems`] gives each of them its body,
//! since it alone knows the request.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ecoman_api::text::Language;
use ecoman_api::{ApiError, Problem, ProblemKind, task_path};

use crate::http::accept::accepts_html;
use crate::http::base_path::BasePath;
use crate::http::error::Error;
use crate::http::json::json;
use crate::http::language::{self, language};
use crate::http::request_id::RequestId;

/// Media type of problems.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
const HTML: &str = "text/html; charset=utf-8";

/// Any module's error, on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct ErrorResponse(Arc<dyn ApiError>);

impl ErrorResponse {
    /// The error.
    pub(crate) fn error(&self) -> &dyn ApiError {
        &*self.0
    }
}

impl<E: ApiError + 'static> From<E> for ErrorResponse {
    fn from(error: E) -> Self {
        Self(Arc::new(error))
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let mut response = status(self.error()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        ErrorResponse::from(self).into_response()
    }
}

/// Gives every failure its body.
pub(crate) async fn render_problems(request: Request, next: Next) -> Response {
    let base: BasePath = request.extensions().get().cloned().unwrap_or_default();
    let instance = base.join(request.uri().path());
    let wants_html = accepts_html(request.headers());
    let language = language(&request);
    let request_id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;

    let answered = response.status();
    let error = match response.extensions_mut().remove::<ErrorResponse>() {
        Some(error) => error,
        // An HTML page says by itself what is wrong.
        None if is_success(answered) || is_html(&response) => return response,
        None => Error::of_status(answered).into(),
    };
    let error = error.error();
    let problem = language.speak(|| Problem {
        kind: error.kind().urn(),
        title: error.title().to_owned(),
        status: error.status(),
        detail: base.in_text(error.to_string()),
        instance,
        request_id: request_id.unwrap_or_default().0,
        errors: error.fields(),
    });
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    let for_people = wants_html && error.kind() == ProblemKind::ForeignHost;
    let media_type = if for_people { HTML } else { PROBLEM_JSON };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.append(VARY, HeaderValue::from_static(language::DEPENDS_ON));
    if let Some(wait) = error.retry_after() {
        headers.insert(RETRY_AFTER, whole_seconds(wait).into());
    }
    if status(error) == StatusCode::UNAUTHORIZED {
        // RFC 6750, 3: names the scheme that programs use.
        headers.insert(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"ecoman\""),
        );
    }
    if let Some(task) = error.task()
        && let Ok(location) = HeaderValue::try_from(task_path(task))
    {
        headers.insert(LOCATION, location);
    }
    *response.body_mut() = if for_people {
        Body::from(html(&problem, language))
    } else {
        Body::from(json(&problem).to_string())
    };
    response
}

/// A problem as a page, for a browser that opens an address.
fn html(problem: &Problem, language: Language) -> String {
    let (title, detail) = (escaped(&problem.title), escaped(&problem.detail));
    let (status, request_id) = (problem.status, escaped(&problem.request_id));
    let tag = language.tag();
    format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>ECoMan: {title}</title>\n<h1>{title}</h1>\n<p>{detail}</p>\n\
         <p><small>{status} · {request_id}</small></p>\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Answers for a handler that panicked: the log records the panic, the client learns only that
/// something failed.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that CatchPanicLayer asks for"
)]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    Error::Internal.into_response()
}

fn status(error: &dyn ApiError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Rounded up.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn is_success(status: StatusCode) -> bool {
    !status.is_client_error() && !status.is_server_error()
}

fn is_html(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}
