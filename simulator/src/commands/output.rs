//! What a simulated tool answers.

use crate::dump::VimFault;
use crate::host::Host;

/// What a tool prints and exits with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) code: u8,
}

impl Output {
    /// Success with this on standard output.
    pub(crate) fn ok(text: impl Into<Vec<u8>>) -> Self {
        Self {
            stdout: text.into(),
            ..Self::default()
        }
    }

    /// Failure with this on standard output.
    pub(crate) fn failed(text: impl Into<Vec<u8>>, code: u8) -> Self {
        Self {
            stdout: text.into(),
            stderr: Vec::new(),
            code,
        }
    }

    /// Failure with this on standard error.
    pub(crate) fn refused(text: impl Into<Vec<u8>>, code: u8) -> Self {
        Self {
            stdout: Vec::new(),
            stderr: text.into(),
            code,
        }
    }

    /// The dump of a fault, where the node puts it.
    pub(crate) fn fault(host: &Host, fault: &VimFault) -> Self {
        let text = fault.print(host.generation());
        if host.spec.dumps_faults_to_stderr {
            Self::refused(text, 1)
        } else {
            Self::failed(text, 1)
        }
    }
}

/// Asked again and again until it has the rest of the answer.
pub(crate) type Rest = Box<dyn FnMut(&mut Host) -> Option<Output> + Send>;

/// The answer of a tool, or its beginning.
pub(crate) enum Reply {
    /// All of it.
    Done(Output),
    /// What it prints at once, and the rest, which carries the exit code.
    Later(Output, Rest),
}

impl From<Output> for Reply {
    fn from(output: Output) -> Self {
        Self::Done(output)
    }
}
