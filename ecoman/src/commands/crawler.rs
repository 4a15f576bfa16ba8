//! `ecoman crawler`: polls the nodes and writes the store.

use std::process::ExitCode;

use clap::Args;
use ecoman_crawler::{Crawler, CrawlerError, CrawlerOptions};
use ecoman_model::marks;

use crate::exit::{Failure, chain};
use crate::options::hosts::{HostsArgs, PollArgs, session_options};
use crate::options::log::LogArgs;
use crate::options::store::{DataArgs, StoreArgs};
use crate::runtime;

/// Options of the role.
#[derive(Args, Debug)]
pub(crate) struct CrawlerArgs {
    /// Polls every host once, then exits: 0 if all responded, 1 if some did not, 2 for invalid
    /// configuration
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    hosts: HostsArgs,

    #[command(flatten)]
    poll: PollArgs,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    log: LogArgs,
}

/// The crawler's own options out of everybody's.
pub(crate) fn options(hosts: &HostsArgs, poll: &PollArgs, data: &DataArgs) -> CrawlerOptions {
    CrawlerOptions {
        interval: poll.crawler_interval,
        collect: poll.crawler_collect,
        session: session_options(data),
        ..CrawlerOptions::new(hosts.hosts_path.clone())
    }
}

/// A crawler's failure as the user sees it.
pub(crate) fn failure(error: &CrawlerError) -> Failure {
    match error {
        CrawlerError::Hosts(_) => Failure::configuration(chain(error)),
        _ => Failure::runtime(chain(error)),
    }
}

/// Polls until a signal stops it, or once.
///
/// # Errors
///
/// The configuration is bad, or the store is away in the one round of `--once`.
pub(crate) fn run(args: &CrawlerArgs) -> Result<ExitCode, Failure> {
    args.log.start()?;
    runtime::start()?.block_on(async {
        let store = args.store.open(&args.data).await?;
        let options = options(&args.hosts, &args.poll, &args.data);
        let crawler = Crawler::new(options, store).map_err(|error| failure(&error))?;
        let shutdown = runtime::stop_on_signal()?;
        if args.once {
            let Some(report) = shutdown.run_until_cancelled(crawler.once()).await else {
                return Err(Failure::runtime("stopped before the poll was complete"));
            };
            let report = report.map_err(|error| failure(&error))?;
            return Ok(print(&report));
        }
        runtime::report_ready();
        crawler
            .run(shutdown)
            .await
            .map_err(|error| failure(&error))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Prints the result of one round.
#[expect(
    clippy::print_stdout,
    reason = "the result of --once goes to standard output"
)]
fn print(report: &ecoman_crawler::OnceReport) -> ExitCode {
    for (node, vms) in &report.answered {
        match vms {
            1 => println!("{node}: 1 VM"),
            vms => println!("{node}: {vms} VMs"),
        }
        let of_node = report.warnings.iter().filter(|(name, _)| name == node);
        for warning in of_node.flat_map(|(_, warnings)| warnings) {
            println!("  warning: {}", marks::plain_line(warning));
        }
    }
    for (_, failure) in &report.failed {
        println!("{}\n  {}", failure.message, failure.hint);
    }
    if report.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
