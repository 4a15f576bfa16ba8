//! `ecoman-bench history`: what the history of 100 nodes with 100 VMs each costs, at five changes a VM
//! and day.

use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::{TimeDelta, Utc};
use clap::Args;
use ecoman_model::{PowerState, Round, RoundVms, Timestamp, VmRecord};
use ecoman_store::{EmbeddedStore, Store as _};
use reqwest::Client;

use crate::figure::{Figure, median, millis, say};
use crate::inventory;
use crate::serving::Serving;

const NODES: usize = 100;
const VMS: usize = 10_000;
const CHANGES_A_DAY: u32 = 5;
/// How often each page is asked for.
const REPEATS: usize = 50;
const FIRST_PAGE_GOAL_MS: f64 = 50.0;
const OF_VM_GOAL_MS: f64 = 20.0;
const OF_NODE_GOAL_MS: f64 = 20.0;

/// How much of it.
#[derive(Args, Debug)]
pub(crate) struct HistoryArgs {
    /// Days that the history goes back: 50,000 events each. 90 are kept by default
    #[arg(long, default_value_t = 9)]
    days: u32,
}

/// Fills a store, and measures the first pages of a dashboard over it.
///
/// # Errors
///
/// The store cannot be written, or the dashboard does not answer as it should.
pub(crate) async fn run(args: &HistoryArgs) -> Result<()> {
    let data = tempfile::tempdir()?;
    let path = data.path().join("ecoman.redb");
    let store = EmbeddedStore::open(&path).await?;
    let rounds = inventory::rounds(NODES, VMS)?;
    for round in &rounds {
        store.record_round(round).await?;
    }
    let before = std::fs::metadata(&path)?.len();
    let steps = args.days * CHANGES_A_DAY;
    let begin = Utc::now() - TimeDelta::days(args.days.into());
    let between = TimeDelta::days(1) / i32::try_from(CHANGES_A_DAY)?;
    let since = Instant::now();
    for step in 1..=steps {
        let at = begin + between * i32::try_from(step - 1)?;
        for round in &rounds {
            store.record_round(&changed(round, step, at)).await?;
        }
    }
    let filled = since.elapsed();
    drop(store);
    let events = u64::from(steps) * u64::try_from(VMS)?;
    let bytes = std::fs::metadata(&path)?.len().saturating_sub(before);
    say(format_args!(
        "{} days, {events} events: {} MB, {} bytes an event",
        args.days,
        bytes / (1024 * 1024),
        bytes / events.max(1),
    ));
    #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
    let megabytes = bytes as f64 / (1024.0 * 1024.0);
    Figure::lower("history_store", megabytes, "MB").report();
    let a_round = filled / steps.max(1) / u32::try_from(NODES)?;
    Figure::lower("history_round_of_100_changes", millis(a_round), "ms").report();

    let dashboard = Serving::over(data, &[("ECOMAN_STORE", "embedded")]).await?;
    let client = Client::new();
    let pages = |query: fn(usize) -> String| {
        let (client, dashboard) = (&client, &dashboard);
        async move {
            let mut times = Vec::new();
            for turn in 0..REPEATS {
                let url = dashboard.url(&format!("/api/v1/history?{}", query(turn)));
                times.push(timed(client, &url).await?);
            }
            anyhow::Ok(millis(median(&mut times)))
        }
    };
    Figure::lower("history_first_page", pages(|_| String::new()).await?, "ms")
        .goal(FIRST_PAGE_GOAL_MS)
        .report();
    let of_vm = |turn: usize| format!("vm=esxi-{:03}/{}", turn * 7 % NODES + 1, turn % 97 + 1);
    Figure::lower("history_of_vm", pages(of_vm).await?, "ms")
        .goal(OF_VM_GOAL_MS)
        .report();
    let of_node = |turn: usize| format!("node=esxi-{:03}", turn * 7 % NODES + 1);
    Figure::lower("history_of_node", pages(of_node).await?, "ms")
        .goal(OF_NODE_GOAL_MS)
        .report();
    let text = |_| "q=no%20such%20text".to_owned();
    Figure::lower("history_text_not_found", pages(text).await?, "ms").report();
    dashboard.stop().await
}

/// The round at another time, with something new of each VM.
fn changed(round: &Round, step: u32, at: Timestamp) -> Round {
    let mut round = round.clone();
    round.node.observed_at = Some(at);
    round.node.attempted_at = Some(at);
    if let RoundVms::Complete(vms) = &mut round.vms {
        for (place, vm) in vms.iter_mut().enumerate() {
            // Not all at the same time.
            let offset = i64::try_from(place).unwrap_or_default();
            vm.observed_at = at + TimeDelta::milliseconds(offset);
            change(vm, step);
        }
    }
    round
}

/// What the VM is after so many changes: each differs from the one before by one value.
fn change(vm: &mut VmRecord, step: u32) {
    let (turn, last) = (step / CHANGES_A_DAY, step % CHANGES_A_DAY);
    let had = |kind: u32| turn + u32::from(last >= kind);
    vm.facts.power = match (had(1) + had(3)) % 2 {
        0 => PowerState::Off,
        _ => PowerState::On,
    };
    vm.facts.ip_address = Some(format!("198.51.100.{}", had(2) % 200 + 1));
    vm.facts.memory_mb = Some(1024 * (u64::from(had(4)) % 8 + 1));
    vm.facts.comment = Some(format!("owner: ops; change {turn} of this VM"));
}

async fn timed(client: &Client, url: &str) -> Result<Duration> {
    let begin = Instant::now();
    let answer = client.get(url).send().await?;
    answer.error_for_status()?.bytes().await?;
    Ok(begin.elapsed())
}
