//! Changes of tasks as events.

use chrono::TimeDelta;
use ecoman_model::Task;
use ecoman_store::{StoreError, TaskQuery};
use tokio::time::sleep;

use super::shared::{RETRY, Shared};
use super::{Tasks, view};
use crate::error_chain::chain;
use crate::inventory::published::SentEvent;

impl Tasks {
    /// Publishes every change of a task as an event, until the server stops.
    pub(crate) async fn publish(self) {
        let Shared {
            store, inventory, ..
        } = &*self.shared;
        let mut position = None;
        loop {
            let published = match position {
                None => self.publish_recent().await,
                Some(position) => match store.tasks_changed(position).await {
                    Ok((position, tasks)) => {
                        inventory.publish(tasks.into_iter().map(event).collect());
                        Ok(position)
                    }
                    Err(error) => Err(error),
                },
            };
            match published {
                Ok(next) => position = Some(next),
                // The position stays, so nothing is missed.
                Err(error) => {
                    tracing::debug!(error = chain(&error), "cannot follow the tasks");
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Publishes recent changes, and returns where the next ones begin: a client may have read the
    /// tasks before this server followed them.
    async fn publish_recent(&self) -> Result<u64, StoreError> {
        const RECENT: TimeDelta = TimeDelta::seconds(60);
        const LOOK_AT: usize = 50;
        let Shared {
            store, inventory, ..
        } = &*self.shared;
        let position = store.task_position().await?;
        let newest = TaskQuery {
            limit: LOOK_AT,
            ..TaskQuery::default()
        };
        let now = (self.shared.clock)();
        let mut tasks = store.tasks(&newest).await?;
        tasks.retain(|task| {
            let ended = task.progress.finished_at;
            ended.is_none_or(|at| now - at < RECENT)
        });
        inventory.publish(tasks.into_iter().rev().map(event).collect());
        Ok(position)
    }
}

fn event(task: Task) -> SentEvent {
    let task = ecoman_api::Event::Task(Box::new(view::task(task)));
    SentEvent::new(0, &task)
}
