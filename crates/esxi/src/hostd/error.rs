//! Why hostd's answers could not be had or read, by what one can do about it.

use crate::parse::ParseError;

/// Why a node's VMs could not be read by [`crate::Command::read_hostd`]. The sentence is for the
/// user; what follows from it is up to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostdError {
    /// It has no Python that can run the program.
    #[error("the host has no usable Python for the reader program: {words}")]
    NoPython {
        /// What was missing.
        words: String,
    },
    /// It has one, and a policy of the node forbids to run it (`execInstalledOnly`, a sandbox).
    #[error("the host does not permit the reader program: {words}")]
    NotPermitted {
        /// The node's words.
        words: String,
    },
    /// The program had too little memory, or was killed.
    #[error("the reader program ran out of memory or was killed on the host: {words}")]
    OutOfMemory {
        /// What shows it.
        words: String,
    },
    /// hostd gives no ticket to this user, or refuses the sign-in with it, twice.
    #[error("hostd refuses the local login of the user: {words}")]
    SignInRefused {
        /// hostd's words.
        words: String,
    },
    /// The user may not see everything: a VM that is not shown looks like one that is gone.
    #[error("the user lacks read permission in hostd: {words}")]
    NoPermission {
        /// What was refused.
        words: String,
    },
    /// hostd refuses the question or gives an answer of another kind: our defect.
    #[error("unexpected response of hostd to the reader program: {words}")]
    NotUnderstood {
        /// What was not understood.
        words: String,
    },
    /// The answer ends before it is complete.
    #[error("the output of the reader program is cut off: {words}")]
    CutOff {
        /// What is missing.
        words: String,
    },
    /// hostd does not answer: it starts, restarts or is overloaded.
    #[error("hostd does not respond to the reader program: {words}")]
    HostdDown {
        /// How it shows.
        words: String,
    },
    /// It took longer than it may, and ended itself.
    #[error("the reader program exceeded its time limit: {words}")]
    TooSlow {
        /// How long it had.
        words: String,
    },
    /// hostd sends more than any host has.
    #[error("the response of hostd is too large: {words}")]
    TooLong {
        /// The limit.
        words: String,
    },
}

impl From<ParseError> for HostdError {
    fn from(error: ParseError) -> Self {
        let words = error.to_string();
        match error {
            ParseError::Truncated { .. } | ParseError::Empty { .. } => Self::CutOff { words },
            ParseError::TooLong { .. } => Self::TooLong { words },
            _ => Self::NotUnderstood { words },
        }
    }
}
