//! The store in MongoDB 5.0 or later, a standalone server or a replica set: for roles in
//! separate processes, also on separate machines.
//!
//! A standalone server has no transactions, so a write that touches VMs goes like this: mark the
//! node's document as being written, write the VMs, then write the node, take the mark away and
//! move its revision on, these three in one step. A reader reads node, VMs and node again, and
//! begins anew where it meets the mark or the revision has moved.

mod audit;
mod tasks;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use ecoman_model::{NodeName, NodeRecord, NodeState, Round, RoundVms, VmKey, VmRecord, Vmid};
use futures::TryStreamExt;
use mongodb::bson::{
    Document, RawArrayBuf, RawDocumentBuf, deserialize_from_slice, doc, rawdoc,
    serialize_to_document, serialize_to_raw_document_buf,
};
use mongodb::error::{Error as DriverError, ErrorKind};
use mongodb::options::{
    Acknowledgment, ClientOptions, CollectionOptions, ConnectionString, Credential, HostInfo,
    ReadPreference, SelectionCriteria, ServerAddress, WriteConcern,
};
use mongodb::{Client, Collection, Database, IndexModel};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout};

use crate::changes::{Changes, check, first_revision};
use crate::document::{NodeDocument, VmDocument};
use crate::{Revision, Store, StoreError, Written};

/// How long a connection may take, and how long the driver looks for a server that takes a
/// request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a request may take: also a server that hangs must not hang a role.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the answer to a ping may take.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a waiting reader looks for new revisions: a standalone server has no change streams.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// How long a reader waits for a write to end before it shows what is there.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

/// How often it looks whether the write has ended.
const WRITE_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The greatest document that MongoDB keeps.
const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// How many bytes of documents go into one request, unless a single one has more. A request is
/// a document too, and may be 16 KB larger than the greatest document that is kept.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How MongoDB is reached: the variables of the same names.
#[derive(Clone)]
pub struct MongoSettings {
    /// `MONGO_URI`: the whole connection string. It wins over all the other parts; only where it
    /// names no database, `dbname` does.
    pub uri: Option<String>,
    /// `MONGO_HOST`: `host` or `host:port`; the port is 27017 unless given.
    pub host: String,
    /// `MONGO_USERNAME`: a user of the database `admin`; empty: no authentication.
    pub username: String,
    /// `MONGO_PASSWORD`, as it is, nothing encoded.
    pub password: String,
    /// `MONGO_DBNAME`: the database.
    pub dbname: String,
}

/// The store in a MongoDB database, collections `nodes`, `vms`, `tasks`, `notes`,
/// `counters` and `audit`.
pub struct MongoStore {
    target: Target,
    /// Empty as long as the servers of a `mongodb+srv` address could not be looked up.
    database: OnceCell<Database>,
    vms_indexed: OnceCell<()>,
    tasks_indexed: OnceCell<()>,
    audit_indexed: OnceCell<()>,
}

