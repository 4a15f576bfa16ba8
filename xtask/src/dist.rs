//! `cargo xtask dist`: what people install: a tarball and a package of Debian, with the program, its
//! manual, its units and its variables. The same commit gives the same bytes.

mod archive;
mod debian;
mod glibc;
mod release;
mod tree;
mod units;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::build;
use crate::console::Step;
use crate::context::{Consent, Context};

pub(crate) use release::Release;

/// Options of the packages.
#[derive(Args, Debug)]
pub(crate) struct DistArgs {
    #[command(flatten)]
    pub(crate) consent: Consent,

    /// Packs this program in place of building one: to look at the packages soon
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// What was made.
#[derive(Clone, Debug)]
pub(crate) struct Packages {
    pub(crate) tarball: PathBuf,
    /// None where the machine has no dpkg-deb.
    pub(crate) deb: Option<PathBuf>,
    /// The oldest glibc that the program runs with.
    glibc: String,
}

/// Builds the program and packs it.
///
/// # Errors
///
/// A build failed, or a file could not be written.
pub(crate) fn run(context: &Context, args: &DistArgs) -> Result<ExitCode> {
    let folder = context.target.join("dist");
    let release = match &args.program {
        Some(program) => Release::draft(context, program.clone(), folder)?,
        None => {
            build::run(context)?;
            let program = context.target.join("release/ecoman");
            Release {
                is_draft: false,
                ..Release::draft(context, program, folder)?
            }
        }
    };
    let packages = context
        .console
        .step("packages", "putting them together", |step| {
            pack(&release, &context.root, step)
        })?;
    let size = |file: &Path| fs::metadata(file).map_or(0, |meta| meta.len() / 1_000_000);
    for file in [Some(&packages.tarball), packages.deb.as_ref()]
        .into_iter()
        .flatten()
    {
        context
            .console
            .say(format!("Made {} ({} MB)", file.display(), size(file)));
    }
    if packages.deb.is_none() {
        context.console.say("No .deb: this machine has no dpkg-deb");
    }
    context.console.say(format!(
        "The program needs glibc {} or later",
        packages.glibc
    ));
    Ok(ExitCode::SUCCESS)
}

/// Puts the packages together.
///
/// # Errors
///
/// A file could not be read or written.
pub(crate) fn pack(release: &Release, root: &Path, step: &Step<'_>) -> Result<Packages> {
    match fs::remove_dir_all(&release.folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error)
                .with_context(|| format!("could not empty {}", release.folder.display()));
        }
        _ => {}
    }
    let program = fs::read(&release.program)
        .with_context(|| format!("could not read {}", release.program.display()))?;
    let glibc = glibc::needed(&program)?;
    let tree = tree::lay_out(release, root, step)?;
    let tarball = archive::make(release, &tree, step)?;
    let deb = debian::make(release, root, &tree, &glibc, step)?;
    // What is left is what people get.
    for folder in ["generated", "tree"] {
        let folder = release.folder.join(folder);
        fs::remove_dir_all(&folder)
            .with_context(|| format!("could not remove {}", folder.display()))?;
    }
    Ok(Packages {
        tarball,
        deb,
        glibc,
    })
}
