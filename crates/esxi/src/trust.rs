//! Host keys: fetching, showing and pinning them.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::hosts::Host;
use crate::public_key::PublicKey;

/// A host key of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// Its name in known_hosts: the address, or `[address]:port` where the port is not 22.
    pub host: String,
    /// `ssh-rsa`, `ecdsa-sha2-nistp256`, ...
    pub algorithm: String,
    /// `SHA256:` and the hash in base64, as `ssh-keygen -l` shows it.
    pub fingerprint: String,
    /// The line of a known_hosts file, without the line break.
    pub line: String,
}

/// What known_hosts files say of a node's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// At least one key of the node is known, and those that are known are right.
    Known,
    /// No key of the node is known.
    Unknown,
    /// The node shows another key than the known one.
    Changed(Box<ChangedKey>),
}

/// A host key that is not the known one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedKey {
    /// The file that holds the known key.
    pub file: PathBuf,
    /// The line of the file, from 1.
    pub line: usize,
    /// The key that is known.
    pub known: HostKey,
    /// The key of the same algorithm that the node shows now.
    pub shown: HostKey,
}

/// Host keys could not be fetched, looked up or pinned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A program of OpenSSH could not be started.
    #[error("cannot run {program}; install the OpenSSH client")]
    Start {
        /// The program.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The node showed no host key.
    #[error("no SSH host key from {host}: {reason}")]
    NoKeys {
        /// Its name in known_hosts.
        host: String,
        /// ssh-keyscan's words.
        reason: String,
    },
    /// The node did not answer in time.
    #[error("no SSH host keys from {host} within {} s", limit.as_secs())]
    Timeout {
        /// Its name in known_hosts.
        host: String,
        /// The time that it had.
        limit: Duration,
    },
    /// The node showed something that is no host key.
    #[error("{host} presents an unreadable SSH host key")]
    BadKey {
        /// Its name in known_hosts.
        host: String,
    },
    /// A known_hosts file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A known_hosts file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Fetches the RSA, ECDSA and Ed25519 host keys that a node shows, without logging in
/// (`ssh-keyscan`). The network is not to be trusted at this: a person must compare the
/// fingerprints.
///
/// # Errors
///
/// The node cannot be reached, does not answer within `limit`, or has no such key.
pub async fn host_keys(host: &Host, limit: Duration) -> Result<Vec<HostKey>, TrustError> {
    let name = known_hosts_name(host);
    let seconds = limit.as_millis().div_ceil(1000).max(1).to_string();
    let port = host.settings.port.to_string();
    let address = host.settings.address.as_str();
    let arguments = [
        "-T",
        &seconds,
        "-p",
        &port,
        "-t",
        "rsa,ecdsa,ed25519",
        "--",
        address,
    ];
    // ssh-keyscan counts its limit per connection; a node that drips would never end.
    let output = timeout(limit * 2, run("ssh-keyscan", &arguments))
        .await
        .map_err(|_| TrustError::Timeout {
            host: name.clone(),
            limit,
        })??;
    let mut keys = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Some((_, key)) = line.trim().split_once(' ') else {
            continue;
        };
        if line.starts_with('#') {
            continue;
        }
        let bad = || TrustError::BadKey { host: name.clone() };
        keys.push(HostKey::read(&name, key).ok_or_else(bad)?);
    }
    if keys.is_empty() {
        let words = String::from_utf8_lossy(&output.stderr);
        let reason = words
            .lines()
            .map(str::trim)
            .rfind(|line| !line.is_empty() && !line.starts_with('#'))
            .unwrap_or("no response");
        return Err(TrustError::NoKeys {
            host: name,
            reason: reason.to_owned(),
        });
    }
    keys.sort_by(|a, b| a.algorithm.cmp(&b.algorithm));
    Ok(keys)
}

/// Looks up the keys that a node shows (see [`host_keys`]) in known_hosts files, by
/// `ssh-keygen -F`: hashed names and patterns count as well. Files that are missing count as
/// empty.
///
/// # Errors
///
/// A file cannot be read.
pub async fn known(keys: &[HostKey], files: &[PathBuf]) -> Result<Trust, TrustError> {
    let Some(name) = keys.first().map(|key| key.host.as_str()) else {
        return Ok(Trust::Unknown);
    };
    let mut known = Vec::new();
    for file in files {
        for line in find(name, file).await? {
            if let Some(key) = line.key {
                known.push((file, line.number, key));
            }
        }
    }
    let mut trust = Trust::Unknown;
    for shown in keys {
        let mut same_kind = known
            .iter()
            .filter(|(_, _, key)| key.algorithm == shown.algorithm)
            .peekable();
        let Some(&&(file, line, ref first)) = same_kind.peek() else {
            continue;
        };
        if same_kind.any(|(_, _, key)| key.fingerprint == shown.fingerprint) {
            trust = Trust::Known;
        } else {
            return Ok(Trust::Changed(Box::new(ChangedKey {
                file: file.clone(),
                line,
                known: first.clone(),
                shown: shown.clone(),
            })));
        }
    }
    Ok(trust)
}

