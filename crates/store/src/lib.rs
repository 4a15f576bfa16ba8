//! Where observations are kept: one trait in the domain's words, two full implementations,
//! MongoDB 5.0 or later and an embedded default in one file.
//!
//! Knows what is kept, and neither how it is read (ESXi) nor how it is shown (HTTP).

mod audit;
mod changes;
mod embedded;
mod history;
mod mongo;
mod record;
mod tasks;
mod unwritable;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use ecoman_model::{NodeName, NodeState, Round, VmKey, VmRecord};

pub use audit::{AuditQuery, AuditStore};
pub use embedded::{EmbeddedStore, Salvage};
pub use history::{HistoryPage, HistoryQuery, HistoryStore};
pub use mongo::{MongoSettings, MongoStore};
pub use tasks::{Added, TaskQuery, TaskStore};
pub use unwritable::Unwritable;

/// Distinguishes one state of a node from another: it moves with every write to the node or its VMs, is
/// never used twice for a node, not even if the node is forgotten and comes back, and only
/// equality means anything.
pub type Revision = u64;

/// What is kept: of the nodes and their VMs here, of tasks and notes in [`TaskStore`], of who did
/// what in [`AuditStore`], of what happened in [`HistoryStore`].
///
/// One crawler writes; any number of processes read. Every method may fail while the database is
/// away and works again once it is back, without anything having to be restarted. A call that
/// failed may be made again as it was: what it had already written does no harm.
///
/// A reader sees a node as one write left it, all of it or nothing. The one exception is a writer
/// of MongoDB that died in the middle: then the VMs are shown as they are, each of them true on
/// its own, until the next round on that node.
#[async_trait]
pub trait Store: TaskStore + AuditStore + HistoryStore {
    /// Asks the database for a sign of life, and is back within some seconds if there is none.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Learns whether the store takes changes now, by a small one that nobody sees.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unwritable`] says why it takes none, where the database does.
    async fn check_write(&self) -> Result<(), StoreError>;

    /// Records what one round on one node brought, VMs first and the node last, so that a
    /// reader who sees the node's new revision sees its VMs too. Writes only what changed; a VM
    /// that is the same but for its time keeps the time that it has (see `VmRecord::seen_at`).
    async fn record_round(&self, round: &Round) -> Result<Written, StoreError>;

    /// Records one VM that was looked at on its own. A node that was never recorded is an error
    /// ([`StoreError::UnknownNode`]).
    async fn record_vm(&self, vm: &VmRecord) -> Result<Written, StoreError>;

    /// Forgets the nodes that are not among `names`, with their VMs: they are no longer in
    /// `hosts.yml`. Returns those that were forgotten, by name.
    async fn retain_nodes(&self, names: &[NodeName]) -> Result<Vec<NodeName>, StoreError>;

    /// A node with its VMs, by id; `None` if it was never recorded. At least as new as every
    /// revision of it that was seen before the call.
    async fn node_state(&self, name: &NodeName) -> Result<Option<NodeState>, StoreError>;

    /// The revision of every node.
    async fn revisions(&self) -> Result<BTreeMap<NodeName, Revision>, StoreError>;

    /// Waits until the revisions are others than `known`, and returns them: at once where they
    /// are already, else as soon as the database says so, which takes half a second at most.
    async fn changed(
        &self,
        known: &BTreeMap<NodeName, Revision>,
    ) -> Result<BTreeMap<NodeName, Revision>, StoreError>;
}

