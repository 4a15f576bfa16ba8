//! The file: opening it, reading and writing it, waking those who wait for what a write changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use ecoman_model::NodeName;
use redb::backends::FileBackend;
use redb::{
    Builder, Database, ReadableDatabase, ReadableTable, StorageError, TableHandle as _,
    WriteTransaction,
};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::tables::{
    FORMAT_KEY, META, NODES, REFRESH_REQUESTS, TABLES, TASK_POSITION, open_tables,
};
use crate::record::FORMAT;
use crate::{Cause, Revision, StoreError, Unwritable};

/// What redb may keep in memory: many times what a round on one node touches. What is read again
/// after that comes from the system's own cache of the file.
pub(super) const CACHE_BYTES: usize = 2 * 1024 * 1024;

/// The store in one file.
///
/// Every write is one transaction and on disk when the call returns. Clones are handles of the
/// same store; the file belongs to one process at a time.
#[derive(Clone)]
pub struct EmbeddedStore {
    pub(super) shared: Arc<Shared>,
}

/// Opens the file; tests replace it to simulate disk errors.
type Opener = Box<dyn Fn(&Builder, &Path) -> Result<Database, redb::Error> + Send + Sync>;

/// What all handles share.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    opener: Opener,
    /// `None` after a failure of the disk: redb refuses everything from then on, and the next
    /// call opens the file again.
    database: RwLock<Option<Database>>,
    /// Held from the beginning of a write until it is published, so that those who wait hear of
    /// writes in their order.
    writing: Mutex<()>,
    pub(super) revisions: watch::Sender<BTreeMap<NodeName, Revision>>,
    pub(super) task_position: watch::Sender<u64>,
    pub(super) refresh_requests: watch::Sender<BTreeSet<Uuid>>,
    /// Notified when a write is refused.
    pub(super) refused: Notify,
    /// When a failure was logged last, and how many were not logged since.
    failures: Mutex<(Option<Instant>, u64)>,
}

/// Failures are logged at most this often: each call fails while a disk is full.
const FAILURE_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// How long the file may be held by a process that has just been killed.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);
const LOCK_RETRY: Duration = Duration::from_millis(100);

impl EmbeddedStore {
    /// Opens the store in the file `path`, and makes it if it is not there: the directory
    /// readable by nobody else (0700), the file too (0600).
    ///
    /// The whole file is checked, which takes some 20 ms with 10,000 VMs.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] where another process has the file open, [`StoreError::Damaged`],
    /// [`StoreError::Format`] where a newer version wrote it, else [`StoreError::Open`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(
            path,
            Box::new(|builder, path| Ok(builder.create_with_backend(open_backend(path)?)?)),
        )
        .await
    }

    async fn open_with(path: &Path, opener: Opener) -> Result<Self, StoreError> {
        let store = Self {
            shared: Arc::new(Shared {
                path: path.to_owned(),
                opener,
                database: RwLock::new(None),
                writing: Mutex::new(()),
                revisions: watch::Sender::default(),
                task_position: watch::Sender::default(),
                refresh_requests: watch::Sender::default(),
                refused: Notify::new(),
                failures: Mutex::default(),
            }),
        };
        let began = Instant::now();
        loop {
            match store.read("the file", |_, _| Ok(())).await {
                Err(StoreError::Locked { .. }) if began.elapsed() < LOCK_PATIENCE => {
                    tokio::time::sleep(LOCK_RETRY).await;
                }
                opened => return opened.map(|()| store),
            }
        }
    }

    /// Runs `work` beside the asynchronous tasks, for redb waits for the disk.
    async fn run<T: Send + 'static>(
        &self,
        what: &str,
        describe: impl FnOnce(Cause) -> StoreError,
        work: impl FnOnce(&Shared, &Database) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        match tokio::task::spawn_blocking(move || shared.with_database(work)).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(Failure::Store(error))) => Err(error),
            Ok(Err(Failure::Database(redb::Error::Corrupted(message)))) => {
                Err(self.shared.damaged(redb::Error::Corrupted(message)))
            }
            Ok(Err(Failure::Database(redb::Error::Io(error)))) => {
                Err(match Unwritable::of(&error) {
                    Some(problem) => self.shared.unwritable(what, problem, error),
                    None => describe(error.into()),
                })
            }
            Ok(Err(Failure::Database(error))) => Err(describe(error.into())),
            // redb panics on some kinds of damage that were done while the file was open.
            Err(panic) => Err(describe(panic.into())),
        }
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        what: impl Into<String>,
        work: impl FnOnce(&Shared, &Database) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let what = what.into();
        let describe = |source| StoreError::Read {
            what: what.clone(),
            source,
        };
        self.run(&what, describe, work).await
    }

    /// Runs `work` in one transaction, which is undone if it fails or has changed nothing; then
    /// wakes those who wait for what it has changed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        what: impl Into<String>,
        work: impl FnOnce(&Shared, &WriteTransaction) -> Result<(T, Change), Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let what = what.into();
        let describe = |source| StoreError::Write {
            what: what.clone(),
            source,
        };
        self.run(&what, describe, |shared, database| {
            let _writing = shared
                .writing
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let transaction = database.begin_write()?;
            let (result, change) = work(shared, &transaction)?;
            if matches!(change, Change::None) {
                transaction.abort()?;
            } else {
                transaction.commit()?;
                shared.publish(change);
            }
            Ok(result)
        })
        .await
    }
}

