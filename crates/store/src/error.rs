//! Why a store could not do what it was asked for.

use std::path::{Path, PathBuf};

use ecoman_model::{NodeName, VmKey};

use crate::Unwritable;

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
        "MongoDB at {server} is not responding; check that it runs there and that MONGO_HOST (or \
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
    #[error("{record} has a format that this version of ECoMan does not know; {remedy}")]
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
    #[error("the database has no host {0}; the next poll records it")]
    UnknownNode(NodeName),

    /// A round that contradicts itself: a fault in ECoMan.
    #[error("the poll of {node} is inconsistent: it has {problem} ({vm})")]
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
        "{} is in use; is another ecoman running with the same ECOMAN_DATA? The embedded database \
         serves one process: stop the other one, set ECOMAN_DATA to another directory, or use \
         MongoDB for both (ECOMAN_STORE=mongodb)",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },

    /// The file of the embedded store is damaged, or is something else.
    #[error(
        "{} is damaged or not a file of ECoMan; move it away and restart: the next poll fills a \
         new one{}",
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
        "{what} has format {found}; this version of ECoMan supports formats up to {known}. Use \
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
            ". The last daily copy, with tasks, audit log and events, is {}: put it in place of \
             the file to restore it",
            copy.display()
        )
    })
}

/// What lies beneath an error of the store.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
