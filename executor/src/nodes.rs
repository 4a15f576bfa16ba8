//! The nodes of hosts.yml: their sessions, their locks (one change at a time per VM), their slots (a
//! few running tasks per node).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use ecoman_esxi::{
    Host, Hosts, HostsError, HostsWatch, RefusedLogins, Session, SessionError, SessionOptions,
};
use ecoman_model::{LockName, NodeName};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::locks::Locks;

/// Tasks that run commands on one node at the same time: hostd resets connections under more. A task
/// that waits for a guest or an answer holds no slot.
const SLOTS: usize = 2;

/// Sessions kept free for queries while all slots are taken.
const RESERVED_SESSIONS: usize = 1;

/// The nodes of hosts.yml.
#[derive(Debug)]
pub(crate) struct Nodes {
    options: SessionOptions,
    nodes: Mutex<BTreeMap<NodeName, Arc<Node>>>,
    /// By node. They outlive its entry as long as a task uses the node as it was.
    locks: Mutex<HashMap<NodeName, Arc<Locks>>>,
}

/// A node, with its connection.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) host: Host,
    options: SessionOptions,
    session: AsyncMutex<Option<Arc<Session>>>,
    /// A login that was refused is not repeated by every task.
    refused_logins: Arc<Mutex<RefusedLogins>>,
    slots: Arc<Semaphore>,
    /// Permits of commands that may stay blocked by a question: the sessions that slots and queries
    /// leave.
    blocked_slots: Arc<Semaphore>,
    locks: Arc<Locks>,
    /// One reading outside of tasks at a time.
    pub(crate) reading: AsyncMutex<()>,
}

impl Nodes {
    /// Reads hosts.yml.
    ///
    /// # Errors
    ///
    /// The file cannot be used.
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

    /// Applies a changed hosts.yml. Running tasks keep the node that they began with.
    pub(crate) fn take(&self, hosts: Hosts) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *nodes);
        for host in hosts.nodes {
            let node = match before.remove(&host.name) {
                Some(node) if node.host == host => node,
                before => {
                    let locks = Arc::clone(locks.entry(host.name.clone()).or_default());
                    let mut node = Node::new(host.clone(), self.options.clone(), locks);
                    // Nothing has changed by which a refused login may succeed.
                    if let Some(before) = before
                        && before.host.fingerprint == host.fingerprint
                    {
                        node.refused_logins = Arc::clone(&before.refused_logins);
                    }
                    Arc::new(node)
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
        let beside = usize::from(host.settings.max_sessions).saturating_sub(RESERVED_SESSIONS);
        let slots = beside.clamp(1, SLOTS);
        Self {
            host,
            options,
            session: AsyncMutex::default(),
            refused_logins: Arc::default(),
            slots: Arc::new(Semaphore::new(slots)),
            blocked_slots: Arc::new(Semaphore::new(beside.saturating_sub(slots))),
            locks,
            reading: AsyncMutex::default(),
        }
    }

    /// Waits for the lock of `what`; nothing else changes it while the guard is held.
    pub(crate) async fn lock(&self, what: LockName) -> OwnedMutexGuard<()> {
        self.locks.acquire(what).await
    }

    /// Waits for a slot. Never `None`: the semaphore is not closed.
    pub(crate) async fn acquire_slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    /// A permit for one more blocked command, if there is one; the command may stay blocked as long as
    /// the permit is held.
    pub(crate) fn try_blocked_slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.blocked_slots).try_acquire_owned().ok()
    }

    /// The open connection, or a new one.
    ///
    /// # Errors
    ///
    /// The node cannot be connected to, or has refused a login a short while ago.
    pub(crate) async fn session(&self) -> Result<Arc<Session>, SessionError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = &*kept
            && session.is_alive().await
        {
            return Ok(Arc::clone(session));
        }
        *kept = None;
        self.refused_logins().check(Utc::now())?;
        let connected = Session::connect(&self.host, &self.options).await;
        let session = self.refused_logins().take(connected, Utc::now())?;
        let session = Arc::new(session);
        *kept = Some(Arc::clone(&session));
        Ok(session)
    }

    fn refused_logins(&self) -> MutexGuard<'_, RefusedLogins> {
        let logins = self.refused_logins.lock();
        logins.unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops a connection that has broken.
    pub(crate) async fn forget(&self, session: &Arc<Session>) {
        let mut kept = self.session.lock().await;
        if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, session)) {
            *kept = None;
        }
    }
}
