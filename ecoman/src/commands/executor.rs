//! `ecoman executor`: carries out changes of nodes over SSH.

use std::process::ExitCode;

use clap::Args;
use ecoman_esxi::SessionOptions;
use ecoman_executor::{Config, Executor};

use crate::exit::{Failure, chain};
use crate::options::hosts::{HostsArgs, session_options};
use crate::options::log::LogArgs;
use crate::options::store::DataArgs;
use crate::runtime;

/// Options of the role.
#[derive(Args, Debug)]
pub(crate) struct ExecutorRoleArgs {
    #[command(flatten)]
    hosts: HostsArgs,

    #[command(flatten)]
    executor: ecoman_executor::ExecutorArgs,

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
pub(crate) fn run(args: &ExecutorRoleArgs) -> Result<ExitCode, Failure> {
    args.log.start()?;
    runtime::start()?.block_on(async {
        let shutdown = runtime::stop_on_signal()?;
        let config = args
            .executor
            .config()
            .map_err(|error| Failure::configuration(chain(&error)))?;
        if config.token.is_none() {
            tracing::warn!(
                "every local user can send commands to the executor: set EXECUTOR_TOKEN to the \
                 same secret for executor and dashboard"
            );
        }
        let executor = bind(config, &args.hosts, session_options(&args.data)).await?;
        tracing::info!("the executor is at http://{}", executor.local_addr());
        runtime::report_ready();
        executor
            .serve(shutdown)
            .await
            .map_err(|error| Failure::runtime(chain(&error)))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Reads hosts.yml and takes the address.
///
/// # Errors
///
/// One of them cannot be used.
pub(crate) async fn bind(
    config: Config,
    hosts: &HostsArgs,
    session: SessionOptions,
) -> Result<Executor, Failure> {
    Executor::bind(config, &hosts.hosts_path, session)
        .await
        .map_err(|error| Failure::configuration(chain(&error)))
}
