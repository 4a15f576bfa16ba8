//! `cargo xtask build`: the program as users get it.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::Context;
use crate::command::Command;
use crate::page;
use crate::tools;

/// How long a build may take where nobody watches.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// Builds page and program.
///
/// # Errors
///
/// A tool could not be installed, or a build failed.
pub(crate) fn run(context: &Context) -> Result<ExitCode> {
    release(context, &["ecoman"])?;
    context.console.say(format!(
        "Built {}",
        context.target.join("release/ecoman").display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Builds the page, then `packages` in the release profile: the dashboard holds the page.
///
/// # Errors
///
/// A tool could not be installed, or a build failed.
pub(crate) fn release(context: &Context, packages: &[&str]) -> Result<()> {
    tools::install_system_packages(context, &tools::PAGE_RELEASE)?;
    let environment = tools::install(context, &tools::PAGE_RELEASE)?;
    page::build_release(context, &environment)?;
    context
        .console
        .step("program", "compiling it for release", |step| {
            let mut command = Command::cargo()
                .args(["build", "--release", "--locked"])
                .directory(&context.root)
                .limit(LIMIT);
            for package in packages {
                command = command.args(["--package", package]);
            }
            step.run(&mut command)?;
            Ok(())
        })
}
