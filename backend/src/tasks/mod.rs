//! Tasks: written down, handed to the executor, followed to their end. One future for each
//! unfinished task.
//!
//! Nothing is done twice. A task is written down with the run of the executor that it is handed
//! to *before* it is handed over. Whoever takes it up again, after a lost answer or in another
//! process, asks that run: it knows the task, or has never got it. Another run cannot tell any
//! more, so the task is interrupted and never handed over again. An end is kept in the store
//! before the executor forgets it; so when the executor does not know a task, the store tells
//! whether it has ended.

mod checks;
pub(crate) mod executor;
pub(crate) mod guest_os;
mod new_task;
pub(crate) mod view;

pub(crate) use new_task::NewTask;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use ecoman_api::executor::Order;
use ecoman_api::task_path;
use ecoman_model::{
    Actor, Authentication, CleanUp, NodeName, RefreshRequest, Refusal, StepState, Task, TaskError,
    TaskErrorKind, TaskId, TaskProgress, TaskRequest, TaskState, Timestamp, Vmid,
};
use ecoman_store::{Added, Store, StoreError, TaskQuery};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::audit;
use crate::clock::Clock;
use crate::error_chain::chain;
use crate::http::problem::Error;
use crate::inventory::snapshot::{Live, NodeEntry, SentEvent, VmEntry};
use crate::metrics::Metrics;
use crate::tasks::executor::{ExecutorClient, ExecutorError};
use crate::tasks::new_task::same_task;

/// All tasks.
#[derive(Clone)]
pub(crate) struct Tasks {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    executor: ExecutorClient,
    clock: Clock,
    metrics: Arc<Metrics>,
    live: Arc<Live>,
    /// Those that a future of this process sees to.
    claimed: Mutex<HashSet<TaskId>>,
    futures: TaskTracker,
    /// Ends them.
    cut: CancellationToken,
    /// Ends the waiting of clients.
    shutdown: CancellationToken,
}

/// How long a client may wait for the end of a task.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(60);

/// How soon something that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// A task is written at most this often while it runs.
const WRITE_EVERY: Duration = Duration::from_millis(200);

/// Nobody wants a machine switched off by what was asked long ago: what could not be handed over
/// by then is given up.
const ORDER_WITHIN: TimeDelta = TimeDelta::seconds(60);

/// How often unfinished tasks without anybody who sees to them are looked for: those of another
/// dashboard that has died.
const SWEEP: Duration = Duration::from_secs(15);

/// How long what has been reported may take to be kept when the server stops.
const SETTLE: Duration = Duration::from_millis(500);

/// How long who waits for the end of a creation waits for the crawler to look at the new VM.
const SEEN_WITHIN: Duration = Duration::from_secs(3);

/// How many tasks that have ended are kept, and how often the others are forgotten.
const KEPT: u64 = 5_000;
const FORGET: Duration = Duration::from_secs(3600);

/// The newest tasks, among which a key is looked for before anything is checked. The store keeps
/// older keys too: with one of those nothing is done twice either, but the checks come first.
const KEY_SEARCH: usize = 500;