/// Which database, and where.
struct Target {
    connection_string: ConnectionString,
    /// Addresses, for messages.
    server: String,
    database: String,
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
            target: settings.target()?,
            database: OnceCell::new(),
            vms_indexed: OnceCell::new(),
            tasks_indexed: OnceCell::new(),
            audit_indexed: OnceCell::new(),
        };
        match store.database().await {
            Err(error @ StoreError::Setting { .. }) => Err(error),
            Err(error) => {
                tracing::warn!(%error, "the servers of MONGO_URI cannot be looked up yet");
                Ok(store)
            }
            Ok(_) => Ok(store),
        }
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn ping(&self) -> Result<(), StoreError> {
        let database = self.database().await?;
        let ping = database.run_command(doc! { "ping": 1 });
        self.within(
            PING_TIMEOUT,
            &Doing::Read("the server's state".into()),
            ping,
        )
        .await?;
        Ok(())
    }

    async fn record_round(&self, round: &Round) -> Result<Written, StoreError> {
        check(round)?;
        let name = &round.node.name;
        let before = self.node(name).await?;
        let stored = match round.vms {
            RoundVms::Complete(_) => self.vms(name).await?,
            RoundVms::Unchanged => BTreeMap::new(),
        };
        let changes = Changes::of_round(round, &stored);
        let unchanged = changes.is_empty()
            && before
                .as_ref()
                .is_some_and(|before| before.record.as_ref() == Some(&round.node));
        self.write(
            name,
            before.as_ref(),
            &changes,
            Some(&round.node),
            unchanged,
        )
        .await
    }

    async fn record_vm(&self, vm: &VmRecord) -> Result<Written, StoreError> {
        let name = &vm.key.node;
        let before = self
            .node(name)
            .await?
            .filter(|before| before.record.is_some())
            .ok_or_else(|| StoreError::UnknownNode(name.clone()))?;
        let key = vm.key.to_string();
        let stored = self
            .vms_where(doc! { "_id": &key }, &key)
            .await?
            .remove(&vm.key.vmid);
        let changes = Changes::of_vm(vm, stored.as_ref());
        let unchanged = changes.is_empty();
        self.write(name, Some(&before), &changes, None, unchanged)
            .await
    }

    async fn retain_nodes(&self, names: &[NodeName]) -> Result<Vec<NodeName>, StoreError> {
        let doing = Doing::Write("the list of nodes".into());
        let names: Vec<&str> = names.iter().map(NodeName::as_str).collect();
        let others = doc! { "_id": { "$nin": &names } };
        let nodes = self.nodes().await?;

        let found = async {
            let found = nodes.find(others.clone()).projection(doc! { "_id": 1 });
            found.await?.try_collect::<Vec<_>>().await
        };
        let mut forgotten = Vec::new();
        for document in self.request(&doing, found).await? {
            let id: Id = self.read_document(NODES, &document)?;
            forgotten.push(self.node_name(&id.id)?);
        }
        forgotten.sort();

        // The nodes first: who sees one sees all its VMs. VMs that a write beside or a call that
        // was cut off has left behind go by their node's name.
        self.request(&doing, nodes.delete_many(others)).await?;
        let vms = self.collection(VMS).await?;
        let orphans = doc! { "node": { "$nin": &names } };
        self.request(&doing, vms.delete_many(orphans)).await?;
        Ok(forgotten)
    }

    async fn node_state(&self, name: &NodeName) -> Result<Option<NodeState>, StoreError> {
        let deadline = Instant::now() + WRITE_PATIENCE;
        loop {
            let Some(StoredNode {
                marks,
                record: Some(node),
            }) = self.node(name).await?
            else {
                return Ok(None);
            };
            let patient = Instant::now() < deadline;
            if marks.writing && patient {
                sleep(WRITE_POLL_INTERVAL).await;
                continue;
            }
            let vms = self.vms(name).await?;
            match self.node(name).await? {
                None => return Ok(None),
                Some(after) if after.marks != marks && patient => {}
                Some(_) => {
                    return Ok(Some(NodeState {
                        node,
                        vms: vms.into_values().collect(),
                    }));
                }
            }
        }
    }

    async fn revisions(&self) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        let nodes = self.nodes().await?;
        let recorded = async {
            nodes
                .find(doc! { "name": { "$exists": true } })
                .projection(doc! { "revision": 1 })
                .await?
                .try_collect::<Vec<_>>()
                .await
        };
        let mut revisions = BTreeMap::new();
        for document in self
            .request(&Doing::Read("the revisions".into()), recorded)
            .await?
        {
            let id: Id = self.read_document(NODES, &document)?;
            let marks: Marks = self.read_document(NODES, &document)?;
            revisions.insert(self.node_name(&id.id)?, marks.revision);
        }
        Ok(revisions)
    }

    async fn changed(
        &self,
        known: &BTreeMap<NodeName, Revision>,
    ) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        loop {
            let now = self.revisions().await?;
            if now != *known {
                return Ok(now);
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

impl fmt::Debug for MongoSettings {
    /// Everything but the password, which may also be part of the connection string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoSettings")
            .field("uri", &self.uri.as_ref().map(|_| "(hidden)"))
            .field("host", &self.host)
            .field("username", &self.username)
            .field("password", &"(hidden)")
            .field("dbname", &self.dbname)
            .finish()
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore")
            .field("server", &self.target.server)
            .field("database", &self.target.database)
            .finish_non_exhaustive()
    }
}

/// The collection of nodes. `_id` is the name; besides the fields of [`NodeDocument`] each has
/// those of [`Marks`].
const NODES: &str = "nodes";

/// The collection of VMs: [`VmDocument`] with `_id` `NODE/VMID`.
const VMS: &str = "vms";

#[derive(Deserialize)]
struct Id {
    #[serde(rename = "_id")]
    id: String,
}

/// What the store itself notes on a node.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Marks {
    revision: Revision,
    /// A write that touches VMs has begun and not ended.
    #[serde(default)]
    writing: bool,
}

