//! Why an output could not be read into facts.

use std::borrow::Cow;
use std::fmt;

use super::fault::Fault;

/// No output longer than this is read. A note of the largest VMs has some megabytes at most.
pub const MAX_INPUT_BYTES: usize = 64 * 1024 * 1024;

/// Why what a command printed could not be read into facts.
///
/// `reading` names the command, in the spelling of [`COMMANDS`](super::COMMANDS). Lines count
/// from 1. No message holds more than [`Excerpt::MAX_CHARS`] characters of the output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The command did not do it, and said why. This is the host's own error, well read.
    #[error("{reading} failed: {fault}")]
    Fault {
        /// The command.
        reading: &'static str,
        /// What the host said.
        fault: Box<Fault>,
    },

    /// The output was cut: it stops before it is complete.
    #[error("the output of {reading} is cut off in line {line}: {missing}")]
    Truncated {
        /// The command.
        reading: &'static str,
        /// The last line that is there.
        line: usize,
        /// What should have come.
        missing: Cow<'static, str>,
    },

    /// The command printed nothing, where an answer always has text.
    #[error("{reading} printed nothing")]
    Empty {
        /// The command.
        reading: &'static str,
    },

    /// A line is not what the command prints.
    #[error("line {line} of the output of {reading} cannot be read: {reason}: {excerpt}")]
    Unexpected {
        /// The command.
        reading: &'static str,
        /// The line.
        line: usize,
        /// What is wrong with it.
        reason: Cow<'static, str>,
        /// The line's beginning.
        excerpt: Excerpt,
    },

    /// A field has a value of another kind, or one that is out of range.
    #[error(
        "line {line} of the output of {reading}: {field} should be {expected}, but is {excerpt}"
    )]
    Value {
        /// The command.
        reading: &'static str,
        /// The line.
        line: usize,
        /// The field, with the names of the structures around it: `config.numCpu`.
        field: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        excerpt: Excerpt,
    },

    /// Free text in the output makes two readings possible, and nothing decides which is right.
    #[error("the output of {reading} can be read in two ways from line {line} on: {reason}")]
    Ambiguous {
        /// The command.
        reading: &'static str,
        /// The line where the readings part.
        line: usize,
        /// What the two are.
        reason: Cow<'static, str>,
    },

    /// The output is longer than any honest one; it was not looked at.
    #[error(
        "the output of {reading} is too long to be read: {bytes} bytes, at most {MAX_INPUT_BYTES} are"
    )]
    TooLong {
        /// The command.
        reading: &'static str,
        /// How long it is.
        bytes: usize,
    },

    /// [`by_command`](super::by_command()) knows no command of this name.
    #[error("no reader for the output of {command}; known are: {}", known.join(", "))]
    UnknownCommand {
        /// The name that was given.
        command: Excerpt,
        /// The names that have a reader.
        known: &'static [&'static str],
    },
}

impl ParseError {
    /// The line that the error is about, from 1; `None` where it is about no single line.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Truncated { line, .. }
            | Self::Unexpected { line, .. }
            | Self::Value { line, .. }
            | Self::Ambiguous { line, .. } => Some(*line),
            Self::Fault { .. }
            | Self::Empty { .. }
            | Self::TooLong { .. }
            | Self::UnknownCommand { .. } => None,
        }
    }

    /// The command whose output was being read; `None` where there is no such command.
    #[must_use]
    pub fn reading(&self) -> Option<&'static str> {
        match self {
            Self::Fault { reading, .. }
            | Self::Truncated { reading, .. }
            | Self::Empty { reading }
            | Self::Unexpected { reading, .. }
            | Self::Value { reading, .. }
            | Self::Ambiguous { reading, .. }
            | Self::TooLong { reading, .. } => Some(reading),
            Self::UnknownCommand { .. } => None,
        }
    }

    /// What the host said, where the command itself failed.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault { fault, .. } => Some(fault),
            _ => None,
        }
    }

    /// What is wrong, without command and line.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Fault { fault, .. } => fault.sentence(),
            Self::Truncated { missing, .. } => format!("cut off: {missing}"),
            Self::Empty { .. } => "nothing was printed".to_owned(),
            Self::Unexpected {
                reason, excerpt, ..
            } => format!("{reason}: {excerpt}"),
            Self::Value {
                field,
                expected,
                excerpt,
                ..
            } => format!("{field} should be {expected}, but is {excerpt}"),
            Self::Ambiguous { reason, .. } => format!("two readings are possible: {reason}"),
            Self::TooLong { .. } | Self::UnknownCommand { .. } => self.to_string(),
        }
    }
}

/// A piece of a host's output that is fit for a log: one line, quoted, control characters and
/// broken UTF-8 escaped, and short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    /// The longest excerpt, with its quotes.
    pub const MAX_CHARS: usize = 80;

    /// The beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        // No more is looked at than can be shown.
        let head = bytes.get(..Self::MAX_CHARS * 4).unwrap_or(bytes);
        let mut text = String::from("\"");
        let mut chars = 2;
        let mut cut = head.len() < bytes.len();
        'all: for chunk in head.utf8_chunks() {
            let escaped = chunk
                .valid()
                .chars()
                .map(|c| match c {
                    '"' | '\'' => c.to_string(),
                    _ => c.escape_debug().to_string(),
                })
                .chain(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
            for piece in escaped {
                // One character is kept for the ellipsis.
                if chars + piece.chars().count() >= Self::MAX_CHARS {
                    cut = true;
                    break 'all;
                }
                chars += piece.chars().count();
                text.push_str(&piece);
            }
        }
        if cut {
            text.push('…');
        }
        text.push('"');
        Self(text)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        let long = "x".repeat(1_000_000);
        assert_eq!(Excerpt::new(long.as_bytes()).0.chars().count(), 80);
        assert_eq!(Excerpt::new(b"a\n\t\xff\x1b b").0, r#""a\n\t\xff\u{1b} b""#);
        assert_eq!(Excerpt::new("ファ".as_bytes()).0, "\"ファ\"");
    }
}
