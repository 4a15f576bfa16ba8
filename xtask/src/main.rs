//! Developer commands: `cargo xtask demo`, `test`, `tools`, `build`, `bench`, `docs`, `tidy`,
//! `fuzz`.
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
mod dependencies;
mod docs;
mod fuzz;
mod layers;
mod page;
mod tally;
mod test;
mod tidy;
mod tools;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use crate::console::{Console, Stream};

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
    /// Installs what demo and tests need, and prints the variables to run tests by hand with:
    /// `eval "$(cargo xtask tools)"`
    Tools(Consent),
    /// Builds the program as users get it: target/release/ecoman, with the page inside
    Build(Consent),
    /// Measures what the budgets promise: figure, goal and ratio of each
    Bench(Consent),
    /// Writes what is generated: openapi/, docs/reference/, tables of the README
    Docs,
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
    /// Where cargo keeps the sources of dependencies.
    cargo_home: Option<PathBuf>,
    console: Console,
    /// The user agreed to what is going to be installed.
    yes: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let (consent, stream) = match &task {
        Task::Demo(args) => (args.consent, Stream::Stdout),
        Task::Test(args) => (args.consent, Stream::Stdout),
        Task::Tools(consent) => (*consent, Stream::Stderr),
        Task::Build(consent) | Task::Bench(consent) => (*consent, Stream::Stdout),
        Task::Docs | Task::Tidy => (Consent { yes: false }, Stream::Stdout),
        Task::Fuzz(args) => (args.consent, Stream::Stdout),
    };
    let context = context(consent, stream)?;
    let result = match task {
        Task::Demo(args) => demo::run(&context, &args),
        Task::Test(args) => test::run(&context, &args),
        Task::Tools(_) => tools::run(&context),
        Task::Build(_) => build::run(&context),
        Task::Bench(_) => bench::run(&context),
        Task::Docs => docs::run(&context),
        Task::Tidy => tidy::run(&context),
        Task::Fuzz(args) => fuzz::run(&context, &args),
    };
    result.or_else(|error| {
        context.console.complain(&error);
        Ok(ExitCode::FAILURE)
    })
}

/// The workspace's folder.
fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

fn context(consent: Consent, stream: Stream) -> Result<Context> {
    let root = workspace().to_owned();
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => root.join(target),
        None => root.join("target"),
    };
    let console = Console::new(stream, &target.join("xtask"));
    let cargo_home = variable("CARGO_HOME").or_else(|| Some(variable("HOME")?.join(".cargo")));
    Ok(Context {
        cargo_home,
        tools: tools_folder()?,
        console,
        yes: consent.yes,
        root,
        target,
    })
}

/// `$ECOMAN_TOOLS`, else `$XDG_CACHE_HOME/ecoman`, else `~/.cache/ecoman`.
fn tools_folder() -> Result<PathBuf> {
    let folder = variable("ECOMAN_TOOLS")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("ecoman")))
        .or_else(|| Some(variable("HOME")?.join(".cache/ecoman")))
        .context("no folder for tools: set ECOMAN_TOOLS")?;
    std::path::absolute(&folder).with_context(|| format!("{} is no path", folder.display()))
}

/// A path in the environment.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