/// What a write has changed.
pub(super) enum Change {
    /// Nothing at all.
    None,
    /// Nothing that a call waits for.
    Silent,
    /// Nodes, with their new revision; `None`: the node is gone.
    Nodes(Vec<(NodeName, Option<Revision>)>),
    /// A task, at this position.
    Task(u64),
    /// A refresh request is new.
    RefreshRequested(Uuid),
    /// These refresh requests were removed.
    RefreshRequestsRemoved(Vec<Uuid>),
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

/// Why work on the file failed.
pub(super) enum Failure {
    /// redb could not do it.
    Database(redb::Error),
    /// Anything else, ready for the caller.
    Store(StoreError),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

impl Shared {
    /// Runs `work` on the open file, opening it first where that is needed.
    fn with_database<T>(
        &self,
        work: impl FnOnce(&Shared, &Database) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            let Some(open) = database.as_ref() else {
                drop(database);
                self.open()?;
                continue;
            };
            let result = work(self, open);
            drop(database);
            if let Err(Failure::Database(error)) = &result
                && !matches!(error, redb::Error::ValueTooLarge(_))
            {
                self.log_failure(error);
                self.database
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
            }
            return result;
        }
    }

    /// Logs a failure, at most one a minute.
    fn log_failure(&self, error: &redb::Error) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (logged, left_out) = &mut *failures;
        if logged.is_some_and(|at| at.elapsed() < FAILURE_LOG_INTERVAL) {
            *left_out += 1;
            return;
        }
        *logged = Some(Instant::now());
        tracing::warn!(
            path = %self.path.display(),
            %error,
            not_logged_before = std::mem::take(left_out),
            "the embedded database failed; its file is opened again at the next access"
        );
    }

    pub(super) fn unwritable(
        &self,
        what: &str,
        problem: Unwritable,
        error: io::Error,
    ) -> StoreError {
        self.refused.notify_one();
        StoreError::Unwritable {
            what: what.to_owned(),
            place: self.path.display().to_string(),
            problem,
            source: error.into(),
        }
    }

    fn stored_revisions(
        &self,
        database: &Database,
    ) -> Result<BTreeMap<NodeName, Revision>, Failure> {
        let transaction = database.begin_read()?;
        let mut revisions = BTreeMap::new();
        for entry in transaction.open_table(NODES)?.iter()? {
            let (name, value) = entry?;
            let (revision, _) = value.value();
            revisions.insert(self.node_name(name.value())?, revision);
        }
        Ok(revisions)
    }

    pub(super) fn node_name(&self, name: &str) -> Result<NodeName, Failure> {
        name.parse()
            .map_err(|error: ecoman_model::InvalidNodeName| {
                self.unreadable(&format!("node {name}"), error)
            })
    }

