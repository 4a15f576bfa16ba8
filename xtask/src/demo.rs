//! `cargo xtask demo`: from a fresh clone to the page in the browser.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use clap::Args;

use crate::command::Command;
use crate::console::duration;
use crate::context::{Consent, Context};
use crate::{page, tools};

/// How long a build may take where nobody watches.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// Options of the demo.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) consent: Consent,

    /// Build all, but start nothing
    #[arg(long)]
    build_only: bool,

    /// Given to `ecoman demo`, as in `cargo xtask demo -- --nodes 5`
    #[arg(last = true)]
    args: Vec<OsString>,
}

/// Installs what is missing, builds page and program at the same time, becomes `ecoman demo`.
///
/// # Errors
///
/// Something could not be installed, built or started.
pub(crate) fn run(context: &Context, args: &DemoArgs) -> Result<ExitCode> {
    let since = Instant::now();
    let needed: Vec<_> = tools::PAGE.into_iter().chain(tools::NODES).collect();
    tools::install_system_packages(context, &needed)?;

    let (page, program) = thread::scope(|scope| {
        let page = scope.spawn(|| {
            let environment = tools::install(context, &tools::PAGE)?;
            page::build_quick(context, &environment)
        });
        let program = program(context);
        (
            page.join()
                .unwrap_or_else(|_| Err(anyhow!("building the page panicked"))),
            program,
        )
    });
    let program = match (page, program) {
        (Ok(()), program) => program?,
        (Err(page), program) => {
            // Both are reported: who mends one should not meet the other afterwards.
            if let Err(program) = program {
                context.console.complain(&program);
            }
            return Err(page);
        }
    };
    context
        .console
        .say(format!("Ready after {}.", duration(since.elapsed())));
    if args.build_only {
        return Ok(ExitCode::SUCCESS);
    }
    context
        .console
        .say("Starting `ecoman demo`; Ctrl-C ends it.");
    Err(Command::new(program)
        .arg("demo")
        .args(&args.args)
        .directory(&context.root)
        .become_it())
}

/// Builds `ecoman` in the profile that the tests use too. Returns its path.
///
/// # Errors
///
/// The build failed.
fn program(context: &Context) -> Result<PathBuf> {
    context.console.step("program", "compiling ecoman", |step| {
        step.run(
            &mut Command::cargo()
                .args(["build", "--locked", "--package", "ecoman"])
                .directory(&context.root)
                .limit(LIMIT),
        )?;
        Ok(context.target.join("debug/ecoman"))
    })
}
