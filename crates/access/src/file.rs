//! A small JSON file that several processes read and change.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why users, sessions or tokens cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The file is there and cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file can be read by others than its owner.
    #[error(
        "other users can read or write {} (mode {mode:o}); fix it: chmod 600 {}",
        path.display(),
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file is not as this version writes it.
    #[error("{} has a format that this version of ECoMan does not know", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file cannot be written; it is as it was.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system provides no random bytes")]
    Random(#[source] getrandom::Error),
    /// A password cannot be hashed.
    #[error("cannot hash a password: {0}")]
    Hash(String),
}

/// A file with a `T`, kept in memory for as long as it does not change.
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    path: PathBuf,
    known: Mutex<Option<(Version, Arc<T>)>>,
}

/// While this is there, no other process and no other thread changes the files of the directory.
#[derive(Debug)]
pub(crate) struct Alone(#[expect(dead_code, reason = "its end is what it is there for")] File);

/// Distinguishes one state of the file from another: it is never changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    length: u64,
}

impl<T: Default + Serialize + DeserializeOwned> Guarded<T> {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            known: Mutex::new(None),
        }
    }

    /// The content of the file; the default where there is none.
    pub(crate) fn read(&self) -> Result<Arc<T>, AccessError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let version = match fs::metadata(&self.path) {
            Ok(metadata) => version(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *known = None;
                return Ok(Arc::default());
            }
            Err(source) => return Err(self.read_error(source)),
        };
        if let Some((last, value)) = &*known
            && *last == version
        {
            return Ok(Arc::clone(value));
        }
        let (version, value) = self.load()?;
        let value = Arc::new(value);
        *known = Some((version, Arc::clone(&value)));
        Ok(value)
    }

    /// Changes what the file has, alone among all processes; nothing is written where `change`
    /// refuses.
    pub(crate) fn change<R, E: From<AccessError>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let alone = self.lock()?;
        self.change_alone(&alone, change)
    }

    /// Likewise, with the whole directory locked: for changes of several files that belong together.
    pub(crate) fn change_alone<R, E: From<AccessError>>(
        &self,
        _alone: &Alone,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut value = match self.load() {
            Ok((_, value)) => value,
            Err(AccessError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                T::default()
            }
            Err(error) => return Err(error.into()),
        };
        let result = change(&mut value)?;
        self.save(&value)?;
        Ok(result)
    }

    fn load(&self) -> Result<(Version, T), AccessError> {
        let file = File::open(&self.path).map_err(|source| self.read_error(source))?;
        let metadata = file.metadata().map_err(|source| self.read_error(source))?;
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(AccessError::Open {
                path: self.path.clone(),
                mode,
            });
        }
        let text = io::read_to_string(file).map_err(|source| self.read_error(source))?;
        let value = serde_json::from_str(&text).map_err(|source| AccessError::Format {
            path: self.path.clone(),
            source,
        })?;
        Ok((version(&metadata), value))
    }

    fn save(&self, value: &T) -> Result<(), AccessError> {
        let save = || {
            let mut file = tempfile::Builder::new()
                .prefix(".ecoman-")
                .tempfile_in(self.directory())?;
            serde_json::to_writer_pretty(&mut file, value)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            // The new name is only safe once the directory is.
            File::open(self.directory())?.sync_all()
        };
        save().map_err(|source| self.write_error(source))
    }

    /// Held for a change, on a file that is never exchanged as the others are.
    pub(crate) fn lock(&self) -> Result<Alone, AccessError> {
        let lock = || {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(self.directory())?;
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(self.directory().join(".lock"))?;
            file.lock()?;
            Ok(Alone(file))
        };
        lock().map_err(|source| self.write_error(source))
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    fn read_error(&self, source: io::Error) -> AccessError {
        AccessError::Read {
            path: self.path.clone(),
            source,
        }
    }

    fn write_error(&self, source: io::Error) -> AccessError {
        AccessError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

fn version(metadata: &fs::Metadata) -> Version {
    Version {
        device: metadata.dev(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        length: metadata.len(),
    }
}
