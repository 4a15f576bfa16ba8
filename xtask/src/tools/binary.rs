//! Programs that cargo builds: trunk, wasm-bindgen, wasm-split.

use std::path::{Path, PathBuf};

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
    /// Without these there is no program. Defaults are left out: TLS is for downloads, of which
    /// there are none.
    features: &'static str,
    /// Whether it answers `--version`. One that does not is known by its folder's name alone.
    tells_version: bool,
}

impl Binary {
    fn is(&self, file: &Path) -> bool {
        if self.tells_version {
            has_version(file, self.version)
        } else {
            file.is_file()
        }
    }
}

/// Finds or builds trunk.
pub(super) fn trunk(context: &Context) -> Result<PathBuf> {
    let trunk = Binary {
        program: "trunk",
        package: "trunk",
        version: version::TRUNK,
        locked: true,
        features: "",
        tells_version: true,
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
            features: "",
            tells_version: true,
        },
    )
}

/// Finds or builds wasm-split.
pub(super) fn wasm_split(context: &Context) -> Result<PathBuf> {
    let wasm_split = Binary {
        program: "wasm-split-cli",
        package: "wasm_split_cli_support",
        version: version::WASM_SPLIT,
        locked: true,
        features: "build-binary",
        tells_version: false,
    };
    install(context, &wasm_split)
}

/// Finds or builds cargo-fuzz.
pub(super) fn cargo_fuzz(context: &Context) -> Result<PathBuf> {
    let cargo_fuzz = Binary {
        program: "cargo-fuzz",
        package: "cargo-fuzz",
        version: version::CARGO_FUZZ,
        locked: true,
        features: "",
        tells_version: true,
    };
    install(context, &cargo_fuzz)
}

fn install(context: &Context, binary: &Binary) -> Result<PathBuf> {
    let Binary {
        program,
        package,
        version,
        locked,
        features,
        tells_version,
    } = binary;
    if *tells_version && let Some(found) = on_path(program).filter(|file| binary.is(file)) {
        return Ok(found);
    }
    let folder = context.tools.join(format!("{program}-{version}"));
    let file = folder.join("bin").join(program);
    if binary.is(&file) {
        return Ok(file);
    }
    let doing = format!("building version {version} from crates.io (about 1½ min on 2 cores)");
    context.console.step(program, &doing, |step| {
        // Kept until it is built: what was interrupted goes on where it stopped.
        let target = context.tools.join("build").join(program);
        let mut command = Command::cargo()
            .args(["install", package, "--version", version, "--bin", program])
            .args(["--no-default-features", "--features", features])
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
    if !binary.is(&file) {
        bail!(
            "{} was built but does not say that it is version {version}",
            file.display()
        );
    }
    Ok(file)
}
