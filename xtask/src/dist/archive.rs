//! The tarball. It holds files alone, no folders: unpacked over a system, it changes the mode of
//! none.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::release::{Release, architecture};
use super::tree::Tree;
use crate::command::Command;
use crate::console::Step;

/// Makes it.
pub(super) fn make(release: &Release, tree: &Tree, step: &Step<'_>) -> Result<PathBuf> {
    let version = &release.version;
    let name = format!("ecoman-{version}-linux-{}.tar.gz", architecture()?);
    let file = release.folder.join(name);
    let list = release.folder.join("generated/files");
    fs::write(&list, tree.files()?.join("\n")).context("could not write the list of files")?;
    let mut command = Command::new("tar")
        .args(["--create", "--format=gnu", "--no-recursion"])
        .args(["--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime=@{}", release.epoch))
        .arg(format!("--transform=s,^,ecoman-{version}/,"))
        .arg(if release.is_draft {
            "--use-compress-program=gzip -1n"
        } else {
            "--use-compress-program=gzip -9n"
        })
        .arg("--directory")
        .arg(&tree.folder)
        .arg("--files-from")
        .arg(&list)
        .arg("--file")
        .arg(&file);
    step.run(&mut command)?;
    Ok(file)
}