    fn open(&self) -> Result<(), Failure> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            let opened = self.open_file().map_err(Failure::Store)?;
            set(&self.revisions, self.stored_revisions(&opened)?);
            set(&self.task_position, stored_position(&opened)?);
            set(&self.refresh_requests, stored_refresh_requests(&opened)?);
            *database = Some(opened);
        }
        Ok(())
    }

    /// Wakes those who wait for a change.
    fn publish(&self, change: Change) {
        match change {
            Change::None | Change::Silent => {}
            Change::Nodes(moved) => self.revisions.send_modify(|revisions| {
                for (name, revision) in moved {
                    match revision {
                        Some(revision) => revisions.insert(name, revision),
                        None => revisions.remove(&name),
                    };
                }
            }),
            Change::Task(position) => {
                self.task_position.send_replace(position);
            }
            Change::RefreshRequested(id) => self.refresh_requests.send_modify(|requests| {
                requests.insert(id);
            }),
            Change::RefreshRequestsRemoved(ids) => self.refresh_requests.send_modify(|requests| {
                requests.retain(|id| !ids.contains(id));
            }),
        }
    }

    fn open_file(&self) -> Result<Database, StoreError> {
        let failed = |error: redb::Error| match error {
            redb::Error::DatabaseAlreadyOpen => StoreError::Locked {
                path: self.path.clone(),
            },
            error @ redb::Error::Corrupted(_) => self.damaged(error),
            // What redb says of a file that begins as none of its own.
            redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.damaged(error)
            }
            error @ (redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TypeDefinitionChanged { .. }) => self.damaged(error),
            redb::Error::Io(error) if Unwritable::of(&error).is_some() => {
                let problem = Unwritable::of(&error).unwrap_or(Unwritable::DiskFails);
                self.unwritable("the file", problem, error)
            }
            error => StoreError::Open {
                path: self.path.clone(),
                source: error.into(),
            },
        };

        let mut builder = Database::builder();
        builder
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(true);
        // Some kinds of damage redb only asserts against.
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (self.opener)(&builder, &self.path)
        }));
        let database = match opened {
            Ok(opened) => opened.map_err(failed)?,
            Err(_) => return Err(self.damaged("redb cannot use it")),
        };
        let found = agree_on_format(&database).map_err(failed)?;
        if found > FORMAT {
            return Err(StoreError::Format {
                what: self.path.display().to_string(),
                found,
                known: FORMAT,
                remedy: "move the file away: the next poll fills a new one",
            });
        }
        Ok(database)
    }

    pub(super) fn unreadable(&self, record: &str, source: impl Into<Cause>) -> Failure {
        Failure::Store(StoreError::Record {
            record: format!("the record of {record} in {}", self.path.display()),
            remedy: "use the version that wrote it, or move the file away and restart: the next \
                     poll fills a new one"
                .to_owned(),
            source: source.into(),
        })
    }

    fn damaged(&self, source: impl Into<Cause>) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            copy: Some(daily_copy(&self.path)).filter(|copy| copy.exists()),
            source: source.into(),
        }
    }
}

/// The position of the latest change of any task.
pub(super) fn stored_position(database: &Database) -> Result<u64, redb::Error> {
    let meta = database.begin_read()?.open_table(META)?;
    let position = meta.get(TASK_POSITION)?;
    Ok(position.map_or(0, |position| position.value()))
}

/// The refresh requests that there are.
fn stored_refresh_requests(database: &Database) -> Result<BTreeSet<Uuid>, redb::Error> {
    let requests = database.begin_read()?.open_table(REFRESH_REQUESTS)?;
    let ids = requests
        .iter()?
        .map(|entry| Ok(Uuid::from_u128(entry?.0.value())));
    ids.collect()
}

/// Where the daily copy of a file lies.
pub(super) fn daily_copy(path: &Path) -> PathBuf {
    beside(path, "daily")
}

/// `ecoman.redb.daily`
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    path.with_file_name(name)
}

/// Gives those who wait what there is now, and wakes them if it is other than before.
fn set<T: PartialEq>(sender: &watch::Sender<T>, now: T) {
    sender.send_if_modified(|known| {
        let moved = *known != now;
        *known = now;
        moved
    });
}

pub(super) fn open_backend(path: &Path) -> Result<FileBackend, redb::Error> {
    let io = |error: io::Error| redb::Error::from(StorageError::Io(error));
    if let Some(directory) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(io)?;
    }
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(io)?;
    Ok(FileBackend::new(file)?)
}

/// The format of the file; a new one is given ours. One that is known has all tables then.
///
/// Writes only where something is missing: on a full disk the file is opened again to be read.
pub(super) fn agree_on_format(database: &Database) -> Result<u64, redb::Error> {
    if let Some(found) = known_format(database)? {
        return Ok(found);
    }
    let transaction = database.begin_write()?;
    let found = {
        let mut meta = transaction.open_table(META)?;
        let found = meta.get(FORMAT_KEY)?.map(|format| format.value());
        match found {
            Some(found) => found,
            None => {
                meta.insert(FORMAT_KEY, FORMAT)?;
                FORMAT
            }
        }
    };
    if found > FORMAT {
        transaction.abort()?;
        return Ok(found);
    }
    // Makes those that are missing: a file may be older than some tables.
    open_tables(&transaction)?;
    transaction.commit()?;
    Ok(found)
}

