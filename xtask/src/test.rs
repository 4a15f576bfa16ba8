//! `cargo xtask test`: every test and check there is. A failed one does not hide the others.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::command::{Command, Failed, Output};
use crate::console::{Step, duration};
use crate::tally::{self, Tally};
use crate::tools::{self, Environment, Tool};
use crate::{Consent, Context, openapi, page, tidy};

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

/// What came of a check.
#[derive(Debug, Default)]
struct Outcome {
    tally: Tally,
    /// The tests that failed, by name.
    failures: Vec<String>,
}

/// In this order: what is quick first, and what others stand on before them.
const CHECKS: &[Check] = &[
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
        name: "page",
        about: "the page builds",
        tools: &tools::PAGE,
        run: page,
    },
    Check {
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
    },
    Check {
        name: "types",
        about: "the browser tests have no type errors",
        tools: &[Tool::Node, Tool::NpmPackages],
        run: types,
    },
    Check {
        name: "openapi",
        about: "openapi/ is up to date",
        tools: &[],
        run: openapi,
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
            Tool::Trunk,
            Tool::WasmBindgen,
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
/// An unknown check was asked for, or the user did not agree to an installation.
pub(crate) fn run(context: &Context, args: &TestArgs) -> Result<ExitCode> {
    let selected = selected(&args.only)?;
    if args.list {
        for check in selected {
            context
                .console
                .say(format!("{:<12} {}", check.name, check.about));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let since = Instant::now();
    let mut total = Tally::default();
    let mut failures = Vec::new();
    let mut table = Vec::new();

    let tools: Vec<Tool> = selected
        .iter()
        .flat_map(|check| check.tools)
        .copied()
        .collect();
    if let Err(error) = tools::install_system_packages(context, &tools) {
        if !context.yes {
            return Err(error);
        }
        // What does not need them is checked all the same.
        context.console.complain(&error);
        failures.push("system packages".to_owned());
        total += Tally::of_check(false);
    }
    for check in selected {
        let started = Instant::now();
        context
            .console
            .say(format!("── {}: {}", check.name, check.about));
        let outcome = tools::install(context, check.tools)
            .and_then(|environment| (check.run)(context, &environment))
            .unwrap_or_else(|error| {
                context.console.complain(&error);
                Outcome {
                    tally: Tally::of_check(false),
                    failures: Vec::new(),
                }
            });
        let Tally { passed, failed, .. } = outcome.tally;
        let took = duration(started.elapsed());
        table.push(format!(
            "{:<16} {passed:>6} {failed:>6}   {took:>12}",
            check.name
        ));
        total += outcome.tally;
        if failed > 0 && outcome.failures.is_empty() {
            failures.push(check.name.to_owned());
        }
        failures.extend(
            outcome
                .failures
                .iter()
                .map(|name| format!("{}: {name}", check.name)),
        );
    }

    let say = |line: &str| context.console.say(line);
    say(&format!(
        "\n{:<16} {:>6} {:>6}   {:>12}",
        "check", "passed", "failed", "time"
    ));
    table.iter().for_each(|line| say(line));
    say(&format!(
        "{:<16} {:>6} {:>6}   {:>12}",
        "all",
        total.passed,
        total.failed,
        duration(since.elapsed())
    ));
    if total.skipped > 0 {
        say(&format!("{} were skipped", total.skipped));
    }
    if !failures.is_empty() {
        say("\nFailed:");
        failures
            .iter()
            .for_each(|failure| say(&format!("  {failure}")));
    }
    say(&format!(
        "\n{} passed, {} failed",
        total.passed, total.failed
    ));
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn selected(only: &[String]) -> Result<Vec<&'static Check>> {
    for name in only {
        if !CHECKS.iter().any(|check| check.name == name) {
            let known: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
            bail!("there is no check {name:?}; there are {}", known.join(", "));
        }
    }
    let wanted = |check: &&Check| only.is_empty() || only.iter().any(|name| check.name == name);
    Ok(CHECKS.iter().filter(wanted).collect())
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
    page::build_quick(context, environment)?;
    Ok(Outcome {
        tally: Tally::of_check(true),
        failures: Vec::new(),
    })
}

fn rust(context: &Context, environment: &Environment) -> Result<Outcome> {
    let command = cargo(context, 60)
        .args(["test", "--workspace", "--no-fail-fast", "--locked"])
        .envs(&environment.variables());
    let result = context
        .console
        .step("rust", "building and running the tests", |step| {
            run_tests(step, command)
        });
    counted(
        context,
        result,
        Tally::of_cargo_test,
        tally::failures_of_cargo_test,
    )
}

fn openapi(context: &Context, _: &Environment) -> Result<Outcome> {
    build_programs(context)?;
    openapi::check(context, &program(context, "ecoman"))?;
    Ok(Outcome {
        tally: Tally::of_check(true),
        failures: Vec::new(),
    })
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
    page::build_quick(context, environment)?;
    build_programs(context)?;
    playwright(
        context,
        environment,
        "browser",
        "running the browser tests",
        &[],
    )
}

/// Runs tests of e2e/ against the programs.
fn playwright(
    context: &Context,
    environment: &Environment,
    name: &str,
    about: &str,
    tests: &[&str],
) -> Result<Outcome> {
    let command = Command::new("playwright")
        .args(["test", "--reporter=list"])
        .args(tests)
        .directory(context.root.join("e2e"))
        .envs(&environment.variables())
        .env("ECOMAN_BIN", program(context, "ecoman"))
        .env("ECOMAN_BENCH_BIN", program(context, "ecoman-bench"))
        .env("ECOMAN_TARGET", &context.target)
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
fn build_programs(context: &Context) -> Result<()> {
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
    Ok(Outcome {
        tally: Tally::of_check(true),
        failures: Vec::new(),
    })
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

fn cargo(context: &Context, limit: u64) -> Command {
    Command::cargo()
        .directory(&context.root)
        .limit(minutes(limit))
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_checks_run() {
        let names = |only: &[&str]| -> Vec<&str> {
            let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
            selected(&only)
                .unwrap()
                .iter()
                .map(|check| check.name)
                .collect()
        };
        assert_eq!(names(&["rust", "fmt"]), ["fmt", "rust"]);
        assert_eq!(names(&[]).len(), CHECKS.len());
    }

    #[test]
    fn an_unknown_check_is_refused_with_the_known_ones() {
        let error = selected(&["rsut".to_owned()]).err().unwrap().to_string();
        assert!(
            error.contains("\"rsut\"") && error.contains("browser"),
            "{error}"
        );
    }
}
