//! Why a node did not list its VMs, and which of a command's words say why it failed.

use ecoman_esxi::parse::{self, Fault, FaultClass, ParseError};
use ecoman_esxi::{Command, Output, SessionError};
use ecoman_model::{FailureKind, NodeName};

/// Why a node did not list its VMs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectError {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What happened, in a sentence that names the node.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl From<SessionError> for CollectError {
    fn from(error: SessionError) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            hint: error.hint(),
        }
    }
}

const REPORT: &str = "If this persists, save the command's output on the host, run `ecoman parse` \
                      on it and report the result.";

/// Output that cannot be read: the node's own words where it failed.
pub(crate) fn unreadable(
    node: &NodeName,
    command: &Command,
    output: &Output,
    error: &ParseError,
) -> CollectError {
    if output.exit != 0 {
        return failed(node, command, output);
    }
    complaint(node, command, output).unwrap_or_else(|| CollectError {
        kind: FailureKind::Protocol,
        message: format!("{node}: unreadable output of `{command}`: {error}"),
        hint: REPORT.to_owned(),
    })
}

/// A command that says by its exit code that it failed.
pub(crate) fn failed(node: &NodeName, command: &Command, output: &Output) -> CollectError {
    complaint(node, command, output).unwrap_or_else(|| CollectError {
        kind: FailureKind::Protocol,
        message: format!(
            "{}: `{command}` failed: {}",
            node,
            parse::reason(&output.stdout, &output.stderr, output.exit)
        ),
        hint: REPORT.to_owned(),
    })
}

/// What the node itself says of its failure, if anything.
fn complaint(node: &NodeName, command: &Command, output: &Output) -> Option<CollectError> {
    let fault = fault_in(output)?;
    Some(if fault.class == FaultClass::HostdDown {
        CollectError {
            kind: FailureKind::Hostd,
            message: format!("{}: {}", node, fault.sentence()),
            hint: "hostd may be starting or overloaded. If this persists, restart it on the host: \
                   /etc/init.d/hostd restart"
                .to_owned(),
        }
    } else {
        CollectError {
            kind: FailureKind::Protocol,
            message: format!("{}: `{command}` failed: {}", node, fault.sentence()),
            hint: REPORT.to_owned(),
        }
    })
}

/// The complaint in an answer that is not what was asked for, on whichever stream it came.
pub(crate) fn fault_in(output: &Output) -> Option<Fault> {
    parse::fault_of(&output.stdout, &output.stderr)
}
