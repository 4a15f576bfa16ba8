//! `ecoman-bench note`: from a change on a node, with a note to the crawler, to the store.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use ecoman_crawler::{Crawler, CrawlerOptions};
use ecoman_esxi::SessionOptions;
use ecoman_model::{NodeName, PowerState, RefreshRequest, Vmid};
use ecoman_simulator::{NodeSpec, Power, SimulatedNode, VmSpec};
use ecoman_store::{EmbeddedStore, MongoSettings, MongoStore, Store};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::figure::{Figure, millis, say};
use crate::process::Mongod;

const VMS: u32 = 50;
const LATENCY: Duration = Duration::from_millis(200);
const CHANGES: u32 = 20;
/// The budget of the whole way to the page, of which this is all but the last step.
const GOAL: Duration = Duration::from_secs(3);
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures with the embedded store, and with MongoDB where there is one.
///
/// # Errors
///
/// The node does not start, or a change did not show.
pub(crate) async fn run() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let embedded = EmbeddedStore::open(&directory.path().join("ecoman.redb")).await?;
    measure("own_action_visible", Arc::new(embedded)).await?;

    match Mongod::start().await? {
        Some(mongod) => {
            let store = MongoStore::connect(&MongoSettings {
                uri: None,
                host: mongod.host(),
                username: String::new(),
                password: String::new(),
                dbname: "ecoman".to_owned(),
            })
            .await?;
            measure("own_action_visible_mongodb", Arc::new(store)).await?;
            mongod.stop().await
        }
        None => {
            say("MongoDB is left out: ECOMAN_MONGOD names no mongod");
            Ok(())
        }
    }
}

/// The slowest of some changes, each from the moment in which the node has it.
async fn measure(figure: &str, store: Arc<dyn Store>) -> Result<()> {
    let vms = (1..=VMS).map(|vmid| VmSpec::new(&format!("vm-{vmid:03}")));
    let node = SimulatedNode::start(NodeSpec::new("esxi-001").vms(vms).latency(LATENCY))?;
    let name: NodeName = node.name().parse()?;
    let directory = tempfile::tempdir()?;
    let known_hosts = directory.path().join("known_hosts");
    let hosts_path = directory.path().join("hosts.yml");
    fs::write(&known_hosts, node.known_hosts_line() + "\n")?;
    fs::write(&hosts_path, node.hosts_yml_entry())?;
    let options = CrawlerOptions {
        // So that nothing but the notes makes it look.
        interval: Duration::from_secs(3600),
        session: SessionOptions::new(known_hosts),
        ..CrawlerOptions::new(hosts_path)
    };
    let stop = CancellationToken::new();
    let crawling = tokio::spawn(Crawler::new(options, Arc::clone(&store))?.run(stop.clone()));
    shown(&*store, &name, Vmid(1), PowerState::Off).await?;

    let mut slowest = Duration::ZERO;
    for vmid in 1..=CHANGES {
        node.edit_vm(vmid, |vm| vm.power = Power::On)?;
        let since = Instant::now();
        let note = RefreshRequest {
            id: Uuid::new_v4(),
            node: name.clone(),
            vmid: Some(Vmid(vmid)),
            requested_at: chrono::Utc::now(),
            whole: false,
        };
        store.request_refresh(&note).await?;
        shown(&*store, &name, Vmid(vmid), PowerState::On).await?;
        slowest = slowest.max(since.elapsed());
    }
    stop.cancel();
    crawling.await??;
    Figure::lower(figure, millis(slowest), "ms")
        .goal(millis(GOAL))
        .report();
    Ok(())
}

/// Waits until the store shows a VM in a power state.
async fn shown(store: &dyn Store, node: &NodeName, vmid: Vmid, power: PowerState) -> Result<()> {
    let follow = async {
        let mut known = BTreeMap::new();
        loop {
            known = store.changed(&known).await?;
            let state = store.node_state(node).await?;
            let vms = state.map(|state| state.vms).unwrap_or_default();
            if vms
                .iter()
                .any(|vm| vm.key.vmid == vmid && vm.facts.power == power)
            {
                return Ok(());
            }
        }
    };
    tokio::time::timeout(PATIENCE, follow)
        .await
        .with_context(|| format!("VM {vmid} did not show as {power:?} within {PATIENCE:?}"))?
}
