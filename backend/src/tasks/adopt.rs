//! Orphans: unfinished tasks that no process runs, because theirs has died.

use std::sync::Arc;
use std::time::Duration;

use ecoman_model::{TaskProgress, TaskState};
use ecoman_store::{StoreError, TaskQuery};
use tokio::time::sleep;

use super::Tasks;
use super::run::HandOver;
use super::shared::{RETRY, Shared};
use crate::error_chain::chain;

/// How often orphans are adopted: unfinished tasks of a dashboard that has died.
const ADOPT_INTERVAL: Duration = Duration::from_secs(15);

impl Tasks {
    /// Adopts orphans until the server stops.
    pub(crate) async fn run(self) {
        let shared = &self.shared;
        let mut first = true;
        let mut warned = false;
        loop {
            if let Err(error) = shared.adopt_orphans(first).await {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(error = chain(&error), "cannot look for unfinished tasks");
                }
                sleep(RETRY).await;
                continue;
            }
            (first, warned) = (false, false);
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
                    tracing::info!(task = %task.id, node = %task.node, "adopting a task");
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