/// A node's document.
struct StoredNode {
    marks: Marks,
    /// `None` until the first round on it is written.
    record: Option<NodeRecord>,
}

/// A VM with its key in MongoDB.
#[derive(Serialize)]
struct KeyedVm {
    #[serde(rename = "_id")]
    id: String,
    #[serde(flatten)]
    document: VmDocument,
}

/// What a request is for.
enum Doing {
    Read(String),
    Write(String),
}

impl MongoStore {
    /// Writes what a round or a look at one VM has changed; `node` where it is a round. An
    /// `unchanged` node is left alone, unless a write before this one was cut off: then readers
    /// must hear of what that one wrote.
    async fn write(
        &self,
        name: &NodeName,
        before: Option<&StoredNode>,
        changes: &Changes<'_>,
        node: Option<&NodeRecord>,
        unchanged: bool,
    ) -> Result<Written, StoreError> {
        if unchanged && !before.is_some_and(|before| before.marks.writing) {
            return Ok(changes.written());
        }
        let doing = Doing::Write(format!("node {name}"));
        let vms = changes
            .vms
            .iter()
            .map(|vm| encode_vm(vm))
            .collect::<Result<Vec<_>, _>>()?;
        let mut fields = node.map(encode_node).transpose()?.unwrap_or_default();
        let nodes = self.nodes().await?;
        let this = doc! { "_id": name.as_str() };

        if before.is_none() || !changes.is_empty() {
            let revision = i64::try_from(first_revision()).unwrap_or(i64::MAX);
            let begin = doc! {
                "$set": { "writing": true },
                "$setOnInsert": { "revision": revision },
            };
            self.request(&doing, nodes.update_one(this.clone(), begin).upsert(true))
                .await?;
        }
        self.ensure_index().await?;
        self.upsert_vms(&vms).await?;
        self.remove_vms(name, &changes.removed).await?;

        fields.insert("writing", false);
        let end = doc! { "$set": fields, "$inc": { "revision": 1_i64 } };
        let ended = self.request(&doing, nodes.update_one(this, end)).await?;
        if ended.matched_count == 0 {
            return Err(StoreError::UnknownNode(name.clone()));
        }
        Ok(changes.written())
    }

