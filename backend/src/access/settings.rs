//! The settings of sign-in: variables, defaults, ranges.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use axum::http::HeaderName;
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use ipnet::IpNet;

use super::{ProxyRoles, ProxyTrust, SignIn};

/// The way people sign in, and its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessConfig {
    /// The way.
    pub sign_in: SignIn,
    /// The directory of users, sessions and tokens.
    pub directory: PathBuf,
    /// Settings that are used as they are given.
    pub settings: AccessSettings,
}

/// Variables that do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessConfigError {
    /// Anybody could do anything.
    #[error(
        "DASHBOARD_ADDRESS={address} can be reached from other machines without sign-in: anybody \
         could power off every VM. Set DASHBOARD_SIGN_IN=password and add users with `ecoman user \
         add NAME --role admin`; or set DASHBOARD_SIGN_IN=proxy behind a proxy with sign-in; or \
         leave DASHBOARD_ADDRESS at 127.0.0.1"
    )]
    Open {
        /// Where the dashboard would listen.
        address: IpAddr,
    },
    /// A proxy that nothing is known of.
    #[error("DASHBOARD_SIGN_IN=proxy needs {variable}: {why}")]
    Proxy {
        /// The missing one.
        variable: &'static str,
        /// Its purpose.
        why: &'static str,
    },
}

/// The part of a command line that says how people sign in. A setting that stands alone belongs in
/// [`AccessSettings`].
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sign-in")]
pub struct AccessArgs {
    /// Sign-in method; `none` only on a loopback address
    #[arg(long, env, default_value = "none")]
    dashboard_sign_in: Mode,

    #[command(flatten)]
    directory: AccessDirectoryArgs,

    #[command(flatten)]
    settings: AccessSettings,

    /// Shared secret that the proxy sends in X-Ecoman-Proxy-Secret; use a file or the environment
    /// rather than the command line
    #[arg(long, env, default_value = "", hide_env_values = true, value_parser = secret)]
    dashboard_proxy_secret: Secret,

    /// Header in which the proxy sends the user name
    #[arg(long, env, default_value = "X-Forwarded-User", value_parser = header)]
    dashboard_proxy_user_header: HeaderName,

    /// Header in which the proxy sends the user's groups, separated by commas
    #[arg(long, env, default_value = "X-Forwarded-Groups", value_parser = header)]
    dashboard_proxy_groups_header: HeaderName,

    /// Roles of the proxy's groups, as `GROUP=ROLE`, separated by commas; `*` is everybody. A role
    /// given with `ecoman user` comes first
    #[arg(long, env, default_value = "")]
    dashboard_proxy_roles: ProxyRoles,
}

/// Where users, sessions and tokens are kept.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sign-in")]
pub struct AccessDirectoryArgs {
    /// Directory of users, sessions and API tokens [default: access below `ECOMAN_DATA`]
    #[arg(long, env)]
    dashboard_access: Option<PathBuf>,
}

/// Settings that stand alone: they are used as they are given.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Sign-in")]
pub struct AccessSettings {
    /// Hours until a session ends
    #[arg(long, env, default_value = "12", value_parser = hours)]
    pub dashboard_session_hours: TimeDelta,

    /// Addresses or networks of trusted reverse proxies, separated by commas, as in
    /// `127.0.0.1,10.0.0.0/8`; only their X-Forwarded-For and X-Forwarded-Proto are used
    #[arg(long, env, default_value = "", value_parser = networks)]
    pub dashboard_trusted_proxies: Networks,

    /// Days that audit log entries are kept
    #[arg(long, env, default_value_t = 365, value_parser = days)]
    pub dashboard_audit_days: u32,
}

/// Ways of signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// No sign-in: everybody who can reach the server has all permissions
    None,
    /// User name and password, see `ecoman user`
    Password,
    /// By a reverse proxy, such as oauth2-proxy
    Proxy,
}

/// A value that is never printed; empty: none.
#[derive(Clone)]
struct Secret(String);

/// A list as one value: clap would take a plain `Vec` for a repeated option.
type Networks = Vec<IpNet>;

impl AccessArgs {
    /// The configuration, for a dashboard at an address and with a directory for what is kept.
    ///
    /// # Errors
    ///
    /// The variables do not go together.
    pub fn config(
        &self,
        address: SocketAddr,
        data: &Path,
    ) -> Result<AccessConfig, AccessConfigError> {
        let missing = |variable, why| Err(AccessConfigError::Proxy { variable, why });
        let sign_in = match self.dashboard_sign_in {
            Mode::None if !address.ip().to_canonical().is_loopback() => {
                let address = address.ip();
                return Err(AccessConfigError::Open { address });
            }
            Mode::None => SignIn::None,
            Mode::Password => SignIn::Password,
            Mode::Proxy if self.settings.dashboard_trusted_proxies.is_empty() => {
                return missing("DASHBOARD_TRUSTED_PROXIES", "the addresses of the proxy");
            }
            Mode::Proxy if self.dashboard_proxy_secret.0.is_empty() => {
                return missing(
                    "DASHBOARD_PROXY_SECRET",
                    "the shared secret that the proxy sends in X-Ecoman-Proxy-Secret",
                );
            }
            Mode::Proxy => SignIn::Proxy(ProxyTrust {
                secret: self.dashboard_proxy_secret.0.clone(),
                user_header: self.dashboard_proxy_user_header.clone(),
                groups_header: self.dashboard_proxy_groups_header.clone(),
                roles: self.dashboard_proxy_roles.clone(),
            }),
        };
        Ok(AccessConfig {
            sign_in,
            directory: self.directory.path(data),
            settings: self.settings.clone(),
        })
    }
}

