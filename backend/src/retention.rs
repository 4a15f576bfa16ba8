//! How long the store keeps what has happened: entries of the audit log, events of the history, and
//! finished tasks.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ecoman_store::{Store, StoreError};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::error_chain::chain;

/// How often old things are forgotten, and how soon again where the store did not do it.
const INTERVAL: Duration = Duration::from_secs(3600);
const RETRY: Duration = Duration::from_secs(60);

/// How many finished tasks the store keeps however old they are.
const MIN_FINISHED_TASKS: u64 = 5_000;

/// Forgets what is older than it need be.
pub(crate) struct Retention {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    /// How long the audit log goes back (`DASHBOARD_AUDIT_DAYS`).
    pub(crate) audit: TimeDelta,
    /// How long the history goes back (`DASHBOARD_EVENT_DAYS`).
    pub(crate) events_and_tasks: TimeDelta,
}

impl Retention {
    /// Forgets old things until the server stops.
    pub(crate) async fn run(self) {
        loop {
            let is_done = self.forget().await;
            sleep(if is_done { INTERVAL } else { RETRY }).await;
        }
    }

    /// Returns whether the store has done all of it.
    async fn forget(&self) -> bool {
        let now = (self.clock)();
        let (audit, others) = (now - self.audit, now - self.events_and_tasks);
        let store = &self.store;
        let outcomes = [
            ("entries of the audit log", store.forget_audit(audit).await),
            ("events of the history", store.forget_events(others).await),
            (
                "tasks",
                store.forget_tasks(others, MIN_FINISHED_TASKS).await,
            ),
        ];
        let mut is_done = true;
        for (what, outcome) in outcomes {
            is_done &= log(what, outcome);
        }
        is_done
    }
}

/// Logs what was forgotten, or why nothing was; returns whether it was.
fn log(what: &str, outcome: Result<u64, StoreError>) -> bool {
    match outcome {
        Ok(0) => true,
        Ok(count) => {
            tracing::info!(count, "deleted old {what}");
            true
        }
        // The dashboard says so already.
        Err(error) if error.unwritable().is_some() => false,
        Err(error) => {
            tracing::warn!(error = chain(&error), "cannot delete old {what}");
            false
        }
    }
}
