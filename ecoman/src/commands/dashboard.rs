//! `ecoman dashboard`: REST API and web page.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use ecoman_backend::{Config, Dashboard, DashboardArgs, ExecutorAccess};
use ecoman_store::Store;

use crate::exit::{Failure, chain};
use crate::options::log::LogArgs;
use crate::options::store::{DataArgs, StoreArgs};
use crate::runtime;

/// Options of the role.
#[derive(Args, Debug)]
pub(crate) struct DashboardRoleArgs {
    #[command(flatten)]
    dashboard: DashboardArgs,

    #[command(flatten)]
    executor: ecoman_backend::ExecutorArgs,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    log: LogArgs,
}

/// Serves until a signal stops it.
///
/// # Errors
///
/// The configuration is bad or the address is taken.
pub(crate) fn run(args: &DashboardRoleArgs) -> Result<ExitCode, Failure> {
    args.log.start()?;
    runtime::start()?.block_on(async {
        let shutdown = runtime::stop_on_signal()?;
        let config = config(&args.dashboard, args.executor.access(), &args.data)?;
        let store = args.store.open(&args.data).await?;
        let dashboard = bind(config, store).await?;
        runtime::report_ready();
        dashboard
            .serve(shutdown)
            .await
            .map_err(|error| Failure::runtime(chain(&error)))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The configuration.
///
/// # Errors
///
/// They do not go together.
pub(crate) fn config(
    args: &DashboardArgs,
    executor: ExecutorAccess,
    data: &DataArgs,
) -> Result<Config, Failure> {
    args.config(executor, &data.ecoman_data)
        .map_err(|error| Failure::configuration(chain(&error)))
}

/// Takes the address, and says which.
///
/// # Errors
///
/// It is taken, or not one of this machine.
pub(crate) async fn bind(config: Config, store: Arc<dyn Store>) -> Result<Dashboard, Failure> {
    let dashboard = Dashboard::bind(config, store)
        .await
        .map_err(|error| Failure::configuration(chain(&error)))?;
    tracing::info!("ECoMan is at {}", dashboard.url());
    Ok(dashboard)
}
