//! Why a store takes no changes.

use std::io;

/// What keeps a store from writing, and what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritable {
    /// No space is left.
    #[error("its disk is full: free some space there")]
    DiskFull,
    /// The user's share of the disk is used up.
    #[error("the disk quota of the user is used up: raise it, or free some space")]
    QuotaUsedUp,
    /// The file system takes no changes.
    #[error(
        "its file system is read-only: look why (often the disk has failed), and mount it for writing"
    )]
    ReadOnly,
    /// The user may not write there.
    #[error("the user that ECoMan runs as may not write there: give it the right to")]
    NotPermitted,
    /// The disk itself fails.
    #[error("its disk fails: look into the system's log")]
    DiskFails,
}

/// EIO.
const INPUT_OUTPUT_ERROR: i32 = 5;

impl Unwritable {
    /// What an error of the file system means; `None`: something else.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        Some(match error.kind() {
            io::ErrorKind::StorageFull => Self::DiskFull,
            io::ErrorKind::QuotaExceeded => Self::QuotaUsedUp,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::PermissionDenied => Self::NotPermitted,
            _ if error.raw_os_error() == Some(INPUT_OUTPUT_ERROR) => Self::DiskFails,
            _ => return None,
        })
    }
}
