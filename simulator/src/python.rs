//! A Python in the node's root directory: this machine's own, less what no program for a host
//! needs. Its files are copied once and linked from node to node.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::SimulatorError;
use crate::chroot::shared_libraries;

/// What a host's Python has, of what the standard library has. Prints one file a line, the program
/// itself first.
const LIST: &str = r"
import os
import sys
import encodings.ascii, encodings.idna, encodings.latin_1, encodings.utf_8
import http.client, json, re, resource, select, signal, socket, ssl, struct, zlib
import xml.etree.ElementTree
print(os.path.realpath(sys.executable))
# Some modules put another one in their own place.
print(os.path.join(os.path.dirname(sys.modules['collections'].__file__), 'abc.py'))
for module in list(sys.modules.values()):
    for name in ('__file__', '__cached__'):
        file = getattr(module, name, None)
        if file:
            print(file)
";

/// A Python with the files that it needs.
#[derive(Clone)]
struct Python {
    program: PathBuf,
    files: BTreeSet<PathBuf>,
    /// The root directory of the node that had it last.
    last: Option<PathBuf>,
}

/// This machine's, once it was looked for.
static FOUND: Mutex<Option<Python>> = Mutex::new(None);

/// Puts a Python into `root`, and returns its path there.
pub(crate) fn make(root: &Path) -> Result<PathBuf, SimulatorError> {
    let files = |source| SimulatorError::Files {
        path: root.to_owned(),
        source,
    };
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    let python = match found.take() {
        Some(python) => python,
        None => find().map_err(files)?.ok_or(MISSING)?,
    };
    for file in &python.files {
        put(file, root, python.last.as_deref()).map_err(files)?;
    }
    let program = python.program.clone();
    *found = Some(Python {
        last: Some(root.to_owned()),
        ..python
    });
    Ok(program)
}

const MISSING: SimulatorError = SimulatorError::ProgramMissing {
    program: "python3",
    package: "python3",
};

fn find() -> io::Result<Option<Python>> {
    let listing = Command::new("python3")
        .args(["-B", "-E", "-S", "-c", LIST])
        .output();
    let Some(listing) = listing.ok().filter(|listing| listing.status.success()) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&listing.stdout);
    let mut lines = text
        .lines()
        .map(PathBuf::from)
        .filter(|path| path.is_file());
    let Some(program) = lines.next() else {
        return Ok(None);
    };
    let mut files: BTreeSet<PathBuf> = lines.collect();
    files.insert(program.clone());
    let binaries = files
        .iter()
        .map(PathBuf::as_path)
        .filter(|file| *file == program || file.extension().is_some_and(|kind| kind == "so"));
    let libraries = shared_libraries(binaries)?;
    files.extend(libraries);
    Ok(Some(Python {
        program,
        files,
        last: None,
    }))
}

/// Links the file from another node, or copies it with its time: by that Python knows whether what
/// it has compiled is still true.
fn put(file: &Path, root: &Path, other: Option<&Path>) -> io::Result<()> {
    let inside = |root: &Path| root.join(file.strip_prefix("/").unwrap_or(file));
    let target = inside(root);
    if target.exists() {
        return Ok(());
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    if let Some(other) = other
        && fs::hard_link(inside(other), &target).is_ok()
    {
        return Ok(());
    }
    fs::copy(file, &target)?;
    let modified = fs::metadata(file)?.modified()?;
    fs::File::options()
        .append(true)
        .open(&target)?
        .set_modified(modified)
}