/// How much a call wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// VMs that were new or had changed.
    pub vms: usize,
    /// VMs that were removed.
    pub removed: usize,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A setting cannot be used. Found at the start, before anything is connected.
    #[error("{variable}: {problem}")]
    Setting {
        /// The environment variable.
        variable: &'static str,
        /// What is wrong with its value and what is allowed; never a password.
        problem: String,
    },

    /// MongoDB does not answer, or not in time.
    #[error(
        "MongoDB at {server} does not answer; check that it runs there and that MONGO_HOST (or \
         MONGO_URI) is right"
    )]
    Away {
        /// Its addresses.
        server: String,
        /// What the driver says.
        source: Cause,
    },

    /// MongoDB refuses the login or the access to the database.
    #[error(
        "MongoDB at {server} refuses access to the database {database}; check MONGO_USERNAME and \
         MONGO_PASSWORD (or MONGO_URI), and that this user has the role readWrite there. \
         {looked_up}"
    )]
    Access {
        /// Its addresses.
        server: String,
        /// The database.
        database: String,
        /// In which database the user is looked up, and how to name another one.
        looked_up: String,
        /// What the server says.
        source: Cause,
    },

    /// The database failed to read.
    #[error("cannot read {what}")]
    Read {
        /// What was to be read.
        what: String,
        /// What the database says.
        source: Cause,
    },

    /// The database failed to write.
    #[error("cannot write {what}")]
    Write {
        /// What was to be written.
        what: String,
        /// What the database says.
        source: Cause,
    },

    /// The store takes no changes; what is in it can still be read.
    #[error("cannot write {what} to {place}: {problem}")]
    Unwritable {
        /// What was to be written.
        what: String,
        /// The file, or the address of MongoDB.
        place: String,
        /// What keeps it from writing, and what helps.
        problem: Unwritable,
        /// What the database says.
        source: Cause,
    },

    /// A stored record makes no sense to this version.
    #[error("{record} is not as this version of ECoMan writes it; {remedy}")]
    Record {
        /// Which record, and where it lies.
        record: String,
        /// What to do about it.
        remedy: String,
        /// What is wrong with it.
        source: Cause,
    },

    /// A record is larger than the database takes.
    #[error("{what} takes {bytes} bytes, and MongoDB keeps at most {limit} in one document")]
    TooLarge {
        /// Which record.
        what: String,
        /// Its size.
        bytes: usize,
        /// The greatest size.
        limit: usize,
    },

    /// A VM of a node that was never recorded, or that was forgotten meanwhile.
    #[error("the store has no node {0}; it is recorded by the next round on it")]
    UnknownNode(NodeName),

    /// A round that contradicts itself: a fault in ECoMan.
    #[error("the round on {node} is inconsistent: it has {problem} ({vm})")]
    Round {
        /// The round's node.
        node: NodeName,
        /// The VM that does not fit.
        vm: VmKey,
        /// In what way.
        problem: &'static str,
    },

    /// The file of the embedded store belongs to another process.
    #[error(
        "another process uses {}; is another ecoman running with the same ECOMAN_DATA? The \
         embedded store serves one process: stop the other one, set ECOMAN_DATA to another \
         directory, or share a MongoDB (ECOMAN_STORE=mongodb)",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },

    /// The file of the embedded store is damaged, or is something else.
    #[error(
        "{} is damaged or no file of ECoMan; move it away and start again: the next round on each \
         node fills a new one{}",
        path.display(),
        offer(copy.as_deref())
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The daily copy of its tasks, audit log and history, if there is one.
        copy: Option<PathBuf>,
        /// What is wrong with it.
        source: Cause,
    },

    /// The embedded store's file, or a document of MongoDB, was written by a newer version.
    #[error(
        "{what} has format {found}, and this version of ECoMan knows formats up to {known}; use \
         the newer version, or {remedy}"
    )]
    Format {
        /// The file, or the document and where it lies.
        what: String,
        /// Its format.
        found: u64,
        /// The newest format of this version.
        known: u64,
        /// What else helps.
        remedy: &'static str,
    },

    /// The file of the embedded store cannot be opened or made.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file, or its directory.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
}

impl StoreError {
    /// What keeps the store from writing, if that is the error.
    #[must_use]
    pub fn unwritable(&self) -> Option<Unwritable> {
        match self {
            Self::Unwritable { problem, .. } => Some(*problem),
            _ => None,
        }
    }
}

/// What to do with the daily copy.
fn offer(copy: Option<&Path>) -> String {
    copy.map_or_else(String::new, |copy| {
        format!(
            ". Its last daily copy, with tasks, audit log and history, is {}: put it in the place \
             of the file to go on with that",
            copy.display()
        )
    })
}

/// What lies beneath an error of the store.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
