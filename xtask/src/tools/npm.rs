//! The npm packages of e2e/: exactly those of its lock file.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::Environment;
use crate::Context;
use crate::command::Command;

/// Installs the packages unless the very ones of the lock file are there.
pub(super) fn install(context: &Context, environment: &Environment) -> Result<()> {
    let folder = context.root.join("e2e");
    let lock = folder.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| format!("could not read {}", lock.display()))?;
    // Written last: if it is there, the installation came to its end.
    let installed = folder.join("node_modules/.installed-package-lock.json");
    if fs::read(&installed).is_ok_and(|content| content == wanted) {
        return Ok(());
    }
    context.console.step(
        "npm packages",
        "installing those of e2e/package-lock.json",
        |step| {
            step.run(
                &mut Command::new("npm")
                    .args(["ci", "--no-audit", "--no-fund", "--no-progress"])
                    .directory(&folder)
                    .envs(&environment.variables())
                    .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"),
            )?;
            fs::write(&installed, &wanted)
                .with_context(|| format!("could not write {}", installed.display()))
        },
    )
}

/// Where the packages' programs are.
pub(super) fn binaries(context: &Context) -> PathBuf {
    context.root.join("e2e/node_modules/.bin")
}
