//! `cargo xtask test`: every test and check there is. A failed one does not hide the others.

mod cargo;
mod disk;
mod outcome;
mod packages;
mod pool;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::command::{Command, Failed, Output};
use crate::console::{Step, duration};
use crate::context::{Consent, Context};
use crate::tally::{self, Tally};
use crate::tools::{self, Environment, Tool};
use crate::{page, tidy};
use cargo::{cargo, minutes};
use outcome::Outcome;

/// Options of the tests.
#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) consent: Consent,

    /// Runs only these checks; may be repeated
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    only: Vec<String>,

    /// Lists the checks
    #[arg(long)]
    list: bool,
}

/// One of the checks.
struct Check {
    name: &'static str,
    about: &'static str,
    tools: &'static [Tool],
    run: fn(&Context, &Environment) -> Result<Outcome>,
}

/// The stages come one after another, the lanes of a stage run side by side, the checks of a lane
/// one after another: first what is compiled, then what runs. What runs waits most of its time, and
/// must not wait for a compiler.
const STAGES: [[&[Check]; 2]; 2] = [[COMPILED, FETCHED], [CRATES, SYSTEM]];

/// What cargo compiles in the workspace's own profile. It takes one at a time.
const COMPILED: &[Check] = &[
    Check {
        name: "fmt",
        about: "the code is formatted",
        tools: &[],
        run: fmt,
    },
    Check {
        name: "tidy",
        about: "the rules of the repository",
        tools: &[],
        run: tidy,
    },
    Check {
        name: "clippy",
        about: "no lint fires",
        tools: &[],
        run: clippy,
    },
    Check {
        name: "docs",
        about: "the documentation has no broken links",
        tools: &[],
        run: docs,
    },
    Check {
        name: "build",
        about: "programs and tests compile",
        tools: &[],
        run: build,
    },
];

/// What is fetched, and the page.
const FETCHED: &[Check] = &[
    Check {
        name: "page",
        about: "the page builds as users get it",
        tools: &tools::PAGE_RELEASE,
        run: page,
    },
    Check {
        name: "types",
        about: "the browser tests have no type errors",
        tools: &[Tool::Node, Tool::NpmPackages],
        run: types,
    },
    Check {
        name: "tools",
        about: "what the tests run with can be had",
        tools: &[
            Tool::Node,
            Tool::ClientPackages,
            Tool::PythonPackages,
            Tool::Mongod,
            Tool::NpmPackages,
            Tool::Chromium,
        ],
        run: nothing,
    },
];

/// The tests of the crates.
const CRATES: &[Check] = &[Check {
    name: "rust",
    about: "unit, contract, sshd, MongoDB and documentation tests of all crates",
    tools: &[
        Tool::Ssh,
        Tool::Sshd,
        Tool::Busybox,
        Tool::Curl,
        Tool::Mongod,
    ],
    run: rust,
}];

/// Tests of the whole program.
const SYSTEM: &[Check] = &[
    Check {
        name: "packages",
        about: "what people install has what it should, and is the same each time",
        tools: &[],
        run: packages,
    },
    Check {
        name: "clients",
        about: "generated clients in Rust, Python and TypeScript, over simulated nodes",
        tools: &[
            Tool::Ssh,
            Tool::Sshd,
            Tool::Busybox,
            Tool::Node,
            Tool::NpmPackages,
            Tool::ClientPackages,
            Tool::PythonPackages,
        ],
        run: clients,
    },
    Check {
        name: "schemathesis",
        about: "the API answers as its document says, whatever is asked, over simulated nodes",
        tools: &[
            Tool::Ssh,
            Tool::Sshd,
            Tool::Busybox,
            Tool::Node,
            Tool::NpmPackages,
            Tool::PythonPackages,
        ],
        run: schemathesis,
    },
    Check {
        name: "browser",
        about: "the page in a browser, over simulated nodes",
        tools: &[
            Tool::WasmTarget,
            Tool::BundleSmall,
            Tool::Ssh,
            Tool::Sshd,
            Tool::Busybox,
            Tool::Node,
            Tool::NpmPackages,
            Tool::Mongod,
            Tool::Chromium,
        ],
        run: browser,
    },
];

