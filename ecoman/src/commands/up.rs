//! `ecoman up`: dashboard, crawler and executor in one process.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ecoman_backend::{DashboardArgs, ExecutorAccess};
use ecoman_crawler::{Crawler, CrawlerOptions};
use ecoman_store::Store;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{crawler, dashboard, executor};
use crate::exit::{Failure, chain};
use crate::options::hosts::{HostsArgs, PollArgs};
use crate::options::log::LogArgs;
use crate::options::store::{DataArgs, StoreArgs};
use crate::runtime;

/// Options of all roles together.
#[derive(Args, Debug)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    hosts: HostsArgs,

    #[command(flatten)]
    poll: PollArgs,

    #[command(flatten)]
    dashboard: DashboardArgs,

    /// Port of the executor on 127.0.0.1, only for this process's dashboard [default: any free one]
    #[arg(long, env, help_heading = "Executor")]
    executor_port: Option<u16>,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    log: LogArgs,
}

/// Runs all roles until a signal stops it.
///
/// # Errors
///
/// The configuration is bad, the address is taken, or a role died.
pub(crate) fn run(args: &UpArgs) -> Result<ExitCode, Failure> {
    args.log.start()?;
    runtime::start()?.block_on(async {
        let shutdown = runtime::stop_on_signal()?;
        let store = args.store.open_for_up(&args.data).await?;
        let options = crawler::options(&args.hosts, &args.poll, &args.data);
        let all = Roles {
            crawler: options,
            hosts: &args.hosts,
            dashboard: &args.dashboard,
            executor_port: args.executor_port.unwrap_or(0),
            store,
            data: &args.data,
        };
        all.serve(shutdown).await
    })
}

/// Service managers and container engines wait ten seconds before they kill a process.
const STOP_WITHIN: Duration = Duration::from_millis(9_700);

/// All roles, for one process.
pub(crate) struct Roles<'a> {
    pub(crate) crawler: CrawlerOptions,
    pub(crate) hosts: &'a HostsArgs,
    pub(crate) dashboard: &'a DashboardArgs,
    /// On loopback; 0 takes any free one.
    pub(crate) executor_port: u16,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) data: &'a DataArgs,
}

impl Roles<'_> {
    /// Runs all roles until `shutdown`. If one of them ends, all of them do.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub(crate) async fn serve(self, shutdown: CancellationToken) -> Result<ExitCode, Failure> {
        // Known to nobody but this process: other programs of this machine are kept out.
        let token = Uuid::new_v4().simple().to_string();
        let config = ecoman_executor::Config::on_loopback(self.executor_port, Some(token.clone()));
        let session = self.crawler.session.clone();
        let executor = executor::bind(config, self.hosts, session).await?;
        let address = executor.local_addr();
        let access = ExecutorAccess {
            address: address.ip().to_string(),
            port: address.port(),
            token: Some(token),
        };
        let dashboard = dashboard::config(self.dashboard, access, self.data)?;
        let crawler = Crawler::new(self.crawler, Arc::clone(&self.store))
            .map_err(|error| crawler::failure(&error))?;
        let dashboard = dashboard::bind(dashboard, self.store).await?;

        runtime::report_ready();

        // The dashboard keeps how the last tasks of the executor have ended.
        let executor_is_gone = CancellationToken::new();
        let roles = async {
            tokio::join!(
                ending(crawler.run(shutdown.clone()), &shutdown),
                ending(dashboard.serve(executor_is_gone.clone()), &shutdown),
                async {
                    let _gone = executor_is_gone.clone().drop_guard();
                    ending(executor.serve(shutdown.clone()), &shutdown).await
                },
            )
        };
        let (crawled, served, executed) = tokio::select! {
            ends = roles => ends,
            () = async { shutdown.cancelled().await; sleep(STOP_WITHIN).await } => {
                tracing::warn!("stopped with work still in progress");
                return Ok(ExitCode::SUCCESS);
            }
        };
        crawled.map_err(|error| crawler::failure(&error))?;
        served.map_err(|error| Failure::runtime(chain(&error)))?;
        executed.map_err(|error| Failure::runtime(chain(&error)))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs a role, and stops the others when it ends.
async fn ending<T>(role: impl Future<Output = T>, shutdown: &CancellationToken) -> T {
    let _end = shutdown.clone().drop_guard();
    role.await
}
