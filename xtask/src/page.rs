//! The page: compiled from frontend/ by cargo, made files of dist/ by `ecoman-bundle`.

use std::time::Duration;

use anyhow::Result;

use crate::command::Command;
use crate::context::Context;
use crate::paths;
use crate::tools::Environment;

/// How long a build may take where nobody watches.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Builds the page in a hurry: for the demo. Larger than the one that users get, and as quick to use.
///
/// # Errors
///
/// The build failed.
pub(crate) fn build_quick(context: &Context, environment: &Environment) -> Result<()> {
    build(context, environment, "page-quick", false)
}

/// Builds the page as users get it: small, what the first visit needs apart from what comes later,
/// and compressed beforehand.
///
/// # Errors
///
/// The build failed.
pub(crate) fn build_release(context: &Context, environment: &Environment) -> Result<()> {
    build(context, environment, "page", true)
}

fn build(context: &Context, environment: &Environment, profile: &str, small: bool) -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let doing = format!("compiling frontend/ to WebAssembly ({profile})");
    let variables = environment.variables();
    context.console.step("page", &doing, |step| {
        let mut cargo = Command::cargo()
            .args(["build", "--locked", "--package", "ecoman-frontend"])
            .args(["--target", TARGET, "--profile", profile])
            .directory(&context.root)
            .limit(LIMIT);
        if small {
            // Joined with those of .cargo/config.toml.
            let flags = paths::without_paths(context);
            cargo = cargo
                .args(["--features", "split", "--config"])
                .arg(format!("target.{TARGET}.rustflags={flags}"));
        }
        step.run(&mut cargo)?;

        let linked = context
            .target
            .join(TARGET)
            .join(profile)
            .join("ecoman-frontend.wasm");
        let mut bundle = Command::new("ecoman-bundle")
            .arg(linked)
            .args(["frontend", "dist"])
            .directory(&context.root)
            .envs(&variables)
            .limit(LIMIT);
        if small {
            bundle = bundle.arg("small");
        }
        step.run(&mut bundle)?;
        Ok(())
    })
}
