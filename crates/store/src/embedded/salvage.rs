//! What can be saved of a damaged file, and the copy that is made each day.
//!
//! Nodes and VMs are not saved: the next round on each node fills them, and a damaged record often
//! looks like facts. Tasks, the audit log and the history cannot be had again.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use redb::{
    Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, Value,
    WriteTransaction,
};

use super::file::{CACHE_BYTES, EmbeddedStore, agree_on_format, beside, daily_copy, open_backend};
use super::tables::{
    AUDIT, EVENTS, FORMAT_KEY, META, PENDING, TASK_CHANGES, TASK_KEYS, TASKS, VM_EVENTS,
};
use crate::StoreError;
use crate::record::FORMAT;

/// How old the daily copy may become.
const COPY_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// What was saved of a damaged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvage {
    /// Where the damaged file lies now.
    pub damaged: PathBuf,
    /// Each table with the number of its records that could be read, and whether those are all.
    pub tables: Vec<(&'static str, u64, bool)>,
}

impl fmt::Display for Salvage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the file of the embedded database was damaged. It was moved to {}; its readable \
             content was recovered",
            self.damaged.display()
        )?;
        for (table, records, whole) in &self.tables {
            let rest = if *whole { "" } else { ", and then no more" };
            write!(f, "; {table}: {records}{rest}")?;
        }
        Ok(())
    }
}

impl EmbeddedStore {
    /// Opens the store as [`EmbeddedStore::open`]. A damaged file is read table by table as far as
    /// it can be, and replaced by one with what could be read; the damaged one is kept beside it.
    ///
    /// # Errors
    ///
    /// Those of [`EmbeddedStore::open`]: [`StoreError::Damaged`] only where nothing can be read of
    /// the file. It names the daily copy where there is one.
    pub async fn open_or_salvage(path: &Path) -> Result<(Self, Option<Salvage>), StoreError> {
        let damage = match Self::open(path).await {
            Ok(store) => return Ok((store, None)),
            Err(error @ StoreError::Damaged { .. }) => error,
            Err(error) => return Err(error),
        };
        let from = path.to_owned();
        // What fails here fails for the damage, which is the better reason.
        let Ok(Some(salvage)) = tokio::task::spawn_blocking(move || salvage(&from)).await else {
            return Err(damage);
        };
        Ok((Self::open(path).await?, Some(salvage)))
    }

    /// Copies what cannot be had again beside the file, unless a copy is younger than a day.
    /// Returns whether it has made one.
    ///
    /// # Errors
    ///
    /// The copy cannot be written.
    pub async fn copy_daily(&self) -> Result<bool, StoreError> {
        let copy = daily_copy(&self.shared.path);
        let age = std::fs::metadata(&copy)
            .and_then(|file| file.modified())
            .ok()
            .and_then(|time| SystemTime::now().duration_since(time).ok());
        if age.is_some_and(|age| age < COPY_AGE) {
            return Ok(false);
        }
        self.read("the daily copy", move |shared, database| {
            let new = beside(&shared.path, "daily.new");
            let _ = std::fs::remove_file(&new);
            let tables = {
                let target = create(&new)?;
                copy_tables(&database.begin_read()?, &target)?
            };
            std::fs::rename(&new, &copy).map_err(redb::Error::Io)?;
            Ok(tables.iter().all(|(_, _, whole)| *whole))
        })
        .await
    }
}

/// Replaces a damaged file by what can be read of it; `None` where that is nothing.
fn salvage(path: &Path) -> Option<Salvage> {
    let new = beside(path, "salvaged");
    let _ = std::fs::remove_file(&new);
    let tables = read_tables(path, &new);
    let any = tables.iter().flatten().any(|(_, records, _)| *records > 0);
    let Some(tables) = tables.filter(|_| any) else {
        let _ = std::fs::remove_file(&new);
        return None;
    };
    let seconds = SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |age| age.as_secs());
    let damaged = beside(path, &format!("damaged-{seconds}"));
    std::fs::rename(path, &damaged).ok()?;
    std::fs::rename(&new, path).ok()?;
    Some(Salvage { damaged, tables })
}

/// Copies the tables of a damaged file into a new one.
fn read_tables(path: &Path, new: &Path) -> Option<Vec<(&'static str, u64, bool)>> {
    let builder = || {
        let mut builder = Database::builder();
        builder
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(false);
        builder
    };
    let copy = |from: ReadTransaction| {
        let _ = std::fs::remove_file(new);
        copy_tables(&from, &create(new).ok()?).ok()
    };
    // redb asserts against some kinds of damage. Read-only it looks at the least; a file that was
    // not closed it opens only for writing.
    let tables = catch_unwind(AssertUnwindSafe(|| {
        let database = builder().open_read_only(path).ok()?;
        copy(database.begin_read().ok()?)
    }));
    tables.ok().flatten().or_else(|| {
        let tables = catch_unwind(AssertUnwindSafe(|| {
            let database = builder().open(path).ok()?;
            copy(database.begin_read().ok()?)
        }));
        tables.ok().flatten()
    })
}

fn create(path: &Path) -> Result<Database, redb::Error> {
    let database = Database::builder()
        .set_cache_size(CACHE_BYTES)
        .create_with_backend(open_backend(path)?)?;
    agree_on_format(&database)?;
    Ok(database)
}

/// Copies every table but nodes and VMs, as far as each can be read.
fn copy_tables(
    from: &ReadTransaction,
    target: &Database,
) -> Result<Vec<(&'static str, u64, bool)>, redb::Error> {
    let into = target.begin_write()?;
    let copied = vec![
        copy("tasks", TASKS, from, &into)?,
        copy("changes of tasks", TASK_CHANGES, from, &into)?,
        copy("keys of tasks", TASK_KEYS, from, &into)?,
        copy("audit entries", AUDIT, from, &into)?,
        copy("events", EVENTS, from, &into)?,
        copy("events of VMs", VM_EVENTS, from, &into)?,
        copy("changes that wait", PENDING, from, &into)?,
    ];
    // Positions of tasks must not begin at 0 again.
    copy("settings", META, from, &into)?;
    into.open_table(META)?.insert(FORMAT_KEY, FORMAT)?;
    into.commit()?;
    Ok(copied)
}

/// Copies one table up to the first record that cannot be read.
fn copy<K: Key + 'static, V: Value + 'static>(
    name: &'static str,
    table: TableDefinition<'static, K, V>,
    from: &ReadTransaction,
    into: &WriteTransaction,
) -> Result<(&'static str, u64, bool), redb::Error> {
    let mut target = into.open_table(table)?;
    let mut records = 0;
    let read = catch_unwind(AssertUnwindSafe(|| -> Result<(), redb::Error> {
        let source = match from.open_table(table) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
            source => source?,
        };
        for entry in source.iter()? {
            let (key, value) = entry?;
            target.insert(key.value(), value.value())?;
            records += 1;
        }
        Ok(())
    }));
    Ok((name, records, matches!(read, Ok(Ok(())))))
}
