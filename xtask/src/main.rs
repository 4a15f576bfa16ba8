//! Developer commands: `cargo xtask demo`, `test`, `tools`, `build`, `dist`, `bench`, `docs`, `tidy`,
//! `fuzz`, `soak`.
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
mod context;
mod demo;
mod dependencies;
mod dist;
mod docs;
mod fuzz;
mod layers;
mod page;
mod paths;
mod soak;
mod tally;
mod test;
mod tidy;
mod tools;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::console::Stream;
use crate::context::{Consent, Context};

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
    /// Makes what people install: a tarball and a package of Debian, in target/dist/
    Dist(dist::DistArgs),
    /// Measures what the budgets promise: figure, goal and ratio of each
    Bench(Consent),
    /// Writes what is generated: openapi/, docs/reference/, tables of the README
    Docs,
    /// Checks the rules of the repository that no other tool knows
    Tidy,
    /// Feeds the parsers with random input, each for a while
    Fuzz(fuzz::FuzzArgs),
    /// Tests what takes too long for `test`: the life of the package, in a root of its own
    Soak,
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
        Task::Dist(args) => (args.consent, Stream::Stdout),
        Task::Docs | Task::Tidy | Task::Soak => (Consent { yes: false }, Stream::Stdout),
        Task::Fuzz(args) => (args.consent, Stream::Stdout),
    };
    let context = Context::new(consent, stream)?;
    let result = match task {
        Task::Demo(args) => demo::run(&context, &args),
        Task::Test(args) => test::run(&context, &args),
        Task::Tools(_) => tools::run(&context),
        Task::Build(_) => build::run(&context),
        Task::Dist(args) => dist::run(&context, &args),
        Task::Bench(_) => bench::run(&context),
        Task::Docs => docs::run(&context),
        Task::Tidy => tidy::run(&context),
        Task::Fuzz(args) => fuzz::run(&context, &args),
        Task::Soak => soak::run(&context),
    };
    result.or_else(|error| {
        context.console.complain(&error);
        Ok(ExitCode::FAILURE)
    })
}
