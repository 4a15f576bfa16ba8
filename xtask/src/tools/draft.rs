//! Folders that are found whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A fresh folder beside `folder`, to be filled and then put in its place with [`keep`]: what is
/// found under the final name is whole.
pub(super) fn draft(folder: &Path) -> Result<PathBuf> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.with_file_name(format!(".{name}.part"));
    remove(&draft)?;
    fs::create_dir_all(&draft).with_context(|| format!("could not create {}", draft.display()))?;
    Ok(draft)
}

/// Puts a finished draft in its place.
pub(super) fn keep(draft: &Path, folder: &Path) -> Result<()> {
    remove(folder)?;
    fs::rename(draft, folder).with_context(|| format!("could not create {}", folder.display()))
}

/// Deletes a folder, whether it exists or not.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not delete {}", folder.display()))
        }
        _ => Ok(()),
    }
}