/// Runs the checks and sums them up. The last line is `N passed, N failed`.
///
/// # Errors
///
/// An unknown check was asked for, there is no room on the disk, or the user did not agree to an
/// installation.
pub(crate) fn run(context: &Context, args: &TestArgs) -> Result<ExitCode> {
    let known: Vec<&str> = checks().map(|check| check.name).collect();
    if let Some(name) = args
        .only
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        bail!("there is no check {name:?}; there are {}", known.join(", "));
    }
    let is_selected =
        |check: &Check| args.only.is_empty() || args.only.iter().any(|name| check.name == name);
    if args.list {
        for check in checks().filter(|check| is_selected(check)) {
            context
                .console
                .say(format!("{:<12} {}", check.name, check.about));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let since = Instant::now();
    if args.only.is_empty() {
        disk::check(context)?;
    }
    let mut report = Report::default();
    let tools: Vec<Tool> = checks()
        .filter(|check| is_selected(check))
        .flat_map(|check| check.tools)
        .copied()
        .collect();
    if let Err(error) = tools::install_system_packages(context, &tools) {
        if !context.yes {
            return Err(error);
        }
        // What does not need them is checked all the same.
        context.console.complain(&error);
        report.add("system packages", Outcome::of_check(false), since.elapsed());
    }
    let report = Mutex::new(report);
    for lanes in STAGES {
        thread::scope(|scope| {
            for lane in lanes {
                scope.spawn(|| {
                    for check in lane.iter().filter(|check| is_selected(check)) {
                        let started = Instant::now();
                        let outcome = check.outcome(context);
                        report.lock().unwrap_or_else(PoisonError::into_inner).add(
                            check.name,
                            outcome,
                            started.elapsed(),
                        );
                    }
                });
            }
        });
    }
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    context.console.say(report.shown(since.elapsed()));
    if args.only.is_empty() {
        context.console.say(disk::used(context));
    }
    let Tally { passed, failed, .. } = report.total;
    context
        .console
        .say(format!("\n{passed} passed, {failed} failed"));
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn checks() -> impl Iterator<Item = &'static Check> {
    STAGES.iter().flatten().copied().flatten()
}

impl Check {
    /// Installs the tools. The lanes need some of the same, so that one at a time does it.
    fn tools(&self, context: &Context) -> Result<Environment> {
        static INSTALLING: Mutex<()> = Mutex::new(());
        if self.tools.is_empty() {
            return Ok(Environment::default());
        }
        let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        tools::install(context, self.tools)
    }

    fn outcome(&self, context: &Context) -> Outcome {
        context
            .console
            .say(format!("── {}: {}", self.name, self.about));
        self.tools(context)
            .and_then(|environment| (self.run)(context, &environment))
            .unwrap_or_else(|error| {
                context.console.complain(&error);
                Outcome::of_check(false)
            })
    }
}

/// The outcomes of all checks that have run.
#[derive(Debug, Default)]
struct Report {
    total: Tally,
    table: String,
    failures: Vec<String>,
}

impl Report {
    fn add(&mut self, name: &str, outcome: Outcome, took: Duration) {
        let Outcome { tally, failures } = outcome;
        let Tally { passed, failed, .. } = tally;
        let took = duration(took);
        self.table.push_str(&format!(
            "{name:<16} {passed:>6} {failed:>6}   {took:>12}\n"
        ));
        self.total += tally;
        if failed > 0 && failures.is_empty() {
            self.failures.push(name.to_owned());
        }
        let named = |failure: String| format!("{name}: {failure}");
        self.failures.extend(failures.into_iter().map(named));
    }

    fn shown(&self, took: Duration) -> String {
        let Tally {
            passed,
            failed,
            skipped,
        } = self.total;
        let mut shown = format!(
            "\n{:<16} {:>6} {:>6}   {:>12}\n{}{:<16} {passed:>6} {failed:>6}   {:>12}",
            "check",
            "passed",
            "failed",
            "time",
            self.table,
            "all",
            duration(took)
        );
        if skipped > 0 {
            shown.push_str(&format!("\n{skipped} were skipped"));
        }
        if !self.failures.is_empty() {
            shown.push_str("\n\nFailed:\n  ");
            shown.push_str(&self.failures.join("\n  "));
        }
        shown
    }
}

fn fmt(context: &Context, _: &Environment) -> Result<Outcome> {
    context
        .console
        .step("fmt", "comparing with rustfmt's form", |step| {
            // The files' names alone: `cargo fmt` mends them faster than anybody reads a difference.
            checked(
                step,
                cargo(context, 10).args(["fmt", "--all", "--", "--check", "-l"]),
            )
        })
}

fn tidy(context: &Context, _: &Environment) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for rule in tidy::check(context)? {
        outcome.tally += Tally::of_check(rule.faults.is_empty());
        if !rule.faults.is_empty() {
            context.console.say(rule.to_string());
            outcome.failures.push(rule.name.to_owned());
        }
    }
    Ok(outcome)
}

fn clippy(context: &Context, _: &Environment) -> Result<Outcome> {
    context
        .console
        .step("clippy", "checking all crates", |step| {
            let command = cargo(context, 30)
                .args([
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--locked",
                    "--keep-going",
                ])
                .args(["--", "--deny", "warnings"]);
            checked(step, command)
        })
}

fn docs(context: &Context, _: &Environment) -> Result<Outcome> {
    context
        .console
        .step("docs", "building the documentation", |step| {
            let command = cargo(context, 30)
                .args([
                    "doc",
                    "--workspace",
                    "--no-deps",
                    "--document-private-items",
                    "--keep-going",
                    "--locked",
                ])
                .env("RUSTDOCFLAGS", "--deny warnings");
            checked(step, command)
        })
}

fn page(context: &Context, environment: &Environment) -> Result<Outcome> {
    page::build_release(context, environment)?;
    Ok(Outcome::of_check(true))
}

