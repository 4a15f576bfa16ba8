//! What is packed, and for what.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::command::Command;
use crate::context::Context;

/// What is packed, and how it is called.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) program: PathBuf,
    pub(crate) version: String,
    /// Where everything is put together and laid down.
    pub(crate) folder: PathBuf,
    /// Compressed little: to be looked at, not to be given away.
    pub(crate) is_draft: bool,
    /// Seconds since 1970 that every file is of: the commit's.
    pub(super) epoch: String,
}

impl Release {
    /// A draft of a release of the workspace's version.
    ///
    /// # Errors
    ///
    /// The time of the commit could not be found.
    pub(crate) fn draft(context: &Context, program: PathBuf, folder: PathBuf) -> Result<Self> {
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(epoch) => epoch,
            Err(_) => Command::new("git")
                .args(["log", "-1", "--format=%ct"])
                .directory(&context.root)
                .text()
                .context("set SOURCE_DATE_EPOCH, for there is no commit to take the time from")?,
        };
        Ok(Self {
            program,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            folder,
            is_draft: true,
            epoch: epoch.trim().to_owned(),
        })
    }
}

/// The architecture, as Debian and container engines call it.
pub(super) fn architecture() -> Result<&'static str> {
    Ok(match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("packages are made on x86_64 and aarch64, and this is {other}"),
    })
}
