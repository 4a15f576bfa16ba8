//! The command line: the commands, and what clap says of a wrong one.

use std::ffi::OsString;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{
    access, crawler, dashboard, demo, doctor, executor, generate, healthcheck, openapi, parse,
    trust, up,
};
use crate::options::secret_files;

/// Manages the virtual machines of standalone ESXi hosts over SSH.
///
/// `ecoman up` runs everything on one machine; `ecoman demo` shows it without any host.
#[derive(Debug, Parser)]
#[command(version, styles = STYLES, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Single-machine mode: runs crawler, executor and dashboard in one process, with the database
    /// in one file
    Up(up::UpArgs),
    /// Runs `up` with simulated hosts behind a real sshd; needs openssh-server and busybox-static
    Demo(demo::DemoArgs),
    /// Serves the REST API and the web page from the database; needs no SSH and no keys
    Dashboard(dashboard::DashboardRoleArgs),
    /// Polls the hosts and writes the database
    Crawler(crawler::CrawlerArgs),
    /// Runs power and other operations over SSH for the dashboard; needs the SSH keys, not the
    /// database
    Executor(executor::ExecutorRoleArgs),
    /// Manages users and their roles
    User(access::UserArgs),
    /// Manages API tokens
    Token(access::TokenArgs),
    /// Checks hosts.yml and every host (key, host key, login, tools, datastore, ISO, port group),
    /// with a remedy for each fault
    Doctor(doctor::DoctorArgs),
    /// Shows the SSH host keys of hosts and, once confirmed, trusts them
    Trust(trust::TrustArgs),
    /// Parses the output of a host command from standard input and prints JSON, or the faulty line
    /// and the reason; for bug reports
    Parse(parse::ParseArgs),
    /// Prints the OpenAPI document of the dashboard or the executor
    Openapi(openapi::OpenapiArgs),
    /// Checks the health of a running role; exit code 0 if healthy, 1 if not
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Writes man pages, shell completions and the file of variables: for packages
    #[command(hide = true)]
    Generate(generate::GenerateArgs),
}

/// The command line as it is declared, and files for its secrets.
pub(crate) fn command() -> clap::Command {
    secret_files::with_files(Cli::command())
}

/// Parses the command line. Ends the program for help, the version and a wrong one.
pub(crate) fn parse() -> Cli {
    try_parse(std::env::args_os().collect()).unwrap_or_else(|error| error.exit())
}

fn try_parse(mut arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(&arguments);
    let mut matches = matches.map_err(without_secrets)?;
    let Some((name, of_subcommand)) = matches.subcommand() else {
        return Cli::from_arg_matches(&matches);
    };
    let name = name.to_owned();
    let subcommand = command.find_subcommand_mut(&name);
    let read = match subcommand {
        Some(subcommand) => secret_files::read(subcommand, of_subcommand)?,
        None => Vec::new(),
    };
    if !read.is_empty() {
        // As if they had been given on the command line, behind the name of the subcommand.
        let at = arguments.iter().skip(1).position(|given| *given == *name);
        let at = at.map_or(arguments.len(), |at| at + 2);
        let values = read.iter().map(|from| from.argument.clone());
        arguments.splice(at..at, values);
        matches = self::command()
            .try_get_matches_from(arguments)
            .map_err(|error| without_secrets(secret_files::blame_file(error, &read)))?;
    }
    Cli::from_arg_matches(&matches)
}

/// The error without the value of an option that is a secret: what goes to the terminal is kept in
/// logs.
fn without_secrets(mut error: clap::Error) -> clap::Error {
    let mut command = command();
    command.build();
    let is_secret = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(shown)) => command
            .get_subcommands()
            .flat_map(clap::Command::get_arguments)
            .any(|option| option.is_hide_env_values_set() && option.to_string() == *shown),
        _ => false,
    };
    if is_secret {
        let hidden = ContextValue::String("(a secret)".to_owned());
        error.insert(ContextKind::InvalidValue, hidden);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        try_parse(arguments.iter().map(OsString::from).collect())
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_option_is_a_variable_named_in_its_error() {
        for command in command().get_subcommands_mut() {
            command.build();
            for option in command.get_arguments() {
                if let Some(variable) = option.get_env() {
                    let shown = option.get_value_names().and_then(<[_]>::first);
                    assert_eq!(
                        shown.map(clap::builder::Str::as_str),
                        variable.to_str(),
                        "{}",
                        command.get_name()
                    );
                }
            }
        }
    }

    #[test]
    fn a_bad_value_that_is_a_secret_is_not_shown() {
        for (role, option) in [
            ("dashboard", "--dashboard-proxy-secret"),
            ("dashboard", "--executor-token"),
        ] {
            let error = parse(&["ecoman", role, option, "pässwörd"]);
            let error = error.expect_err(option).to_string();
            assert!(!error.contains("pässwörd"), "{error}");
            assert!(error.contains("(a secret)"), "{error}");
            assert!(error.contains("visible ASCII characters"), "{error}");
        }
    }

    #[test]
    fn a_bad_value_names_the_variable_the_value_and_what_is_allowed() {
        let error = parse(&["ecoman", "crawler", "--interval", "often"])
            .expect_err("not a number of seconds")
            .to_string();
        for part in ["CRAWLER_INTERVAL", "often", "from 1 to 86400"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
