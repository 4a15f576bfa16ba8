//! `ecoman up`: crawler and dashboard in one process.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use ecoman_backend::{Config, DashboardArgs, ExecutorArgs};
use ecoman_crawler::{Crawler, CrawlerOptions};
use ecoman_store::Store;
use tokio_util::sync::CancellationToken;

use crate::cli::{Failure, chain};
use crate::crawler::{self, HostsArgs, PollArgs};
use crate::logging::LogArgs;
use crate::store::{DataArgs, StoreArgs};
use crate::{dashboard, shutdown};

/// Options of all roles together.
#[derive(Args, Debug)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    hosts: HostsArgs,

    #[command(flatten)]
    poll: PollArgs,

    #[command(flatten)]
    dashboard: DashboardArgs,

    #[command(flatten)]
    executor: ExecutorArgs,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    log: LogArgs,
}

/// The runtime of a role.
///
/// # Errors
///
/// The operating system gives no threads.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Runtime::new()
        .map_err(|error| Failure::runtime(format!("could not start threads: {error}")))
}

/// Runs all roles until told to stop.
///
/// # Errors
///
/// The configuration is bad, the address is taken, or a role died.
pub(crate) fn run(args: &UpArgs) -> Result<ExitCode, Failure> {
    args.log.start()?;
    runtime()?.block_on(async {
        let shutdown = shutdown::on_signal()
            .map_err(|error| Failure::runtime(format!("could not wait for signals: {error}")))?;
        let store = args.store.open_for_up(&args.data).await?;
        let options = crawler::options(&args.hosts, &args.poll, &args.data);
        let dashboard = args.dashboard.config(args.executor.access());
        serve(options, dashboard, store, shutdown).await
    })
}

/// Runs all roles until `shutdown`. If one of them ends, all of them do.
///
/// # Errors
///
/// As [`run`].
pub(crate) async fn serve(
    crawler: CrawlerOptions,
    dashboard: Config,
    store: Arc<dyn Store>,
    shutdown: CancellationToken,
) -> Result<ExitCode, Failure> {
    let crawler =
        Crawler::new(crawler, Arc::clone(&store)).map_err(|error| crawler::failure(&error))?;
    let dashboard = dashboard::bind(dashboard, store).await?;
    let (crawled, served) = tokio::join!(
        ending(crawler.run(shutdown.clone()), &shutdown),
        ending(dashboard.serve(shutdown.clone()), &shutdown),
    );
    crawled.map_err(|error| crawler::failure(&error))?;
    served.map_err(|error| Failure::runtime(chain(&error)))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a role, and tells the others when it ends.
async fn ending<T>(role: impl Future<Output = T>, shutdown: &CancellationToken) -> T {
    let _end = shutdown.clone().drop_guard();
    role.await
}