/// Writes the keys of one node into a known_hosts file (made when it is missing), in place of
/// those that it holds for this node. Other lines and comments stay. The file is replaced in one
/// step and can be read by its owner only.
///
/// # Errors
///
/// The file cannot be read or written.
pub async fn pin(known_hosts: &Path, keys: &[HostKey]) -> Result<(), TrustError> {
    let Some(name) = keys.first().map(|key| key.host.as_str()) else {
        return Ok(());
    };
    // The file itself, where known_hosts is a symbolic link.
    let file = fs::canonicalize(known_hosts).unwrap_or_else(|_| known_hosts.to_owned());
    let read = |source| TrustError::Read {
        path: file.clone(),
        source,
    };
    let old = match fs::read(&file) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(read(error)),
    };
    let found = find(name, &file).await?;
    let mut new = Vec::with_capacity(old.len() + 1024);
    for (index, line) in old.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let ours = found
            .iter()
            .any(|found| found.number == index + 1 && found.key.is_some());
        if ours {
            new.extend(without_host(line, name));
        } else {
            new.extend_from_slice(line);
        }
    }
    if !new.is_empty() && !new.ends_with(b"\n") {
        new.push(b'\n');
    }
    for key in keys {
        new.extend_from_slice(key.line.as_bytes());
        new.push(b'\n');
    }
    replace(&file, &new).map_err(|source| TrustError::Write { path: file, source })
}

impl HostKey {
    /// `key`: algorithm, base64 and maybe a comment.
    fn read(host: &str, key: &str) -> Option<Self> {
        let key = PublicKey::parse(key)?;
        Some(Self {
            host: host.to_owned(),
            algorithm: key.algorithm.to_owned(),
            fingerprint: key.fingerprint(),
            line: format!("{host} {} {}", key.algorithm, key.encoded),
        })
    }
}

/// How known_hosts files call a node.
fn known_hosts_name(host: &Host) -> String {
    let address = host.settings.address.to_lowercase();
    match host.settings.port {
        22 => address,
        port => format!("[{address}]:{port}"),
    }
}

/// A line of a known_hosts file that concerns a host.
struct Found {
    /// From 1.
    number: usize,
    /// `None`: the line has a marker (`@cert-authority`, `@revoked`) or cannot be read.
    key: Option<HostKey>,
}

/// Asks ssh-keygen: it knows hashed names, patterns and markers.
async fn find(name: &str, file: &Path) -> Result<Vec<Found>, TrustError> {
    let read = |source| TrustError::Read {
        path: file.to_owned(),
        source,
    };
    match fs::metadata(file) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read(error)),
    }
    let mut arguments = vec!["-F".as_ref(), name.as_ref(), "-f".as_ref()];
    arguments.push(file.as_os_str());
    let output = run("ssh-keygen", &arguments).await?;
    // 1: the host is not there.
    if !matches!(output.status.code(), Some(0 | 1)) {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(read(io::Error::other(words)));
    }
    let mut found: Vec<Found> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(comment) = line.strip_prefix("# Host ") {
            let number = comment
                .rsplit_once("found: line ")
                .and_then(|(_, rest)| rest.split_whitespace().next())
                .and_then(|number| number.parse().ok());
            if let Some(number) = number {
                found.push(Found { number, key: None });
            }
        } else if let Some(last) = found.last_mut()
            && !line.starts_with('@')
            && let Some((_, key)) = line.split_once(' ')
        {
            last.key = HostKey::read(name, key.trim());
        }
    }
    Ok(found)
}

/// A line of a known_hosts file less one host: nothing when it was the only one or is hashed, the
/// line itself when only a pattern matches it.
fn without_host(line: &[u8], name: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(line);
    let Some((hosts, rest)) = text.split_once(' ') else {
        return line.to_vec();
    };
    if hosts.starts_with('|') {
        return Vec::new();
    }
    let (ours, others): (Vec<_>, Vec<_>) = hosts
        .split(',')
        .partition(|host| host.eq_ignore_ascii_case(name));
    match (ours.is_empty(), others.is_empty()) {
        (true, _) => line.to_vec(),
        (false, true) => Vec::new(),
        (false, false) => format!("{} {rest}", others.join(",")).into_bytes(),
    }
}

fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut new = tempfile::Builder::new()
        .prefix(".known_hosts")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    new.write_all(content)?;
    new.as_file().sync_all()?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

async fn run(
    program: &'static str,
    arguments: &[impl AsRef<std::ffi::OsStr>],
) -> Result<Output, TrustError> {
    Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| TrustError::Start { program, source })
}
