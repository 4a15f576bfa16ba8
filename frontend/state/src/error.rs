//! Why an answer of the server did not come.

use std::fmt;

use ecoman_api::{Problem, ProblemKind};

use crate::text;

/// Why an answer did not come. The message is for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// No connection to the server, or it was cut.
    Unreachable,
    /// No answer within so many seconds.
    TimedOut(u32),
    /// No answer to a change within so many seconds. It is withdrawn: the browser does not send it later.
    ChangeTimedOut(u32),
    /// The server says what is wrong.
    Problem(Box<Problem>),
    /// Something between the page and the server has answered.
    Status(u16),
    /// The answer is not what this page understands.
    Unreadable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = &text::first_load().request_errors;
        match self {
            Self::Unreachable => f.write_str(texts.unreachable),
            Self::TimedOut(seconds) => f.write_str(&(texts.timed_out)(*seconds)),
            Self::ChangeTimedOut(seconds) => f.write_str(&(texts.change_timed_out)(*seconds)),
            Self::Problem(problem) => f.write_str(&problem.detail),
            Self::Status(status) => f.write_str(&(texts.bad_status)(*status)),
            Self::Unreadable(why) => f.write_str(&(texts.unreadable)(why)),
        }
    }
}

impl Error {
    /// Whether it is about something that does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.status == 404)
    }

    /// Whether it is a problem of this kind.
    pub fn is(&self, kind: ProblemKind) -> bool {
        matches!(self, Self::Problem(problem) if problem.is(kind))
    }

    /// Whether the server wants to know first who is asking.
    pub fn is_signed_out(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.status == 401)
    }

    /// What it says is wrong with single fields: the field's name in the API, and the rule.
    pub fn fields(&self) -> Vec<(String, String)> {
        let Self::Problem(problem) = self else {
            return Vec::new();
        };
        let errors = problem.errors.iter();
        errors
            .map(|error| (error.field().to_owned(), error.detail.clone()))
            .collect()
    }

    /// Whether the server may have done what was asked although nobody knows.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Problem(_))
    }

    /// Whether the server is there and asks for patience: it has just started.
    pub fn is_not_ready(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.status == 503)
    }
}
