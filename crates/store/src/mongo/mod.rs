//! The store in MongoDB 5.0 or later, a standalone server or a replica set: for roles in
//! separate processes, also on separate machines.
//!
//! A standalone server has no transactions, so a write that touches VMs goes like this: mark the
//! node's document as being written, write the VMs, then write the node, take the mark away and
//! move its revision on, these three in one step. A reader reads node, VMs and node again, and
//! begins again where it meets the mark or the revision has moved.

mod audit;
mod connection;
mod history;
mod nodes;
mod pending;
mod settings;
mod tasks;

use std::fmt;
use std::time::Duration;

use mongodb::bson::serde_helpers::HumanReadable;
use mongodb::bson::{Document, serialize_to_document};
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::StoreError;
use crate::record::FORMAT;
use connection::Connection;
pub use settings::MongoSettings;

/// How often a waiting reader looks for new revisions: a standalone server has no change streams.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// The greatest document that MongoDB keeps.
const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// The store in a MongoDB database, collections `nodes`, `vms`, `tasks`, `notes` (of refresh requests),
/// `counters`, `audit`, `events` and `pending`.
pub struct MongoStore {
    connection: Connection,
    vms_indexed: OnceCell<()>,
    tasks_indexed: OnceCell<()>,
    audit_indexed: OnceCell<()>,
    events_indexed: OnceCell<()>,
}

impl MongoStore {
    /// Prepares the connection. It is made by the first call that needs it, and made again when
    /// it is lost: whether MongoDB is there shows at the calls, not here.
    ///
    /// # Errors
    ///
    /// [`StoreError::Setting`], which names the variable that cannot be used.
    pub async fn connect(settings: &MongoSettings) -> Result<Self, StoreError> {
        let store = Self {
            connection: Connection::new(settings.target()?),
            vms_indexed: OnceCell::new(),
            tasks_indexed: OnceCell::new(),
            audit_indexed: OnceCell::new(),
            events_indexed: OnceCell::new(),
        };
        match store.connection.database().await {
            Err(error @ StoreError::Setting { .. }) => Err(error),
            Err(error) => {
                tracing::warn!(%error, "the servers of MONGO_URI cannot be resolved yet");
                Ok(store)
            }
            Ok(_) => Ok(store),
        }
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore")
            .field("server", &self.connection.server())
            .field("database", &self.connection.name())
            .finish_non_exhaustive()
    }
}

/// A record with its format.
#[derive(Serialize)]
struct Stamped<'a, T> {
    format: u64,
    #[serde(flatten)]
    record: &'a T,
}

fn encode_record(what: String, record: &impl Serialize) -> Result<Document, StoreError> {
    let format = FORMAT;
    encode(what, &Stamped { format, record })
}

fn encode(what: String, document: &impl Serialize) -> Result<Document, StoreError> {
    let failed = |error: mongodb::bson::error::Error| StoreError::Write {
        what: what.clone(),
        source: error.into(),
    };
    let document = serialize_to_document(&HumanReadable(document)).map_err(failed)?;
    let bytes = document.to_vec().map_err(failed)?.len();
    check_size(what, bytes)?;
    Ok(document)
}

fn check_size(what: String, bytes: usize) -> Result<(), StoreError> {
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(StoreError::TooLarge {
            what,
            bytes,
            limit: MAX_DOCUMENT_BYTES,
        });
    }
    Ok(())
}
