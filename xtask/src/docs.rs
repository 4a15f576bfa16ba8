//! `cargo xtask docs`: what is generated from the program: the documents in openapi/, docs/reference/,
//! tables of the README. The tests of the crates fail when one of them is out of date.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::command::Command;
use crate::context::Context;
use crate::test::build_programs;

/// Each file of openapi/ and the arguments of `ecoman` that print it.
const DOCUMENTS: [(&str, &[&str]); 3] = [
    ("ecoman.json", &["openapi"]),
    ("ecoman-3.0.json", &["openapi", "--version", "3.0"]),
    ("executor.json", &["openapi", "--of", "executor"]),
];

/// The tests that compare a reference with the program. With `UPDATE_DOCS=1` they write it.
const TESTS: [&[&str]; 2] = [
    &["--bin", "ecoman", "reference::"],
    &["--test", "*reference"],
];

/// Writes all.
///
/// # Errors
///
/// The program could not be built or run, or a file not be written.
pub(crate) fn run(context: &Context) -> Result<ExitCode> {
    build_programs(context)?;
    let program = context.target.join("debug/ecoman");
    for (name, args) in DOCUMENTS {
        let document = Command::new(&program).args(args).text()?;
        let file = context.root.join("openapi").join(name);
        fs::write(&file, document)
            .with_context(|| format!("could not write {}", file.display()))?;
    }
    context.console.step("docs", "writing references", |step| {
        for tests in TESTS {
            let command = Command::cargo()
                .args(["test", "--workspace", "--locked"])
                .args(tests)
                .directory(&context.root)
                .env("UPDATE_DOCS", "1");
            step.run(&mut command.clone())?;
        }
        let changed = Command::new("git")
            .args(["status", "--short", "openapi", "docs", "README.md"])
            .directory(&context.root)
            .text()?;
        step.say(match changed.trim_end() {
            "" => "All were up to date.",
            changed => changed,
        });
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}
