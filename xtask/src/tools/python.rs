//! Python with pip: the ordinary way to what PyPI has. And the packages of
//! e2e/clients/requirements.txt, in an environment of their own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::draft::{draft, keep, remove};
use super::found::on_path;
use crate::command::Command;
use crate::console::Step;
use crate::context::Context;

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

/// Whether a python3 that has pip can make environments.
pub(super) fn has_venv() -> bool {
    // Debian has the module in one package, and what it works with in another.
    path().is_some_and(|python| {
        Command::new(python)
            .args(["-c", "import ensurepip, venv"])
            .text()
            .is_ok()
    })
}

/// Makes the environment unless there is one with the very packages that are listed. Returns its
/// interpreter.
pub(super) fn install_packages(context: &Context) -> Result<PathBuf> {
    let list = context.root.join("e2e/clients/requirements.txt");
    let wanted = fs::read(&list).with_context(|| format!("could not read {}", list.display()))?;
    let folder = context.target.join("xtask/python");
    let interpreter = folder.join("bin/python3");
    // Written last: if it is there, the installation came to its end.
    let installed = folder.join("installed-requirements.txt");
    if fs::read(&installed).is_ok_and(|content| content == wanted) {
        return Ok(interpreter);
    }
    let python = path().context("python3 is missing")?;
    context.console.step(
        "python packages",
        "installing those of e2e/clients/requirements.txt",
        |step| {
            let empty = draft(&folder)?;
            keep(&empty, &folder)?;
            step.run(&mut Command::new(&python).args(["-m", "venv"]).arg(&folder))?;
            step.run(
                &mut Command::new(&interpreter)
                    .args(["-m", "pip", "install", "--no-deps", "--requirement"])
                    .arg(&list),
            )?;
            fs::write(&installed, &wanted)
                .with_context(|| format!("could not write {}", installed.display()))
        },
    )?;
    Ok(interpreter)
}

/// Fetches a wheel from PyPI and unpacks it into `folder`.
pub(super) fn unpack_wheel(step: &Step<'_>, wheel: &str, folder: &Path) -> Result<()> {
    let python = path().context("python3 is missing")?;
    let download = folder.join("download");
    step.run(
        &mut Command::new(&python)
            .args([
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--dest",
            ])
            .arg(&download)
            .arg(wheel),
    )?;
    for file in fs::read_dir(&download)? {
        let file = file?.path();
        step.run(
            &mut Command::new(&python)
                .args(["-m", "zipfile", "-e"])
                .arg(file)
                .arg(folder),
        )?;
    }
    remove(&download)
}
