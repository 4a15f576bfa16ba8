//! The test programs of all crates, several at a time.
//!
//! `cargo test` runs one after another, each of which leaves the processor idle while it waits for a
//! node, a store or a clock.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::cargo::{cargo, minutes};
use super::outcome::Outcome;
use crate::command::{Command, Failed};
use crate::console::{Step, duration};
use crate::context::Context;
use crate::tally::{self, Tally};

/// How many run at a time.
const AT_ONCE: usize = 3;

/// Those that take longest, which start first.
const LONG: [&str; 4] = ["carry_out", "faults", "session", "cli"];

/// What takes longer than this is named with its time.
const WORTH_REPORTING: Duration = Duration::from_secs(10);

/// A program with tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binary {
    file: PathBuf,
    /// The folder of its package, where it runs.
    package: PathBuf,
}

/// Compiles the tests of the workspace and lists their programs, the longest first.
///
/// # Errors
///
/// They do not compile.
pub(super) fn built(context: &Context) -> Result<Vec<Binary>> {
    let listed = context
        .console
        .step("tests", "listing what was compiled", |step| {
            let what = ["build", "--workspace", "--bins", "--tests", "--locked"];
            step.run(
                &mut cargo(context, 60)
                    .args(what)
                    .arg("--message-format=json-render-diagnostics"),
            )
        })?;
    let mut binaries: Vec<Binary> = listed.text.lines().filter_map(binary).collect();
    ensure!(!binaries.is_empty(), "cargo names no test program");
    binaries.sort_by_key(|binary| {
        let name = binary.name();
        LONG.iter()
            .position(|long| *long == name)
            .unwrap_or(LONG.len())
    });
    Ok(binaries)
}

/// Runs all. A failed one does not hide the others.
pub(super) fn run(
    step: &Step<'_>,
    binaries: &[Binary],
    variables: &[(OsString, OsString)],
) -> Outcome {
    let waiting = Mutex::new(binaries.iter().collect::<VecDeque<_>>());
    let outcome = Mutex::new(Outcome::default());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let next = || {
                    waiting
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front()
                };
                while let Some(binary) = next() {
                    let own = run_one(step, binary, variables);
                    let mut all = outcome.lock().unwrap_or_else(PoisonError::into_inner);
                    all.tally += own.tally;
                    all.failures.extend(own.failures);
                }
            });
        }
    });
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn run_one(step: &Step<'_>, binary: &Binary, variables: &[(OsString, OsString)]) -> Outcome {
    let since = Instant::now();
    let command = Command::new(&binary.file)
        .directory(&binary.package)
        .env("CARGO_MANIFEST_DIR", &binary.package)
        .envs(variables)
        .limit(minutes(30));
    let name = binary.to_string();
    let (text, good) = match step.run_apart(&name, &command) {
        Ok(output) => (output.text, true),
        Err(error) => {
            step.say(format!("✗ {name}"));
            step.complain(&error);
            let text = error
                .downcast_ref::<Failed>()
                .map(|failed| failed.output.clone());
            (text.unwrap_or_default(), false)
        }
    };
    if since.elapsed() > WORTH_REPORTING {
        step.say(format!("  rust: {name} took {}", duration(since.elapsed())));
    }
    // A crate without unit tests has a program for them all the same.
    let tally = match Tally::of_cargo_test(&text) {
        none if good && none == Tally::default() && text.contains("running 0 tests") => none,
        counted => Tally::of_tests(counted, good),
    };
    let failures = tally::failures_of_cargo_test(&text);
    Outcome {
        failures: match failures.as_slice() {
            [] if tally.failed > 0 => vec![name],
            _ => failures
                .iter()
                .map(|failure| format!("{name}: {failure}"))
                .collect(),
        },
        tally,
    }
}

impl Binary {
    /// Its target's name.
    fn name(&self) -> &str {
        let stem = self
            .file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        stem.rsplit_once('-').map_or(stem, |(name, _)| name)
    }
}

impl std::fmt::Display for Binary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let package = self.package.file_name().unwrap_or_default();
        write!(f, "{} {}", package.display(), self.name())
    }
}

/// Reads one of cargo's messages about what it has built: `None` where it is no test program.
fn binary(message: &str) -> Option<Binary> {
    let field = |name: &str| {
        let (_, rest) = message.split_once(&format!("\"{name}\":\""))?;
        rest.split_once('"').map(|(value, _)| value)
    };
    if !message.starts_with("{\"reason\":\"compiler-artifact\"")
        || !message.contains("\"test\":true},\"features\"")
    {
        return None;
    }
    Some(Binary {
        file: PathBuf::from(field("executable")?),
        package: Path::new(field("manifest_path")?).parent()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_are_found_among_cargos_messages() {
        let message = "{\"reason\":\"compiler-artifact\",\"package_id\":\"path+file:///a/backend#ecoman-backend@0.1.0\",\
            \"manifest_path\":\"/a/backend/Cargo.toml\",\"target\":{\"kind\":[\"test\"],\"name\":\"http\",\
            \"doctest\":false,\"test\":true},\"profile\":{\"opt_level\":\"0\",\"test\":true},\"features\":[],\
            \"filenames\":[\"/a/target/debug/deps/http-0a1b\"],\"executable\":\"/a/target/debug/deps/http-0a1b\",\
            \"fresh\":true}";
        let found = binary(message).unwrap();
        assert_eq!(found.to_string(), "backend http");
        assert_eq!(found.file, Path::new("/a/target/debug/deps/http-0a1b"));
        assert_eq!(
            binary(
                &message
                    .replace("\"test\":true},\"features", "\"test\":false},\"features")
                    .replace("\"test\":true},\"profile", "\"test\":false},\"profile")
            ),
            None
        );
        assert_eq!(
            binary("{\"reason\":\"build-finished\",\"success\":true}"),
            None
        );
    }

    #[test]
    fn programs_are_counted_and_failed_tests_are_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("xtask-pool-test-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let program = |name: &str, script: &str| {
            let file = folder.join(name);
            std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
            Binary {
                file,
                package: folder.clone(),
            }
        };
        let programs = [
            program(
                "good-1",
                "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'",
            ),
            program("empty-1", "echo 'running 0 tests'"),
            program(
                "bad-1",
                "echo 'test a::b ... FAILED'; echo 'test result: FAILED. 1 passed; 1 failed'; exit 1",
            ),
            program("dead-1", "kill -9 $$"),
        ];
        let console = crate::console::Console::new(crate::console::Stream::Nowhere, &folder);
        let outcome = console
            .step("pool", "running", |step| Ok(run(step, &programs, &[])))
            .unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let Tally { passed, failed, .. } = outcome.tally;
        assert_eq!((passed, failed), (3, 2));
        let mut ends: Vec<_> = outcome
            .failures
            .iter()
            .filter_map(|name| name.split_once(' '))
            .map(|(_, end)| end)
            .collect();
        ends.sort_unstable();
        assert_eq!(ends, ["bad: a::b", "dead"]);
    }
}
