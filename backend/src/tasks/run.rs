//! A stored task until its end: handed over, followed, finished.

use std::ops::ControlFlow;
use std::sync::Arc;

use chrono::TimeDelta;
use ecoman_api::executor::Order;
use ecoman_api::text::EN;
use ecoman_model::{
    AfterCrash, StepState, Task, TaskError, TaskErrorKind, TaskProgress, TaskState,
};
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::time::sleep;

use super::executor::ExecutorError;
use super::shared::{Claim, RETRY, Shared, WRITE_EVERY};
use crate::error_chain::chain;

/// A task that cannot be handed over in this time fails: a stale request must not power off a VM.
const HAND_OVER_WITHIN: TimeDelta = TimeDelta::seconds(60);

/// Whether the executor has a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandOver {
    /// It was not sent, or was refused.
    NotSent,
    /// It was sent, and the answer was lost.
    Unknown,
    /// The executor has reported about it.
    Accepted,
}

/// How a task ended; `None`: another process has stored that already.
type End = Option<TaskProgress>;

impl Shared {
    /// Runs a task in a future of its own.
    pub(super) fn start(self: &Arc<Self>, task: Task, handed: HandOver, claim: Claim) {
        let shared = Arc::clone(self);
        self.spawn(async move { shared.run_task(task, handed, claim).await });
    }

    /// Runs a task to its end.
    pub(super) async fn run_task(
        self: Arc<Self>,
        mut task: Task,
        mut handed: HandOver,
        _claim: Claim,
    ) {
        let mut warned = false;
        let end = loop {
            match self.attempt(&mut task, &mut handed).await {
                Ok(ControlFlow::Break(end)) => break end,
                Ok(ControlFlow::Continue(())) => warned = false,
                Err(error) => {
                    let why = sentence(&chain(&error));
                    if handed == HandOver::NotSent && self.is_too_late(&task) {
                        break Some(self.failure(not_handed_over(&task, &why)));
                    }
                    if !warned {
                        tracing::warn!(task = %task.id, error = why, "lost the executor");
                        warned = true;
                    }
                    sleep(RETRY).await;
                }
            }
        };
        if let Some(progress) = end {
            task.progress = progress;
            self.finish(task).await;
        }
    }

    /// One attempt to hand over and follow a task. Its errors are worth another attempt.
    pub(super) async fn attempt(
        &self,
        task: &mut Task,
        handed: &mut HandOver,
    ) -> Result<ControlFlow<End>, ExecutorError> {
        let Some(instance) = task.executor else {
            *handed = HandOver::NotSent;
            task.executor = Some(self.executor.instance().await?.instance);
            return Ok(if self.write(task).await {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(None)
            });
        };
        if *handed != HandOver::NotSent {
            if self.executor.instance().await?.instance != instance {
                // Another dashboard may have run it meanwhile.
                let known = self
                    .retry_until_stored("read a task", || self.store.task(task.id))
                    .await;
                let known = known.filter(|known| !known.progress.state.is_final());
                let Some(known) = known else {
                    return Ok(ControlFlow::Break(None));
                };
                if known.executor != task.executor {
                    *task = known;
                    *handed = HandOver::Unknown;
                    return Ok(ControlFlow::Continue(()));
                }
                if goes_on(task) {
                    self.hand_over_again(task);
                    return Ok(ControlFlow::Continue(()));
                }
                return Ok(ControlFlow::Break(Some(self.interruption(task))));
            }
            match self.executor.report(task.id).await? {
                Some(report) => {
                    if *handed == HandOver::Unknown {
                        self.pass_on_cancellation(task).await?;
                    }
                    *handed = HandOver::Accepted;
                    task.progress = report.progress;
                }
                None if self.has_ended(task.id).await => {
                    return Ok(ControlFlow::Break(None));
                }
                None if *handed == HandOver::Accepted => {
                    return Ok(ControlFlow::Break(Some(self.interruption(task))));
                }
                None => *handed = HandOver::NotSent,
            }
        }
        if *handed == HandOver::NotSent {
            // What an earlier run may have begun is followed, cancelled or not.
            let cancelled = self.cancelled(task.id);
            if let Some(cancelled) = cancelled.filter(|_| follows(task).is_none()) {
                let end = self.cancellation(task, cancelled.by);
                return Ok(ControlFlow::Break(Some(end)));
            }
            if self.is_too_late(task) {
                let failure = self.failure(not_handed_over(task, EN.tasks.too_late));
                return Ok(ControlFlow::Break(Some(failure)));
            }
            let order = Order {
                id: task.id,
                instance,
                node: task.node.clone(),
                request: task.request.clone(),
                follows: follows(task),
            };
            match self.executor.order(&order).await {
                Ok(report) => {
                    *handed = HandOver::Accepted;
                    task.progress = report.progress;
                    // Cancelled while the order was on its way.
                    self.pass_on_cancellation(task).await?;
                }
                Err(ExecutorError::OtherInstance) => {
                    task.executor = None;
                    return Ok(ControlFlow::Continue(()));
                }
                // Another dashboard has run it while this one was stalled.
                Err(ExecutorError::Forgotten) => {
                    *handed = HandOver::Accepted;
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
                    *handed = HandOver::Unknown;
                    return Err(error);
                }
            }
        }
        match self.follow(task).await? {
            // The executor stops.
            ControlFlow::Break(Some(end))
                if end.state == TaskState::Interrupted && goes_on(task) =>
            {
                task.progress = end;
                self.hand_over_again(task);
                sleep(RETRY).await;
                Ok(ControlFlow::Continue(()))
            }
            went_on => Ok(went_on),
        }
    }

