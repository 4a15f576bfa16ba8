//! Errors of the API, RFC 9457.

use std::time::Duration;

use ecoman_model::{FieldFault, TaskId};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::problem_kind::{ProblemKind, URN};
use crate::text::spoken;

/// An error that the API answers with: the modules of the server have enums of them, and one place
/// makes problems of them. `Display` is the problem's `detail`.
pub trait ApiError: std::error::Error + Send + Sync {
    /// The kind of problem.
    fn kind(&self) -> ProblemKind;

    /// The HTTP status.
    fn status(&self) -> u16 {
        self.kind().status()
    }

    /// The kind of problem in words.
    fn title(&self) -> &'static str {
        (spoken().problems.title)(self.kind())
    }

    /// The fields or parameters that are wrong.
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// The task that says more.
    fn task(&self) -> Option<TaskId> {
        None
    }

    /// After which time the same request may succeed.
    fn retry_after(&self) -> Option<Duration> {
        self.kind().retry_after()
    }
}

/// An error of the API: `application/problem+json`, RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Identifies the kind of problem; stable, for programs.
    #[serde(rename = "type")]
    #[cfg_attr(
        feature = "openapi",
        schema(example = "urn:ecoman:problem:vm-not-found")
    )]
    pub kind: String,
    /// The kind of problem in words.
    #[cfg_attr(feature = "openapi", schema(example = "VM not found"))]
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 400, maximum = 599, example = 404))]
    pub status: u16,
    /// What happened this time and what to do about it.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "hoge has no VM 14; it may have been removed.")
    )]
    pub detail: String,
    /// The path that was asked for.
    #[cfg_attr(feature = "openapi", schema(example = "/api/v1/vms/hoge/14"))]
    pub instance: String,
    /// The id of the request, also in the server's log.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "0b1c2d3e-4f50-4a6b-8c7d-0123456789ab")
    )]
    pub request_id: String,
    /// The fields or parameters that are wrong, if it is about those.
    #[serde(default)]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// Whether it is of a kind.
    #[must_use]
    pub fn is(&self, kind: ProblemKind) -> bool {
        self.kind.strip_prefix(URN) == Some(kind.slug())
    }
}

/// What is wrong with one field or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// JSON pointer into the body as a fragment of a URI (`#/name`, RFC 6901), or the name of a query
    /// parameter (`?limit`).
    #[cfg_attr(feature = "openapi", schema(example = "?limit"))]
    pub pointer: String,
    /// The rule that it breaks.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "must be a number from 1 to 10000")
    )]
    pub detail: String,
}

/// What a fragment of a URI has no place for (RFC 3986, 3.5).
const NOT_IN_FRAGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

impl FieldError {
    /// A field, by its JSON pointer (`/name`), that breaks a rule.
    #[must_use]
    pub fn new(pointer: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: format!("#{}", utf8_percent_encode(pointer, NOT_IN_FRAGMENT)),
            detail: detail.into(),
        }
    }

    /// A query parameter that breaks a rule.
    #[must_use]
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: format!("?{name}"),
            detail: detail.into(),
        }
    }

    /// The field of the body: its path without the beginning of the pointer.
    #[must_use]
    pub fn field(&self) -> &str {
        self.pointer.trim_start_matches("#/")
    }
}

impl From<&FieldFault> for FieldError {
    fn from(fault: &FieldFault) -> Self {
        Self::new(&format!("/{}", fault.field), &*fault.rule)
    }
}
