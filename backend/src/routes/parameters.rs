//! Parameters of several operations: each is described once here, and named by its handlers.

#![expect(dead_code, reason = "the fields are read by the macro alone")]

use utoipa::IntoParams;

/// The header of a conditional request.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfNoneMatch {
    /// `ETag` of an earlier response.
    #[param(
        rename = "If-None-Match",
        required = false,
        example = "W/\"1795372800000017\""
    )]
    etag: String,
}

/// The header of a stream that is resumed.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct LastEventId {
    /// `id` of the last event received; browsers send it automatically.
    #[param(
        rename = "Last-Event-ID",
        required = false,
        example = "1795372800000017"
    )]
    id: String,
}

/// The header of a change.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IdempotencyKey {
    /// The client's name for this request, 1 to 255 visible ASCII characters: a repeated request
    /// with the same key changes nothing again.
    #[param(
        rename = "Idempotency-Key",
        required = false,
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$",
        example = "metrics-c-first-try"
    )]
    key: String,
}