    /// Cancels a task that the executor has got although it was cancelled.
    async fn pass_on_cancellation(&self, task: &Task) -> Result<(), ExecutorError> {
        let Some(cancelled) = self.cancelled(task.id) else {
            return Ok(());
        };
        match self.executor.cancel(task.id, cancelled.by).await {
            // Too late, perhaps.
            Ok(_) | Err(ExecutorError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Follows the reports to the last one, and stores them meanwhile.
    pub(super) async fn follow(&self, task: &mut Task) -> Result<ControlFlow<End>, ExecutorError> {
        if task.progress.state.is_final() {
            let end = Some(task.progress.clone());
            return Ok(ControlFlow::Break(end));
        }
        let (latest, mut unwritten) = watch::channel(task.progress.clone());
        // The store lacks the reports until now, too.
        unwritten.mark_changed();
        let mut written = task.clone();
        let writing = async {
            let mut asked = None;
            while unwritten.changed().await.is_ok() {
                written.progress = unwritten.borrow_and_update().clone();
                if !self.write(&written).await {
                    return;
                }
                let question = written.progress.question.as_ref();
                let question = question.map(|question| question.id.clone());
                if question.is_some() && question != asked {
                    // The question is a fact of the VM, too: lists and filters go by that.
                    self.request_refresh(&written).await;
                }
                asked = question;
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
            // Cut off in the middle: ask for the task again.
            Ok(None)
        };
        tokio::pin!(writing, reading);
        let end = tokio::select! {
            end = &mut reading => end,
            // Another process has stored the end.
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

    /// The end of a task whose executor's run is gone.
    fn interruption(&self, task: &Task) -> TaskProgress {
        let died = EN.tasks.executor_died;
        let mut progress = task.progress.clone();
        progress.state = TaskState::Interrupted;
        progress.finished_at = Some((self.clock)());
        progress.question = None;
        for step in &mut progress.steps {
            if step.state == StepState::Running {
                step.state = StepState::Failed;
                step.detail = Some(died.to_owned());
            }
        }
        for command in &mut progress.commands {
            if command.exit.is_none() && command.millis.is_none() && command.failure.is_none() {
                command.failure = Some(died.to_owned());
            }
        }
        progress.error = Some(TaskError {
            kind: TaskErrorKind::Interrupted,
            message: (EN.tasks.interrupted)(task.node.as_str()),
            hint: EN.tasks.interrupted_hint.to_owned(),
            left: Vec::new(),
        });
        progress
    }

    /// Has the next run of the executor go on with a task: from the beginning, or from what the store
    /// then says of it for good.
    fn hand_over_again(&self, task: &mut Task) {
        task.executor = None;
        match task.request.act().after_crash() {
            AfterCrash::Followed => {
                // From here on it is never begun: an earlier run may have.
                task.progress.state = TaskState::Running;
                task.progress.finished_at = None;
                task.progress.error = None;
                let now = (self.clock)();
                task.progress.started_at.get_or_insert(now);
            }
            AfterCrash::RunAgain | AfterCrash::Interrupted => {
                task.progress = TaskProgress::default();
            }
        }
    }

    pub(super) fn is_too_late(&self, task: &Task) -> bool {
        // A clean-up is due however late, and so is the end of what the node may be at.
        let due = match task.request.act().after_crash() {
            AfterCrash::RunAgain => true,
            AfterCrash::Followed => follows(task).is_some(),
            AfterCrash::Interrupted => false,
        };
        !due && (self.clock)() - task.created_at > HAND_OVER_WITHIN
    }
}

pub(super) fn not_handed_over(task: &Task, why: &str) -> TaskError {
    TaskError {
        kind: TaskErrorKind::Executor,
        message: (EN.tasks.not_handed_over)(why, task.node.as_str()),
        hint: EN.tasks.not_handed_over_hint.to_owned(),
        left: Vec::new(),
    }
}

/// Whether a task is handed over again when the executor's run that had it is gone.
fn goes_on(task: &Task) -> bool {
    task.request.act().after_crash().goes_on()
}

/// What the next run gets to know of a task that an earlier one may have begun, if it is to follow
/// it.
fn follows(task: &Task) -> Option<TaskProgress> {
    let followed = task.request.act().after_crash() == AfterCrash::Followed;
    (followed && task.progress != TaskProgress::default()).then(|| task.progress.clone())
}

/// The message of an error as a sentence.
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
