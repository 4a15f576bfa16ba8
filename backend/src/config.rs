//! What the dashboard can be told: variables, defaults, ranges.

use std::net::{IpAddr, SocketAddr};

use clap::Args;
use ecoman_model::Thresholds;

/// Configuration of the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// From which size on a VM is large.
    pub thresholds: Thresholds,
    /// Names that a `Host` header may have besides those that are always allowed; without a
    /// port, lower case. See [`DashboardArgs`] for what an empty list means.
    pub allowed_hosts: Vec<String>,
}

/// The dashboard's part of a command line, with the variable of each option.
#[derive(Args, Clone, Debug)]
pub struct DashboardArgs {
    /// IP address to listen on. There is no sign-in: whoever reaches it sees every VM
    #[arg(
        long,
        env = "DASHBOARD_ADDRESS",
        value_name = "DASHBOARD_ADDRESS",
        help_heading = "Dashboard",
        default_value = "127.0.0.1",
        value_parser = address
    )]
    dashboard_address: IpAddr,

    /// Port to listen on; 0 takes any free one
    #[arg(
        long,
        env = "DASHBOARD_PORT",
        value_name = "DASHBOARD_PORT",
        help_heading = "Dashboard",
        default_value_t = 8000,
        value_parser = port
    )]
    dashboard_port: u16,

    /// Names that browsers may use for this server, with commas between them, as in
    /// `ecoman.example.org`; others are refused. Empty: on a loopback address only localhost, on
    /// other addresses any name
    #[arg(
        long,
        env = "DASHBOARD_ALLOWED_HOSTS",
        value_name = "DASHBOARD_ALLOWED_HOSTS",
        help_heading = "Dashboard",
        default_value = "",
        value_parser = host_names
    )]
    dashboard_allowed_hosts: HostNames,

    /// Virtual CPUs from which on a VM is large
    #[arg(
        long,
        env = "DASHBOARD_THRESHOLD_CPU",
        value_name = "DASHBOARD_THRESHOLD_CPU",
        help_heading = "Dashboard",
        default_value_t = Thresholds::default().cpus,
        value_parser = cpus
    )]
    dashboard_threshold_cpu: u32,

    /// Memory in MB from which on a VM is large
    #[arg(
        long,
        env = "DASHBOARD_THRESHOLD_RAM_MB",
        value_name = "DASHBOARD_THRESHOLD_RAM_MB",
        help_heading = "Dashboard",
        default_value_t = Thresholds::default().memory_mb,
        value_parser = size
    )]
    dashboard_threshold_ram_mb: u64,

    /// Storage in use in GB from which on a VM is large
    #[arg(
        long,
        env = "DASHBOARD_THRESHOLD_STORAGE_GB",
        value_name = "DASHBOARD_THRESHOLD_STORAGE_GB",
        help_heading = "Dashboard",
        default_value_t = Thresholds::default().storage_gb,
        value_parser = size
    )]
    dashboard_threshold_storage_gb: u64,
}

/// A list of names as one value, which clap would otherwise take for a repeated option.
#[derive(Clone, Debug)]
struct HostNames(Vec<String>);

impl DashboardArgs {
    /// What was told.
    #[must_use]
    pub fn config(&self) -> Config {
        Config {
            address: SocketAddr::new(self.dashboard_address, self.dashboard_port),
            thresholds: Thresholds {
                cpus: self.dashboard_threshold_cpu,
                memory_mb: self.dashboard_threshold_ram_mb,
                storage_gb: self.dashboard_threshold_storage_gb,
            },
            allowed_hosts: self.dashboard_allowed_hosts.0.clone(),
        }
    }
}

fn address(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(|_| {
        "allowed is an IP address of this machine, such as 127.0.0.1, 0.0.0.0 (all IPv4) or :: (all)"
    })
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse()
        .map_err(|_| "allowed is a whole number from 0 to 65535")
}

fn cpus(text: &str) -> Result<u32, &'static str> {
    text.parse()
        .ok()
        .filter(|&count| count > 0)
        .ok_or("allowed is a whole number from 1 to 4294967295")
}

fn size(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .ok()
        .filter(|&size| size > 0)
        .ok_or("allowed is a whole number from 1 to 18446744073709551615, without a unit")
}

fn host_names(text: &str) -> Result<HostNames, String> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let is_name = name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
            if is_name {
                Ok(name.to_ascii_lowercase())
            } else {
                Err(format!(
                    "{name:?} is no host name; allowed are names without a port, with commas \
                     between them"
                ))
            }
        })
        .collect::<Result<_, _>>()
        .map(HostNames)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        dashboard: DashboardArgs,
    }

    fn parse(arguments: &[&str]) -> Result<Config, String> {
        Cli::try_parse_from(std::iter::once(&"ecoman").chain(arguments))
            .map(|cli| cli.dashboard.config())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_original_on_loopback() {
        assert_eq!(
            parse(&[]),
            Ok(Config {
                address: SocketAddr::from(([127, 0, 0, 1], 8000)),
                thresholds: Thresholds {
                    cpus: 5,
                    memory_mb: 8192,
                    storage_gb: 50
                },
                allowed_hosts: Vec::new(),
            })
        );
    }

    #[test]
    fn host_names_are_lower_case_and_without_blanks() {
        let config = parse(&["--dashboard-allowed-hosts", "Ecoman.example.org, b"]);
        assert_eq!(
            config.map(|config| config.allowed_hosts),
            Ok(vec!["ecoman.example.org".to_owned(), "b".to_owned()])
        );
    }

    #[test]
    fn a_bad_value_is_named_with_its_variable_and_what_is_allowed() {
        for (option, value, expected) in [
            (
                "--dashboard-address",
                "localhost",
                "<DASHBOARD_ADDRESS>': allowed is an IP address",
            ),
            (
                "--dashboard-port",
                "65536",
                "<DASHBOARD_PORT>': allowed is a whole number from 0 to 65535",
            ),
            (
                "--dashboard-threshold-cpu",
                "0",
                "<DASHBOARD_THRESHOLD_CPU>': allowed is a whole number from 1 to 4294967295",
            ),
            (
                "--dashboard-threshold-ram-mb",
                "8GB",
                "<DASHBOARD_THRESHOLD_RAM_MB>': allowed is a whole number from 1 to",
            ),
            (
                "--dashboard-threshold-storage-gb",
                "-1",
                "<DASHBOARD_THRESHOLD_STORAGE_GB>': allowed is a whole number",
            ),
            (
                "--dashboard-allowed-hosts",
                "a:80",
                "<DASHBOARD_ALLOWED_HOSTS>': \"a:80\" is no host name",
            ),
        ] {
            let error = parse(&[&format!("{option}={value}")]).expect_err(option);
            assert!(error.contains(value) && error.contains(expected), "{error}");
        }
    }
}
