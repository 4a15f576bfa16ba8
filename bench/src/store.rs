//! `ecoman-bench store`: 10,000 VMs written, and rounds in which nothing has changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use ecoman_model::{Round, RoundVms};
use ecoman_store::{EmbeddedStore, MongoSettings, MongoStore, Store};

use crate::figure::{Figure, median, millis, say};
use crate::inventory;
use crate::process::Mongod;

const NODES: usize = 100;
const VMS: usize = 10_000;
const REPEATED: usize = 5;

/// Measures the embedded store, and MongoDB where there is one.
///
/// # Errors
///
/// A store cannot be used.
pub(crate) async fn run() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let embedded = EmbeddedStore::open(&directory.path().join("ecoman.redb")).await?;
    measure("embedded", Arc::new(embedded)).await?;

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
            measure("mongodb", Arc::new(store)).await?;
            mongod.stop().await
        }
        None => {
            say("MongoDB is left out: ECOMAN_MONGOD names no mongod");
            Ok(())
        }
    }
}

async fn measure(name: &str, store: Arc<dyn Store>) -> Result<()> {
    let rounds = inventory::rounds(NODES, VMS)?;
    let first = record(&*store, &rounds).await?;
    Figure::lower(format!("store_{name}_first_round"), millis(first), "ms").report();

    let mut unchanged = Vec::new();
    for _ in 0..REPEATED {
        unchanged.push(record(&*store, &later(&rounds)).await?);
    }
    let unchanged = median(&mut unchanged);
    Figure::lower(
        format!("store_{name}_unchanged_round"),
        millis(unchanged),
        "ms",
    )
    .report();

    let since = Instant::now();
    for round in &rounds {
        store.node_state(&round.node.name).await?;
    }
    Figure::lower(
        format!("store_{name}_read_all"),
        millis(since.elapsed()),
        "ms",
    )
    .report();
    Ok(())
}

async fn record(store: &dyn Store, rounds: &[Round]) -> Result<Duration> {
    let since = Instant::now();
    for round in rounds {
        store.record_round(round).await?;
    }
    Ok(since.elapsed())
}

/// The same facts, seen again now.
fn later(rounds: &[Round]) -> Vec<Round> {
    let now = chrono::Utc::now();
    let mut rounds = rounds.to_vec();
    for round in &mut rounds {
        round.node.observed_at = Some(now);
        round.node.attempted_at = Some(now);
        if let RoundVms::Complete(vms) = &mut round.vms {
            vms.iter_mut().for_each(|vm| vm.observed_at = now);
        }
    }
    rounds
}
