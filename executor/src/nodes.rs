//! hosts.yml entry → session; one change at a time per VM, a few at work at a time per node.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ecoman_esxi::{Host, Hosts, HostsError, HostsWatch, Session, SessionError, SessionOptions};
use ecoman_model::{LockName, NodeName};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::locks::Locks;

/// Tasks that are at work on one node at the same time: hostd resets connections under more.
/// Those that wait for a guest or for somebody's answer do not count.
const TASKS_AT_ONCE: usize = 2;

/// A session in which one can ask beside the commands of all tasks that are at work.
const BESIDE: usize = 1;

/// The nodes of hosts.yml.
#[derive(Debug)]
pub(crate) struct Nodes {
    options: SessionOptions,
    nodes: Mutex<BTreeMap<NodeName, Arc<Node>>>,
    /// Those of each node outlive its entry, for as long as a task keeps the node as it was.
    locks: Mutex<HashMap<NodeName, Arc<Locks>>>,
}

/// One node, with the connection that is kept to it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) host: Host,
    options: SessionOptions,
    session: AsyncMutex<Option<Arc<Session>>>,
    turns: Arc<Semaphore>,
    /// A permit for each command that may stand still until somebody answers a question, besides
    /// those of the tasks that are at work: as many as leave room for those.
    standing: Arc<Semaphore>,
    locks: Arc<Locks>,
}

impl Nodes {
    /// Reads hosts.yml.
    ///
    /// # Errors
    ///
    /// It cannot be used.
    pub(crate) fn load(
        path: &Path,
        options: SessionOptions,
    ) -> Result<(Self, HostsWatch), HostsError> {
        let (watch, hosts) = HostsWatch::start(path);
        let nodes = Self {
            options,
            nodes: Mutex::default(),
            locks: Mutex::default(),
        };
        nodes.take(hosts?);
        Ok((nodes, watch))
    }

    /// Takes over what hosts.yml says now. Tasks that are under way keep what they began with.
    pub(crate) fn take(&self, hosts: Hosts) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *nodes);
        for host in hosts.nodes {
            let node = match before.remove(&host.name) {
                Some(node) if node.host == host => node,
                _ => {
                    let locks = Arc::clone(locks.entry(host.name.clone()).or_default());
                    Arc::new(Node::new(host.clone(), self.options.clone(), locks))
                }
            };
            nodes.insert(host.name, node);
        }
        drop(before);
        locks.retain(|_, locks| Arc::strong_count(locks) > 1);
    }

    pub(crate) fn get(&self, name: &NodeName) -> Option<Arc<Node>> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.get(name).cloned()
    }
}

impl Node {
    fn new(host: Host, options: SessionOptions, locks: Arc<Locks>) -> Self {
        let beside = usize::from(host.settings.max_sessions).saturating_sub(BESIDE);
        let turns = beside.clamp(1, TASKS_AT_ONCE);
        Self {
            host,
            options,
            session: AsyncMutex::default(),
            turns: Arc::new(Semaphore::new(turns)),
            standing: Arc::new(Semaphore::new(beside.saturating_sub(turns))),
            locks,
        }
    }

    /// Waits until nobody else changes `what`; as long as the guard is held, nobody does.
    pub(crate) async fn lock(&self, what: LockName) -> OwnedMutexGuard<()> {
        self.locks.acquire(what).await
    }

    /// Waits until the node has room for one more task that is at work. `None` never comes: the
    /// semaphore is not closed.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Whether one more command may stand still; it may as long as the permit is held.
    pub(crate) fn stand(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.standing).try_acquire_owned().ok()
    }

    /// The kept connection, or a new one.
    ///
    /// # Errors
    ///
    /// The node cannot be connected to.
    pub(crate) async fn session(&self) -> Result<Arc<Session>, SessionError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = &*kept
            && session.is_alive().await
        {
            return Ok(Arc::clone(session));
        }
        *kept = None;
        let session = Arc::new(Session::connect(&self.host, &self.options).await?);
        *kept = Some(Arc::clone(&session));
        Ok(session)
    }

    /// The connection has turned out to be of no more use.
    pub(crate) async fn forget(&self, session: &Arc<Session>) {
        let mut kept = self.session.lock().await;
        if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, session)) {
            *kept = None;
        }
    }
}
