//! Logs: to stderr, as text or JSON.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::exit::Failure;

/// Filter and format of the logs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub(crate) struct LogArgs {
    /// Filter, as of the tracing crate: `info`, `debug`, `warn,ecoman_crawler=debug`
    #[arg(long = "log", env, default_value = "info")]
    ecoman_log: String,

    /// Format
    #[arg(long = "log-format", env, default_value = "text")]
    ecoman_log_format: LogFormat,
}

/// Format of the logs.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// A line a message, for people
    Text,
    /// A JSON object a line, for machines
    Json,
}

impl LogArgs {
    /// Starts logging.
    ///
    /// # Errors
    ///
    /// The filter is none.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        let filter = EnvFilter::try_new(&self.ecoman_log).map_err(|error| {
            Failure::configuration(format!(
                "ECOMAN_LOG is {:?}, which is no filter ({error}); allowed are error, warn, info, \
                 debug, trace and lists such as warn,ecoman_crawler=debug",
                self.ecoman_log
            ))
        })?;
        let logs = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_target(false);
        match self.ecoman_log_format {
            LogFormat::Text => logs.with_ansi(std::io::stderr().is_terminal()).init(),
            LogFormat::Json => logs
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .init(),
        }
        Ok(())
    }
}
