//! The settings of the dashboard: variables, defaults, ranges.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use clap::Args;
use ecoman_api::Preset;
use ecoman_api::text::{Language, LanguageError};
use ecoman_model::Thresholds;

use crate::inventory::note_patterns::{EXPIRY, NotePattern, NotePatterns, OWNER};
use crate::inventory::view::Derived;
use crate::{
    AccessArgs, AccessConfig, AccessConfigError, BasePath, ExecutorAccess, TlsArgs, TlsError,
    TlsFiles,
};

/// Configuration of the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// Settings that are used as they are given.
    pub settings: DashboardSettings,
    /// The executor, which carries out changes of nodes.
    pub executor: ExecutorAccess,
    /// The way people sign in.
    pub access: AccessConfig,
    /// Certificate and key for HTTPS; `None`: HTTP.
    pub tls: Option<TlsFiles>,
}

/// Variables that do not go together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The settings of sign-in.
    #[error(transparent)]
    Access(#[from] AccessConfigError),
    /// The settings of HTTPS.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The dashboard's part of a command line: each option is also a variable, named as the field. A
/// setting that stands alone belongs in [`DashboardSettings`].
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Dashboard")]
pub struct DashboardArgs {
    /// IP address to listen on; any but loopback requires sign-in
    #[arg(long, env, default_value = "127.0.0.1", value_parser = address)]
    dashboard_address: IpAddr,

    /// Port to listen on; 0 takes any free one
    #[arg(long, env, default_value_t = 8000, value_parser = port)]
    dashboard_port: u16,

    #[command(flatten)]
    settings: DashboardSettings,

    #[command(flatten)]
    tls: TlsArgs,

    #[command(flatten)]
    access: AccessArgs,
}

/// Settings that stand alone: they are used as they are given.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Dashboard")]
pub struct DashboardSettings {
    /// Allowed `Host` headers, separated by commas, as in `ecoman.example.org`; others are refused.
    /// Empty: only localhost on a loopback address, any name on others
    #[arg(long, env, default_value = "", value_parser = host_names)]
    pub dashboard_allowed_hosts: HostNames,

    /// Path prefix below which a reverse proxy serves the dashboard, as in `/ecoman`; the proxy may
    /// strip or keep it
    #[arg(long, env, default_value = "/")]
    pub dashboard_base_path: BasePath,

    /// Language of the page and of API messages, `en` or `ja`; a choice on the page overrides it.
    /// Empty: the browser's
    #[arg(long, env, default_value = "", value_parser = language)]
    pub dashboard_language: FixedLanguage,

    /// A VM is large from this many vCPUs
    #[arg(long, env, default_value_t = Thresholds::default().cpus, value_parser = cpus)]
    pub dashboard_threshold_cpu: u32,

    /// A VM is large from this much memory, in MB
    #[arg(long, env, default_value_t = Thresholds::default().memory_mb, value_parser = size)]
    pub dashboard_threshold_ram_mb: u64,

    /// A VM is large from this much used storage, in GB
    #[arg(long, env, default_value_t = Thresholds::default().storage_gb, value_parser = size)]
    pub dashboard_threshold_storage_gb: u64,

    /// Regular expression for a VM's owner in its notes; the first group is the owner
    #[arg(long, env, default_value = OWNER)]
    pub dashboard_owner_pattern: NotePattern,

    /// Regular expression for a VM's expiry date in its notes; the first group is year, month and
    /// day as numbers
    #[arg(long, env, default_value = EXPIRY)]
    pub dashboard_expiry_pattern: NotePattern,

    /// Sizes offered for new VMs, as `NAME=CPUS/MEMORY_MB/DISK_GB`, separated by commas
    #[arg(
        long,
        env,
        default_value = "micro=1/512/30,small=1/1024/30,medium=2/2048/50,large=4/4096/70",
        value_parser = presets
    )]
    pub dashboard_presets: Presets,

    /// Days that events and tasks are kept; the newest 5,000 tasks are always kept
    #[arg(long, env, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub dashboard_event_days: u32,
}

/// Where the dashboard finds the executor.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Executor")]
pub struct ExecutorArgs {
    /// Host name or IP address of the executor
    #[arg(long, env, default_value = "127.0.0.1", value_parser = host)]
    executor_address: String,

    /// Port of the executor
    #[arg(long, env, default_value_t = 8600, value_parser = real_port)]
    executor_port: u16,

    /// Secret shared by dashboard and executor; use a file or the environment rather than the
    /// command line
    #[arg(long, env, default_value = "", hide_env_values = true, value_parser = token)]
    executor_token: Token,
}

/// A secret that is never printed; empty: none.
#[derive(Clone)]
struct Token(String);

/// A list of sizes as one value: clap would take a plain `Vec` for a repeated option.
type Presets = Vec<Preset>;

/// A list of names as one value.
type HostNames = Vec<String>;

/// No language as one value: clap would take a plain `Option` for an option that may be left out.
type FixedLanguage = Option<Language>;

