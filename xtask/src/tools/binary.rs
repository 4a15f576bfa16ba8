//! Programs that cargo builds: trunk and wasm-bindgen.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{has_version, on_path, remove, version};
use crate::Context;
use crate::command::Command;

/// A program of crates.io.
struct Binary {
    program: &'static str,
    package: &'static str,
    version: &'static str,
    /// Built with the dependencies of its own lock file.
    locked: bool,
}

/// Finds or builds trunk.
pub(super) fn trunk(context: &Context) -> Result<PathBuf> {
    let trunk = Binary {
        program: "trunk",
        package: "trunk",
        version: version::TRUNK,
        locked: true,
    };
    install(context, &trunk)
}

/// Finds or builds wasm-bindgen.
pub(super) fn wasm_bindgen(context: &Context) -> Result<PathBuf> {
    install(
        context,
        &Binary {
            program: "wasm-bindgen",
            package: "wasm-bindgen-cli",
            version: version::WASM_BINDGEN,
            // Its lock file names a crate that was withdrawn.
            locked: false,
        },
    )
}

/// Finds or builds cargo-fuzz.
pub(super) fn cargo_fuzz(context: &Context) -> Result<PathBuf> {
    let cargo_fuzz = Binary {
        program: "cargo-fuzz",
        package: "cargo-fuzz",
        version: version::CARGO_FUZZ,
        locked: true,
    };
    install(context, &cargo_fuzz)
}

fn install(context: &Context, binary: &Binary) -> Result<PathBuf> {
    let Binary {
        program,
        package,
        version,
        locked,
    } = binary;
    if let Some(found) = on_path(program).filter(|file| has_version(file, version)) {
        return Ok(found);
    }
    let folder = context.tools.join(format!("{program}-{version}"));
    let file = folder.join("bin").join(program);
    if has_version(&file, version) {
        return Ok(file);
    }
    let doing = format!("building version {version} from crates.io (about 1½ min on 2 cores)");
    context.console.step(program, &doing, |step| {
        // Kept until it is built: what was interrupted goes on where it stopped.
        let target = context.tools.join("build").join(program);
        let mut command = Command::cargo()
            .args(["install", package, "--version", version, "--bin", program])
            // TLS is for downloads, of which there are none: the page is built offline.
            .arg("--no-default-features")
            .args(["--force", "--root"])
            .arg(&folder)
            // Their own release profiles take five times as long, for a tool that runs seconds.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTFLAGS");
        if *locked {
            command = command.arg("--locked");
        }
        step.run(&mut command)?;
        remove(&target)
    })?;
    if !has_version(&file, version) {
        bail!(
            "{} was built but does not say that it is version {version}",
            file.display()
        );
    }
    Ok(file)
}
