//! Why hostd's answers could not be had or read, by what one can do about it.

use crate::parse::ParseError;

/// Why a node's VMs could not be read by [`crate::Command::read_hostd`]. The sentence is for the
/// user; what follows from it is up to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostdError {
    /// It has no Python that can run the program.
    #[error("the node has no Python that can run the reading program: {words}")]
    NoPython {
        /// What was missing.
        words: String,
    },
    /// It has one, and a policy of the node forbids to run it (`execInstalledOnly`, a sandbox).
    #[error("the node does not permit to run the reading program: {words}")]
    NotPermitted {
        /// The node's words.
        words: String,
    },
    /// The program had too little memory, or was killed.
    #[error("the reading program ran out of memory or was killed on the node: {words}")]
    OutOfMemory {
        /// What shows it.
        words: String,
    },
    /// hostd gives no ticket to this user, or refuses the sign-in with it, twice.
    #[error("hostd refuses the user's local sign-in: {words}")]
    SignInRefused {
        /// hostd's words.
        words: String,
    },
    /// The user may not see everything: a VM that is not shown looks like one that is gone.
    #[error("the user may not see everything that hostd knows: {words}")]
    NoPermission {
        /// What was refused.
        words: String,
    },
    /// hostd refuses the question or gives an answer of another kind: our defect.
    #[error("hostd and the reading program do not understand each other: {words}")]
    NotUnderstood {
        /// What was not understood.
        words: String,
    },
    /// The answer ends before it is complete.
    #[error("the answer of the reading program is cut off: {words}")]
    CutOff {
        /// What is missing.
        words: String,
    },
    /// hostd does not answer: it starts, restarts or is overloaded.
    #[error("hostd does not answer the reading program: {words}")]
    HostdDown {
        /// How it shows.
        words: String,
    },
    /// It took longer than it may, and ended itself.
    #[error("the reading program took longer than it may: {words}")]
    TooSlow {
        /// How long it had.
        words: String,
    },
    /// hostd sends more than any host has.
    #[error("hostd sends more than any host has: {words}")]
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
