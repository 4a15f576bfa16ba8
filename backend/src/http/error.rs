//! Why a request fails before it is about anything: its path, headers, parameters and body.

use axum::http::StatusCode;
use ecoman_api::text::spoken;
use ecoman_api::{ApiError, FieldError, FieldFault, ProblemKind};

use crate::error_chain::chain;
use crate::http::BODY_LIMIT;

/// Errors of the transport.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}", spoken().problems.bad_parameters)]
    BadParameters(Vec<FieldError>),
    #[error("{}", spoken().problems.bad_body)]
    BadBody(Vec<FieldError>),
    #[error("{}", spoken().problems.bad_idempotency_key)]
    BadIdempotencyKey,
    #[error("{}", spoken().problems.unsupported_media_type)]
    UnsupportedMediaType,
    #[error("{}", (spoken().problems.too_large)(BODY_LIMIT / 1024))]
    TooLarge,
    #[error("{}", spoken().problems.not_acceptable)]
    NotAcceptable,
    #[error("{}", spoken().problems.not_found)]
    NotFound,
    #[error("{}", spoken().problems.method_not_allowed)]
    MethodNotAllowed,
    #[error("{}", (spoken().problems.foreign_host)(.0))]
    ForeignHost(String),
    #[error("{}", spoken().problems.timeout)]
    Timeout,
    #[error("{}", spoken().problems.internal)]
    Internal,
    /// A status that axum or a layer has chosen, and that no other error has.
    #[error("{}", (spoken().problems.other_status)(reason(*.0)))]
    Status(StatusCode),
}

impl Error {
    /// One field of the body breaks its rule.
    pub(crate) fn field(field: &'static str, rule: &(impl ToString + ?Sized)) -> Self {
        let rule = rule.to_string();
        Self::BadBody(vec![FieldError::from(&FieldFault { field, rule })])
    }

    /// Fields of the body break their rules.
    pub(crate) fn fields(faults: &[FieldFault]) -> Self {
        Self::BadBody(faults.iter().map(FieldError::from).collect())
    }

    /// A failure inside: the log records it, the client learns only that there was one.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = chain(error), "a request failed");
        Self::Internal
    }

    /// The meaning of a status without a body.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::SERVICE_UNAVAILABLE => Self::Timeout,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            other => Self::Status(other),
        }
    }
}

impl ApiError for Error {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadParameters(_) => ProblemKind::BadParameters,
            Self::BadBody(_) => ProblemKind::BadBody,
            Self::BadIdempotencyKey => ProblemKind::BadIdempotencyKey,
            Self::UnsupportedMediaType => ProblemKind::UnsupportedMediaType,
            Self::TooLarge => ProblemKind::TooLarge,
            Self::NotAcceptable => ProblemKind::NotAcceptable,
            Self::NotFound => ProblemKind::NotFound,
            Self::MethodNotAllowed => ProblemKind::MethodNotAllowed,
            Self::ForeignHost(_) => ProblemKind::ForeignHost,
            Self::Timeout => ProblemKind::Timeout,
            Self::Internal => ProblemKind::Internal,
            Self::Status(_) => ProblemKind::Http,
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Status(status) => status.as_u16(),
            _ => self.kind().status(),
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Status(status) => reason(*status),
            _ => (spoken().problems.title)(self.kind()),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::BadParameters(errors) | Self::BadBody(errors) => errors.clone(),
            _ => Vec::new(),
        }
    }
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("unknown status")
}
