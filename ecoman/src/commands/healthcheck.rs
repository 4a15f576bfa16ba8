//! `ecoman healthcheck`: for container health checks and monitoring without curl.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use clap::{Args, ValueEnum};
use ureq::tls::TlsConfig;

use crate::exit::{Failure, chain};
use crate::options::store::{DataArgs, StoreArgs};
use crate::runtime;

/// The role, and where it is.
#[derive(Args, Debug)]
pub(crate) struct HealthcheckArgs {
    /// The role
    #[arg(default_value = "dashboard")]
    role: Role,

    /// Address that the dashboard listens on
    #[arg(long = "address", env, default_value = "127.0.0.1")]
    dashboard_address: std::net::IpAddr,

    /// Port that the dashboard listens on
    #[arg(long = "port", env, default_value_t = 8000)]
    dashboard_port: u16,

    /// Certificate of the dashboard; if set, the check uses HTTPS
    #[arg(long = "tls-cert", env)]
    dashboard_tls_cert: Option<PathBuf>,

    /// Address that the executor listens on
    #[arg(long = "executor-address", env, default_value = "127.0.0.1")]
    executor_bind: std::net::IpAddr,

    /// Port that the executor listens on
    #[arg(long, env, default_value_t = 8600)]
    executor_port: u16,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    data: DataArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Dashboard (and `ecoman up`): requests /readyz
    Dashboard,
    /// Executor: requests /healthz
    Executor,
    /// Crawler: checks the database (not the embedded one) for a recent poll
    Crawler,
}

/// Prints one line; exit code 0 if the role is well, 1 if not.
///
/// # Errors
///
/// The role cannot be asked.
pub(crate) fn run(args: &HealthcheckArgs) -> Result<ExitCode, Failure> {
    let verdict = match args.role {
        Role::Dashboard => {
            let certificate = args.dashboard_tls_cert.as_ref();
            let is_https = certificate.is_some_and(|file| !file.as_os_str().is_empty());
            let scheme = if is_https { "https" } else { "http" };
            ask(
                scheme,
                args.dashboard_address,
                args.dashboard_port,
                "/readyz",
            )
        }
        Role::Executor => ask("http", args.executor_bind, args.executor_port, "/healthz"),
        Role::Crawler => runtime::start()?.block_on(crawler(args)),
    }?;
    writeln!(std::io::stdout(), "{verdict}")
        .map_err(|error| Failure::runtime(format!("cannot write the result: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

fn ask(scheme: &str, address: std::net::IpAddr, port: u16, path: &str) -> Result<String, Failure> {
    // A server that listens everywhere is asked on this machine.
    let address = match address {
        address if !address.is_unspecified() => address,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    let socket = std::net::SocketAddr::new(address, port);
    let url = format!("{scheme}://{socket}{path}");
    // The certificate is that of a name, and an address is asked. Nothing secret is said, and
    // nothing that is answered is acted upon but by saying so.
    let tls = TlsConfig::builder().disable_verification(true).build();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .http_status_as_error(false)
        .tls_config(tls)
        .build()
        .into();
    let mut answer = agent
        .get(&url)
        .call()
        .map_err(|error| Failure::runtime(format!("{url} is not responding: {error}")))?;
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    if answer.status().is_success() {
        Ok(format!("{url}: {}", text.trim()))
    } else {
        Err(Failure::runtime(format!(
            "{url} returned {}: {}",
            answer.status(),
            text.trim()
        )))
    }
}

async fn crawler(args: &HealthcheckArgs) -> Result<String, Failure> {
    let failed = |error| Failure::runtime(chain(&error));
    let store = args.store.open(&args.data).await?;
    let mut newest = None;
    for name in store.revisions().await.map_err(failed)?.keys() {
        if let Some(state) = store.node_state(name).await.map_err(failed)? {
            let interval =
                TimeDelta::seconds(i64::try_from(state.node.interval_seconds).unwrap_or(0));
            newest = newest.max(state.node.attempted_at.map(|at| (at, interval)));
        }
    }
    match newest {
        None => Err(Failure::runtime("no poll recorded yet")),
        Some((at, interval)) if Utc::now() - at > interval * 3 + TimeDelta::seconds(30) => {
            Err(Failure::runtime(format!("no poll recorded since {at}")))
        }
        Some((at, _)) => Ok(format!("last poll recorded at {at}")),
    }
}
