//! `ecoman-bench memory`: resident memory of the roles at 100 nodes and 10,000 VMs.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::figure::{Figure, say};
use crate::process::{Memory, Program, ecoman};
use crate::serving::Serving;
use crate::simulated::SimulatedNodes;

const NODES: usize = 100;
const VMS: usize = 10_000;
const GOAL_MB: f64 = 64.0;
/// Browsers that follow the events while memory is looked at.
const READERS: usize = 10;
/// How long a round over all the simulated nodes may take on a small machine.
const ROUND_LIMIT: Duration = Duration::from_secs(600);

/// Measures dashboard and crawler.
///
/// # Errors
///
/// A role does not start, or does not do its work.
pub(crate) async fn run() -> Result<()> {
    dashboard().await?;
    crawler().await
}

async fn dashboard() -> Result<()> {
    let serving = Serving::start(NODES, VMS).await?;
    let client = reqwest::Client::new();
    let mut streams = Vec::new();
    for _ in 0..READERS {
        streams.push(client.get(serving.url("/api/v1/events")).send().await?);
    }
    for encoding in ["identity", "gzip", "br"] {
        for query in ["", "&sort=-memory", "&q=web", "&q=large:true&sort=name"] {
            let url = serving.url(&format!("/api/v1/vms?limit=10000{query}"));
            let request = client.get(url).header("accept-encoding", encoding);
            request.send().await?.error_for_status()?.bytes().await?;
        }
    }
    let memory = serving.program.memory()?;
    report("memory_dashboard", memory);
    say(format_args!(
        "dashboard: {NODES} made-up nodes, {VMS} VMs, {READERS} event streams, the list asked for \
         in four ways and three encodings"
    ));
    drop(streams);
    serving.stop().await
}

async fn crawler() -> Result<()> {
    let nodes = SimulatedNodes::start(NODES, VMS / NODES, Duration::ZERO, 4).await?;
    let mut program = Program::start(
        ecoman()?
            .args(["crawler", "--once"])
            .env("ECOMAN_STORE", "embedded")
            .env("ECOMAN_DATA", nodes.data())
            .env("HOSTS_PATH", nodes.hosts())
            .stdout(std::process::Stdio::null()),
    )?;
    // The highest that is seen until it ends, which frees all.
    let mut memory = None;
    let ended = tokio::time::timeout(ROUND_LIMIT, async {
        loop {
            tokio::select! {
                status = program.ended() => break status,
                () = tokio::time::sleep(Duration::from_millis(20)) => {
                    memory = program.memory().ok().or(memory);
                }
            }
        }
    })
    .await
    .with_context(|| format!("the crawler needed more than {ROUND_LIMIT:?}"))??;
    ensure!(
        ended.success(),
        "the crawler did not reach every simulated node: {ended}"
    );
    report(
        "memory_crawler",
        memory.context("the crawler was not seen running")?,
    );
    say(format_args!(
        "crawler: the peak of a first round over {NODES} simulated nodes with {VMS} VMs, without \
         its ssh processes"
    ));
    nodes.stop().await
}

fn report(name: &str, memory: Memory) {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    Figure::lower(name, megabytes(memory.peak), "MB")
        .goal(GOAL_MB)
        .report();
    say(format_args!(
        "{name}: {:.1} MB at the end",
        megabytes(memory.now)
    ));
}
