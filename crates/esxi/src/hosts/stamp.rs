//! Whether a file has been written to or replaced.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What changes when a file is written to or replaced; `None`: there is no such file.
pub(super) type Stamp = Option<(u64, u64, u64, i64, i64, i64, i64, u32)>;

/// Follows symbolic links: a switched link is another file.
pub(super) fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
        metadata.mode(),
    ))
}