impl Tasks {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        executor: ExecutorClient,
        clock: Clock,
        metrics: Arc<Metrics>,
        live: Arc<Live>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                executor,
                clock,
                metrics,
                live,
                claimed: Mutex::default(),
                futures: TaskTracker::new(),
                cut: CancellationToken::new(),
                shutdown,
            }),
        }
    }

    /// Makes a task, if it can be done now. A key that was used before returns the task that was
    /// made then.
    pub(crate) async fn request(
        &self,
        new_task: NewTask,
        node: &NodeEntry,
        vm: Option<&VmEntry>,
    ) -> Result<Task, Error> {
        // Before the checks: what the task has changed would usually fail them.
        if let Some(task) = self.known(&new_task).await? {
            return Ok(task);
        }
        if let Err(error) = checks::check(&new_task, node, vm) {
            // The crawler may not have seen yet what another task has changed. Then the executor
            // decides, which asks the node itself.
            let depends_on_vm =
                matches!(&error, Error::Refused { refusal, .. } if *refusal != Refusal::ReadOnly);
            let Some(vm) = vm.filter(|_| depends_on_vm) else {
                return Err(error);
            };
            let vmid = Vmid(vm.view.vmid);
            if !self
                .touched_since(&new_task.node, vmid, vm.view.observed_at)
                .await?
            {
                return Err(error);
            }
        }
        self.submit(new_task).await
    }

    /// The task that this key has made before.
    async fn known(&self, new_task: &NewTask) -> Result<Option<Task>, Error> {
        if new_task.idempotency_key.is_none() {
            return Ok(None);
        }
        let newest = TaskQuery {
            limit: KEY_SEARCH,
            ..TaskQuery::default()
        };
        let tasks = self.list(&newest).await?;
        tasks
            .into_iter()
            .find(|task| {
                task.idempotency_key == new_task.idempotency_key
                    && task.actor == new_task.actor.name
            })
            .map(|known| same_task(known, new_task))
            .transpose()
    }

    /// Whether a task is about to change a VM, or has changed it since `seen`.
    async fn touched_since(
        &self,
        node: &NodeName,
        vmid: Vmid,
        seen: Timestamp,
    ) -> Result<bool, Error> {
        let query = TaskQuery {
            nodes: vec![node.clone()],
            limit: 100,
            ..TaskQuery::default()
        };
        let recent = self.list(&query).await?;
        Ok(recent.iter().any(|task| {
            task.vmid() == Some(vmid) && task.progress.finished_at.is_none_or(|end| end > seen)
        }))
    }

    async fn submit(&self, new_task: NewTask) -> Result<Task, Error> {
        let shared = Arc::clone(&self.shared);
        // Goes on if the client does not wait for the answer: a task that is written down is
        // handed over.
        let submitting = self
            .shared
            .futures
            .spawn(async move { shared.submit(new_task).await }.in_current_span());
        submitting.await.map_err(|error| Error::internal(&error))?
    }

    /// A task.
    pub(crate) async fn task(&self, id: TaskId) -> Result<Task, Error> {
        let task = self.shared.store.task(id).await;
        task.map_err(|error| Error::of_store(&error))?
            .ok_or_else(|| Error::NoSuchTask(id.to_string()))
    }

    /// A task when it has ended, or as it is after `limit`.
    pub(crate) async fn ended(&self, id: TaskId, limit: Duration) -> Result<Task, Error> {
        let store = &self.shared.store;
        let deadline = Instant::now() + limit;
        loop {
            // Asked for before the task is read: nothing is missed in between.
            let position = store.task_position().await;
            let mut position = position.map_err(|error| Error::of_store(&error))?;
            let task = self.task(id).await?;
            if task.progress.state.is_final() {
                self.shared.see_new_vm(&task, deadline).await;
                return Ok(task);
            }
            loop {
                let left = deadline.saturating_duration_since(Instant::now());
                let changes = tokio::select! {
                    changes = timeout(left, store.tasks_changed(position)) => changes,
                    () = self.shared.shutdown.cancelled() => return self.task(id).await,
                };
                match changes {
                    Err(_) => return self.task(id).await,
                    Ok(Err(error)) => return Err(Error::of_store(&error)),
                    Ok(Ok((next, changed))) => {
                        position = next;
                        if changed.iter().any(|task| task.id == id) {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// The tasks that are asked for, newest first.
    pub(crate) async fn list(&self, query: &TaskQuery) -> Result<Vec<Task>, Error> {
        let tasks = self.shared.store.tasks(query).await;
        tasks.map_err(|error| Error::of_store(&error))
    }

    /// How many tasks are asked for on all pages together.
    pub(crate) async fn count(&self, query: &TaskQuery) -> Result<u64, Error> {
        let count = self.shared.store.count_tasks(query).await;
        count.map_err(|error| Error::of_store(&error))
    }

    /// Takes up what other processes have left, and forgets what is old; for ever.
    pub(crate) async fn run(self) {
        let shared = &self.shared;
        let mut first = true;
        let mut forgotten: Option<Instant> = None;
        loop {
            if let Err(error) = shared.take_up(first).await {
                tracing::warn!(error = chain(&error), "cannot look for unfinished tasks");
                sleep(RETRY).await;
                continue;
            }
            first = false;
            if forgotten.is_none_or(|at| at.elapsed() >= FORGET) {
                match shared.store.forget_tasks(KEPT).await {
                    Ok(count) => {
                        forgotten = Some(Instant::now());
                        if count > 0 {
                            tracing::info!(count, "forgot old tasks");
                        }
                    }
                    Err(error) => {
                        tracing::warn!(error = chain(&error), "cannot forget old tasks");
                    }
                }
            }
            sleep(SWEEP).await;
        }
    }

    /// Lets ends that have been reported be kept, and leaves the rest to the next process.
    pub(crate) async fn settle(&self) {
        self.shared.futures.close();
        // Those that go on make it time out, and that is as it should be.
        let _ = timeout(SETTLE, self.shared.futures.wait()).await;
        self.shared.cut.cancel();
    }

    /// Tells every change of a task as an event; for ever.
    pub(crate) async fn tell(self) {
        let Shared { store, live, .. } = &*self.shared;
        let mut position = None;
        loop {
            let told = match position {
                None => self.first_look().await,
                Some(position) => match store.tasks_changed(position).await {
                    Ok((position, tasks)) => {
                        live.tell(tasks.into_iter().map(event).collect());
                        Ok(position)
                    }
                    Err(error) => Err(error),
                },
            };
            match told {
                Ok(next) => position = Some(next),
                // The position stays: nothing is missed.
                Err(error) => {
                    tracing::debug!(error = chain(&error), "cannot follow the tasks");
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Where the events begin. What has happened shortly before is told too: a client may have
    /// asked for the tasks already.
    async fn first_look(&self) -> Result<u64, StoreError> {
        const RECENT: TimeDelta = TimeDelta::seconds(60);
        const LOOK_AT: usize = 50;
        let Shared { store, live, .. } = &*self.shared;
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
        live.tell(tasks.into_iter().rev().map(event).collect());
        Ok(position)
    }
}

fn event(task: Task) -> SentEvent {
    let task = ecoman_api::Event::Task(Box::new(view::task(task)));
    SentEvent::new(0, &task)
}

impl Shared {
    async fn submit(self: &Arc<Self>, new_task: NewTask) -> Result<Task, Error> {
        let instance = match self.executor.instance().await {
            Ok(instance) => instance.instance,
            Err(error) => return self.decline(&new_task, &error).await,
        };
        let task = self.task(&new_task, Some(instance));
        // Before it is in the store, lest it is taken up as one that nobody sees to.
        let Some(claim) = self.claim(task.id) else {
            return Err(Error::Internal);
        };
        match self.store.add_task(&task).await {
            Ok(Added::New) => {
                tracing::info!(task = %task.id, node = %task.node, kind = task.request.act().kind(), "new task");
                self.record_audit(&task, new_task.actor).await;
                let carried_out = task.clone();
                self.start(carried_out, Handed::Never, claim);
                Ok(task)
            }
            Ok(Added::Known(known)) => same_task(*known, &new_task),
            Err(error) => {
                // It may have been written all the same. The client is told that nothing
                // happens, so nothing must.
                let mut withdrawn = task;
                withdrawn.idempotency_key = None;
                withdrawn.progress = self.failure(TaskError {
                    kind: TaskErrorKind::Refused,
                    message: format!(
                        "The store did not confirm the task, so nothing was asked of {}.",
                        withdrawn.node
                    ),
                    hint: "Ask again.".to_owned(),
                    left: Vec::new(),
                });
                let shared = Arc::clone(self);
                self.spawn(async move {
                    let _claim = claim;
                    // In its place, lest it arrives late and is taken for one to be carried out.
                    let added = shared
                        .insist("withdraw a task", || shared.store.add_task(&withdrawn))
                        .await;
                    if let Added::Known(_) = added {
                        shared.write(&withdrawn).await;
                    }
                });
                Err(Error::of_store(&error))
            }
        }
    }

    /// The executor is away: the wish is kept as a task that failed, without its key, so that the
    /// same may be asked again.
    async fn decline(&self, new_task: &NewTask, error: &ExecutorError) -> Result<Task, Error> {
        let mut task = self.task(new_task, None);
        task.idempotency_key = None;
        let why = sentence(&chain(error));
        tracing::warn!(error = why, task = %task.id, "the executor is away");
        task.progress = self.failure(not_handed_over(&task, &why));
        let recorded = self.store.add_task(&task).await;
        recorded.map_err(|error| Error::of_store(&error))?;
        self.record_audit(&task, new_task.actor.clone()).await;
        Err(Error::ExecutorAway {
            task: task.id,
            node: task.node.to_string(),
            why,
        })
    }

    fn task(&self, new_task: &NewTask, executor: Option<Uuid>) -> Task {
        let new_task = new_task.clone();
        Task {
            id: TaskId(Uuid::now_v7()),
            node: new_task.node,
            request: new_task.request,
            vm_name: new_task.vm_name,
            actor: new_task.actor.name,
            idempotency_key: new_task.idempotency_key,
            request_id: new_task.request_id,
            created_at: (self.clock)(),
            executor,
            progress: TaskProgress::default(),
        }
    }

    /// Sees to every unfinished task that nobody in this process sees to. Young ones are left
    /// alone but for the first time: another dashboard is about to hand them over.
    async fn take_up(self: &Arc<Self>, first: bool) -> Result<(), StoreError> {
        let unfinished = TaskQuery {
            states: vec![TaskState::Queued, TaskState::Running],
            ..TaskQuery::default()
        };
        let now = (self.clock)();
        for task in self.store.tasks(&unfinished).await? {
            let age = now - task.created_at;
            if !first && age.to_std().is_ok_and(|age| age < SWEEP) {
                continue;
            }
            let Some(claim) = self.claim(task.id) else {
                continue;
            };
            // It may have ended between the question and the claim.
            match self.store.task(task.id).await? {
                Some(task) if !task.progress.state.is_final() => {
                    tracing::info!(task = %task.id, node = %task.node, "takes a task up again");
                    let handed = if task.progress == TaskProgress::default() {
                        Handed::Perhaps
                    } else {
                        Handed::Surely
                    };
                    self.start(task, handed, claim);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn claim(self: &Arc<Self>, id: TaskId) -> Option<Claim> {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.insert(id).then(|| Claim {
            shared: Arc::clone(self),
            id,
        })
    }

    /// Has a future see to a task.
    fn start(self: &Arc<Self>, task: Task, handed: Handed, claim: Claim) {
        let shared = Arc::clone(self);
        self.spawn(async move { shared.see_to(task, handed, claim).await });
    }

    /// Runs until done, or until the process ends.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = self.cut.clone().run_until_cancelled_owned(work);
        let work = async move {
            work.await;
        };
        // What is logged of a task names the request that asked for it.
        self.futures.spawn(work.in_current_span());
    }

    /// Brings a task to its end.
    async fn see_to(self: Arc<Self>, mut task: Task, mut handed: Handed, _claim: Claim) {
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
    async fn attempt(
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
    async fn follow(&self, task: &mut Task) -> Result<ControlFlow<End>, ExecutorError> {
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

    /// Keeps the end of a task, and sees to what follows from it.
    async fn conclude(self: &Arc<Self>, mut task: Task) {
        let interrupted = task.progress.state == TaskState::Interrupted;
        if let (true, TaskRequest::Create(vm)) = (interrupted, &task.request) {
            let new_task = NewTask {
                node: task.node.clone(),
                request: TaskRequest::CleanUp(CleanUp {
                    task: task.id,
                    vm: vm.clone(),
                    directory: task.progress.directory.clone(),
                }),
                vm_name: task.vm_name.clone(),
                // There is one at most, whoever makes it. With a blank, which no client can send.
                idempotency_key: Some(format!("clean up {}", task.id)),
                request_id: task.request_id.clone(),
                actor: Actor {
                    name: task.actor.clone(),
                    by: Authentication::None,
                    token: None,
                    address: None,
                },
            };
            let clean_up = self.make_clean_up(&new_task).await;
            if let Some(error) = &mut task.progress.error {
                let path = task_path(clean_up);
                error.hint = format!(
                    "Nothing is repeated by itself. {path} looks for what there is of the VM on {} \
                     and removes it; create the VM again after that.",
                    task.node
                );
                error.left = vec![format!(
                    "Whatever was there of {} on {} when the executor stopped; see {path}.",
                    vm.name, task.node
                )];
            }
        }
        tracing::info!(
            task = %task.id,
            node = %task.node,
            kind = task.request.act().kind(),
            state = task.progress.state.word(),
            error = task.progress.error.as_ref().map(|error| error.message.as_str()),
            "a task has ended"
        );
        let kind = task.request.act().kind();
        self.metrics.ended(kind, task.progress.state);
        // Before the task has ended for the store: if we die in between, it is taken up again.
        self.conclude_audit(&task).await;
        if let TaskRequest::CleanUp(clean_up) = &task.request {
            self.tell_what_is_left(clean_up.task, &task).await;
        }
        let note = RefreshRequest {
            id: Uuid::now_v7(),
            node: task.node.clone(),
            vmid: task.vmid(),
            requested_at: (self.clock)(),
        };
        self.insist("leave a note for the crawler", || {
            self.store.request_refresh(&note)
        })
        .await;
        self.write(&task).await;
        if let Err(error) = self.executor.forget(task.id).await {
            // Harmless: it forgets by itself when it is stopped.
            tracing::debug!(task = %task.id, error = chain(&error), "the executor keeps a task");
        }
    }

    /// Writes the entry of a new task.
    async fn record_audit(&self, task: &Task, actor: Actor) {
        let entry = audit::of_task(task, actor);
        if let Err(error) = self.store.record_audit(&entry).await {
            // It comes with the task's end, but for who asked from where.
            tracing::error!(
                ?entry,
                error = chain(&error),
                "cannot write to the audit log"
            );
        }
    }

    /// Writes the outcome of a task into its audit entry. A task that the dashboard begins by itself
    /// has none.
    async fn conclude_audit(&self, task: &Task) {
        if task.request.act().operation().is_none() {
            return;
        }
        let read = || self.store.audit_entry(task.id.0);
        let known = self.insist("read the audit log", read).await;
        let actor = known.map_or_else(
            || Actor {
                name: task.actor.clone(),
                by: Authentication::None,
                token: None,
                address: None,
            },
            |entry| entry.actor,
        );
        let entry = audit::of_task(task, actor);
        let write = || self.store.record_audit(&entry);
        self.insist("write to the audit log", write).await;
    }

    /// The task that removes what an interrupted creation has left.
    async fn make_clean_up(self: &Arc<Self>, new_task: &NewTask) -> TaskId {
        let task = self.task(new_task, None);
        let claim = self.claim(task.id);
        let added = self
            .insist("write down a task", || self.store.add_task(&task))
            .await;
        match added {
            Added::Known(known) => known.id,
            Added::New => {
                let id = task.id;
                if let Some(claim) = claim {
                    self.start(task, Handed::Never, claim);
                }
                id
            }
        }
    }

    /// Waits until a VM that was created just now is among the others, a little and at most until
    /// `deadline`: who hears that the task has succeeded asks for the VM next.
    async fn see_new_vm(&self, task: &Task, deadline: Instant) {
        let (TaskRequest::Create(_), TaskState::Succeeded, Some(vmid), Some(finished_at)) = (
            &task.request,
            task.progress.state,
            task.vmid(),
            task.progress.finished_at,
        ) else {
            return;
        };
        let Some(left) = ((self.clock)() - finished_at)
            .to_std()
            .map_or(Some(SEEN_WITHIN), |age| SEEN_WITHIN.checked_sub(age))
        else {
            return;
        };
        let deadline = deadline.min(Instant::now() + left);
        let mut changes = self.live.subscribe();
        let seen = async {
            while self
                .live
                .snapshot()
                .vm(task.node.as_str(), vmid.0)
                .is_none()
            {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            // The crawler may be away: then the end is told all the same.
            _ = timeout_at(deadline, seen) => {}
            () = self.shutdown.cancelled() => {}
        }
    }

    /// Has an interrupted creation tell what came of cleaning up after it.
    async fn tell_what_is_left(&self, of: TaskId, clean_up: &Task) {
        loop {
            let creation = self.insist("read a task", || self.store.task(of)).await;
            let Some(progress) = creation.map(|task| task.progress) else {
                // Forgotten by now.
                return;
            };
            if let Some(mut error) = progress.error.filter(|_| progress.state.is_final()) {
                what_is_left(&mut error, clean_up);
                let amend = || self.store.amend_task(of, &error);
                if self.insist("write down what is left", amend).await {
                    return;
                }
            } else if progress.state.is_final() {
                return;
            }
            // Its own end is being written.
            sleep(WRITE_EVERY).await;
        }
    }

    /// Writes a task down, however long the store is away. False: it has ended before, or is
    /// forgotten.
    async fn write(&self, task: &Task) -> bool {
        self.insist("write down a task", || self.store.update_task(task))
            .await
    }

    async fn has_ended(&self, id: TaskId) -> bool {
        let task = self.insist("read a task", || self.store.task(id)).await;
        task.is_none_or(|task| task.progress.state.is_final())
    }

    /// Tries until the store does it.
    async fn insist<'a, T>(
        &'a self,
        what: &str,
        work: impl Fn() -> BoxFuture<'a, Result<T, StoreError>>,
    ) -> T {
        let mut told = false;
        loop {
            match work().await {
                Ok(done) => return done,
                Err(error) => {
                    if !told {
                        tracing::warn!(error = chain(&error), "cannot {what}; tries again");
                        told = true;
                    }
                    sleep(RETRY).await;
                }
            }
        }
    }

    fn is_too_late(&self, task: &Task) -> bool {
        // What was left behind has to go, however late.
        !goes_on(task) && (self.clock)() - task.created_at > ORDER_WITHIN
    }

    /// The end of a task that was never handed over.
    fn failure(&self, error: TaskError) -> TaskProgress {
        TaskProgress {
            state: TaskState::Failed,
            finished_at: Some((self.clock)()),
            error: Some(error),
            ..TaskProgress::default()
        }
    }

    /// The end of a task whose executor is gone.
    fn interruption(&self, task: &Task) -> TaskProgress {
        const DIED: &str = "The executor stopped in the middle; it is not known how it ended.";
        let mut progress = task.progress.clone();
        progress.state = TaskState::Interrupted;
        progress.finished_at = Some((self.clock)());
        progress.question = None;
        for step in &mut progress.steps {
            if step.state == StepState::Running {
                step.state = StepState::Failed;
                step.detail = Some(DIED.to_owned());
            }
        }
        for command in &mut progress.commands {
            if command.exit.is_none() && command.millis.is_none() && command.failure.is_none() {
                command.failure = Some(DIED.to_owned());
            }
        }
        progress.error = Some(TaskError {
            kind: TaskErrorKind::Interrupted,
            message: format!(
                "The executor stopped while this was under way on {}; it is not known how far it \
                 came.",
                task.node
            ),
            hint: "Nothing is repeated by itself. The crawler looks at the node now: see what the \
                   state is, and ask again if need be."
                .to_owned(),
            left: Vec::new(),
        });
        progress
    }
}

/// Whether the executor has got a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handed {
    /// It has not.
    Never,
    /// Nobody knows.
    Perhaps,
    /// It has: it has reported of it.
    Surely,
}

/// How a task ended; `None`: somebody else has kept that already.
type End = Option<TaskProgress>;

/// The right to see to a task, of one future in this process.
struct Claim {
    shared: Arc<Shared>,
    id: TaskId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = self
            .shared
            .claimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        claimed.remove(&self.id);
    }
}

/// Puts into the error of an interrupted creation what came of cleaning up after it.
fn what_is_left(error: &mut TaskError, clean_up: &Task) {
    let path = task_path(clean_up.id);
    match &clean_up.progress.error {
        None => {
            error.hint = format!(
                "Create the VM again: nothing of it is left on {} ({path}).",
                clean_up.node
            );
            error.left.clear();
        }
        Some(found) => {
            error.hint = format!("{} {} ({path})", found.message, found.hint);
            // One that could not look does not know that nothing is there.
            if !found.left.is_empty() {
                error.left.clone_from(&found.left);
            }
        }
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

fn not_handed_over(task: &Task, why: &str) -> TaskError {
    TaskError {
        kind: TaskErrorKind::Executor,
        message: format!("{why} Nothing was asked of {}.", task.node),
        hint: "Ask again once the executor is there.".to_owned(),
        left: Vec::new(),
    }
}

/// A message of an error as a sentence.
fn sentence(message: &str) -> String {
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

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tasks").finish_non_exhaustive()
    }
}
