//! The connection, with limits of time, and errors in the store's words.

use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::serde_helpers::HumanReadable;
use mongodb::bson::{Document, RawBsonRef, RawDocument, RawDocumentBuf, deserialize_from_slice};
use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};
use mongodb::options::{
    Acknowledgment, ClientOptions, CollectionOptions, ReadPreference, SelectionCriteria,
    WriteConcern,
};
use mongodb::{Client, Collection, Database};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, OnceCell};
use tokio::time::timeout;

use super::settings::Target;
use crate::record::{FORMAT, upgraded};
use crate::{Cause, StoreError, Unwritable};

/// How long a connection may take, and how long the driver looks for a server that takes a
/// request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a request may take: also a server that hangs must not hang a role.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The collection of nodes. `_id` is the name; besides the fields of `NodeRecord` each has
/// those of `Marks`.
pub(super) const NODES: &str = "nodes";

/// The collection of VMs: `VmRecord` with `_id` `NODE/VMID`.
pub(super) const VMS: &str = "vms";

/// The collection of counters.
pub(super) const COUNTERS: &str = "counters";

/// The database, and how it is asked.
pub(super) struct Connection {
    target: Target,
    /// Empty as long as the servers of a `mongodb+srv` address could not be looked up.
    database: OnceCell<Database>,
    /// Notified when the server does not write because its disk is full.
    pub(super) write_refused: Notify,
}

/// What a request is for.
pub(super) enum Doing {
    Read(String),
    Write(String),
}

