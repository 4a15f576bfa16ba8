//! What all tasks work with: the folders, the console, the user's consent.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::console::{Console, Stream};

/// Whether the user agrees to what is going to be installed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Consent {
    /// Install what is missing without asking, by sudo where that is needed
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What all tasks work with.
#[derive(Debug)]
pub(crate) struct Context {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// Cargo's folder for what is built.
    pub(crate) target: PathBuf,
    /// Where tools are kept.
    pub(crate) tools: PathBuf,
    /// Where cargo keeps the sources of dependencies.
    pub(crate) cargo_home: Option<PathBuf>,
    pub(crate) console: Console,
    /// The user agreed to what is going to be installed.
    pub(crate) yes: bool,
}

impl Context {
    /// Says what is done on `stream`.
    ///
    /// # Errors
    ///
    /// There is no folder for tools.
    pub(crate) fn new(consent: Consent, stream: Stream) -> Result<Self> {
        let root = workspace().to_owned();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(target) => root.join(target),
            None => root.join("target"),
        };
        let console = Console::new(stream, &target.join("xtask"));
        let cargo_home = variable("CARGO_HOME").or_else(|| Some(variable("HOME")?.join(".cargo")));
        Ok(Self {
            cargo_home,
            tools: tools_folder()?,
            console,
            yes: consent.yes,
            root,
            target,
        })
    }
}

/// The workspace's folder.
pub(crate) fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// `$ECOMAN_TOOLS`, else `$XDG_CACHE_HOME/ecoman`, else `~/.cache/ecoman`.
fn tools_folder() -> Result<PathBuf> {
    let folder = variable("ECOMAN_TOOLS")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("ecoman")))
        .or_else(|| Some(variable("HOME")?.join(".cache/ecoman")))
        .context("no folder for tools: set ECOMAN_TOOLS")?;
    std::path::absolute(&folder).with_context(|| format!("{} is no path", folder.display()))
}

/// A path in the environment.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
