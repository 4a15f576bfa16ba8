//! Room on the disk: a compiler that runs out of it reports anything but that.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::command::Command;
use crate::context::Context;

/// What the folder of builds holds after all checks, in MB; measured by [`used`], and a tenth more.
const NEEDED: u64 = 6_000;

/// Where there is less than this part of it nothing is tried.
const HOPELESS: f64 = 0.6;

/// Prints how much is needed and how much is free.
///
/// # Errors
///
/// It is hopeless.
pub(super) fn check(context: &Context) -> Result<()> {
    std::fs::create_dir_all(&context.target)
        .with_context(|| format!("could not create {}", context.target.display()))?;
    let has = size(&context.target).unwrap_or(0);
    let Some(free) = free(&context.target) else {
        return Ok(());
    };
    let folder = context.target.display();
    context.console.say(format!(
        "Disk: {folder} takes about {NEEDED} MB when all is done and has {has} MB; {free} MB are free."
    ));
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let part = (free + has) as f64 / NEEDED as f64;
    ensure!(
        part >= HOPELESS,
        "there is no room for the tests: {folder} takes about {NEEDED} MB and {free} MB are free; \
         free some, or name a folder on a larger disk in CARGO_TARGET_DIR"
    );
    Ok(())
}

/// What the folder of builds holds now.
pub(super) fn used(context: &Context) -> String {
    let has = size(&context.target).unwrap_or(0);
    let free = free(&context.target).unwrap_or(0);
    format!(
        "Disk: {} has {has} MB; {free} MB are free.",
        context.target.display()
    )
}

/// In MB.
fn size(folder: &Path) -> Option<u64> {
    first_number(&Command::new("du").args(["-s", "-BM"]).arg(folder))
}

/// What may be written beside a folder, in MB.
fn free(folder: &Path) -> Option<u64> {
    first_number(
        &Command::new("df")
            .args(["--output=avail", "-BM"])
            .arg(folder),
    )
}

/// The first word of the answer that is like `12M`.
fn first_number(command: &Command) -> Option<u64> {
    let said = command.text().ok()?;
    said.split_whitespace()
        .find_map(|word| word.strip_suffix('M')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn du_and_df_are_understood() {
        let folder = std::env::temp_dir();
        assert!(size(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap() >= 1);
        assert!(free(&folder).unwrap() >= 1);
    }
}
