//! Logs: to stderr, as text or JSON.

use std::io::{self, IsTerminal as _, Write};

use clap::{Args, ValueEnum};
use ecoman_model::marks;
use tracing_subscriber::EnvFilter;

use crate::exit::Failure;

/// Filter and format of the logs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub(crate) struct LogArgs {
    /// Log filter: `error`, `warn`, `info`, `debug`, `trace`, or by module as in
    /// `warn,ecoman_crawler=debug`
    #[arg(long = "log", env, default_value = "info")]
    ecoman_log: String,

    /// Format
    #[arg(long = "log-format", env, default_value = "text")]
    ecoman_log_format: LogFormat,
}

/// Format of the logs.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// One line per message, for people
    Text,
    /// One JSON object per line, for programs
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
                "ECOMAN_LOG is {:?}, not a valid filter ({error}); use error, warn, info, debug, \
                 trace, or a list such as warn,ecoman_crawler=debug",
                self.ecoman_log
            ))
        })?;
        let logs = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_target(false);
        match self.ecoman_log_format {
            LogFormat::Text => logs
                .with_writer(|| Lines(io::stderr()))
                .with_ansi(io::stderr().is_terminal())
                .init(),
            LogFormat::Json => logs
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .init(),
        }
        Ok(())
    }
}

/// Writes each message as one line of plain text, whatever is in it: no text of a node begins a line
/// of its own, or orders the terminal about.
struct Lines<W>(W);

/// What the colours of a terminal begin with. Of a message it is marked before it comes here.
const ESCAPE: char = '\u{1b}';

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(message);
        let (text, end) = match text.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (&*text, ""),
        };
        let mut line = String::new();
        for (place, part) in text.split(ESCAPE).enumerate() {
            if place > 0 {
                line.push(ESCAPE);
            }
            line.push_str(&marks::plain_line(part));
        }
        line.push_str(end);
        self.0.write_all(line.as_bytes())?;
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let mut written = Vec::new();
        let message = "\u{1b}[31mERROR\u{1b}[0m a\nINFO forged \u{202e}gnp\r\n";
        let count = Lines(&mut written).write(message.as_bytes()).unwrap();
        assert_eq!(count, message.len());
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "\u{1b}[31mERROR\u{1b}[0m a<U+000A>INFO forged <U+202E>gnp<U+000D>\n"
        );
    }
}
