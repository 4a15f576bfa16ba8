//! Orphans: unfinished tasks that no process runs, because theirs has died.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ecoman_model::{TaskProgress, TaskState};
use ecoman_store::{StoreError, TaskQuery};
use tokio::time::{Instant, sleep};

use super::Tasks;
use super::run::HandOver;
use super::shared::{RETRY, Shared};
use crate::error_chain::chain;

/// How often orphans are adopted: unfinished tasks of a dashboard that has died.
const ADOPT_INTERVAL: Duration = Duration::from_secs(15);

/// How many finished tasks the store keeps however old they are, and how often others are forgotten.
const MIN_FINISHED_TASKS: u64 = 5_000;
const PRUNE_INTERVAL: Duration = Duration::from_secs(3600);

impl Tasks {
    /// Adopts orphans, and forgets tasks that are older than `kept`, until the server stops.
    pub(crate) async fn run(self, kept: TimeDelta) {
        let shared = &self.shared;
        let mut first = true;
        let mut warned = false;
        let mut forgotten: Option<Instant> = None;
        loop {
            if let Err(error) = shared.adopt_orphans(first).await {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(error = chain(&error), "cannot look for unfinished tasks");
                }
                sleep(RETRY).await;
                continue;
            }
            (first, warned) = (false, false);
            if forgotten.is_none_or(|at| at.elapsed() >= PRUNE_INTERVAL) {
                let before = (shared.clock)() - kept;
                match shared.store.forget_tasks(before, MIN_FINISHED_TASKS).await {
                    Ok(count) => {
                        forgotten = Some(Instant::now());
                        if count > 0 {
                            tracing::info!(count, "forgot old tasks");
                        }
                    }
                    Err(error) if error.unwritable().is_some() => {}
                    Err(error) => {
                        tracing::warn!(error = chain(&error), "cannot forget old tasks");
                    }
                }
            }
            sleep(ADOPT_INTERVAL).await;
        }
    }
}

impl Shared {
    /// Runs every unfinished task that this process does not run yet. Later than the `first` time it
    /// skips young ones: another dashboard is about to hand them over.
    pub(super) async fn adopt_orphans(self: &Arc<Self>, first: bool) -> Result<(), StoreError> {
        let unfinished = TaskQuery {
            states: vec![TaskState::Queued, TaskState::Running],
            ..TaskQuery::default()
        };
        let now = (self.clock)();
        for task in self.store.tasks(&unfinished).await? {
            let age = now - task.created_at;
            if !first && age.to_std().is_ok_and(|age| age < ADOPT_INTERVAL) {
                continue;
            }
            let Some(claim) = self.claim(task.id) else {
                continue;
            };
            // It may have ended between the query and the claim.
            match self.store.task(task.id).await? {
                Some(task) if !task.progress.state.is_final() => {
                    tracing::info!(task = %task.id, node = %task.node, "adopts a task");
                    if let Some(cancelled) = task.cancelled.clone() {
                        self.cancel_here(task.id, cancelled);
                    }
                    let handed = if task.progress == TaskProgress::default() {
                        HandOver::Unknown
                    } else {
                        HandOver::Accepted
                    };
                    self.start(task, handed, claim);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