    async fn upsert_vms(&self, vms: &[(VmKey, RawDocumentBuf)]) -> Result<(), StoreError> {
        let mut rest = vms;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fitting = rest
                .iter()
                .take_while(|(_, document)| {
                    bytes += document.as_bytes().len();
                    bytes <= BATCH_BYTES
                })
                .count();
            let (batch, later) = rest.split_at(fitting.max(1));
            self.upsert_batch(batch).await?;
            rest = later;
        }
        Ok(())
    }

    /// Writes VMs in one request: `update` with many parts, for `bulkWrite` needs MongoDB 8.0.
    async fn upsert_batch(&self, batch: &[(VmKey, RawDocumentBuf)]) -> Result<(), StoreError> {
        let doing = Doing::Write("VMs".into());
        let mut updates = RawArrayBuf::new();
        for (key, document) in batch {
            updates.push(rawdoc! {
                "q": { "_id": key.to_string() },
                "u": document.clone(),
                "upsert": true,
            });
        }
        let command = rawdoc! { "update": VMS, "updates": updates, "ordered": false };
        let database = self.database().await?;
        let answer = self
            .request(&doing, database.run_raw_command(command))
            .await?;
        let answer: UpdateAnswer = mongodb::bson::deserialize_from_document(answer)
            .map_err(|error| self.fault(&doing, error.into()))?;
        let Some(refused) = answer.write_errors.first() else {
            return Ok(());
        };
        let vm = batch
            .get(refused.index)
            .map_or_else(|| "VMs".to_owned(), |(key, _)| format!("VM {key}"));
        Err(StoreError::Write {
            what: vm,
            source: refused.errmsg.clone().into(),
        })
    }

    async fn remove_vms(&self, node: &NodeName, vmids: &[Vmid]) -> Result<(), StoreError> {
        if vmids.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = vmids.iter().map(|vmid| format!("{node}/{vmid}")).collect();
        let vms = self.collection(VMS).await?;
        let gone = vms.delete_many(doc! { "_id": { "$in": keys } });
        self.request(&Doing::Write("VMs".into()), gone).await?;
        Ok(())
    }

    /// Sees to it that the VMs of a node are found without looking at all.
    async fn ensure_index(&self) -> Result<(), StoreError> {
        self.vms_indexed
            .get_or_try_init(|| async {
                let by_node = IndexModel::builder()
                    .keys(doc! { "node": 1, "vmid": 1 })
                    .build();
                let vms = self.collection(VMS).await?;
                let doing = Doing::Write("the index of the VMs".into());
                self.request(&doing, vms.create_index(by_node)).await?;
                Ok(())
            })
            .await
            .copied()
    }

    async fn node(&self, name: &NodeName) -> Result<Option<StoredNode>, StoreError> {
        let nodes = self.nodes().await?;
        let this = nodes.find_one(doc! { "_id": name.as_str() });
        let doing = Doing::Read(format!("node {name}"));
        let Some(document) = self.request(&doing, this).await? else {
            return Ok(None);
        };
        let marks = self.read_document(NODES, &document)?;
        let recorded = document.get("name").is_ok_and(|name| name.is_some());
        let record = recorded
            .then(|| self.read_document::<NodeDocument>(NODES, &document))
            .transpose()?;
        Ok(Some(StoredNode {
            marks,
            record: record.map(NodeRecord::from),
        }))
    }

    async fn vms(&self, node: &NodeName) -> Result<BTreeMap<Vmid, VmRecord>, StoreError> {
        let of_node = doc! { "node": node.as_str() };
        self.vms_where(of_node, &format!("of node {node}")).await
    }

    async fn vms_where(
        &self,
        filter: Document,
        which: &str,
    ) -> Result<BTreeMap<Vmid, VmRecord>, StoreError> {
        let collection = self.collection(VMS).await?;
        let found = async {
            let found = collection.find(filter).batch_size(10_000);
            found.await?.try_collect::<Vec<_>>().await
        };
        let documents = self
            .request(&Doing::Read(format!("VMs {which}")), found)
            .await?;
        documents
            .iter()
            .map(|document| {
                let vm = VmRecord::from(self.read_document::<VmDocument>(VMS, document)?);
                Ok((vm.key.vmid, vm))
            })
            .collect()
    }

    /// What `filter` finds in a collection; a limit of 0 is none.
    async fn find(
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

    fn read_all<D: DeserializeOwned + Into<T>, T>(
        &self,
        collection: &str,
        documents: &[RawDocumentBuf],
    ) -> Result<Vec<T>, StoreError> {
        documents
            .iter()
            .map(|document| Ok(self.read_document::<D>(collection, document)?.into()))
            .collect()
    }

    /// Reads a document, or says which one it is that cannot be read.
    fn read_document<'a, T: Deserialize<'a>>(
        &self,
        collection: &str,
        document: &'a RawDocumentBuf,
    ) -> Result<T, StoreError> {
        deserialize_from_slice(document.as_bytes()).map_err(|error| {
            let id = match document.get("_id") {
                Ok(Some(id)) => id.as_str().map_or_else(|| format!("{id:?}"), str::to_owned),
                _ => "(none)".to_owned(),
            };
            self.unreadable(collection, &id, error)
        })
    }

    fn node_name(&self, id: &str) -> Result<NodeName, StoreError> {
        id.parse()
            .map_err(|error: ecoman_model::InvalidNodeName| self.unreadable(NODES, id, error))
    }

    fn unreadable(
        &self,
        collection: &str,
        id: &str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> StoreError {
        StoreError::Record {
            record: format!(
                "the document {id} in the collection {collection} of the MongoDB database {}",
                self.target.database
            ),
            remedy: match collection {
                NODES | VMS => {
                    "use the version that wrote it, or delete it: the next round on its node \
                     writes it anew"
                }
                _ => "use the version that wrote it, or delete it",
            }
            .to_owned(),
            source: source.into(),
        }
    }

    async fn nodes(&self) -> Result<Collection<RawDocumentBuf>, StoreError> {
        self.collection(NODES).await
    }

    /// A collection, read and written in a way that revisions can be trusted: from the primary
    /// alone, and never acknowledged before it is safe from a crash or a change of primary.
    async fn collection(&self, name: &str) -> Result<Collection<RawDocumentBuf>, StoreError> {
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

    async fn database(&self) -> Result<&Database, StoreError> {
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

    async fn request<T>(
        &self,
        doing: &Doing,
        request: impl IntoFuture<Output = Result<T, DriverError>>,
    ) -> Result<T, StoreError> {
        self.within(REQUEST_TIMEOUT, doing, request).await
    }

    async fn within<T>(
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

    fn fault(&self, doing: &Doing, error: DriverError) -> StoreError {
        let server = self.target.server.clone();
        let kind = *error.kind;
        match &kind {
            // For some seconds after a refused login the driver takes the server for away, and
            // only its text tells why.
            ErrorKind::ServerSelection { message, .. }
                if message.contains("AuthenticationFailed") =>
            {
                StoreError::Access {
                    server,
                    database: self.target.database.clone(),
                    source: kind.into(),
                }
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
            ErrorKind::Authentication { .. } => StoreError::Access {
                server,
                database: self.target.database.clone(),
                source: kind.into(),
            },
            ErrorKind::Command(command) if NO_ACCESS.contains(&command.code) => {
                StoreError::Access {
                    server,
                    database: self.target.database.clone(),
                    source: kind.into(),
                }
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
}

/// Codes of a server that is starting, stopping or not the primary just now: ShutdownInProgress,
/// PrimarySteppedDown, NotWritablePrimary, InterruptedAtShutdown,
/// InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary
/// (`error_codes.yml` of MongoDB).
const NOT_READY: [i32; 7] = [91, 189, 10107, 11600, 11602, 13435, 13436];

/// Unauthorized and AuthenticationFailed.
const NO_ACCESS: [i32; 2] = [13, 18];

/// The answer to the command `update`, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateAnswer {
    #[serde(default)]
    write_errors: Vec<WriteRefusal>,
}

/// Why one part of an `update` was not done.
#[derive(Deserialize)]
struct WriteRefusal {
    index: usize,
    errmsg: String,
}

impl MongoSettings {
    fn target(&self) -> Result<Target, StoreError> {
        let (connection_string, variable) = match &self.uri {
            Some(uri) => (parse_uri(uri)?, "MONGO_URI"),
            None => (self.connection_string()?, "MONGO_DBNAME"),
        };
        let (database, variable) = match &connection_string.default_database {
            Some(database) => (database.clone(), variable),
            None => (self.dbname.clone(), "MONGO_DBNAME"),
        };
        if let Some(problem) = wrong_with_database(&database) {
            return Err(StoreError::Setting { variable, problem });
        }
        let server = match &connection_string.host_info {
            HostInfo::HostIdentifiers(hosts) => {
                let hosts: Vec<_> = hosts.iter().map(ServerAddress::to_string).collect();
                hosts.join(", ")
            }
            HostInfo::DnsRecord(name) => name.clone(),
            _ => "the servers of MONGO_URI".to_owned(),
        };
        Ok(Target {
            connection_string,
            server,
            database,
        })
    }

    fn connection_string(&self) -> Result<ConnectionString, StoreError> {
        let host = parse_host(&self.host).map_err(|problem| StoreError::Setting {
            variable: "MONGO_HOST",
            problem,
        })?;
        let mut connection_string = ConnectionString::default();
        connection_string.host_info = HostInfo::HostIdentifiers(vec![host]);
        if self.username.is_empty() {
            if !self.password.is_empty() {
                tracing::warn!("MONGO_PASSWORD is not used, for MONGO_USERNAME is empty");
            }
        } else {
            connection_string.credential = Some(
                Credential::builder()
                    .username(self.username.clone())
                    .password(self.password.clone())
                    .build(),
            );
        }
        Ok(connection_string)
    }
}

/// Reads `MONGO_HOST`; otherwise says what is wrong with it.
fn parse_host(host: &str) -> Result<ServerAddress, String> {
    let allowed = "it must be HOST or HOST:PORT; several hosts and options go into MONGO_URI";
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || ",/@?".contains(c)) {
        return Err(format!("{host:?} is no address: {allowed}"));
    }
    ServerAddress::parse(host).map_err(|error| match *error.kind {
        ErrorKind::InvalidArgument { message, .. } => format!("{message}; {allowed}"),
        kind => format!("{host:?} is no address: {kind}; {allowed}"),
    })
}

/// Reads `MONGO_URI`; the error never shows a part of the password, not even of one that was put
/// in without encoding it and so landed in another part of the address.
fn parse_uri(uri: &str) -> Result<ConnectionString, StoreError> {
    let wrong = |problem: &str| StoreError::Setting {
        variable: "MONGO_URI",
        problem: problem.to_owned(),
    };
    let explain = |error: DriverError| match *error.kind {
        ErrorKind::InvalidArgument { message, .. } => wrong(&message),
        kind => wrong(&kind.to_string()),
    };
    let Some((scheme, rest)) = uri.split_once("://") else {
        return Err(wrong(
            "it must begin with mongodb:// or mongodb+srv://; a host alone goes into MONGO_HOST",
        ));
    };
    let Some((login, without_login)) = rest.rsplit_once('@') else {
        return ConnectionString::parse(uri).map_err(explain);
    };
    ConnectionString::parse(format!("{scheme}://{without_login}")).map_err(explain)?;
    let encoded = |part: &str| {
        let hex = |at: usize| part.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
        part.bytes().enumerate().all(|(at, byte)| match byte {
            b'%' => hex(at + 1) && hex(at + 2),
            byte => byte.is_ascii_graphic() && !b":/?#[]@".contains(&byte),
        })
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let parsed = ConnectionString::parse(uri);
    match parsed {
        Ok(connection_string) if encoded(user) && encoded(password) => Ok(connection_string),
        _ => Err(wrong(
            "special characters of user name and password must be percent-encoded, `@` as `%40` \
             say; MONGO_USERNAME and MONGO_PASSWORD take them as they are",
        )),
    }
}

/// What is wrong with the name of a database, if anything is.
fn wrong_with_database(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("the database must have a name".to_owned())
    } else if name.len() > 63 {
        Some(format!("the database name {name:?} has more than 63 bytes"))
    } else if name.contains(|c: char| "/\\. \"$*<>:|?".contains(c) || c.is_control()) {
        Some(format!(
            "the database name {name:?} has a character that MongoDB does not allow \
             (/\\. \"$*<>:|? and control characters)"
        ))
    } else if ["admin", "local", "config"].contains(&name) {
        Some(format!(
            "{name} is a database of MongoDB itself; name another one (a user of admin logs in \
             with ?authSource=admin)"
        ))
    } else {
        None
    }
}

fn encode_vm(vm: &VmRecord) -> Result<(VmKey, RawDocumentBuf), StoreError> {
    let what = format!("VM {}", vm.key);
    let document = serialize_to_raw_document_buf(&KeyedVm {
        id: vm.key.to_string(),
        document: VmDocument::from(vm),
    })
    .map_err(|error| StoreError::Write {
        what: what.clone(),
        source: error.into(),
    })?;
    check_size(what, document.as_bytes().len())?;
    Ok((vm.key.clone(), document))
}

fn encode_node(node: &NodeRecord) -> Result<Document, StoreError> {
    encode(format!("node {}", node.name), &NodeDocument::from(node))
}

fn encode(what: String, document: &impl Serialize) -> Result<Document, StoreError> {
    let failed = |error: mongodb::bson::error::Error| StoreError::Write {
        what: what.clone(),
        source: error.into(),
    };
    let document = serialize_to_document(document).map_err(failed)?;
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
