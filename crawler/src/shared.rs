//! What the tasks of all nodes share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ecoman_esxi::{HostsError, SessionOptions};
use ecoman_model::{Collect, HOSTS_WARNING, RefreshRequest};
use ecoman_store::Store;
use tokio::sync::{Semaphore, watch};

use crate::store_log::StoreLog;

/// Connections that are being set up at the same time: each is an `ssh` process that computes.
const CONNECTING_AT_ONCE: usize = 16;

/// How long to wait before the store is tried again.
pub(crate) const STORE_RETRY: Duration = Duration::from_secs(2);

/// What the crawler needs to know.
#[derive(Clone, Debug)]
pub struct CrawlerOptions {
    /// hosts.yml (`HOSTS_PATH`).
    pub hosts_path: PathBuf,
    /// Time from the beginning of a node's round to the next one (`CRAWLER_INTERVAL`).
    pub interval: Duration,
    /// Which way nodes are asked that hosts.yml says nothing of (`CRAWLER_COLLECT`).
    pub collect: Collect,
    /// How nodes are connected to.
    pub session: SessionOptions,
    /// How long one remote command may take.
    pub command_timeout: Duration,
}

impl CrawlerOptions {
    /// The defaults: a round a minute, and 30 s for a command, of which the slowest takes a
    /// healthy host about one. Host keys are pinned beside hosts.yml.
    #[must_use]
    pub fn new(hosts_path: PathBuf) -> Self {
        let known_hosts = hosts_path.with_file_name("known_hosts");
        Self {
            hosts_path,
            interval: Duration::from_secs(60),
            collect: Collect::default(),
            session: SessionOptions::new(known_hosts),
            command_timeout: Duration::from_secs(30),
        }
    }
}

/// What all tasks share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: CrawlerOptions,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) connecting: Semaphore,
    /// Open refresh requests of all nodes.
    pub(crate) requests: watch::Sender<Vec<RefreshRequest>>,
    /// The warning of every node while hosts.yml cannot be used.
    hosts_problem: Mutex<Option<String>>,
    pub(crate) store_log: StoreLog,
}

impl Shared {
    pub(crate) fn new(options: CrawlerOptions, store: Arc<dyn Store>) -> Self {
        Self {
            options,
            store,
            connecting: Semaphore::new(CONNECTING_AT_ONCE),
            requests: watch::Sender::default(),
            hosts_problem: Mutex::default(),
            store_log: StoreLog::default(),
        }
    }

    /// The warning of every node while hosts.yml cannot be used.
    pub(crate) fn hosts_problem(&self) -> Option<String> {
        let problem = self.hosts_problem.lock();
        problem.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets why hosts.yml cannot be used; `None`: it can.
    pub(crate) fn set_hosts_problem(&self, error: Option<&HostsError>) {
        let problem = error.map(|error| format!("{HOSTS_WARNING}{error}"));
        *self
            .hosts_problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = problem;
    }
}
