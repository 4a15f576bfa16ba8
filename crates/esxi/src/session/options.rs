//! How a node is connected to.

use std::path::PathBuf;
use std::time::Duration;

/// How to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// The files that a host key may be pinned in; those that are missing count as empty.
    pub known_hosts: Vec<PathBuf>,
    /// How long connecting and logging in may take together, unless hosts.yml says it for a node
    /// (`connect_timeout_seconds`). Whole seconds, at least one.
    pub connect_timeout: Duration,
}

impl SessionOptions {
    /// Checks host keys against `known_hosts` (ECoMan's own, see [`crate::pin`]) and the user's
    /// `~/.ssh/known_hosts`; 30 s to connect and log in: the sshd of a node whose name server is
    /// away looks up names for many seconds before it answers.
    #[must_use]
    pub fn new(known_hosts: PathBuf) -> Self {
        let users = std::env::home_dir().map(|home| home.join(".ssh/known_hosts"));
        Self {
            known_hosts: std::iter::once(known_hosts).chain(users).collect(),
            connect_timeout: Duration::from_secs(30),
        }
    }
}
