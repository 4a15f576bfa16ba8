//! Why a store takes no changes.

use std::io;

/// What keeps a store from writing, and what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritable {
    /// No space is left.
    #[error("the disk is full: free some space")]
    DiskFull,
    /// The user's share of the disk is used up.
    #[error("the disk quota of the user is exceeded: raise it, or free some space")]
    QuotaUsedUp,
    /// The file system takes no changes.
    #[error(
        "the file system is read-only: find out why (often a failed disk), and remount it \
         read-write"
    )]
    ReadOnly,
    /// The user may not write there.
    #[error("the user that runs ECoMan has no write permission there: grant it")]
    NotPermitted,
    /// The disk itself fails.
    #[error("disk error: check the system log")]
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
