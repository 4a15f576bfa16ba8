//! `cargo xtask build`: the program as users get it.

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::command::Command;
use crate::context::Context;
use crate::{page, paths, tools};

/// How long a build may take where nobody watches.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// Builds page and program.
///
/// # Errors
///
/// A tool could not be installed, a build failed, or the program names folders of this machine.
pub(crate) fn run(context: &Context) -> Result<ExitCode> {
    release(context, &["ecoman"])?;
    let program = context.target.join("release/ecoman");
    let content =
        fs::read(&program).with_context(|| format!("could not read {}", program.display()))?;
    for folder in paths::folders(context) {
        let path = format!("{}/", folder.display());
        ensure!(
            !content
                .windows(path.len())
                .any(|part| part == path.as_bytes()),
            "{} names {path}, which is of this machine",
            program.display()
        );
    }
    context.console.say(format!(
        "Built {} ({} MB)",
        program.display(),
        content.len() / 1_000_000
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
                .args(["build", "--release", "--locked", "--config"])
                .arg(format!("build.rustflags={}", paths::without_paths(context)))
                .directory(&context.root)
                .limit(LIMIT);
            for package in packages {
                command = command.args(["--package", package]);
            }
            step.run(&mut command)?;
            Ok(())
        })
}
