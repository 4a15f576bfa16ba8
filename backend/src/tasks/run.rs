//! A task that is written down, until it has ended: handed over, followed, finished.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ecoman_api::executor::Order;
use ecoman_model::{Task, TaskError, TaskErrorKind, TaskProgress, TaskState};
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::time::sleep;

use super::executor::ExecutorError;
use super::shared::{Claim, RETRY, Shared, WRITE_EVERY};
use crate::error_chain::chain;

/// Nobody wants a machine switched off by what was asked long ago: what could not be handed over
/// by then is given up.
const ORDER_WITHIN: TimeDelta = TimeDelta::seconds(60);

/// Whether the executor has got a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handed {
    /// It has not.
    Never,
    /// Nobody knows.
    Perhaps,
    /// It has: it has reported of it.
    Surely,
}

/// How a task ended; `None`: somebody else has kept that already.
type End = Option<TaskProgress>;

impl Shared {
    /// Has a future see to a task.
    pub(super) fn start(self: &Arc<Self>, task: Task, handed: Handed, claim: Claim) {
        let shared = Arc::clone(self);
        self.spawn(async move { shared.see_to(task, handed, claim).await });
    }

    /// Brings a task to its end.
    pub(super) async fn see_to(self: Arc<Self>, mut task: Task, mut handed: Handed, _claim: Claim) {
        let mut told = false;
        let end = loop {
            match self.attempt(&mut task, &mut handed).await {
                Ok(ControlFlow::Break(end)) => break end,
                Ok(ControlFlow::Continue(())) => told = false,
                Err(error) => {
                    let why = sentence(&chain(&error));
                    if handed == Handed::Never && self.is_too_late(&task) {
                        break Some(self.failure(not_handed_over(&task, &why)));
                    }
                    if !told {
                        tracing::warn!(task = %task.id, error = why, "lost the executor");
                        told = true;
                    }
                    sleep(RETRY).await;
                }
            }
        };
        if let Some(progress) = end {
            task.progress = progress;
            self.conclude(task).await;
        }
    }

    /// One try at bringing it further. Errors are those that may pass.
    pub(super) async fn attempt(
        &self,
        task: &mut Task,
        handed: &mut Handed,
    ) -> Result<ControlFlow<End>, ExecutorError> {
        let Some(instance) = task.executor else {
            *handed = Handed::Never;
            task.executor = Some(self.executor.instance().await?.instance);
            return Ok(if self.write(task).await {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(None)
            });
        };
        if *handed != Handed::Never {
            if self.executor.instance().await?.instance != instance {
                // Another dashboard may have seen to it meanwhile.
                let known = self
                    .insist("read a task", || self.store.task(task.id))
                    .await;
                let known = known.filter(|known| !known.progress.state.is_final());
                let Some(known) = known else {
                    return Ok(ControlFlow::Break(None));
                };
                if known.executor != task.executor {
                    *task = known;
                    *handed = Handed::Perhaps;
                    return Ok(ControlFlow::Continue(()));
                }
                if goes_on(task) {
                    begin_anew(task);
                    return Ok(ControlFlow::Continue(()));
                }
                return Ok(ControlFlow::Break(Some(self.interruption(task))));
            }
            match self.executor.report(task.id).await? {
                Some(report) => {
                    *handed = Handed::Surely;
                    task.progress = report.progress;
                }
                None if self.has_ended(task.id).await => {
                    return Ok(ControlFlow::Break(None));
                }
                None if *handed == Handed::Surely => {
                    return Ok(ControlFlow::Break(Some(self.interruption(task))));
                }
                None => *handed = Handed::Never,
            }
        }
        if *handed == Handed::Never {
            if self.is_too_late(task) {
                let why = "It could not be handed to the executor in time.";
                let failure = self.failure(not_handed_over(task, why));
                return Ok(ControlFlow::Break(Some(failure)));
            }
            let order = Order {
                id: task.id,
                instance,
                node: task.node.clone(),
                request: task.request.clone(),
            };
            match self.executor.order(&order).await {
                Ok(report) => {
                    *handed = Handed::Surely;
                    task.progress = report.progress;
                }
                Err(ExecutorError::OtherInstance) => {
                    task.executor = None;
                    return Ok(ControlFlow::Continue(()));
                }
                // Another dashboard has seen to it while this one stood still.
                Err(ExecutorError::Forgotten) => {
                    *handed = Handed::Surely;
                    return Ok(ControlFlow::Continue(()));
                }
                Err(error @ ExecutorError::Refused { .. }) => {
                    let why = sentence(&chain(&error));
                    let failure = self.failure(not_handed_over(task, &why));
                    return Ok(ControlFlow::Break(Some(failure)));
                }
                Err(error @ (ExecutorError::Away { .. } | ExecutorError::Stopping { .. })) => {
                    return Err(error);
                }
                Err(error) => {
                    *handed = Handed::Perhaps;
                    return Err(error);
                }
            }
        }
        match self.follow(task).await? {
            // The executor stops.
            ControlFlow::Break(Some(end))
                if end.state == TaskState::Interrupted && goes_on(task) =>
            {
                begin_anew(task);
                sleep(RETRY).await;
                Ok(ControlFlow::Continue(()))
            }
            went_on => Ok(went_on),
        }
    }

    /// Follows the reports to the last one, and writes them down meanwhile.
    pub(super) async fn follow(&self, task: &mut Task) -> Result<ControlFlow<End>, ExecutorError> {
        if task.progress.state.is_final() {
            let end = Some(task.progress.clone());
            return Ok(ControlFlow::Break(end));
        }
        let (latest, mut unwritten) = watch::channel(task.progress.clone());
        // What has been reported until now is news for the store too.
        unwritten.mark_changed();
        let mut written = task.clone();
        let writing = async {
            while unwritten.changed().await.is_ok() {
                written.progress = unwritten.borrow_and_update().clone();
                if !self.write(&written).await {
                    return;
                }
                sleep(WRITE_EVERY).await;
            }
        };
        let reading = async {
            let mut reports = self.executor.reports(task.id).await?;
            while let Some(report) = reports.next().await {
                let progress = report?.progress;
                if progress.state.is_final() {
                    return Ok(Some(progress));
                }
                latest.send_replace(progress);
            }
            // Cut off in the middle: the task is asked for again.
            Ok(None)
        };
        tokio::pin!(writing, reading);
        let end = tokio::select! {
            end = &mut reading => end,
            // Somebody else has kept the end.
            () = &mut writing => return Ok(ControlFlow::Break(None)),
        };
        task.progress.clone_from(&latest.borrow());
        match end? {
            Some(progress) => Ok(ControlFlow::Break(Some(progress))),
            None => {
                sleep(WRITE_EVERY).await;
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    pub(super) fn is_too_late(&self, task: &Task) -> bool {
        // What was left behind has to go, however late.
        !goes_on(task) && (self.clock)() - task.created_at > ORDER_WITHIN
    }
}

pub(super) fn not_handed_over(task: &Task, why: &str) -> TaskError {
    TaskError {
        kind: TaskErrorKind::Executor,
        message: format!("{why} Nothing was asked of {}.", task.node),
        hint: "Ask again once the executor is there.".to_owned(),
        left: Vec::new(),
    }
}

/// Whether the task is handed over again when the run of the executor that had it is gone.
fn goes_on(task: &Task) -> bool {
    task.request.act().after_crash().goes_on()
}

fn begin_anew(task: &mut Task) {
    task.executor = None;
    task.progress = TaskProgress::default();
}

/// A message of an error as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let mut sentence: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
