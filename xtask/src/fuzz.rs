//! `cargo xtask fuzz`: random input for the parsers, guided by what of them it reaches.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::command::Command;
use crate::context::{Consent, Context};
use crate::tools::{self, Tool};

/// Options of the fuzzer.
#[derive(Args, Debug)]
pub(crate) struct FuzzArgs {
    #[command(flatten)]
    pub(crate) consent: Consent,

    /// How long each target is fed
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// Runs each target for a while. An input that breaks one is kept, and its file named.
///
/// # Errors
///
/// A target was broken, or could not be built.
pub(crate) fn run(context: &Context, args: &FuzzArgs) -> Result<ExitCode> {
    let environment = tools::install(context, &[Tool::CargoFuzz])?;
    let fuzz = |what: &str| {
        // The fuzzer's instruments are in nightly compilers only.
        Command::new("rustup")
            .args(["run", "nightly", "cargo-fuzz", "fuzz", what])
            .directory(context.root.join("crates/esxi"))
            .envs(&environment.variables())
            .env("RUSTUP_TOOLCHAIN", "nightly")
            .env_remove("CARGO")
            .env_remove("RUSTC")
    };
    let targets = fuzz("list")
        .text()
        .context("cargo-fuzz needs a nightly compiler: rustup toolchain install nightly")?;
    for target in targets.split_whitespace() {
        let doing = format!("random input for {} s", args.seconds);
        context.console.step(target, &doing, |step| {
            let said = step.run(
                &mut fuzz("run")
                    .arg(target)
                    .arg("--")
                    .arg(format!("-max_total_time={}", args.seconds)),
            )?;
            // `Done 15725 runs in 11 second(s)`
            if let Some(sum) = said.text.lines().rfind(|line| line.starts_with("Done ")) {
                step.say(format!("  {target}: {sum}"));
            }
            Ok(())
        })?;
    }
    Ok(ExitCode::SUCCESS)
}
