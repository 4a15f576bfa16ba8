//! Cargo, as every check runs it.

use std::time::Duration;

use crate::command::Command;
use crate::context::Context;

/// Cargo in the workspace, for at most so many minutes.
pub(super) fn cargo(context: &Context, limit: u64) -> Command {
    Command::cargo()
        // It speeds up the next build, takes a third more room on the disk, and is no part of what
        // distinguishes the builds.
        .env("CARGO_INCREMENTAL", "0")
        .directory(&context.root)
        .limit(minutes(limit))
}

pub(super) fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}
