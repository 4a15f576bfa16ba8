//! Developer commands: `cargo xtask demo`, `test`, `build`, `bench`, `openapi`, `tidy`, `fuzz`.
//!
//! They need Rust, git and a C compiler, and install the rest.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a program for the terminal"
)]

mod bench;
mod build;
mod command;
mod console;
mod demo;
mod fuzz;
mod openapi;
mod page;
mod tally;
mod test;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use crate::command::Failed;
use crate::console::Console;

/// Builds, shows and tests ECoMan.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Builds all and starts ECoMan over simulated nodes: the page in the browser by one command
    Demo(demo::DemoArgs),
    /// Runs every test and check there is, and lists every failure
    Test(test::TestArgs),
    /// Builds the program as users get it: target/release/ecoman, with the page inside
    Build(Consent),
    /// Measures what the budgets promise: figure, goal and ratio of each
    Bench(bench::BenchArgs),
    /// Writes the OpenAPI documents to openapi/
    Openapi,
    /// Checks the rules of the repository that no other tool knows
    Tidy,
    /// Feeds the parsers with random input, each for a while
    Fuzz(fuzz::FuzzArgs),
}

/// Whether the user agrees to what is going to be installed.
#[derive(Args, Clone, Copy, Debug)]
struct Consent {
    /// Install what is missing without asking, by sudo where that is needed
    #[arg(long)]
    yes: bool,
}

/// What all tasks work with.
#[derive(Debug)]
pub(crate) struct Context {
    /// The workspace.
    root: PathBuf,
    /// Cargo's folder for what is built.
    target: PathBuf,
    /// Where tools are kept.
    tools: PathBuf,
    console: Console,
    /// The user agreed to what is going to be installed.
    yes: bool,
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Demo(args) => context(args.consent).and_then(|context| demo::run(&context, &args)),
        Task::Test(args) => context(args.consent).and_then(|context| test::run(&context, &args)),
        Task::Build(consent) => context(consent).and_then(|context| build::run(&context)),
        Task::Bench(args) => context(args.consent).and_then(|context| bench::run(&context, &args)),
        Task::Openapi => context(Consent { yes: false }).and_then(|context| openapi::run(&context)),
        Task::Tidy => context(Consent { yes: false }).and_then(|context| tidy::run(&context)),
        Task::Fuzz(args) => context(args.consent).and_then(|context| fuzz::run(&context, &args)),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Shows an error, after the output of the command that failed.
fn complain(error: &anyhow::Error) {
    if let Some(failed) = error.downcast_ref::<Failed>() {
        println!("{}", failed.excerpt());
    }
    eprintln!("error: {error:#}");
}

/// The workspace's folder.
fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

fn context(consent: Consent) -> Result<Context> {
    let root = workspace().to_owned();
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => root.join(target),
        None => root.join("target"),
    };
    let console = Console::new(&target.join("xtask"));
    Ok(Context {
        tools: tools_folder()?,
        console,
        yes: consent.yes,
        root,
        target,
    })
}

/// `$ECOMAN_TOOLS`, else `$XDG_CACHE_HOME/ecoman`, else `~/.cache/ecoman`.
fn tools_folder() -> Result<PathBuf> {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let folder = variable("ECOMAN_TOOLS")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("ecoman")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/ecoman")))
        .context("no folder for tools: set ECOMAN_TOOLS")?;
    std::path::absolute(&folder).with_context(|| format!("{} is no path", folder.display()))
}
