//! `ecoman-bench ways`: what a round costs a node, by each way of asking it.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ecoman_crawler::{Crawler, CrawlerOptions};
use ecoman_esxi::SessionOptions;
use ecoman_model::{Collect, NodeName, NodeState, Way};
use ecoman_simulator::{NodeSpec, SimulatedNode, VmSpec};
use ecoman_store::{EmbeddedStore, Store};
use tokio_util::sync::CancellationToken;

use crate::figure::{Figure, median, say};

/// What a `vim-cmd` takes a real host.
const LATENCY: Duration = Duration::from_millis(800);
const VMS: [u32; 2] = [50, 500];
/// Rounds that are counted.
const ROUNDS: usize = 3;
/// Goal for the processes of a round of 50 VMs with `vim-cmd`: a third of those for all of them.
const PROCESSES_GOAL: f64 = 17.0;
/// Goals for a round of 50 VMs that reads.
const SECONDS_GOAL: f64 = 1.0;
const CPU_SECONDS_GOAL: f64 = 0.3;
const MEMORY_MIB_GOAL: f64 = 32.0;
/// Longer than two rounds of the largest node with `vim-cmd`.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures.
///
/// # Errors
///
/// A node does not start, or is not asked in the way that it should be.
pub(crate) async fn run() -> Result<()> {
    for vms in VMS {
        measure(vms, Collect::VimCmd, Way::VimCmd).await?;
        measure(vms, Collect::Read, Way::Read).await?;
        measure(vms, Collect::Follow, Way::Follow).await?;
    }
    say(format_args!(
        "a vim-cmd takes {LATENCY:?}; reading takes what this machine's Python and the simulated \
         hostd take"
    ));
    Ok(())
}

async fn measure(vms: u32, collect: Collect, way: Way) -> Result<()> {
    let specs = (1..=vms).map(|vmid| VmSpec::new(&format!("vm-{vmid:03}")).on());
    let spec = NodeSpec::new("esxi-001").vms(specs).latency(LATENCY);
    let node = SimulatedNode::start(spec.python())?;
    let directory = tempfile::tempdir()?;
    let known_hosts = directory.path().join("known_hosts");
    let hosts_path = directory.path().join("hosts.yml");
    fs::write(&known_hosts, node.known_hosts_line() + "\n")?;
    fs::write(&hosts_path, node.hosts_yml_entry())?;
    let store = directory.path().join("ecoman.redb");
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(&store).await?);
    let session = SessionOptions::new(known_hosts);
    let options = CrawlerOptions {
        interval: Duration::from_secs(1),
        collect,
        session,
        ..CrawlerOptions::new(hosts_path)
    };
    let stop = CancellationToken::new();
    let crawling = tokio::spawn(Crawler::new(options, Arc::clone(&store))?.run(stop.clone()));
    let name: NodeName = node.name().parse()?;
    // The first brings the setup, too; after the second a proven node is read.
    let is_asked_so = |state: &NodeState| {
        let used = state.node.collecting.as_ref();
        used.is_some_and(|used| used.way == way)
    };
    let mut state = next_round(&*store, &name, None).await?;
    while !is_asked_so(&state) {
        state = next_round(&*store, &name, Some(&state)).await?;
    }
    state = next_round(&*store, &name, Some(&state)).await?;
    node.forget_calls();
    let signed_in = node.soap_sign_ins();
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        state = next_round(&*store, &name, Some(&state)).await?;
        ensure!(is_asked_so(&state), "not asked by {way:?}: {state:?}");
        ensure!(state.vms.len() == usize::try_from(vms)?, "a VM is missing");
        took.push(Duration::from_millis(
            state.node.round_millis.unwrap_or_default(),
        ));
    }
    let calls = node.calls().len();
    // Each tool signs in for itself; the program once.
    let by_soap = node.soap_sign_ins() - signed_in;
    let sign_ins = node.hostd_sign_ins() - node.soap_sign_ins() + by_soap;
    stop.cancel();
    crawling.await??;

    let figure = |what: &str| {
        let way = match way {
            Way::VimCmd => "vim_cmd",
            Way::Read => "read",
            Way::Follow => "follow",
        };
        format!("ways_{way}_{vms}_{what}")
    };
    let a_round = |count: usize| -> Result<f64> {
        Ok(f64::from(u32::try_from(count)?) / f64::from(u32::try_from(ROUNDS)?))
    };
    let has_goal = vms == VMS[0];
    let seconds = Figure::lower(figure("round"), median(&mut took).as_secs_f64(), "s");
    match way {
        Way::Read | Way::Follow if has_goal => seconds.goal(SECONDS_GOAL).report(),
        _ => seconds.report(),
    }
    // The last round may have begun another.
    let processes = Figure::lower(figure("processes"), a_round(calls)?.floor(), "");
    match way {
        Way::VimCmd if has_goal => processes.goal(PROCESSES_GOAL).report(),
        _ => processes.report(),
    }
    Figure::lower(figure("sign_ins"), a_round(sign_ins)?.floor(), "").report();
    if way != Way::VimCmd {
        let used = state.node.collecting.context("it is not said how")?;
        let cost = used.cost.context("the cost is not counted")?;
        let millis = cost
            .cpu_millis
            .context("the program does not say its CPU time")?;
        let kib = cost.memory_kib.context("it does not say its memory")?;
        let cpu = Duration::from_millis(millis).as_secs_f64();
        let mib = f64::from(u32::try_from(kib)?) / 1024.0;
        Figure::lower(figure("cpu"), cpu, "s")
            .goal(CPU_SECONDS_GOAL)
            .report();
        Figure::lower(figure("memory"), mib, "MiB")
            .goal(MEMORY_MIB_GOAL)
            .report();
    }
    Ok(())
}

/// Waits for the round after the one that is `known`.
async fn next_round(
    store: &dyn Store,
    name: &NodeName,
    known: Option<&NodeState>,
) -> Result<NodeState> {
    let before = known.and_then(|state| state.node.observed_at);
    let waiting = async {
        loop {
            if let Some(state) = store.node_state(name).await?
                && state.node.observed_at.is_some()
                && state.node.observed_at != before
            {
                return Ok(state);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .with_context(|| format!("no round of {name} within {PATIENCE:?}"))?
}
