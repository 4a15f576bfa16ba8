//! The crawler: one task per node, kept in step with hosts.yml.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecoman_esxi::{Host, Hosts, HostsError, HostsWatch};
use ecoman_model::{NodeName, RefreshRequest};
use ecoman_store::{Store, StoreError};
use futures::future::join_all;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::node::{NodeTask, Outcome};
use crate::shared::{CrawlerOptions, STORE_RETRY, Shared};

/// Why the crawler cannot work at all. What goes wrong with single nodes is recorded with them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrawlerError {
    /// hosts.yml cannot be used; the message lists every fault with file, line, node and key.
    #[error(transparent)]
    Hosts(#[from] HostsError),
    /// The store could not be reached in the one round of `--once`.
    #[error("cannot write to the database")]
    Store(#[source] StoreError),
    /// The task of a node ended by itself, which is a fault of the program.
    #[error("the polling of a host ended unexpectedly")]
    NodeTask(#[source] JoinError),
}

/// What one round over all nodes brought.
#[derive(Debug, Default)]
pub struct OnceReport {
    /// Nodes that listed their VMs, with the number of those.
    pub answered: Vec<(NodeName, usize)>,
    /// What could not be read of them, in sentences that may be long.
    pub warnings: Vec<(NodeName, Vec<String>)>,
    /// Nodes that did not, with the reason and what to do.
    pub failed: Vec<(NodeName, ecoman_model::NodeFailure)>,
}

/// Polls the nodes of a hosts.yml and records what it sees.
#[derive(Debug)]
pub struct Crawler {
    shared: Arc<Shared>,
    hosts: Hosts,
    watch: HostsWatch,
}

impl Crawler {
    /// Reads hosts.yml; connects to no node yet.
    ///
    /// # Errors
    ///
    /// hosts.yml cannot be used.
    pub fn new(options: CrawlerOptions, store: Arc<dyn Store>) -> Result<Self, CrawlerError> {
        let (watch, hosts) = HostsWatch::start(&options.hosts_path);
        let hosts = hosts?;
        warn_about(&hosts);
        Ok(Self {
            shared: Arc::new(Shared::new(options, store)),
            hosts,
            watch,
        })
    }

    /// One round over all nodes, recorded.
    ///
    /// # Errors
    ///
    /// The store cannot be reached. Nodes that do not answer are part of the report.
    pub async fn once(self) -> Result<OnceReport, CrawlerError> {
        self.retain_nodes().await.map_err(CrawlerError::Store)?;
        // The round below answers every request that is open now.
        let asked = self.shared.store.refresh_requests().await;
        let asked = asked.map_err(CrawlerError::Store)?;
        let rounds = self.hosts.nodes.iter().map(|host| async {
            let mut task = NodeTask::new(host.clone(), Arc::clone(&self.shared));
            let outcome = task.once().await;
            (host.name.clone(), outcome)
        });
        let mut report = OnceReport::default();
        for (name, outcome) in join_all(rounds).await {
            match outcome.map_err(CrawlerError::Store)? {
                Outcome::Answered { vms, warnings } => {
                    if !warnings.is_empty() {
                        report.warnings.push((name.clone(), warnings));
                    }
                    report.answered.push((name, vms));
                }
                Outcome::Failed(failure) => report.failed.push((name, failure)),
            }
        }
        let open =
            |request: &RefreshRequest| report.failed.iter().any(|(name, _)| *name == request.node);
        let done: Vec<Uuid> = asked
            .iter()
            .filter(|request| !open(request))
            .map(|request| request.id)
            .collect();
        if !done.is_empty() {
            let removed = self.shared.store.remove_refresh_requests(&done).await;
            removed.map_err(CrawlerError::Store)?;
        }
        Ok(report)
    }

    /// Polls until `shutdown`; then ends the rounds and closes every connection.
    ///
    /// # Errors
    ///
    /// The task of a node died, which is a fault of the program: the process should end.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), CrawlerError> {
        let mut tasks = Tasks::default();
        let mut retain = true;
        let shared = Arc::clone(&self.shared);
        loop {
            tasks.follow(&self.hosts, &self.shared, &shutdown).await;
            // Only now: a task that is still at work would bring its node back.
            if retain {
                match self.retain_nodes().await {
                    Ok(()) => retain = false,
                    Err(error) => tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "cannot delete the hosts that are no longer in hosts.yml; retrying"
                    ),
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = self.watch.changed() => match changed {
                    Ok(changed) => {
                        tracing::info!(nodes = changed.nodes.len(), "hosts.yml has changed");
                        warn_about(&changed);
                        self.shared.set_hosts_problem(None);
                        self.hosts = changed;
                        retain = true;
                    }
                    Err(error) => {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "hosts.yml has changed but is invalid; keeping the previous version"
                        );
                        self.shared.set_hosts_problem(Some(&error));
                    }
                },
                died = tasks.died() => {
                    shutdown.cancel();
                    tasks.stop_all().await;
                    return Err(died);
                }
                requests = next_requests(&shared) => self.hand_out(requests).await,
                () = tokio::time::sleep(STORE_RETRY), if retain => {}
            }
        }
        tasks.stop_all().await;
        Ok(())
    }

    /// Hands the refresh requests to the tasks of their nodes, which remove them when they are
    /// done; removes those of nodes that are not in hosts.yml.
    async fn hand_out(&self, requests: Vec<RefreshRequest>) {
        let astray: Vec<Uuid> = requests
            .iter()
            .filter(|request| {
                !self
                    .hosts
                    .nodes
                    .iter()
                    .any(|host| host.name == request.node)
            })
            .map(|request| request.id)
            .collect();
        self.shared.requests.send_replace(requests);
        if !astray.is_empty()
            && let Err(error) = self.shared.store.remove_refresh_requests(&astray).await
        {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "cannot remove refresh requests for hosts that are not in hosts.yml"
            );
        }
    }

    async fn retain_nodes(&self) -> Result<(), StoreError> {
        let names: Vec<NodeName> = self
            .hosts
            .nodes
            .iter()
            .map(|host| host.name.clone())
            .collect();
        for name in self.shared.store.retain_nodes(&names).await? {
            tracing::info!(node = %name, "removed: no longer in hosts.yml");
        }
        Ok(())
    }
}

