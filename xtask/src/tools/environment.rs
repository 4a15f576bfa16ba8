//! The environment in which commands find the tools.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where commands find the tools.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    folders: Vec<PathBuf>,
    variables: Vec<(OsString, OsString)>,
}

impl Environment {
    /// All variables, PATH among them.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables = self.variables.clone();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = self
            .folders
            .iter()
            .cloned()
            .chain(std::env::split_paths(&path));
        // Only a folder with a colon in its name cannot be joined; PATH never works with it.
        if let Ok(path) = std::env::join_paths(folders) {
            variables.push(("PATH".into(), path));
        }
        variables
    }

    pub(super) fn add_binary(&mut self, binary: &Path) {
        if let Some(folder) = binary.parent() {
            self.add_folder(folder);
        }
    }

    pub(super) fn add_folder(&mut self, folder: &Path) {
        // What PATH has already stays where it is there.
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|known| known == folder) {
            self.folders.push(folder.to_owned());
        }
    }

    pub(super) fn set(&mut self, name: &str, value: PathBuf) {
        self.variables.push((name.into(), value.into()));
    }
}
