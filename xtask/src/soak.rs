//! `cargo xtask soak`: what takes too long for the tests. Nothing of it touches the machine but for a
//! root of its own below the folder of builds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::command::Command;
use crate::console::Step;
use crate::context::Context;
use crate::dist::{Release, pack};
use crate::page;
use crate::tools::{self, Tool};

/// What is done to the package in its root: each line has to succeed.
const LIFE: &str = include_str!("soak/package.sh");

/// Runs all of it.
///
/// # Errors
///
/// Something failed. What the machine lacks the means for is left out, and that is said.
pub(crate) fn run(context: &Context) -> Result<ExitCode> {
    let is_root = Command::new("id").arg("-u").text()?.trim() == "0";
    let lacks = ["mmdebstrap", "dpkg-deb", "unshare"]
        .into_iter()
        .find(|program| Command::new(program).arg("--version").text().is_err());
    match lacks {
        _ if !is_root => context
            .console
            .say("package: left out, for making a root of its own takes root"),
        Some(program) => context.console.say(format!(
            "package: left out, for this machine has no {program}"
        )),
        None => context.console.step(
            "package",
            "installing, upgrading, removing and purging it in a root of its own",
            |step| package(context, step),
        )?,
    }
    if tools::has("Xvfb") {
        tabs(context)?;
    } else {
        context
            .console
            .say("tabs: left out, for this machine has no Xvfb");
    }
    Ok(ExitCode::SUCCESS)
}

/// Twenty tabs of a browser as people run it, where hidden ones are slowed down.
fn tabs(context: &Context) -> Result<()> {
    let needed: Vec<Tool> = tools::PAGE_RELEASE
        .into_iter()
        .chain(tools::NODES)
        .chain(tools::BROWSER)
        .collect();
    tools::install_system_packages(context, &needed)?;
    let environment = tools::install(context, &needed)?;
    page::build_release(context, &environment)?;
    let about = "twenty tabs for ten minutes, by HTTP, under another name, by HTTPS";
    context.console.step("tabs", about, |step| {
        let mut build = Command::cargo()
            .args(["build", "--locked", "--workspace", "--bins"])
            .directory(&context.root);
        step.run(&mut build)?;
        let mut playwright = Command::new("playwright")
            .args(["test", "--config=soak/playwright.config.ts"])
            .directory(context.root.join("e2e"))
            .envs(&environment.variables())
            .env("ECOMAN_BIN", context.target.join("debug/ecoman"))
            .limit(Duration::from_secs(60 * 60));
        step.run(&mut playwright)?;
        Ok(())
    })
}

fn package(context: &Context, step: &Step<'_>) -> Result<()> {
    let folder = context.target.join("xtask/soak");
    empty(&folder)?;
    let root = folder.join("root");
    step.run(
        &mut Command::cargo()
            .args(["build", "--locked", "--package", "ecoman"])
            .directory(&context.root),
    )?;
    let program = folder.join("ecoman");
    step.run(
        &mut Command::new("strip")
            .arg("-o")
            .arg(&program)
            .arg(context.target.join("debug/ecoman")),
    )?;
    let deb = |version: &str| -> Result<PathBuf> {
        let mut release = Release::draft(context, program.clone(), folder.join(version))?;
        version.clone_into(&mut release.version);
        let made = pack(&release, &context.root, step)?;
        made.deb.context("dpkg-deb made no package")
    };
    let (older, newer) = (deb("0.0.1")?, deb("0.0.2")?);
    step.run(
        &mut Command::new("mmdebstrap")
            .args(["--variant=minbase", "--include=openssh-client", "bookworm"])
            .arg(&root),
    )?;
    for (file, name) in [(&older, "older.deb"), (&newer, "newer.deb")] {
        fs::copy(file, root.join("tmp").join(name))
            .with_context(|| format!("could not copy {}", file.display()))?;
    }
    fs::write(root.join("tmp/life.sh"), LIFE).context("could not write the script")?;
    step.run(
        &mut Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "chroot"])
            .arg(&root)
            .args(["sh", "-eux", "/tmp/life.sh"]),
    )?;
    empty(&folder)
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("could not remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))
}