/// Waits for refresh requests that were not handed out yet, and returns all that are open.
async fn next_requests(shared: &Shared) -> Vec<RefreshRequest> {
    let known: Vec<Uuid> = shared
        .requests
        .borrow()
        .iter()
        .map(|request| request.id)
        .collect();
    loop {
        match shared.store.refresh_requests_changed(&known).await {
            Ok(requests) => return requests,
            // The task of each node logs it louder, once.
            Err(error) => tracing::debug!(
                error = &error as &dyn std::error::Error,
                "cannot read the refresh requests; retrying"
            ),
        }
        tokio::time::sleep(STORE_RETRY).await;
    }
}

/// Logs entries of hosts.yml that are allowed but will hardly work.
fn warn_about(hosts: &Hosts) {
    for warning in &hosts.warnings {
        tracing::warn!("{}:{warning}", hosts.path.display());
    }
}

/// The running tasks by node.
#[derive(Debug, Default)]
struct Tasks {
    by_node: BTreeMap<NodeName, RunningTask>,
    set: JoinSet<()>,
}

#[derive(Debug)]
struct RunningTask {
    fingerprint: u64,
    stop: CancellationToken,
    /// Cancelled when the task has ended, however it did.
    ended: CancellationToken,
}

impl Tasks {
    /// Ends the tasks of nodes that have gone or changed, and starts those that are missing.
    async fn follow(&mut self, hosts: &Hosts, shared: &Arc<Shared>, shutdown: &CancellationToken) {
        let wanted: BTreeMap<&NodeName, &Host> =
            hosts.nodes.iter().map(|host| (&host.name, host)).collect();
        let outdated: Vec<NodeName> = self
            .by_node
            .iter()
            .filter(|(name, task)| {
                wanted
                    .get(name)
                    .is_none_or(|host| host.fingerprint != task.fingerprint)
            })
            .map(|(name, _)| name.clone())
            .collect();
        stop(
            outdated
                .iter()
                .filter_map(|name| self.by_node.remove(name))
                .collect(),
        )
        .await;
        for (name, host) in wanted {
            if self.by_node.contains_key(name) {
                continue;
            }
            let running = RunningTask {
                fingerprint: host.fingerprint,
                stop: shutdown.child_token(),
                ended: CancellationToken::new(),
            };
            let task = NodeTask::new(host.clone(), Arc::clone(shared)).run(running.stop.clone());
            let ended = running.ended.clone().drop_guard();
            self.set.spawn(async move {
                let _ended = ended;
                task.await;
            });
            self.by_node.insert(name.clone(), running);
        }
    }

    /// Waits until a task dies, which none should.
    async fn died(&mut self) -> CrawlerError {
        loop {
            match self.set.join_next().await {
                Some(Err(source)) => return CrawlerError::NodeTask(source),
                Some(Ok(())) => {}
                None => std::future::pending().await,
            }
        }
    }

    async fn stop_all(&mut self) {
        stop(std::mem::take(&mut self.by_node).into_values().collect()).await;
    }
}

/// Stops the tasks, and waits until they have ended.
async fn stop(tasks: Vec<RunningTask>) {
    for task in &tasks {
        task.stop.cancel();
    }
    for task in tasks {
        task.ended.cancelled().await;
    }
}
