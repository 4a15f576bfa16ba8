//! Python with pip: the ordinary way to what PyPI has.

use std::path::PathBuf;

use super::on_path;
use crate::command::Command;

/// A python3 that has pip.
pub(super) fn path() -> Option<PathBuf> {
    on_path("python3")
        .into_iter()
        // An older one of the user's own may hide the system's.
        .chain([PathBuf::from("/usr/bin/python3")])
        .find(|python| {
            Command::new(python)
                .args(["-m", "pip", "--version"])
                .text()
                .is_ok()
        })
}
