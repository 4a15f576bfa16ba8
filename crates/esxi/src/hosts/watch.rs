//! Notices changes of hosts.yml and of the key files that it names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::check;
use super::host::{Hosts, HostsError};
use super::stamp::{Stamp, stamp};

/// How often the files are looked at; a change is taken when it is still there the next time, so
/// that nobody reads a file which an editor has written half of.
const PERIOD: Duration = Duration::from_millis(500);

/// Watches a hosts.yml and the key files that it names.
///
/// Looks at the files themselves, not at events of the file system: those are lost on network
/// and container volumes, and when a file is replaced by renaming or by switching a symbolic link.
#[derive(Debug)]
pub struct HostsWatch {
    path: PathBuf,
    /// What was read last; the error as text.
    last: Result<Hosts, String>,
    /// The files as they were when `last` was read.
    seen: Vec<(PathBuf, Stamp)>,
}

impl HostsWatch {
    /// Reads the file and starts to watch it.
    ///
    /// # Errors
    ///
    /// Those of [`Hosts::load`]. The watch is good all the same: it waits for a better file.
    pub fn start(path: &Path) -> (Self, Result<Hosts, HostsError>) {
        let mut watch = Self {
            path: path.to_owned(),
            last: Err(String::new()),
            seen: Vec::new(),
        };
        let outcome = watch.read();
        (watch, outcome)
    }

    /// Waits until reading the file brings something else than before: other nodes, another
    /// content of a key file (only [`Host::fingerprint`](super::Host::fingerprint) differs then), or other errors.
    ///
    /// Nothing is lost when the future is dropped. The files are looked at twice a second, and
    /// a change is taken at most one second after it was made.
    ///
    /// # Errors
    ///
    /// Those of [`Hosts::load`], when they are others than before. Keep the last good nodes then.
    pub async fn changed(&mut self) -> Result<Hosts, HostsError> {
        let mut ticks = interval_at(Instant::now() + PERIOD, PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pending: Option<Vec<(PathBuf, Stamp)>> = None;
        loop {
            ticks.tick().await;
            let now: Vec<_> = self
                .seen
                .iter()
                .map(|(path, _)| (path.clone(), stamp(path)))
                .collect();
            if now == self.seen {
                pending = None;
                continue;
            }
            if pending.as_ref() != Some(&now) {
                pending = Some(now);
                continue;
            }
            pending = None;
            let before = std::mem::replace(&mut self.last, Err(String::new()));
            let outcome = self.read();
            if self.last != before {
                return outcome;
            }
        }
    }

    fn read(&mut self) -> Result<Hosts, HostsError> {
        // Looked at before reading: a file that is written in between counts as changed.
        let hosts_file = stamp(&self.path);
        let loaded = check::load(&self.path);
        self.seen = loaded.key_files;
        self.seen.push((self.path.clone(), hosts_file));
        self.last = match &loaded.outcome {
            Ok(hosts) => Ok(hosts.clone()),
            Err(error) => Err(describe(error)),
        };
        loaded.outcome
    }
}

fn describe(error: &HostsError) -> String {
    match error {
        HostsError::Read { source, .. } => format!("{error}: {source}"),
        HostsError::Invalid { .. } => error.to_string(),
    }
}
