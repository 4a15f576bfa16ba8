//! The tasks of this run, by id: the same order twice is one task.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ecoman_api::executor::{Order, Report};
use ecoman_model::{
    AfterCrash, NodeName, TaskError, TaskErrorKind, TaskId, TaskProgress, TaskRequest, TaskState,
};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::acts;
use crate::cancellation::{CancelReason, Cancellation};
use crate::job::{Job, end, refused};
use crate::nodes::Nodes;

/// How long tasks may continue while the executor stops.
const STOP_GRACE: Duration = Duration::from_secs(7);

/// How many forgotten tasks are refused a second time: more than nodes can carry out while an order is
/// on its way, in 4 MB.
const MAX_FORGOTTEN_IDS: usize = 65_536;

#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) instance: Uuid,
    pub(crate) nodes: Arc<Nodes>,
    tasks: Mutex<Tasks>,
    running: TaskTracker,
    /// Ends tasks that have not ended in time.
    cut: CancellationToken,
}

#[derive(Debug, Default)]
struct Tasks {
    known: HashMap<TaskId, Entry>,
    forgotten: Forgotten,
}

#[derive(Debug)]
struct Entry {
    order: Order,
    report: watch::Sender<Report>,
    cancellation: Arc<Cancellation>,
}

/// The ids of the tasks that were forgotten last. A stalled dashboard may hand one over again after
/// another dashboard has stored its end.
#[derive(Debug, Default)]
struct Forgotten {
    ids: HashSet<TaskId>,
    by_age: VecDeque<TaskId>,
}

/// Why an order is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("The executor was restarted: this is run {0}, not the one that the order is for.")]
    OtherInstance(Uuid),
    #[error("Another order has this ID.")]
    OtherOrder,
    #[error("The task has already run, and its result is stored elsewhere.")]
    Forgotten,
    #[error("The executor is stopping; try again once it is back.")]
    Stopping,
}

/// Why a task is not cancelled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CancelError {
    #[error("The task has ended.")]
    Ended,
    #[error("The host has started the operation; it cannot be cancelled any more.")]
    TooLate,
    #[error("Unknown task.")]
    Unknown,
}

/// Why a task is not forgotten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForgetError {
    #[error("The task is still running.")]
    Running,
    #[error("Unknown task.")]
    Unknown,
}

