//! The npm packages of a folder: exactly those of its lock file.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::environment::Environment;
use crate::command::Command;
use crate::context::Context;

/// The browser tests.
pub(super) const TESTS: &str = "e2e";

/// The client in TypeScript.
pub(super) const CLIENT: &str = "e2e/clients/typescript";

/// Installs the packages of a folder unless the very ones of its lock file are there.
pub(super) fn install(context: &Context, environment: &Environment, folder: &str) -> Result<()> {
    let about = format!("installing those of {folder}/package-lock.json");
    let folder = context.root.join(folder);
    let lock = folder.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| format!("could not read {}", lock.display()))?;
    // Written last: if it is there, the installation came to its end.
    let installed = folder.join("node_modules/.installed-package-lock.json");
    if fs::read(&installed).is_ok_and(|content| content == wanted) {
        return Ok(());
    }
    context.console.step("npm packages", &about, |step| {
        step.run(
            &mut Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--no-progress"])
                .directory(&folder)
                .envs(&environment.variables())
                .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"),
        )?;
        fs::write(&installed, &wanted)
            .with_context(|| format!("could not write {}", installed.display()))
    })
}

/// Where the programs of the browser tests' packages are.
pub(super) fn binaries(context: &Context) -> PathBuf {
    context.root.join(TESTS).join("node_modules/.bin")
}
