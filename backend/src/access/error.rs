//! Why a caller may not do something.

use std::time::Duration;

use ecoman_access::AccessError;
use ecoman_api::text::spoken;
use ecoman_api::{ApiError, FieldError, ProblemKind};
use ecoman_model::Role;

use crate::error_chain::chain;
use crate::http::problem::whole_seconds;

/// Errors of sign-in, permissions, users and tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}", spoken().problems.not_signed_in)]
    NotSignedIn,
    #[error(transparent)]
    BadCredentials(#[from] BadCredentials),
    #[error("{}", spoken().problems.wrong_password)]
    WrongPassword,
    /// After this time another try is taken.
    #[error("{}", (spoken().problems.too_many_tries)(whole_seconds(*.0)))]
    TooManyTries(Duration),
    #[error("{}", spoken().problems.cross_site)]
    CrossSite,
    /// The same, by the headers that a proxy may have changed.
    #[error("{}", (spoken().problems.other_origin)(origin, host))]
    OtherOrigin { origin: String, host: String },
    #[error("{}", (spoken().problems.forbidden)(caller, *needed, *role, *limited))]
    Forbidden {
        caller: String,
        needed: Role,
        role: Role,
        limited: bool,
    },
    /// `nodes`: those that the caller reaches.
    #[error("{}", (spoken().problems.out_of_reach)(caller, node, nodes))]
    OutOfReach {
        caller: String,
        node: String,
        nodes: Vec<String>,
    },
    #[error("{}", spoken().problems.no_password_sign_in)]
    NoPasswordSignIn,
    #[error("{}", spoken().problems.no_sign_in)]
    NoSignIn,
    #[error("{}", spoken().problems.not_by_password)]
    NotByPassword,
    #[error("{}", spoken().problems.sign_in_unavailable)]
    SignInUnavailable,
    #[error("{}", spoken().problems.token_not_found)]
    TokenNotFound,
    #[error("{}", (spoken().problems.user_not_found)(.0))]
    UserNotFound(String),
    #[error("{}", (spoken().problems.user_taken)(.0))]
    UserTaken(String),
    #[error("{}", (spoken().problems.last_admin)(.0))]
    LastAdmin(String),
}

/// Why credentials are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadCredentials {
    #[error("{}", spoken().problems.not_a_bearer_token)]
    NotABearerToken,
    #[error("{}", spoken().problems.token_expired)]
    TokenExpired,
    #[error("{}", spoken().problems.token_unknown)]
    TokenUnknown,
    #[error("{}", spoken().problems.token_owner_removed)]
    TokenOwnerRemoved,
    #[error("{}", spoken().problems.session_ended)]
    SessionEnded,
    /// The proxy has signed in somebody who has no role here.
    #[error("{}", spoken().problems.no_role)]
    NoRole,
    #[error("{}", spoken().problems.user_removed)]
    UserRemoved,
}

/// Users, tokens or sessions cannot be read or written; the log says why.
impl From<AccessError> for Error {
    fn from(error: AccessError) -> Self {
        tracing::error!(
            error = chain(&error),
            "cannot read or write users, sessions and tokens"
        );
        Self::SignInUnavailable
    }
}

impl ApiError for Error {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::NotSignedIn => ProblemKind::NotSignedIn,
            Self::BadCredentials(_) => ProblemKind::BadCredentials,
            Self::WrongPassword => ProblemKind::WrongPassword,
            Self::TooManyTries(_) => ProblemKind::TooManyTries,
            Self::CrossSite | Self::OtherOrigin { .. } => ProblemKind::CrossSite,
            Self::Forbidden { .. } => ProblemKind::Forbidden,
            Self::OutOfReach { .. } => ProblemKind::OutOfReach,
            Self::NoPasswordSignIn | Self::NoSignIn => ProblemKind::SignInOff,
            Self::NotByPassword => ProblemKind::NotByPassword,
            Self::SignInUnavailable => ProblemKind::SignInUnavailable,
            Self::TokenNotFound => ProblemKind::TokenNotFound,
            Self::UserNotFound(_) => ProblemKind::UserNotFound,
            Self::UserTaken(_) => ProblemKind::UserTaken,
            Self::LastAdmin(_) => ProblemKind::LastAdmin,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::UserTaken(_) => vec![FieldError::new("/name", "is taken")],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyTries(wait) => Some(*wait),
            _ => self.kind().retry_after(),
        }
    }
}
