//! `cargo xtask openapi`: the documents in openapi/, as the program itself prints them.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::command::Command;
use crate::{Context, demo};

/// Each file of openapi/ and the arguments of `ecoman` that print it.
const DOCUMENTS: [(&str, &[&str]); 3] = [
    ("ecoman.json", &["openapi"]),
    ("ecoman-3.0.json", &["openapi", "--version", "3.0"]),
    ("executor.json", &["openapi", "--of", "executor"]),
];

/// Writes the documents.
///
/// # Errors
///
/// The program could not be built or run, or a file not be written.
pub(crate) fn run(context: &Context) -> Result<ExitCode> {
    let program = demo::program(context)?;
    for (name, document) in documents(&program)? {
        let file = context.root.join("openapi").join(name);
        if fs::read_to_string(&file).is_ok_and(|present| present == document) {
            context.console.say(format!("openapi/{name} is up to date"));
            continue;
        }
        fs::write(&file, document)
            .with_context(|| format!("could not write {}", file.display()))?;
        context.console.say(format!("openapi/{name} is new"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails when a committed document is not what `program` prints.
///
/// # Errors
///
/// A document differs or is missing, or the program could not be run.
pub(crate) fn check(context: &Context, program: &Path) -> Result<()> {
    let mut stale = Vec::new();
    for (name, document) in documents(program)? {
        let file = context.root.join("openapi").join(name);
        if !fs::read_to_string(&file).is_ok_and(|present| present == document) {
            stale.push(format!("openapi/{name}"));
        }
    }
    if !stale.is_empty() {
        bail!(
            "{} differ from what `ecoman` prints; run `cargo xtask openapi`",
            stale.join(", ")
        );
    }
    Ok(())
}

fn documents(program: &Path) -> Result<Vec<(&'static str, String)>> {
    DOCUMENTS
        .into_iter()
        .map(|(name, args)| Ok((name, Command::new(program).args(args).text()?)))
        .collect()
}
