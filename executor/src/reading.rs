//! Reading what a node says of a VM: as a part of a task, or beside all tasks.

use std::time::Duration;

use ecoman_api::ProblemKind;
use ecoman_esxi::parse::{self, ParseError};
use ecoman_esxi::{Command, Output, Session, SessionError};
use ecoman_model::{FailureKind, Vmid, split_datastore_path};

/// Where the volumes are in a node's shell.
pub(crate) const VOLUMES: &str = "/vmfs/volumes/";

/// How long each command may take beside all tasks.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A caller of the node: a task, or a reader beside all tasks.
pub(crate) trait Ask: Sync {
    /// Runs a command that changes nothing.
    fn ask(&self, command: &Command) -> impl Future<Output = Result<Output, SessionError>> + Send;
}

impl Ask for Session {
    fn ask(&self, command: &Command) -> impl Future<Output = Result<Output, SessionError>> + Send {
        self.run(command, TIMEOUT)
    }
}

/// Why it cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The node's own words.
    #[error("{0}")]
    Node(String),
    /// The node has no such VM.
    #[error("The host has no VM {0}.")]
    NoVm(Vmid),
}

impl ReadError {
    /// The kind of problem that it is.
    pub(crate) fn kind(&self) -> ProblemKind {
        match self {
            Self::NoVm(_) => ProblemKind::VmNotFound,
            Self::Session(error) if error.kind() == FailureKind::Timeout => {
                ProblemKind::NodeTimeout
            }
            Self::Session(_) | Self::Node(_) => ProblemKind::NodeFailed,
        }
    }

    /// Of an answer that cannot be understood.
    pub(crate) fn of(vmid: Vmid, output: &Output, error: &ParseError) -> Self {
        let class = error.fault().map(|fault| fault.class);
        if class == Some(parse::FaultClass::NotFound) {
            return Self::NoVm(vmid);
        }
        Self::Node(match error.fault() {
            Some(fault) => fault.sentence(),
            None if output.exit != 0 => parse::reason(&output.stdout, &output.stderr, output.exit),
            None => format!("Unreadable output: {error}."),
        })
    }
}

/// `/vmfs/volumes/datastore1/web/web.vmx` of `[datastore1] web/web.vmx`; `None`: it is on no
/// datastore.
pub(crate) fn on_volume(path: &str) -> Option<String> {
    let (datastore, below) = split_datastore_path(path)?;
    Some(format!("{VOLUMES}{datastore}/{below}"))
}
