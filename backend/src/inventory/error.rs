//! Why there is nothing to show of a node or VM.

use ecoman_api::text::spoken;
use ecoman_api::{ApiError, ProblemKind};
use ecoman_store::StoreError;

use crate::error_chain::chain;

/// Errors of the inventory.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}", (spoken().problems.vm_not_found)(node, vmid))]
    VmNotFound { node: String, vmid: String },
    #[error("{}", (spoken().problems.node_not_found)(.0))]
    NodeNotFound(String),
    /// The store has not been read yet.
    #[error("{}", spoken().problems.starting)]
    Starting,
    #[error(transparent)]
    Store(#[from] StoreUnavailable),
}

impl ApiError for Error {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::VmNotFound { .. } => ProblemKind::VmNotFound,
            Self::NodeNotFound(_) => ProblemKind::NodeNotFound,
            Self::Starting => ProblemKind::Starting,
            Self::Store(error) => error.kind(),
        }
    }
}

/// The store cannot be used; why.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StoreUnavailable {
    /// It does not answer, or cannot be read.
    #[error("{}", (spoken().problems.store_unavailable)(.0))]
    Unreadable(String),
    /// It takes no changes.
    #[error("{}", (spoken().problems.store_unwritable)(.0))]
    Unwritable(String),
}

impl StoreUnavailable {
    /// The store failed at a request, which the log records.
    pub(crate) fn at_request(error: &StoreError) -> Self {
        if let Some(problem) = error.unwritable() {
            // The log has a line about it each minute, not at each request.
            tracing::debug!(error = chain(error), "the database is read-only");
            return Self::Unwritable(problem.to_string());
        }
        let message = chain(error);
        tracing::error!(error = message, "a database request failed");
        Self::Unreadable(message)
    }
}

impl ApiError for StoreUnavailable {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Unreadable(_) => ProblemKind::StoreUnavailable,
            Self::Unwritable(_) => ProblemKind::StoreUnwritable,
        }
    }
}
