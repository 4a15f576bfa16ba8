use std::io;
use std::path::PathBuf;

/// Why a node could not be started or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// A program that the node stands on is not installed.
    #[error("{program} was not found: install the package {package}")]
    ProgramMissing {
        /// The program.
        program: &'static str,
        /// The Debian or Ubuntu package that brings it.
        package: &'static str,
    },
    /// The user cannot change the root directory.
    #[error(
        "the node needs a root directory of its own, and the user {user} may not have one: run as \
         root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 \
         user.max_user_namespaces=15000; on Ubuntu 24.04 also \
         kernel.apparmor_restrict_unprivileged_userns=0): {reason}"
    )]
    NoChroot {
        /// Who tried.
        user: String,
        /// What the system said.
        reason: String,
    },
    /// sshd refuses users whose login shell it does not know.
    #[error("the user {user} has no login shell that runs commands ({shell}): use another user")]
    NoLoginShell {
        /// Who tried.
        user: String,
        /// The shell in the password database.
        shell: PathBuf,
    },
    /// The user is not in the password database.
    #[error("the user with the id {id} is not in the password database, so sshd lets nobody in")]
    NoUser {
        /// The user's id.
        id: u32,
    },
    /// Making the node's directory failed.
    #[error("the node's files could not be made in {}", path.display())]
    Files {
        /// What was being made.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Making the node's device files failed.
    #[error(
        "the node's /dev/{device} could not be made in {}: run where device files can be made \
         (CAP_MKNOD), or as an ordinary user with user namespaces",
        path.display()
    )]
    Device {
        /// Which device.
        device: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: nix::Error,
    },
    /// `ssh-keygen` failed.
    #[error("ssh-keygen could not make a key: {reason}")]
    Key {
        /// What it said.
        reason: String,
    },
    /// No port of the loopback interface could be had.
    #[error("no free port on 127.0.0.1 could be had")]
    Port(#[source] nix::Error),
    /// The process that keeps sshd could not be started or has gone away.
    #[error("the process that keeps the node's sshd does not answer")]
    Supervisor(#[source] io::Error),
    /// sshd could not be started or stopped.
    #[error("sshd of the node {node}: {reason}")]
    Sshd {
        /// The node.
        node: String,
        /// What sshd or its keeper said.
        reason: String,
    },
    /// The simulated hostd could not listen.
    #[error("the simulated hostd cannot listen on {}", path.display())]
    Hostd {
        /// Its socket.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// There is no such VM.
    #[error("the node {node} has no VM with the id {id}")]
    NoVm {
        /// The node.
        node: String,
        /// The id.
        id: u32,
    },
    /// Two VMs of the same id.
    #[error("the node {node} has a VM with the id {id} already")]
    VmExists {
        /// The node.
        node: String,
        /// The id.
        id: u32,
    },
}