fn nothing(_: &Context, _: &Environment) -> Result<Outcome> {
    Ok(Outcome::of_check(true))
}

fn build(context: &Context, _: &Environment) -> Result<Outcome> {
    build_programs(context)?;
    Ok(Outcome::of_check(true))
}

fn rust(context: &Context, environment: &Environment) -> Result<Outcome> {
    let binaries = pool::built(context)?;
    let variables = environment.variables();
    let mut outcome = context
        .console
        .step("rust", "running the tests of all crates", |step| {
            Ok(pool::run(step, &binaries, &variables))
        })?;
    let command = cargo(context, 30)
        .args(["test", "--workspace", "--doc", "--no-fail-fast", "--locked"])
        .envs(&variables);
    let result = context
        .console
        .step("examples", "running those of the documentation", |step| {
            run_tests(step, command)
        });
    let examples = counted(
        context,
        result,
        Tally::of_cargo_test,
        tally::failures_of_cargo_test,
    )?;
    outcome.tally += examples.tally;
    outcome.failures.extend(examples.failures);
    Ok(outcome)
}

fn types(context: &Context, environment: &Environment) -> Result<Outcome> {
    context
        .console
        .step("types", "checking the types of e2e/", |step| {
            let command = Command::new("tsc")
                .arg("--noEmit")
                .directory(context.root.join("e2e"))
                .envs(&environment.variables())
                .limit(minutes(5));
            checked(step, command)
        })
}

fn packages(context: &Context, _: &Environment) -> Result<Outcome> {
    build_programs(context)?;
    packages::check(context, &program(context, "ecoman"))
}

fn clients(context: &Context, environment: &Environment) -> Result<Outcome> {
    build_programs(context)?;
    let tests = ["--config=clients/playwright.config.ts", "clients.spec"];
    let about = "generating, building and running them";
    playwright(context, environment, "clients", about, &tests)
}

fn schemathesis(context: &Context, environment: &Environment) -> Result<Outcome> {
    build_programs(context)?;
    let tests = ["--config=clients/playwright.config.ts", "schemathesis.spec"];
    let about = "asking for what the document says, and for what it does not";
    playwright(context, environment, "schemathesis", about, &tests)
}

fn browser(context: &Context, environment: &Environment) -> Result<Outcome> {
    page::build_release(context, environment)?;
    build_programs(context)?;
    if tools::firefox().is_none() {
        context
            .console
            .say("browser: Chromium alone, for this machine has no Firefox");
    }
    let about = "running the browser tests";
    playwright(context, environment, "browser", about, &[])
}

/// Runs tests of e2e/ against the programs.
fn playwright(
    context: &Context,
    environment: &Environment,
    name: &str,
    about: &str,
    tests: &[&str],
) -> Result<Outcome> {
    let firefox = tools::firefox().map(|file| ("ECOMAN_FIREFOX".into(), file.into_os_string()));
    let command = Command::new("playwright")
        .args(["test", "--reporter=list"])
        .args(tests)
        .directory(context.root.join("e2e"))
        .envs(&environment.variables())
        .env("ECOMAN_BIN", program(context, "ecoman"))
        .env("ECOMAN_BENCH_BIN", program(context, "ecoman-bench"))
        .env("ECOMAN_TARGET", &context.target)
        .envs(firefox.as_slice())
        .limit(minutes(40));
    let result = context
        .console
        .step(name, about, |step| run_tests(step, command));
    counted(
        context,
        result,
        Tally::of_playwright,
        tally::failures_of_playwright,
    )
}

/// Builds the programs, together with the tests: so cargo takes the very dependencies that the
/// tests of the crates stand on, and compiles none twice.
pub(crate) fn build_programs(context: &Context) -> Result<()> {
    context
        .console
        .step("programs", "compiling what the next check starts", |step| {
            let what = ["build", "--workspace", "--bins", "--tests", "--locked"];
            step.run(&mut cargo(context, 60).args(what))?;
            Ok(())
        })
}

fn program(context: &Context, name: &str) -> PathBuf {
    context.target.join("debug").join(name)
}

/// Runs what is good or not.
fn checked(step: &Step<'_>, mut command: Command) -> Result<Outcome> {
    step.run(&mut command)?;
    Ok(Outcome::of_check(true))
}

/// Runs what counts its tests.
fn run_tests(step: &Step<'_>, mut command: Command) -> Result<Output> {
    step.run(&mut command)
}

/// Counts the tests of what ran, well or not, and shows what failed.
fn counted(
    context: &Context,
    result: Result<Output>,
    count: fn(&str) -> Tally,
    names: fn(&str) -> Vec<String>,
) -> Result<Outcome> {
    let (output, good) = match result {
        Ok(output) => (output.text, true),
        Err(error) => match error.downcast_ref::<Failed>() {
            Some(failed) => {
                context.console.complain(&error);
                (failed.output.clone(), false)
            }
            None => return Err(error),
        },
    };
    Ok(Outcome {
        tally: Tally::of_tests(count(&output), good),
        failures: names(&output),
    })
}
