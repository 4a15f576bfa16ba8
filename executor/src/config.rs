//! Configuration of the executor: variables, defaults, ranges.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;

/// Configuration of the executor.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// The secret that every request must carry; `None`: every client that reaches it may send orders.
    pub token: Option<String>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("address", &self.address)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .finish()
    }
}

/// The settings contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Reachable from other machines, and no secret.
    #[error(
        "EXECUTOR_BIND={0} can be reached from other machines: set EXECUTOR_TOKEN to the same \
         secret for executor and dashboard, or bind to 127.0.0.1"
    )]
    NoToken(IpAddr),
}

/// The executor's part of a command line, with the variable of each option.
#[derive(Args, Clone)]
#[command(next_help_heading = "Executor")]
pub struct ExecutorArgs {
    /// IP address to listen on; any but loopback requires EXECUTOR_TOKEN
    #[arg(long, env, default_value = "127.0.0.1", value_parser = address)]
    executor_bind: IpAddr,

    /// Port of the executor; 0 takes any free one
    #[arg(long, env, default_value_t = 8600, value_parser = port)]
    executor_port: u16,

    /// Secret shared by dashboard and executor; empty: every local user can send commands
    #[arg(long, env, default_value = "", hide_env_values = true)]
    executor_token: String,
}

impl fmt::Debug for ExecutorArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorArgs")
            .field("executor_bind", &self.executor_bind)
            .field("executor_port", &self.executor_port)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// On loopback: for a dashboard of the same process, and for tests. Port 0 takes any free one.
    #[must_use]
    pub fn on_loopback(port: u16, token: Option<String>) -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            token,
        }
    }
}

impl ExecutorArgs {
    /// The configuration.
    ///
    /// # Errors
    ///
    /// Other machines can reach the address, and there is no secret.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let token = Some(self.executor_token.clone()).filter(|token| !token.is_empty());
        if token.is_none() && !self.executor_bind.is_loopback() {
            return Err(ConfigError::NoToken(self.executor_bind));
        }
        Ok(Config {
            address: SocketAddr::new(self.executor_bind, self.executor_port),
            token,
        })
    }
}

fn address(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(|_| {
        "must be an IP address of this machine, such as 127.0.0.1, 0.0.0.0 (all IPv4) or :: (all)"
    })
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse()
        .map_err(|_| "must be a whole number from 0 to 65535")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        executor: ExecutorArgs,
    }

    fn parse(arguments: &[&str]) -> Result<Config, ConfigError> {
        let arguments = std::iter::once(&"ecoman").chain(arguments);
        Cli::try_parse_from(arguments)
            .expect("the arguments can be read")
            .executor
            .config()
    }

    #[test]
    fn the_defaults_are_those_of_the_original_on_loopback() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8600));
        let token = None;
        assert_eq!(parse(&[]), Ok(Config { address, token }));
    }

    #[test]
    fn beyond_this_machine_a_secret_is_asked_for_and_never_shown() {
        let error = parse(&["--executor-bind=0.0.0.0"]).expect_err("no token");
        assert!(error.to_string().contains("set EXECUTOR_TOKEN"), "{error}");
        let config = parse(&["--executor-bind=0.0.0.0", "--executor-token=s3cret"]);
        let config = config.expect("with a token");
        assert_eq!(config.token.as_deref(), Some("s3cret"));
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