impl Registry {
    pub(crate) fn new(nodes: Nodes) -> Self {
        Self {
            instance: Uuid::new_v4(),
            nodes: Arc::new(nodes),
            tasks: Mutex::default(),
            running: TaskTracker::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Accepts an order and begins it. Returns its report, and whether it is new.
    pub(crate) fn take(&self, order: Order) -> Result<(Report, bool), OrderError> {
        if order.instance != self.instance {
            return Err(OrderError::OtherInstance(self.instance));
        }
        let mut tasks = self.tasks();
        if let Some(known) = tasks.known.get(&order.id) {
            return if known.order == order {
                Ok((known.report.borrow().clone(), false))
            } else {
                Err(OrderError::OtherOrder)
            };
        }
        if tasks.forgotten.ids.contains(&order.id) {
            return Err(OrderError::Forgotten);
        }
        if self.running.is_closed() {
            return Err(OrderError::Stopping);
        }
        let (report, _) = watch::channel(Report {
            id: order.id,
            instance: self.instance,
            revision: 0,
            progress: TaskProgress {
                // Another run must find it, should this one die before it begins.
                before: order
                    .follows
                    .as_ref()
                    .and_then(|earlier| earlier.before.clone()),
                ..TaskProgress::default()
            },
        });
        let first = report.borrow().clone();
        let act = order.request.act();
        let cancellation = Arc::new(Cancellation::new(act.can_be_cancelled()));
        tasks.replace_graceful(&order);
        match self.nodes.get(&order.node) {
            Some(node) => {
                let job = Job::new(
                    order.id,
                    node,
                    report.clone(),
                    Arc::clone(&cancellation),
                    act.takes_slot(),
                    order.follows.clone(),
                );
                let request = order.request.clone();
                let work = carry_out(job, request, Arc::clone(&self.nodes), self.running.clone());
                let work = self.cut.clone().run_until_cancelled_owned(work);
                self.running.spawn(work);
            }
            None => report.send_modify(|report| {
                report.revision += 1;
                let unknown = unknown(&order.node, &order.request);
                end(&mut report.progress, Err(unknown));
            }),
        }
        let entry = Entry {
            order,
            report,
            cancellation,
        };
        tasks.known.insert(first.id, entry);
        Ok((first, true))
    }

    pub(crate) fn follow(&self, id: TaskId) -> Option<watch::Receiver<Report>> {
        Some(self.tasks().known.get(&id)?.report.subscribe())
    }

    /// Cancels a task, and returns its report as it is now. The task ends by itself, after it has undone
    /// what it made.
    ///
    /// # Errors
    ///
    /// [`CancelError`].
    pub(crate) fn cancel(&self, id: TaskId, by: Option<String>) -> Result<Report, CancelError> {
        let tasks = self.tasks();
        let entry = tasks.known.get(&id).ok_or(CancelError::Unknown)?;
        let report = entry.report.borrow().clone();
        if report.progress.state.is_final() {
            return Err(CancelError::Ended);
        }
        let requested = entry.cancellation.request(CancelReason::Request(by));
        requested.map_err(|_| CancelError::TooLate)?;
        Ok(report)
    }

    /// Forgets a task that has ended, because the store has its end.
    pub(crate) fn forget(&self, id: TaskId) -> Result<(), ForgetError> {
        let mut tasks = self.tasks();
        match tasks.known.get(&id) {
            None => Err(ForgetError::Unknown),
            Some(entry) if !entry.report.borrow().progress.state.is_final() => {
                Err(ForgetError::Running)
            }
            Some(_) => {
                tasks.known.remove(&id);
                tasks.forgotten.add(id);
                Ok(())
            }
        }
    }

    /// Refuses orders, begins no task, waits a while for running tasks, and then ends the rest.
    pub(crate) async fn stop(&self) {
        self.running.close();
        if timeout(STOP_GRACE, self.running.wait()).await.is_ok() {
            return;
        }
        self.cut.cancel();
        self.running.wait().await;
        for entry in self.tasks().known.values() {
            entry.report.send_if_modified(|report| {
                if report.progress.state.is_final() {
                    return false;
                }
                report.revision += 1;
                let begun = report.progress.state == TaskState::Running;
                let stopped = stopped(&entry.order.node, &entry.order.request, begun);
                end(&mut report.progress, Err(stopped));
                true
            });
        }
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks {
    /// Ends the waits of graceful changes of a VM's power that a new hard one replaces: it would have
    /// to wait for their end.
    fn replace_graceful(&self, order: &Order) {
        let Some(new) = order.request.power().filter(|new| new.action.is_hard()) else {
            return;
        };
        for entry in self.known.values() {
            let old = entry.order.request.power();
            let waits_for_guest = old
                .is_some_and(|old| old.vmid == new.vmid && old.action.hard_counterpart().is_some());
            if waits_for_guest && entry.order.node == order.node {
                // One that cannot be stopped any more has no wait.
                let _ = entry
                    .cancellation
                    .request(CancelReason::Replaced(new.action));
            }
        }
    }
}

impl Forgotten {
    fn add(&mut self, id: TaskId) {
        if self.by_age.len() == MAX_FORGOTTEN_IDS
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.ids.remove(&oldest);
        }
        self.ids.insert(id);
        self.by_age.push_back(id);
    }
}

fn unknown(node: &NodeName, request: &TaskRequest) -> TaskError {
    TaskError {
        left: acts::possible_leftovers(node, request)
            .into_iter()
            .collect(),
        ..refused(
            format!("The executor's hosts.yml has no host {node}."),
            "Use the same hosts.yml for crawler and executor.",
        )
    }
}

/// The error of a task that the stopping executor ended. `begun`: whether it may have changed the node.
fn stopped(node: &NodeName, request: &TaskRequest, begun: bool) -> TaskError {
    let again = request.act().after_crash() == AfterCrash::RunAgain;
    let kind = match begun || again {
        true => TaskErrorKind::Interrupted,
        false => TaskErrorKind::Executor,
    };
    let (message, hint) = match begun {
        true => (
            format!("The executor stopped while the task was running on {node}."),
            "Check the VM's state before you try again.",
        ),
        false => (
            format!("The executor stopped before the task started. Nothing was sent to {node}."),
            "Try again once the executor is back.",
        ),
    };
    TaskError {
        kind,
        message,
        hint: hint.to_owned(),
        left: Vec::new(),
    }
}

/// The error of a task that was cancelled while it was queued.
fn cancelled_before(job: &Job) -> TaskError {
    let mut error = job.cancelled("The task");
    error.message += &format!(" Nothing was sent to {}.", job.name());
    error
}

/// Runs a task to its end. `running` is closed when the executor stops, and then nothing begins.
async fn carry_out(mut job: Job, request: TaskRequest, nodes: Arc<Nodes>, running: TaskTracker) {
    let name = job.node.host.name.clone();
    let lock = tokio::select! {
        biased;
        () = job.cancel_requested() => return job.finished(Err(cancelled_before(&job))),
        lock = job.node.lock(request.act().lock()) => lock,
    };
    let possible_leftovers = acts::possible_leftovers(&name, &request);
    loop {
        tokio::select! {
            biased;
            () = job.cancel_requested() => return job.finished(Err(cancelled_before(&job))),
            () = job.acquire_slot() => {}
        }
        if running.is_closed() {
            return job.finished(Err(stopped(&name, &request, false)));
        }
        // hosts.yml as it is when the task begins counts, not as it was when the order came.
        match nodes.get(&name) {
            Some(node) if Arc::ptr_eq(&node, &job.node) => break,
            Some(node) => job.move_to(node).await,
            None => return job.finished(Err(unknown(&name, &request))),
        }
    }
    job.started();
    tracing::info!(task = %job.id, node = job.name(), kind = request.act().kind(), "begins");
    let read_only = job.node.host.settings.read_only;
    let mut outcome = if read_only {
        Err(refused(
            format!(
                "{} is read-only (read_only: true in hosts.yml).",
                job.name()
            ),
            "To allow changes, remove read_only from hosts.yml.",
        ))
    } else {
        acts::run(&job, &request).await
    };
    if let Err(error) = &mut outcome
        && error.left.is_empty()
    {
        error.left.extend(possible_leftovers);
    }
    match &outcome {
        Ok(()) => tracing::info!(task = %job.id, node = job.name(), "succeeded"),
        Err(error) if error.kind == TaskErrorKind::Cancelled => {
            tracing::info!(task = %job.id, node = job.name(), left = ?error.left, "{}", error.message);
        }
        Err(error) => {
            tracing::warn!(task = %job.id, node = job.name(), left = ?error.left, "{}", error.message);
        }
    }
    job.finished(outcome);
    drop(lock);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tasks_forgotten_last_are_remembered_by_their_ids() {
        let mut forgotten = Forgotten::default();
        let first = TaskId(Uuid::new_v4());
        let second = TaskId(Uuid::new_v4());
        forgotten.add(first);
        forgotten.add(second);
        for _ in 1..MAX_FORGOTTEN_IDS {
            forgotten.add(TaskId(Uuid::new_v4()));
        }
        assert!(!forgotten.ids.contains(&first));
        assert!(forgotten.ids.contains(&second));
        assert_eq!(
            (forgotten.ids.len(), forgotten.by_age.len()),
            (MAX_FORGOTTEN_IDS, MAX_FORGOTTEN_IDS)
        );
    }
}
