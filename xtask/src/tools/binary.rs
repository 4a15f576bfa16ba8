//! Programs that cargo builds: of this repository, and of crates.io.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::draft::remove;
use super::found::{has_version, on_path};
use crate::command::Command;
use crate::context::Context;

/// Where the source of `ecoman-bundle` is.
const BUNDLE: &str = "xtask/bundle";

/// A program, and how it is built.
struct Binary {
    name: &'static str,
    /// Distinguishes one build of it from another.
    version: String,
    args: Vec<String>,
}

/// Builds what makes the page's files, unless it was built of the same source before. `small`: it
/// can also take the page apart.
pub(super) fn bundle(context: &Context, small: bool) -> Result<PathBuf> {
    let folder = context.root.join(BUNDLE);
    let mut hasher = DefaultHasher::new();
    for part in ["Cargo.toml", "Cargo.lock", "src/main.rs"] {
        let file = folder.join(part);
        hasher
            .write(&fs::read(&file).with_context(|| format!("could not read {}", file.display()))?);
    }
    let features = if small { "small" } else { "" };
    let name = "ecoman-bundle";
    install(
        context,
        &Binary {
            name,
            version: format!("{:016x}{features}", hasher.finish()),
            args: ["--path", BUNDLE, "--features", features]
                .map(str::to_owned)
                .to_vec(),
        },
    )
}

/// Finds or builds cargo-fuzz.
pub(super) fn cargo_fuzz(context: &Context) -> Result<PathBuf> {
    let (name, version) = ("cargo-fuzz", "0.13.2");
    if let Some(found) = on_path(name).filter(|file| has_version(file, version)) {
        return Ok(found);
    }
    install(
        context,
        &Binary {
            name,
            version: version.to_owned(),
            args: [name, "--version", version].map(str::to_owned).to_vec(),
        },
    )
}

fn install(context: &Context, binary: &Binary) -> Result<PathBuf> {
    let Binary {
        name,
        version,
        args,
    } = binary;
    let folder = context.tools.join(format!("{name}-{version}"));
    let file = folder.join("bin").join(name);
    if file.is_file() {
        return Ok(file);
    }
    context.console.step(name, "building it", |step| {
        // Kept until it is built: what was interrupted goes on where it stopped.
        let target = context.tools.join("build").join(name);
        let mut command = Command::cargo()
            .args(["install", "--locked", "--force", "--root"])
            .arg(&folder)
            .args(args)
            .directory(&context.root)
            // It runs for seconds: what makes it faster takes longer than it saves.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTFLAGS");
        step.run(&mut command)?;
        remove(&target)
    })?;
    ensure!(file.is_file(), "{} was not built", file.display());
    Ok(file)
}
