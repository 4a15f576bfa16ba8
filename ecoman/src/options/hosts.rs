//! The nodes, the interval of their rounds, and the options of their sessions.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ecoman_esxi::SessionOptions;
use ecoman_model::{Collect, InvalidCollect};

use super::store::DataArgs;

/// The nodes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Nodes")]
pub(crate) struct HostsArgs {
    /// File of the hosts; see hosts.yml.example
    #[arg(long = "hosts", env, default_value = "./hosts.yml")]
    pub(crate) hosts_path: PathBuf,
}

/// The interval of the rounds.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Nodes")]
pub(crate) struct PollArgs {
    /// Seconds between two polls of a host
    #[arg(long = "interval", env, default_value = "60", value_parser = seconds)]
    pub(crate) crawler_interval: Duration,

    /// How hosts are polled unless hosts.yml sets `collect`: vim-cmd; read: one program per poll
    /// reads everything; follow: one program stays connected and reports changes; both fall back to
    /// vim-cmd where their results are not verified; auto: the cheapest that works, without
    /// warnings
    #[arg(long = "collect", env, default_value_t, value_parser = collect)]
    pub(crate) crawler_collect: Collect,
}

fn collect(text: &str) -> Result<Collect, InvalidCollect> {
    text.parse()
}

/// The options of sessions.
pub(crate) fn session_options(data: &DataArgs) -> SessionOptions {
    SessionOptions::new(data.ecoman_data.join("known_hosts"))
}

/// Whole seconds, from 1 second to 1 day.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be a whole number of seconds from 1 to 86400".to_owned()),
    }
}