/// The format of a file that has all tables, or that a newer version wrote.
fn known_format(database: &Database) -> Result<Option<u64>, redb::Error> {
    let transaction = database.begin_read()?;
    let tables = transaction.list_tables()?;
    let names: BTreeSet<String> = tables.map(|table| table.name().to_owned()).collect();
    if !names.contains(META.name()) {
        return Ok(None);
    }
    let meta = transaction.open_table(META)?;
    let found = meta.get(FORMAT_KEY)?.map(|format| format.value());
    let complete = TABLES.iter().all(|table| names.contains(*table));
    Ok(found.filter(|found| complete || *found > FORMAT))
}

pub(super) fn to_json(document: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(document).map_err(|error| {
        Failure::Store(StoreError::Write {
            what: "a record".to_owned(),
            source: error.into(),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;
    use std::sync::atomic::{AtomicBool, Ordering};

    use ecoman_model::{NodeRecord, NodeSettings, Round, RoundVms, Timestamp};
    use redb::{BackendError, StorageBackend};

    use super::*;
    use crate::Store as _;

    /// A file on a disk that can fill up.
    #[derive(Debug)]
    struct Disk {
        file: FileBackend,
        full: Arc<AtomicBool>,
    }

    impl Disk {
        fn space(&self) -> io::Result<()> {
            if self.full.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        }
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.file.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.space()?;
            self.file.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.space()?;
            self.file.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.space()?;
            self.file.write(offset, data)
        }

        fn close(&self) -> io::Result<()> {
            self.file.close()
        }

        fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
            self.file.try_lock_range(start, end)
        }

        fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
            self.file.unlock_range(start, end)
        }
    }

    fn round(generation: u64) -> Round {
        Round {
            node: NodeRecord {
                name: "hoge".parse().unwrap(),
                settings: NodeSettings {
                    address: "192.0.2.1".to_owned(),
                    port: 22,
                    username: "root".to_owned(),
                    datastore_path: String::new(),
                    installer_iso_path: String::new(),
                    network_port_group: String::new(),
                    max_sessions: 4,
                    read_only: false,
                },
                facts: None,
                observed_at: Some(Timestamp::UNIX_EPOCH),
                attempted_at: None,
                next_attempt_at: None,
                interval_seconds: generation,
                round_millis: None,
                failure: None,
                warnings: vec!["x".repeat(100_000)],
                collecting: None,
                vms_read_at: Vec::new(),
            },
            vms: RoundVms::Complete(Vec::new()),
        }
    }

    #[tokio::test]
    async fn a_full_disk_does_no_harm_and_space_is_all_it_needs() {
        let directory = tempfile::tempdir().unwrap();
        let full = Arc::new(AtomicBool::new(false));
        let opener: Opener = {
            let full = Arc::clone(&full);
            Box::new(move |builder, path| {
                let file = open_backend(path)?;
                let full = Arc::clone(&full);
                Ok(builder.create_with_backend(Disk { file, full })?)
            })
        };
        let path = directory.path().join("ecoman.redb");
        let store = EmbeddedStore::open_with(&path, opener).await.unwrap();
        store.record_round(&round(0)).await.unwrap();
        let name = round(0).node.name;
        let known = store.revisions().await.unwrap();

        for generation in 1..4 {
            full.store(true, Ordering::SeqCst);
            for _ in 0..2 {
                let error = store.record_round(&round(generation)).await.unwrap_err();
                let chain = format!("{error}: {}", std::error::Error::source(&error).unwrap());
                assert_eq!(error.unwritable(), Some(Unwritable::DiskFull), "{chain}");
                assert!(
                    chain.contains("the disk is full: free some space"),
                    "{chain}"
                );
                assert!(chain.contains("no storage space"), "{chain}");
            }
            full.store(false, Ordering::SeqCst);
            let state = store.node_state(&name).await.unwrap().unwrap();
            assert_eq!(state.node, round(generation - 1).node);
            store.record_round(&round(generation)).await.unwrap();
            let state = store.node_state(&name).await.unwrap().unwrap();
            assert_eq!(state.node, round(generation).node);
        }
        assert_ne!(store.changed(&known).await.unwrap(), known);
    }
}
