//! The simulated tools: arguments and the node's state in, output and exit code out.

mod esxcli;
mod table;
mod vim_cmd;
mod vmkfstools;

use crate::Fault;
use crate::dump::VimFault;
use crate::fault::HostdDown;
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

/// Carries out a call of a tool.
pub(crate) fn run(host: &mut Host, program: &str, arguments: &[String], directory: &str) -> Reply {
    host.settle();
    let down = host.faults.iter().find_map(|fault| match fault {
        Fault::HostdDown(how) => Some(*how),
        _ => None,
    });
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match (program, down) {
        ("vim-cmd", Some(HostdDown::ConnectionReset)) => {
            Output::refused("Failed to login: Connection reset by peer\n", 1).into()
        }
        ("vim-cmd", Some(HostdDown::BadRequest)) => {
            Output::refused("Invalid response code: 400 Bad Request\n", 1).into()
        }
        ("esxcli", Some(_)) => {
            Output::failed("Connect to localhost failed: Connection failure\n", 1).into()
        }
        ("vim-cmd", None) => vim_cmd::run(host, &arguments),
        ("esxcli", None) => esxcli::run(host, &arguments).into(),
        ("vmkfstools", _) => vmkfstools::run(host, &arguments, directory).into(),
        ("vmware", _) => vmware(host, &arguments).into(),
        _ => Output::refused(format!("{program}: not found\n"), 127).into(),
    }
}

/// `vmware -v`, `vmware -l`, `vmware -vl`
fn vmware(host: &Host, arguments: &[&str]) -> Output {
    let release = &host.spec.release;
    let line = match release.version.split('.').collect::<Vec<_>>().as_slice() {
        [major, minor, _] if host.generation() >= crate::Generation::V7_0 && release.update > 0 => {
            format!("{major}.{minor}")
        }
        _ => release.version.clone(),
    };
    let line = match release.update {
        0 => format!("VMware ESXi {line} GA\n"),
        update => format!("VMware ESXi {line} Update {update}\n"),
    };
    let version = format!("{}\n", host.full_name());
    match arguments {
        ["-v" | "--version"] => Output::ok(version),
        ["-l" | "--level"] => Output::ok(line),
        ["-vl" | "-lv"] | ["-v", "-l"] | ["-l", "-v"] => Output::ok(version + &line),
        _ => Output::refused("Usage: vmware [-v|--version] [-l|--level]\n", 1),
    }
}
