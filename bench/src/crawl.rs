//! `ecoman-bench crawl`: rounds over simulated nodes whose every command takes its time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ecoman_crawler::{Crawler, CrawlerOptions};
use ecoman_esxi::{Hosts, Session, SessionOptions};
use ecoman_model::{NodeName, Timestamp};
use ecoman_store::{EmbeddedStore, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::figure::{Figure, median, say};
use crate::simulated::SimulatedNodes;

const NODES: usize = 10;
const VMS: usize = 50;
const LATENCY: Duration = Duration::from_millis(200);
const SESSIONS: u8 = 8;
/// The allowance of the bound beyond the unavoidable part.
const TOLERANCE: f64 = 1.2;
/// Goal for the crawler's own CPU time per VM and round.
const CPU_GOAL_MS: f64 = 1.0;
/// Rounds over which the crawler's CPU time is counted, after the first one.
const COUNTED_ROUNDS: usize = 5;
const INTERVAL: Duration = Duration::from_secs(4);
/// `sysconf(_SC_CLK_TCK)`, the unit of /proc/self/stat: 100 on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Measures.
///
/// # Errors
///
/// The nodes do not start, or did not all answer.
pub(crate) async fn run() -> Result<()> {
    let nodes = SimulatedNodes::start(NODES, VMS, LATENCY, SESSIONS).await?;
    let session = SessionOptions::new(nodes.data().join("known_hosts"));
    let options = CrawlerOptions {
        interval: INTERVAL,
        session: session.clone(),
        ..CrawlerOptions::new(nodes.hosts())
    };
    // The listing of a node and a dump per VM, as many at once as it has sessions.
    let turns = (VMS + 1).div_ceil(usize::from(SESSIONS));
    let commands = LATENCY.mul_f64(f64::from(u32::try_from(turns)?));

    let connect = connect_all(&nodes.hosts(), &session).await?;
    Figure::lower("crawl_connect", connect.as_secs_f64(), "s").report();

    let cold = open_store(nodes.data(), "cold.redb").await?;
    let since = Instant::now();
    let report = Crawler::new(options.clone(), cold)?.once().await?;
    let cold = since.elapsed();
    ensure!(
        report.answered.len() == NODES && report.answered.iter().all(|(_, vms)| *vms == VMS),
        "not every node reported all its VMs: {report:?}"
    );
    let bound = (commands + connect).mul_f64(TOLERANCE);
    Figure::lower("crawl_with_connect", cold.as_secs_f64(), "s")
        .goal(bound.as_secs_f64())
        .report();

    let store = open_store(nodes.data(), "warm.redb").await?;
    let stop = CancellationToken::new();
    let crawling = tokio::spawn(Crawler::new(options, Arc::clone(&store))?.run(stop.clone()));
    let mut follower = Follower::default();
    follower.until_rounds(&*store, 1).await?;
    let cpu_before = cpu_time()?;
    follower.until_rounds(&*store, 1 + COUNTED_ROUNDS).await?;
    let cpu = cpu_time()? - cpu_before;
    stop.cancel();
    crawling.await??;

    Figure::lower(
        "crawl_connected",
        follower.slowest_of_a_round().as_secs_f64(),
        "s",
    )
    .goal(commands.mul_f64(TOLERANCE).as_secs_f64())
    .report();
    let observed = NODES * VMS * COUNTED_ROUNDS;
    let per_vm = cpu.as_secs_f64() * 1000.0 / f64::from(u32::try_from(observed)?);
    Figure::lower("crawl_cpu_per_vm", per_vm, "ms")
        .goal(CPU_GOAL_MS)
        .report();

    let one_by_one = (LATENCY + connect) * u32::try_from(NODES * (VMS + 1))?;
    say(format_args!(
        "{NODES} nodes × {VMS} VMs at {LATENCY:?} a command, {SESSIONS} sessions; the bound is \
         {TOLERANCE} × ({turns} × {LATENCY:?} + {connect:.2?}). One command after the other takes \
         {:.0} s, and {:.0} s with a connection of its own for each (computed, not run).",
        (LATENCY * u32::try_from(NODES * (VMS + 1))?).as_secs_f64(),
        one_by_one.as_secs_f64(),
    ));
    nodes.stop().await
}

async fn open_store(directory: &Path, file: &str) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(EmbeddedStore::open(&directory.join(file)).await?))
}

/// Connects to all nodes at the same time, and returns how long the slowest took.
async fn connect_all(hosts: &Path, options: &SessionOptions) -> Result<Duration> {
    let since = Instant::now();
    let mut connecting = JoinSet::new();
    for host in Hosts::load(hosts)?.nodes {
        let options = options.clone();
        connecting.spawn(async move { Session::connect(&host, &options).await });
    }
    let mut sessions = Vec::new();
    while let Some(session) = connecting.join_next().await {
        sessions.push(session??);
    }
    let took = since.elapsed();
    for session in sessions {
        session.close().await;
    }
    Ok(took)
}

/// Notes the rounds that a crawler records.
#[derive(Debug, Default)]
struct Follower {
    nodes: BTreeMap<NodeName, Rounds>,
}

/// The rounds of a node.
#[derive(Debug, Default)]
struct Rounds {
    last: Option<Timestamp>,
    took: Vec<Duration>,
}

impl Follower {
    /// Waits until every node has had so many rounds.
    async fn until_rounds(&mut self, store: &dyn Store, wanted: usize) -> Result<()> {
        let limit = (INTERVAL + Duration::from_secs(10)) * u32::try_from(wanted)?;
        tokio::time::timeout(limit, self.follow(store, wanted))
            .await
            .with_context(|| format!("after {limit:?} still no {wanted} rounds of each node"))?
    }

    async fn follow(&mut self, store: &dyn Store, wanted: usize) -> Result<()> {
        let mut known = BTreeMap::new();
        loop {
            known = store.changed(&known).await?;
            for name in known.keys() {
                let Some(state) = store.node_state(name).await? else {
                    continue;
                };
                let node = state.node;
                ensure!(node.failure.is_none(), "{name} failed: {:?}", node.failure);
                let rounds = self.nodes.entry(name.clone()).or_default();
                if rounds.last != node.observed_at {
                    rounds.last = node.observed_at;
                    let took = Duration::from_millis(node.round_millis.unwrap_or_default());
                    rounds.took.push(took);
                }
            }
            let enough = |rounds: &Rounds| rounds.took.len() >= wanted;
            if self.nodes.len() == NODES && self.nodes.values().all(enough) {
                return Ok(());
            }
        }
    }

    /// How long the slowest node of a round took: the median of the rounds over kept connections.
    fn slowest_of_a_round(&self) -> Duration {
        let mut slowest: Vec<Duration> = (1..=COUNTED_ROUNDS)
            .filter_map(|round| {
                let took = self
                    .nodes
                    .values()
                    .filter_map(|rounds| rounds.took.get(round));
                took.max().copied()
            })
            .collect();
        say(format_args!("slowest node of each round: {slowest:?}"));
        median(&mut slowest)
    }
}

/// CPU time of this process, without that of the ssh processes that it has started.
fn cpu_time() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program, in brackets, may hold blanks.
    let (_, fields) = stat
        .rsplit_once(") ")
        .context("/proc/self/stat is not as expected")?;
    let mut ticks = fields.split(' ').skip(11).map(str::parse::<u32>);
    let mut next = || -> Result<f64> {
        let ticks = ticks.next().context("/proc/self/stat ends too early")??;
        Ok(f64::from(ticks))
    };
    let (user, system) = (next()?, next()?);
    Ok(Duration::from_secs_f64((user + system) / TICKS_PER_SECOND))
}