impl DashboardArgs {
    /// The configuration, with an executor and a directory for what is kept (`ECOMAN_DATA`).
    ///
    /// # Errors
    ///
    /// The variables do not go together.
    pub fn config(&self, executor: ExecutorAccess, data: &Path) -> Result<Config, ConfigError> {
        let address = SocketAddr::new(self.dashboard_address, self.dashboard_port);
        Ok(Config {
            address,
            settings: self.settings.clone(),
            executor,
            access: self.access.config(address, data)?,
            tls: self.tls.files()?,
        })
    }
}

impl DashboardSettings {
    /// From which size on a VM is large.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        Thresholds {
            cpus: self.dashboard_threshold_cpu,
            memory_mb: self.dashboard_threshold_ram_mb,
            storage_gb: self.dashboard_threshold_storage_gb,
        }
    }

    /// What of a VM follows from the settings.
    pub(crate) fn derived(&self) -> Derived {
        Derived {
            thresholds: self.thresholds(),
            notes: NotePatterns {
                owner: self.dashboard_owner_pattern.clone(),
                expiry: self.dashboard_expiry_pattern.clone(),
            },
        }
    }
}

impl ExecutorArgs {
    /// The way to the executor.
    #[must_use]
    pub fn access(&self) -> ExecutorAccess {
        ExecutorAccess {
            address: self.executor_address.clone(),
            port: self.executor_port,
            token: Some(self.executor_token.0.clone()).filter(|token| !token.is_empty()),
        }
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
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

fn real_port(text: &str) -> Result<u16, &'static str> {
    text.parse()
        .ok()
        .filter(|&port| port > 0)
        .ok_or("must be a whole number from 1 to 65535")
}

fn host(text: &str) -> Result<String, &'static str> {
    let legal =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if text.is_empty() || !text.chars().all(legal) {
        Err("must be a host name or an IP address, without a port")
    } else {
        Ok(text.to_owned())
    }
}

fn token(text: &str) -> Result<Token, &'static str> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Token(text.to_owned()))
    } else {
        Err("only visible ASCII characters are allowed")
    }
}

fn language(text: &str) -> Result<FixedLanguage, LanguageError> {
    match text {
        "" => Ok(None),
        tag => tag.parse().map(Some),
    }
}

fn presets(text: &str) -> Result<Presets, String> {
    let mut presets: Vec<Preset> = Vec::new();
    for item in text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let preset = preset(item).ok_or_else(|| {
            format!(
                "{item:?} is not a size; use NAME=CPUS/MEMORY_MB/DISK_GB, as in small=1/1024/30, \
                 separated by commas; the memory must be a multiple of 4"
            )
        })?;
        if presets.iter().any(|known| known.name == preset.name) {
            return Err(format!("{:?} is there twice", preset.name));
        }
        presets.push(preset);
    }
    Ok(presets)
}

fn preset(text: &str) -> Option<Preset> {
    let (name, sizes) = text.split_once('=')?;
    let mut sizes = sizes.split('/').map(str::trim);
    let preset = Preset {
        name: name.trim().to_owned(),
        cpus: sizes.next()?.parse().ok()?,
        memory_mb: sizes.next()?.parse().ok()?,
        disk_gb: sizes.next()?.parse().ok()?,
    };
    let sound = sizes.next().is_none()
        && !preset.name.is_empty()
        && preset.cpus > 0
        && preset.memory_mb > 0
        && preset.memory_mb.is_multiple_of(4)
        && preset.disk_gb > 0;
    sound.then_some(preset)
}

fn cpus(text: &str) -> Result<u32, &'static str> {
    text.parse()
        .ok()
        .filter(|&count| count > 0)
        .ok_or("must be a whole number from 1 to 4294967295")
}

