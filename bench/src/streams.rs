//! Many event streams of one dashboard, which all receive what changes in its store.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use ecoman_model::{Round, RoundVms};
use ecoman_store::Store;
use futures::StreamExt as _;
use reqwest::Client;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::serving::Serving;

/// The comment of a changed VM begins with this; the number of the change follows.
const MARK: &str = "bench-change-";

/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Open streams.
#[derive(Debug)]
pub(crate) struct Streams {
    count: usize,
    seen: mpsc::UnboundedReceiver<Seen>,
    _reading: JoinSet<Result<()>>,
}

/// Writes changes into a store, one VM at a time.
#[derive(Debug)]
pub(crate) struct Changes {
    round: Round,
    made: usize,
}

/// One stream has a change.
#[derive(Clone, Copy, Debug)]
struct Seen {
    change: usize,
    at: Instant,
}

impl Streams {
    /// Opens them.
    ///
    /// # Errors
    ///
    /// The dashboard refuses one.
    pub(crate) async fn open(serving: &Serving, count: usize) -> Result<Self> {
        let client = Client::new();
        let (sender, seen) = mpsc::unbounded_channel();
        let mut reading = JoinSet::new();
        for _ in 0..count {
            let answer = client.get(serving.url("/api/v1/events")).send().await?;
            let mut body = answer.error_for_status()?.bytes_stream();
            let sender = sender.clone();
            reading.spawn(async move {
                // The beginning of a line that has not ended.
                let mut begun = Vec::new();
                while let Some(piece) = body.next().await {
                    begun.extend_from_slice(&piece?);
                    let at = Instant::now();
                    let Some(end) = begun.iter().rposition(|byte| *byte == b'\n') else {
                        continue;
                    };
                    let rest = begun.split_off(end + 1);
                    let lines = std::mem::replace(&mut begun, rest);
                    for change in changes_in(&String::from_utf8_lossy(&lines)) {
                        sender.send(Seen { change, at })?;
                    }
                }
                Ok(())
            });
        }
        Ok(Self {
            count,
            seen,
            _reading: reading,
        })
    }

    /// When the last of the streams has had a change; earlier ones do not count any more.
    ///
    /// # Errors
    ///
    /// Some do not get it in time.
    pub(crate) async fn all_have(&mut self, change: usize) -> Result<Instant> {
        let mut missing = self.count;
        let all = async {
            let mut last = None;
            while missing > 0 {
                let seen = self.seen.recv().await.context("the streams have ended")?;
                if seen.change == change {
                    missing -= 1;
                    last = last.max(Some(seen.at));
                }
            }
            last.context("there is no stream")
        };
        match tokio::time::timeout(PATIENCE, all).await {
            Ok(last) => last,
            Err(_) => anyhow::bail!(
                "{missing} of {} streams had no change {change} within {PATIENCE:?}",
                self.count
            ),
        }
    }
}

impl Changes {
    /// Changes to the VMs of a round that the store has.
    pub(crate) fn to(round: Round) -> Self {
        Self { round, made: 0 }
    }

    /// Changes the next VM and returns the number of the change.
    ///
    /// # Errors
    ///
    /// The store does not take it.
    pub(crate) async fn make(&mut self, store: &dyn Store) -> Result<usize> {
        self.made += 1;
        let RoundVms::Complete(vms) = &mut self.round.vms else {
            anyhow::bail!("the round is not complete");
        };
        let place = self.made.checked_rem(vms.len()).unwrap_or_default();
        let vm = vms.get_mut(place).context("the round has no VM")?;
        vm.facts.comment = Some(format!("{MARK}{}", self.made));
        store.record_round(&self.round).await?;
        Ok(self.made)
    }
}

/// The changes that some lines of a stream contain.
fn changes_in(lines: &str) -> impl Iterator<Item = usize> {
    lines.split(MARK).skip(1).filter_map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_digit());
        rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
    })
}
