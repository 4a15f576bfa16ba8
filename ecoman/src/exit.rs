//! How a command that could not do its work ends: a message on the terminal and an exit code.

use std::fmt;

/// Why a command could not do its work: a message for the user and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    exit_code: u8,
}

impl Failure {
    /// Something is configured wrongly: exit code 2.
    pub(crate) fn configuration(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            exit_code: 2,
        }
    }

    /// The configuration is fine, the work failed: exit code 1.
    pub(crate) fn runtime(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            exit_code: 1,
        }
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An error with its whole chain of causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Prints why a command failed.
#[expect(
    clippy::print_stderr,
    reason = "the last word of a command goes to the terminal"
)]
pub(crate) fn complain(failure: &Failure) {
    eprintln!("ecoman: {failure}");
}