impl Connection {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            database: OnceCell::new(),
            write_refused: Notify::new(),
        }
    }

    /// Its addresses, for messages.
    pub(super) fn server(&self) -> &str {
        &self.target.server
    }

    /// The name of the database.
    pub(super) fn name(&self) -> &str {
        &self.target.database
    }

    /// A collection, read and written in a way that revisions can be trusted: from the primary
    /// alone, and never acknowledged before it is safe from a crash or a change of primary.
    pub(super) async fn collection(
        &self,
        name: &str,
    ) -> Result<Collection<RawDocumentBuf>, StoreError> {
        let options = CollectionOptions::builder()
            .selection_criteria(SelectionCriteria::from(ReadPreference::Primary))
            .write_concern(
                WriteConcern::builder()
                    .w(Acknowledgment::Majority)
                    .journal(true)
                    .build(),
            )
            .build();
        Ok(self
            .database()
            .await?
            .collection_with_options(name, options))
    }

    pub(super) async fn database(&self) -> Result<&Database, StoreError> {
        self.database
            .get_or_try_init(|| async {
                let doing = Doing::Read("the connection string".into());
                let client = async {
                    let connection_string = self.target.connection_string.clone();
                    let mut options = ClientOptions::parse(connection_string).await?;
                    options.app_name.get_or_insert_with(|| "ecoman".to_owned());
                    options.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
                    options
                        .server_selection_timeout
                        .get_or_insert(CONNECT_TIMEOUT);
                    Client::with_options(options)
                };
                match timeout(REQUEST_TIMEOUT, client).await {
                    Ok(Ok(client)) => Ok(client.database(&self.target.database)),
                    Ok(Err(error)) => Err(match *error.kind {
                        ErrorKind::DnsResolve { .. } | ErrorKind::Io(_) => {
                            self.fault(&doing, error)
                        }
                        kind => StoreError::Setting {
                            variable: "MONGO_URI",
                            problem: kind.to_string(),
                        },
                    }),
                    Err(elapsed) => Err(StoreError::Away {
                        server: self.target.server.clone(),
                        source: elapsed.into(),
                    }),
                }
            })
            .await
    }

    pub(super) async fn request<T>(
        &self,
        doing: &Doing,
        request: impl IntoFuture<Output = Result<T, DriverError>>,
    ) -> Result<T, StoreError> {
        self.within(REQUEST_TIMEOUT, doing, request).await
    }

    pub(super) async fn within<T>(
        &self,
        limit: Duration,
        doing: &Doing,
        request: impl IntoFuture<Output = Result<T, DriverError>>,
    ) -> Result<T, StoreError> {
        match timeout(limit, request.into_future()).await {
            Ok(result) => result.map_err(|error| self.fault(doing, error)),
            Err(_) => Err(StoreError::Away {
                server: self.target.server.clone(),
                source: format!("no answer within {} s", limit.as_secs()).into(),
            }),
        }
    }

    pub(super) fn fault(&self, doing: &Doing, error: DriverError) -> StoreError {
        let server = self.target.server.clone();
        let kind = *error.kind;
        match &kind {
            // For some seconds after a refused login the driver takes the server for away, and
            // only its text says why.
            ErrorKind::ServerSelection { message, .. }
                if message.contains("AuthenticationFailed") =>
            {
                self.refused(kind)
            }
            ErrorKind::ServerSelection { .. }
            | ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. } => StoreError::Away {
                server,
                source: kind.into(),
            },
            ErrorKind::Command(command) if NOT_READY.contains(&command.code) => StoreError::Away {
                server,
                source: kind.into(),
            },
            ErrorKind::Authentication { .. } => self.refused(kind),
            ErrorKind::Command(command) if NO_ACCESS.contains(&command.code) => self.refused(kind),
            ErrorKind::Command(command) if command.code == OUT_OF_DISK_SPACE => {
                self.full(doing, kind)
            }
            ErrorKind::Write(WriteFailure::WriteError(error))
                if error.code == OUT_OF_DISK_SPACE =>
            {
                self.full(doing, kind)
            }
            _ => match doing {
                Doing::Read(what) => StoreError::Read {
                    what: what.clone(),
                    source: kind.into(),
                },
                Doing::Write(what) => StoreError::Write {
                    what: what.clone(),
                    source: kind.into(),
                },
            },
        }
    }

    fn refused(&self, kind: ErrorKind) -> StoreError {
        StoreError::Access {
            server: self.target.server.clone(),
            database: self.target.database.clone(),
            looked_up: self.target.user_database(),
            source: kind.into(),
        }
    }

    fn full(&self, doing: &Doing, kind: ErrorKind) -> StoreError {
        let (Doing::Read(what) | Doing::Write(what)) = doing;
        self.write_refused.notify_one();
        StoreError::Unwritable {
            what: what.clone(),
            place: format!("MongoDB at {}", self.target.server),
            problem: Unwritable::DiskFull,
            source: kind.into(),
        }
    }

    /// What `filter` finds in a collection; a limit of 0 is none.
    pub(super) async fn find(
        &self,
        collection: &str,
        filter: Document,
        order: Document,
        limit: i64,
        doing: &Doing,
    ) -> Result<Vec<RawDocumentBuf>, StoreError> {
        let collection: Collection<RawDocumentBuf> = self.collection(collection).await?;
        let found = async {
            let found = collection.find(filter).sort(order).limit(limit);
            found.await?.try_collect().await
        };
        self.request(doing, found).await
    }

    pub(super) fn read_records<T: DeserializeOwned>(
        &self,
        collection: &str,
        documents: &[RawDocumentBuf],
    ) -> Result<Vec<T>, StoreError> {
        documents
            .iter()
            .map(|document| self.read_record(collection, document))
            .collect()
    }

    /// Reads a record, of an older format too.
    pub(super) fn read_record<T: DeserializeOwned>(
        &self,
        collection: &str,
        document: &RawDocumentBuf,
    ) -> Result<T, StoreError> {
        let unreadable = |error| self.unreadable(collection, &id_of(document), error);
        let found = format_of(document).map_err(unreadable)?;
        if found > FORMAT {
            return Err(StoreError::Format {
                what: self.describe(collection, &id_of(document)),
                found,
                known: FORMAT,
                remedy: remedy(collection),
            });
        }
        let bytes = document.as_bytes();
        deserialize_from_slice(bytes)
            .map(|HumanReadable(record)| record)
            .or_else(|error| upgraded(deserialize_from_slice(bytes)?, Cause::from(error)))
            .map_err(unreadable)
    }

    /// Reads a document, or says which one it is that cannot be read.
    pub(super) fn read_document<'a, T: Deserialize<'a>>(
        &self,
        collection: &str,
        document: &'a RawDocumentBuf,
    ) -> Result<T, StoreError> {
        deserialize_from_slice(document.as_bytes())
            .map_err(|error| self.unreadable(collection, &id_of(document), error))
    }

    pub(super) fn unreadable(
        &self,
        collection: &str,
        id: &str,
        source: impl Into<Cause>,
    ) -> StoreError {
        StoreError::Record {
            record: self.describe(collection, id),
            remedy: format!("use the version that wrote it, or {}", remedy(collection)),
            source: source.into(),
        }
    }

    fn describe(&self, collection: &str, id: &str) -> String {
        format!(
            "the document {id} in the collection {collection} of the MongoDB database {}",
            self.target.database
        )
    }
}

/// The id of a document, for messages.
fn id_of(document: &RawDocument) -> String {
    match document.get("_id") {
        Ok(Some(id)) => id.as_str().map_or_else(|| format!("{id:?}"), str::to_owned),
        _ => "(none)".to_owned(),
    }
}

/// The format of a document; the first ones do not say theirs.
fn format_of(document: &RawDocument) -> Result<u64, Cause> {
    match document.get("format")? {
        None => Ok(1),
        Some(RawBsonRef::Int64(format)) => Ok(format.try_into()?),
        Some(RawBsonRef::Int32(format)) => Ok(format.try_into()?),
        Some(other) => Err(format!("its format is {other:?}").into()),
    }
}

/// What helps where a document cannot be read.
fn remedy(collection: &str) -> &'static str {
    match collection {
        NODES | VMS => "delete it: the next poll writes it again",
        _ => "delete it",
    }
}

/// Codes of a server that is starting, stopping or not the primary just now: ShutdownInProgress,
/// PrimarySteppedDown, NotWritablePrimary, InterruptedAtShutdown,
/// InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary
/// (`error_codes.yml` of MongoDB).
const NOT_READY: [i32; 7] = [91, 189, 10107, 11600, 11602, 13435, 13436];

/// OutOfDiskSpace.
const OUT_OF_DISK_SPACE: i32 = 14031;

/// Unauthorized and AuthenticationFailed.
const NO_ACCESS: [i32; 2] = [13, 18];