fn size(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .ok()
        .filter(|&size| size > 0)
        .ok_or("must be a whole number from 1 to 18446744073709551615, without a unit")
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
                    "{name:?} is not a host name; use names without a port, separated by commas"
                ))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        dashboard: DashboardArgs,

        #[command(flatten)]
        executor: ExecutorArgs,
    }

    fn parse(arguments: &[&str]) -> Result<Config, String> {
        Cli::try_parse_from(std::iter::once(&"ecoman").chain(arguments))
            .map_err(|error| error.to_string())
            .and_then(|cli| {
                let config = cli
                    .dashboard
                    .config(cli.executor.access(), Path::new("/data"));
                config.map_err(|error| error.to_string())
            })
    }

    #[test]
    fn the_defaults_are_those_of_the_original_on_loopback() {
        let given = parse(&[]).expect("the defaults go together");
        assert_eq!(
            given,
            Config {
                address: SocketAddr::from(([127, 0, 0, 1], 8000)),
                settings: DashboardSettings {
                    dashboard_threshold_cpu: 5,
                    dashboard_threshold_ram_mb: 8192,
                    dashboard_threshold_storage_gb: 50,
                    dashboard_allowed_hosts: Vec::new(),
                    dashboard_presets: vec![
                        size_of_vm("micro", 1, 512, 30),
                        size_of_vm("small", 1, 1024, 30),
                        size_of_vm("medium", 2, 2048, 50),
                        size_of_vm("large", 4, 4096, 70),
                    ],
                    ..given.settings.clone()
                },
                executor: ExecutorAccess {
                    address: "127.0.0.1".to_owned(),
                    port: 8600,
                    token: None,
                },
                access: AccessConfig {
                    sign_in: crate::SignIn::None,
                    directory: "/data/access".into(),
                    settings: crate::AccessSettings {
                        dashboard_session_hours: chrono::TimeDelta::hours(12),
                        dashboard_trusted_proxies: Vec::new(),
                        dashboard_audit_days: 365,
                    },
                },
                tls: None,
            }
        );
    }

    fn size_of_vm(name: &str, cpus: u32, memory_mb: u64, disk_gb: u64) -> Preset {
        Preset {
            name: name.to_owned(),
            cpus,
            memory_mb,
            disk_gb,
        }
    }

    #[test]
    fn the_sizes_for_new_vms_can_be_others_or_none() {
        let sizes = |text: &str| {
            let config = parse(&["--dashboard-presets", text]);
            config.map(|config| config.settings.dashboard_presets)
        };
        assert_eq!(
            sizes("tiny=1/256/8, ours = 8/16384/200"),
            Ok(vec![
                size_of_vm("tiny", 1, 256, 8),
                size_of_vm("ours", 8, 16384, 200)
            ])
        );
        assert_eq!(sizes(""), Ok(Vec::new()));
    }

    #[test]
    fn the_token_is_never_printed() {
        let cli = Cli::try_parse_from(["ecoman", "--executor-token", "s3cret"]).expect("sound");
        assert_eq!(cli.executor.access().token.as_deref(), Some("s3cret"));
        let printed = format!("{cli:?} {:?}", cli.executor.access());
        assert!(!printed.contains("s3cret"), "{printed}");
    }

    #[test]
    fn https_takes_two_files_or_none() {
        let files = parse(&["--dashboard-tls-cert=a.pem", "--dashboard-tls-key=b.pem"]);
        assert_eq!(
            files.map(|config| config.tls),
            Ok(Some(TlsFiles {
                certificate: "a.pem".into(),
                key: "b.pem".into(),
            }))
        );
        let error = parse(&["--dashboard-tls-cert=a.pem"]).expect_err("half");
        assert_eq!(
            error,
            "DASHBOARD_TLS_CERT is set, DASHBOARD_TLS_KEY is not: HTTPS needs both"
        );
        let error = parse(&["--dashboard-tls-key=b.pem"]).expect_err("half");
        assert!(error.starts_with("DASHBOARD_TLS_KEY is set"), "{error}");
    }

    #[test]
    fn host_names_are_lower_case_and_without_blanks() {
        let config = parse(&["--dashboard-allowed-hosts", "Ecoman.example.org, b"]);
        assert_eq!(
            config.map(|config| config.settings.dashboard_allowed_hosts),
            Ok(vec!["ecoman.example.org".to_owned(), "b".to_owned()])
        );
    }

    #[test]
    fn a_bad_value_is_named_with_its_variable_and_what_is_allowed() {
        for (option, value, expected) in [
            (
                "--dashboard-address",
                "localhost",
                "<DASHBOARD_ADDRESS>': must be an IP address",
            ),
            (
                "--dashboard-port",
                "65536",
                "<DASHBOARD_PORT>': must be a whole number from 0 to 65535",
            ),
            (
                "--dashboard-threshold-cpu",
                "0",
                "<DASHBOARD_THRESHOLD_CPU>': must be a whole number from 1 to 4294967295",
            ),
            (
                "--dashboard-threshold-ram-mb",
                "8GB",
                "<DASHBOARD_THRESHOLD_RAM_MB>': must be a whole number from 1 to",
            ),
            (
                "--dashboard-threshold-storage-gb",
                "-1",
                "<DASHBOARD_THRESHOLD_STORAGE_GB>': must be a whole number",
            ),
            (
                "--dashboard-allowed-hosts",
                "a:80",
                "<DASHBOARD_ALLOWED_HOSTS>': \"a:80\" is not a host name",
            ),
            (
                "--dashboard-base-path",
                "ecoman",
                "<DASHBOARD_BASE_PATH>': must be a path that begins with a slash",
            ),
            (
                "--dashboard-presets",
                "a=1/1022/30",
                "<DASHBOARD_PRESETS>': \"a=1/1022/30\" is not a size",
            ),
            (
                "--dashboard-presets",
                "a=1/4/1,a=2/4/1",
                "<DASHBOARD_PRESETS>': \"a\" is there twice",
            ),
            (
                "--executor-address",
                "http://a",
                "<EXECUTOR_ADDRESS>': must be a host name",
            ),
            (
                "--executor-port",
                "0",
                "<EXECUTOR_PORT>': must be a whole number from 1 to 65535",
            ),
        ] {
            let error = parse(&[&format!("{option}={value}")]).expect_err(option);
            assert!(error.contains(value) && error.contains(expected), "{error}");
        }
    }
}
