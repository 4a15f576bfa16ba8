//! `ecoman demo`: `up` over simulated nodes.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ecoman_backend::DashboardArgs;
use ecoman_crawler::CrawlerOptions;
use ecoman_esxi::SessionOptions;
use ecoman_simulator::{NodeSpec, SimulatedNode, SimulatorError};
use ecoman_store::EmbeddedStore;
use tokio_util::sync::CancellationToken;

use super::up::Roles;
use crate::exit::{Failure, chain};
use crate::options::hosts::HostsArgs;
use crate::options::log::LogArgs;
use crate::options::store::DataArgs;
use crate::runtime;

/// Short, so that changes show while a person watches.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long the last node is there, and away, in turn.
const THERE: Duration = Duration::from_secs(60);
const AWAY: Duration = Duration::from_secs(30);

/// Options of the simulation.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    nodes: u16,

    /// VMs per host
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(0..=1024))]
    vms: u16,

    /// Keeps all hosts reachable; by default the last one disappears at times
    #[arg(long)]
    steady: bool,

    #[command(flatten)]
    dashboard: DashboardArgs,

    #[command(flatten)]
    log: LogArgs,
}

/// Runs simulated nodes and all roles until a signal stops it; leaves nothing behind.
///
/// # Errors
///
/// openssh-server or busybox is missing, or the address is taken.
pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    args.log.start()?;
    let directory = tempfile::tempdir()
        .map_err(|error| Failure::runtime(format!("cannot create a directory: {error}")))?;
    let nodes: Vec<Arc<SimulatedNode>> = (0..args.nodes)
        .map(|index| {
            SimulatedNode::start(NodeSpec::demo(usize::from(index), usize::from(args.vms)))
                .map(Arc::new)
        })
        .collect::<Result<_, SimulatorError>>()
        .map_err(|error| Failure::configuration(chain(&error)))?;
    write_files(directory.path(), &nodes)?;
    runtime::start()?.block_on(async {
        let shutdown = runtime::stop_on_signal()?;
        let store = EmbeddedStore::open(&directory.path().join("ecoman.redb"))
            .await
            .map_err(|error| Failure::runtime(chain(&error)))?;
        if let (Some(last), false) = (nodes.last(), args.steady) {
            tokio::spawn(come_and_go(Arc::clone(last), shutdown.clone()));
        }
        let options = CrawlerOptions {
            interval: INTERVAL,
            session: SessionOptions {
                // Only the simulated nodes' own keys: the user's known_hosts has no part in this.
                known_hosts: vec![directory.path().join("known_hosts")],
                ..SessionOptions::new(directory.path().join("known_hosts"))
            },
            ..CrawlerOptions::new(directory.path().join("hosts.yml"))
        };
        tracing::info!(
            nodes = nodes.len(),
            vms = args.vms,
            hosts = %directory.path().join("hosts.yml").display(),
            "demo: simulated hosts behind a real sshd; stop with Ctrl-C"
        );
        let hosts = HostsArgs {
            hosts_path: directory.path().join("hosts.yml"),
        };
        let data = DataArgs {
            ecoman_data: directory.path().to_owned(),
        };
        let all = Roles {
            crawler: options,
            hosts: &hosts,
            dashboard: &args.dashboard,
            executor_port: 0,
            store: Arc::new(store),
            data: &data,
        };
        all.serve(shutdown).await
    })
}

/// hosts.yml and known_hosts of the simulated nodes.
fn write_files(directory: &Path, nodes: &[Arc<SimulatedNode>]) -> Result<(), Failure> {
    let hosts: String = nodes.iter().map(|node| node.hosts_yml_entry()).collect();
    let keys: String = nodes
        .iter()
        .map(|node| node.known_hosts_line() + "\n")
        .collect();
    for (name, text) in [("hosts.yml", hosts), ("known_hosts", keys)] {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|error| {
            Failure::runtime(format!("cannot write {}: {error}", path.display()))
        })?;
    }
    Ok(())
}

/// Takes a node away and brings it back, so that one sees what that looks like.
async fn come_and_go(node: Arc<SimulatedNode>, shutdown: CancellationToken) {
    loop {
        for (pause, there) in [(THERE, false), (AWAY, true)] {
            if shutdown
                .run_until_cancelled(tokio::time::sleep(pause))
                .await
                .is_none()
            {
                return;
            }
            let node = Arc::clone(&node);
            let name = node.name().to_owned();
            let done = tokio::task::spawn_blocking(move || {
                if there {
                    node.start_again()
                } else {
                    node.stop()
                }
            });
            match done.await {
                Ok(Ok(())) if there => tracing::info!("demo: {name} is reachable again"),
                Ok(Ok(())) => {
                    tracing::info!("demo: {name} is unreachable for {} s", AWAY.as_secs());
                }
                Ok(Err(error)) => tracing::error!("demo: {name}: {}", chain(&error)),
                Err(error) => tracing::error!("demo: {name}: {error}"),
            }
        }
    }
}