impl AccessDirectoryArgs {
    /// The directory, with the one of everything that is kept (`ECOMAN_DATA`).
    #[must_use]
    pub fn path(&self, data: &Path) -> PathBuf {
        let given = self.dashboard_access.as_ref();
        given
            .filter(|directory| !directory.as_os_str().is_empty())
            .cloned()
            .unwrap_or_else(|| data.join("access"))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

fn secret(text: &str) -> Result<Secret, &'static str> {
    let is_short = !text.is_empty() && text.len() < 16;
    if is_short || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err("must be at least 16 visible ASCII characters")
    } else {
        Ok(Secret(text.to_owned()))
    }
}

fn header(text: &str) -> Result<HeaderName, &'static str> {
    text.parse()
        .map_err(|_| "must be the name of a header, such as X-Forwarded-User")
}

fn hours(text: &str) -> Result<TimeDelta, &'static str> {
    within(text, 720)
        .map(|hours| TimeDelta::hours(hours.into()))
        .ok_or("must be a whole number of hours from 1 to 720")
}

fn days(text: &str) -> Result<u32, &'static str> {
    within(text, 36_500).ok_or("must be a whole number of days from 1 to 36500")
}

fn within(text: &str, most: u32) -> Option<u32> {
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
}

fn networks(text: &str) -> Result<Networks, String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| {
            let address = item.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| item.parse()).map_err(|_| {
                format!(
                    "{item:?} is not an address or network; separate them by commas, as in \
                     127.0.0.1,10.0.0.0/8"
                )
            })
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
        access: AccessArgs,
    }

    fn parse(address: &str, arguments: &[&str]) -> Result<AccessConfig, String> {
        let cli = Cli::try_parse_from(std::iter::once(&"ecoman").chain(arguments))
            .map_err(|error| error.to_string())?;
        let address = SocketAddr::new(address.parse().expect("an address"), 8000);
        cli.access
            .config(address, Path::new("/data"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_word_nobody_signs_in_on_loopback() {
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(
                parse(address, &[]),
                Ok(AccessConfig {
                    sign_in: SignIn::None,
                    directory: "/data/access".into(),
                    settings: AccessSettings {
                        dashboard_session_hours: TimeDelta::hours(12),
                        dashboard_trusted_proxies: Vec::new(),
                        dashboard_audit_days: 365,
                    },
                })
            );
        }
    }

    #[test]
    fn beyond_loopback_somebody_has_to_sign_in() {
        for address in ["0.0.0.0", "::", "192.0.2.1"] {
            let error = parse(address, &[]).expect_err("open");
            assert!(
                error.contains(&format!("DASHBOARD_ADDRESS={address}"))
                    && error.contains("DASHBOARD_SIGN_IN=password"),
                "{error}"
            );
            assert!(parse(address, &["--dashboard-sign-in=password"]).is_ok());
        }
    }

    #[test]
    fn a_proxy_has_an_address_and_a_secret() {
        let mode = "--dashboard-sign-in=proxy";
        let secret = "--dashboard-proxy-secret=0123456789abcdef";
        let trusted = "--dashboard-trusted-proxies=127.0.0.1, 10.0.0.0/8,fd00::/8";
        let error = parse("0.0.0.0", &[mode, secret]).expect_err("no address");
        assert!(error.contains("DASHBOARD_TRUSTED_PROXIES"), "{error}");
        let error = parse("0.0.0.0", &[mode, trusted]).expect_err("no secret");
        assert!(error.contains("DASHBOARD_PROXY_SECRET"), "{error}");
        let config = parse("0.0.0.0", &[mode, secret, trusted]).expect("sound");
        assert_eq!(config.settings.dashboard_trusted_proxies.len(), 3);
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn a_bad_value_is_named_with_its_variable_and_what_is_allowed() {
        for (option, value, expected) in [
            ("sign-in", "ldap", "possible values: none, password, proxy"),
            ("session-hours", "0", "<DASHBOARD_SESSION_HOURS>': must be"),
            (
                "trusted-proxies",
                "10.0.0.0/33",
                "is not an address or network",
            ),
            ("proxy-secret", "short", "must be at least 16"),
            ("proxy-user-header", "a b", "must be the name of a header"),
            ("proxy-roles", "a=root", "\"root\" is no role"),
            ("audit-days", "0", "<DASHBOARD_AUDIT_DAYS>': must be"),
        ] {
            let option = format!("--dashboard-{option}={value}");
            let error = parse("127.0.0.1", &[&option]).expect_err(&option);
            assert!(error.contains(expected), "{error}");
        }
    }
}
