//! A hosts.yml, a store and a crawler for one test.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ecoman_crawler::{Crawler, CrawlerError, CrawlerOptions};
use ecoman_esxi::SessionOptions;
use ecoman_model::{NodeName, NodeState, RefreshRequest};
use ecoman_simulator::{NodeSpec, SimulatedNode};
use ecoman_store::{EmbeddedStore, Store, TaskStore};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::leaving::LeavingStore;

mod leaving;

/// How long a condition may take to come true before the test says what was missing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a simulated node.
pub(crate) fn node(spec: NodeSpec) -> SimulatedNode {
    SimulatedNode::start(spec).expect("a simulated node")
}

pub(crate) struct Bench {
    directory: TempDir,
    store: Arc<LeavingStore>,
    command_timeout: Duration,
    interval: Duration,
}

/// A crawler at work.
pub(crate) struct Running {
    shutdown: CancellationToken,
    handle: JoinHandle<Result<(), CrawlerError>>,
}

impl Bench {
    pub(crate) async fn new(nodes: &[&SimulatedNode]) -> Self {
        Self::with_timeout(nodes, Duration::from_secs(3)).await
    }

    pub(crate) async fn with_timeout(nodes: &[&SimulatedNode], command_timeout: Duration) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ecoman.redb");
        let store = Arc::new(LeavingStore::new(
            EmbeddedStore::open(&path).await.expect("a store"),
        ));
        let bench = Self {
            directory,
            store,
            command_timeout,
            interval: Duration::from_secs(1),
        };
        bench.write_hosts(nodes, "");
        bench
    }

    /// The same with another interval than a second.
    pub(crate) fn every(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Replaces hosts.yml by these nodes, each with `extra` lines behind its entry.
    pub(crate) fn write_hosts(&self, nodes: &[&SimulatedNode], extra: &str) {
        let hosts: String = nodes
            .iter()
            .map(|node| format!("{}{extra}", node.hosts_yml_entry()))
            .collect();
        let keys: String = nodes
            .iter()
            .map(|node| node.known_hosts_line() + "\n")
            .collect();
        std::fs::write(self.directory.path().join("known_hosts"), keys).expect("known_hosts");
        std::fs::write(self.hosts_path(), hosts).expect("hosts.yml");
    }

    pub(crate) fn hosts_path(&self) -> PathBuf {
        self.directory.path().join("hosts.yml")
    }

    pub(crate) fn store(&self) -> &LeavingStore {
        &self.store
    }

    pub(crate) fn crawler(&self) -> Crawler {
        let options = CrawlerOptions {
            interval: self.interval,
            command_timeout: self.command_timeout,
            session: SessionOptions {
                known_hosts: vec![self.directory.path().join("known_hosts")],
                connect_timeout: Duration::from_secs(3),
            },
            ..CrawlerOptions::new(self.hosts_path())
        };
        let store: Arc<dyn Store> = Arc::<LeavingStore>::clone(&self.store);
        Crawler::new(options, store).expect("a good hosts.yml")
    }

    pub(crate) fn start(&self) -> Running {
        let shutdown = CancellationToken::new();
        let handle = tokio::spawn(self.crawler().run(shutdown.clone()));
        Running { shutdown, handle }
    }

    pub(crate) async fn maybe_state(&self, node: &str) -> Option<NodeState> {
        let name: NodeName = node.parse().expect("a node name");
        self.store
            .inner()
            .node_state(&name)
            .await
            .expect("the store")
    }

    pub(crate) async fn state(&self, node: &str) -> NodeState {
        self.maybe_state(node)
            .await
            .unwrap_or_else(|| panic!("{node} was never recorded"))
    }

    /// Waits until the only node that is recorded is as it should be.
    pub(crate) async fn until(
        &self,
        what: &str,
        condition: impl Fn(&NodeState) -> bool,
    ) -> NodeState {
        let name = loop_until(what, async || {
            let revisions = self.store.inner().revisions().await.expect("the store");
            revisions.into_keys().next()
        })
        .await;
        self.until_of(name.as_str(), what, condition).await
    }

    /// Waits until a node is as it should be.
    pub(crate) async fn until_of(
        &self,
        node: &str,
        what: &str,
        condition: impl Fn(&NodeState) -> bool,
    ) -> NodeState {
        let last = std::sync::Mutex::new(None);
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let state = self.maybe_state(node).await;
                if let Some(state) = state.as_ref().filter(|state| condition(state)) {
                    return state.clone();
                }
                *last.lock().unwrap() = state;
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        })
        .await;
        found.unwrap_or_else(|_| {
            panic!(
                "{node}: no {what} within {PATIENCE:?}; last seen: {:#?}",
                last.lock().unwrap()
            )
        })
    }

    pub(crate) async fn until_forgotten(&self, node: &str) {
        loop_until(&format!("forgetting of {node}"), async || {
            self.maybe_state(node).await.is_none().then_some(())
        })
        .await;
    }

    /// The refresh requests that are in the store.
    pub(crate) async fn refresh_requests(&self) -> Vec<RefreshRequest> {
        self.store
            .inner()
            .refresh_requests()
            .await
            .expect("the store")
    }

    /// Waits until so many refresh requests are left.
    pub(crate) async fn until_refresh_requests(&self, count: usize) {
        loop_until(
            &format!("time with {count} refresh requests left"),
            async || (self.refresh_requests().await.len() == count).then_some(()),
        )
        .await;
    }

    pub(crate) async fn until_no_refresh_requests(&self) {
        self.until_refresh_requests(0).await;
    }

    pub(crate) async fn condition(&self, what: &str, condition: impl Fn() -> bool) {
        loop_until(what, async || condition().then_some(())).await;
    }
}

impl Running {
    /// Stops the crawler, which must end well.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.handle)
            .await
            .expect("an end within 10 s")
            .expect("no panic")
            .expect("no error");
    }
}

/// Waits until there is a value.
async fn loop_until<T>(what: &str, mut value: impl AsyncFnMut() -> Option<T>) -> T {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(value) = value().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    })
    .await;
    found.unwrap_or_else(|_| panic!("no {what} within {PATIENCE:?}"))
}
