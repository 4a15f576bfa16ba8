//! The nodes of a hosts.yml, and what can be wrong with one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ecoman_model::{Collect, NodeName, NodeSettings};

/// The nodes of a hosts.yml, all of them checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// The file that they were read from.
    pub path: PathBuf,
    /// The nodes in the order of the file.
    pub nodes: Vec<Host>,
    /// What is allowed but will hardly work: to be logged.
    pub warnings: Vec<HostsProblem>,
}

/// One node of hosts.yml.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name: the key in the file.
    pub name: NodeName,
    /// What the file says of it, less the key file.
    pub settings: NodeSettings,
    /// The private key, as an absolute path.
    pub identity_file: PathBuf,
    /// How long connecting and logging in may take together, where the file says so
    /// (`connect_timeout_seconds`).
    pub connect_timeout: Option<Duration>,
    /// Which way it is asked, where the file says so (`collect`).
    pub collect: Option<Collect>,
    /// The line of the file that its entry begins on, from 1.
    pub line: usize,
    /// A hash over name, settings and the content of the key file. Another fingerprint means that
    /// a login which was refused before may succeed now. Not stable across versions of ECoMan.
    pub fingerprint: u64,
}

/// hosts.yml cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HostsError {
    /// The file cannot be read.
    #[error(
        "cannot read {}; set HOSTS_PATH to your hosts.yml (hosts.yml.example explains every key)",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no list of nodes as it should be. The message has one line per problem, as
    /// `FILE:LINE: node NAME: KEY: what is wrong`.
    #[error("{}", fmt::from_fn(|f| HostsProblem::write_all(f, path, problems)))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong, in the order of the file; at least one.
        problems: Vec<HostsProblem>,
    },
}

/// One thing that is wrong with a hosts.yml.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostsProblem {
    /// The line, from 1.
    pub line: usize,
    /// The node that it concerns.
    pub node: Option<String>,
    /// The key that it concerns.
    pub key: Option<String>,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl Hosts {
    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Host> {
        self.nodes.iter().find(|host| host.name.as_str() == name)
    }
}

impl HostsProblem {
    fn write_all(f: &mut fmt::Formatter<'_>, path: &Path, problems: &[Self]) -> fmt::Result {
        for (index, problem) in problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{problem}", path.display())?;
        }
        Ok(())
    }
}

impl fmt::Display for HostsProblem {
    /// `LINE: node NAME: KEY: what is wrong`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.line)?;
        if let Some(node) = &self.node {
            write!(f, "node {node}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// The command that pins a node's keys, as it can be typed: a name may begin with `-` or mean
/// something to the shell.
#[must_use]
pub fn trust_command(node: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    let quoted = if node.chars().all(is_plain) {
        node.to_owned()
    } else {
        format!("'{}'", node.replace('\'', r"'\''"))
    };
    let end_of_options = if node.starts_with('-') { "-- " } else { "" };
    format!("ecoman trust {end_of_options}{quoted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_typed_for_any_name() {
        for (name, command) in [
            ("hoge", "ecoman trust hoge"),
            ("-v", "ecoman trust -- -v"),
            ("a b", "ecoman trust 'a b'"),
            ("$(reboot)", "ecoman trust '$(reboot)'"),
            ("it's", r"ecoman trust 'it'\''s'"),
            ("--all x", "ecoman trust -- '--all x'"),
        ] {
            assert_eq!(trust_command(name), command);
        }
    }
}
