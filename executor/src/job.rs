//! A running task: its progress, reported as it changes, and the commands that it runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use ecoman_api::executor::Report;
use ecoman_api::text::EN;
use ecoman_esxi::parse::{self, Fault, ParseError};
use ecoman_esxi::{Command, Output, Session, SessionError};
use ecoman_model::{
    CommandRun, FailureKind, Question, Step, StepState, TaskError, TaskErrorKind, TaskId,
    TaskProgress, TaskState, TaskStep, Vmid,
};
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedSemaphorePermit, watch};
use tokio::time::{Instant as Moment, sleep, timeout};

use crate::cancellation::{CancelReason, Cancellation};
use crate::nodes::Node;

/// How long a query may take.
pub(crate) const QUERY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a query goes on reconnecting to a node that was lost.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the state may lag behind a command that failed: it may have worked all the same.
pub(crate) const STATE_LAG: Duration = Duration::from_secs(3);

/// How much output of a command a report holds, and how many commands.
const MAX_OUTPUT_CHARACTERS: usize = 4096;
const MAX_COMMANDS: usize = 200;

/// A running task.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: TaskId,
    pub(crate) node: Arc<Node>,
    report: watch::Sender<Report>,
    cancellation: Arc<Cancellation>,
    /// The node's slot, while this task holds one.
    slot: AsyncMutex<Option<OwnedSemaphorePermit>>,
    /// Whether it needs a slot; a task that others wait for does not.
    takes_slot: bool,
    /// What an earlier run has reported of it.
    earlier: Option<TaskProgress>,
    /// How far the node is with its own work, in percent, and which part of the task that is.
    work: Mutex<Option<WorkDone>>,
}

/// How far the node is with work that it does by itself.
#[derive(Clone, Copy, Debug)]
struct WorkDone {
    percent: u8,
    /// Parts that are done, of so many.
    parts: (usize, usize),
}

impl Job {
    pub(crate) fn new(
        id: TaskId,
        node: Arc<Node>,
        report: watch::Sender<Report>,
        cancellation: Arc<Cancellation>,
        takes_slot: bool,
        earlier: Option<TaskProgress>,
    ) -> Self {
        Self {
            id,
            node,
            report,
            cancellation,
            slot: AsyncMutex::default(),
            takes_slot,
            earlier,
            work: Mutex::default(),
        }
    }

    /// What an earlier run of the executor has reported of the task, whose work may go on by itself:
    /// then it is followed, and nothing is sent.
    pub(crate) fn earlier(&self) -> Option<&TaskProgress> {
        self.earlier.as_ref()
    }

    /// Reports how far the node is with its own work, in percent.
    pub(crate) fn node_percent(&self, percent: u8) {
        let changed = {
            let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            let parts = work.map_or((0, 1), |work| work.parts);
            let percent = percent.min(100);
            let before = work.replace(WorkDone { percent, parts });
            before.is_none_or(|before| before.percent != percent)
        };
        if changed {
            self.change(|_| {});
        }
    }

    /// Of `all` equal parts of the node's work, `done` are done.
    pub(crate) fn share_of_work(&self, done: usize, all: usize) {
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(WorkDone {
            percent: 0,
            parts: (done, all.max(1)),
        });
        self.change(|_| {});
    }

    /// The percent of the whole task.
    fn percent(&self, steps: &[TaskStep]) -> Option<u8> {
        let share = percent(steps);
        let work = *self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(WorkDone { percent, parts }) = work.filter(|_| share != Some(100)) else {
            return share;
        };
        let (done, all) = parts;
        // What comes before and behind it is short.
        let inside = (done * 100 + usize::from(percent)) / all;
        u8::try_from(5 + inside * 9 / 10).ok().or(share)
    }

    /// Waits for one of the node's slots, unless this task holds one.
    pub(crate) async fn acquire_slot(&self) {
        let mut slot = self.slot.lock().await;
        if slot.is_none() && self.takes_slot {
            *slot = self.node.acquire_slot().await;
        }
    }

    /// Gives the slot to other tasks, until this one runs its next command. Call it before waiting for
    /// a lock: the task that holds the lock may be waiting for a slot.
    pub(crate) async fn release_slot(&self) {
        *self.slot.lock().await = None;
    }

    /// Waits, and gives the slot to other tasks meanwhile.
    pub(crate) async fn pause(&self, pause: Duration) {
        self.release_slot().await;
        sleep(pause).await;
    }

    /// Does `work` unless the task is cancelled first. `work` may be dropped at any point, so it must
    /// only query the node or wait.
    ///
    /// # Errors
    ///
    /// That it was cancelled, or the error of `work`. `doing` completes "… was cancelled".
    pub(crate) async fn unless_cancelled<T>(
        &self,
        doing: &str,
        work: impl Future<Output = Result<T, TaskError>>,
    ) -> Result<T, TaskError> {
        tokio::select! {
            biased;
            () = self.cancellation.requested() => Err(self.cancelled(doing)),
            done = work => done,
        }
    }

    /// # Errors
    ///
    /// That the task was cancelled.
    pub(crate) fn check_cancelled(&self, doing: &str) -> Result<(), TaskError> {
        match self.cancellation.reason() {
            Some(_) => Err(self.cancelled(doing)),
            None => Ok(()),
        }
    }

    /// From here on the task cannot be cancelled.
    ///
    /// # Errors
    ///
    /// That it was cancelled before.
    pub(crate) fn close_cancellation(&self, doing: &str) -> Result<(), TaskError> {
        let closed = self.cancellation.close();
        closed.map_err(|_| self.cancelled(doing))
    }

    /// From here on the task only undoes what it made, which cannot be cancelled.
    pub(crate) fn undo_begins(&self) {
        // A cancelled task stays so: that is why it is undone.
        let _ = self.cancellation.close();
    }

    /// Waits until the task is cancelled.
    pub(crate) async fn cancel_requested(&self) {
        self.cancellation.requested().await;
    }

    /// The error of a cancelled task.
    pub(crate) fn cancelled(&self, doing: &str) -> TaskError {
        let message = match self.cancellation.reason() {
            Some(CancelReason::Replaced(action)) => {
                format!("{doing} was replaced by {action}.")
            }
            Some(CancelReason::Request(Some(name))) => format!("{doing} was cancelled by {name}."),
            Some(CancelReason::Request(None)) | None => format!("{doing} was cancelled."),
        };
        TaskError {
            kind: TaskErrorKind::Cancelled,
            message,
            hint: String::new(),
            left: Vec::new(),
        }
    }

    /// Continues on the node as hosts.yml describes it now.
    pub(crate) async fn move_to(&mut self, node: Arc<Node>) {
        self.release_slot().await;
        self.node = node;
    }

    /// The name of the node, for messages.
    pub(crate) fn name(&self) -> &str {
        self.node.host.name.as_str()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut TaskProgress)) {
        self.report.send_if_modified(|report| {
            // A task that has ended stays as it is.
            if report.progress.state.is_final() {
                return false;
            }
            change(&mut report.progress);
            report.progress.percent = self.percent(&report.progress.steps);
            report.revision += 1;
            true
        });
    }

    /// Adds steps behind the known ones. Returns the place of the first.
    pub(crate) fn plan(&self, steps: impl IntoIterator<Item = Step>) -> usize {
        let mut first = 0;
        self.change(|progress| {
            first = progress.steps.len();
            progress
                .steps
                .extend(steps.into_iter().map(|step| TaskStep {
                    title: (EN.tasks.step)(step),
                    code: Some(step),
                    state: StepState::Pending,
                    detail: None,
                }));
        });
        first
    }

    pub(crate) fn step(&self, place: usize, state: StepState, detail: Option<String>) {
        self.change(|progress| {
            if let Some(step) = progress.steps.get_mut(place) {
                step.state = state;
                step.detail = detail.or(step.detail.take());
            }
        });
    }

    pub(crate) fn begin(&self, place: usize) {
        self.step(place, StepState::Running, None);
    }

    pub(crate) fn done(&self, place: usize) {
        self.step(place, StepState::Done, None);
    }

    /// Reports the question that the VM waits with; `None`: it has none.
    pub(crate) fn asks(&self, question: Option<Question>) {
        let known = self.report.borrow().progress.question == question;
        if !known {
            self.change(|progress| progress.question = question);
        }
    }

    pub(crate) fn made(&self, vmid: Vmid) {
        self.change(|progress| progress.vmid = Some(vmid));
    }

    pub(crate) fn started(&self) {
        let earlier = self.earlier.as_ref();
        self.change(|progress| {
            progress.state = TaskState::Running;
            progress.started_at = earlier
                .and_then(|earlier| earlier.started_at)
                .or(Some(Utc::now()));
            if let Some(earlier) = earlier {
                progress.commands.clone_from(&earlier.commands);
                progress.before.clone_from(&earlier.before);
                progress.removal.clone_from(&earlier.removal);
            }
        });
    }

    /// Ends the task.
    pub(crate) fn finished(&self, outcome: Result<(), TaskError>) {
        self.change(|progress| end(progress, outcome));
    }

    /// Runs a query. Reconnects to a node that was lost, for a minute.
    pub(crate) async fn ask(&self, command: &Command) -> Result<Output, SessionError> {
        let until = Moment::now() + RECONNECT_TIMEOUT;
        let mut pause = Duration::from_millis(250);
        loop {
            match self.act(command, QUERY_TIMEOUT).await {
                Err(error) if is_lost(&error) && Moment::now() < until => {
                    self.pause(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                outcome => return outcome,
            }
        }
    }

    /// Runs a command once, whether it works or not.
    pub(crate) async fn act(
        &self,
        command: &Command,
        limit: Duration,
    ) -> Result<Output, SessionError> {
        self.run_and_notify(command, limit, &Notify::new()).await
    }

    /// Runs a command once, and notifies `begun` when the node gets it.
    pub(crate) async fn run_and_notify(
        &self,
        command: &Command,
        limit: Duration,
        begun: &Notify,
    ) -> Result<Output, SessionError> {
        self.acquire_slot().await;
        let session = self.node.session().await?;
        let entry = self.sent(command);
        let since = Instant::now();
        let outcome = session.run_notifying(command, limit, begun).await;
        self.answered(entry, command, since, &outcome);
        if outcome.as_ref().is_err_and(is_lost) {
            self.node.forget(&session).await;
        }
        outcome
    }

    /// Records that a running command is abandoned.
    pub(crate) fn abandon(&self, command: &Command, why: &str) {
        let shown = command.to_string();
        self.change(|progress| {
            let running = progress.commands.iter_mut().rev();
            let mut running = running.filter(|run| run.command == shown && run.millis.is_none());
            if let Some(run) = running.next() {
                run.failure = Some(why.to_owned());
            }
        });
    }

    /// Runs several queries at once; like [`Job::ask`] for each.
    pub(crate) async fn ask_all(&self, commands: &[Command]) -> Result<Vec<Output>, SessionError> {
        let asking = commands.iter().map(|command| self.ask(command));
        futures::future::try_join_all(asking).await
    }

    /// Whether a query can run while a command is running.
    pub(crate) fn has_query_session(&self) -> bool {
        self.node.host.settings.max_sessions > 1
    }

    /// The session, for a query while a command is running.
    pub(crate) async fn query_session(&self) -> Option<Arc<Session>> {
        timeout(Duration::from_secs(5), self.node.session())
            .await
            .ok()?
            .ok()
    }

    fn sent(&self, command: &Command) -> String {
        let shown = command.to_string();
        self.change(|progress| {
            let again = progress
                .commands
                .last()
                .is_some_and(|last| last.command == shown && last.millis.is_some());
            if !again && progress.commands.len() < MAX_COMMANDS {
                progress.commands.push(CommandRun {
                    command: shown.clone(),
                    at: Utc::now(),
                    times: 1,
                    millis: None,
                    exit: None,
                    expected: false,
                    stdout: String::new(),
                    stderr: String::new(),
                    failure: None,
                });
            }
        });
        shown
    }

    fn answered(
        &self,
        shown: String,
        command: &Command,
        since: Instant,
        outcome: &Result<Output, SessionError>,
    ) {
        let now = CommandRun {
            at: Utc::now() - since.elapsed(),
            times: 1,
            millis: u64::try_from(since.elapsed().as_millis()).ok(),
            exit: outcome.as_ref().ok().map(|output| output.exit),
            expected: outcome
                .as_ref()
                .is_ok_and(|output| command.expects(output.exit)),
            stdout: outcome
                .as_ref()
                .map_or_else(|_| String::new(), |output| printed(command, &output.stdout)),
            stderr: outcome
                .as_ref()
                .map_or_else(|_| String::new(), |output| shortened(&output.stderr)),
            failure: outcome.as_ref().err().map(ToString::to_string),
            command: shown,
        };
        tracing::debug!(task = %self.id, node = self.name(), %command, exit = now.exit, "ran");
        self.change(|progress| {
            let running = progress
                .commands
                .iter()
                .rposition(|run| run.command == now.command && run.millis.is_none());
            if let Some(run) = running.and_then(|place| progress.commands.get_mut(place)) {
                *run = now;
                return;
            }
            // Sent again: report it once, with a count.
            if let Some(last) = progress.commands.last_mut()
                && same_outcome(last, &now)
            {
                let times = last.times + 1;
                *last = CommandRun { times, ..now };
            } else if progress.commands.len() < MAX_COMMANDS {
                progress.commands.push(now);
            }
        });
    }

    /// An error of the connection, for the user.
    pub(crate) fn lost(&self, doing: &str, error: &SessionError) -> TaskError {
        let kind = match error.kind() {
            FailureKind::Timeout => TaskErrorKind::Timeout,
            FailureKind::Hostd | FailureKind::Protocol => TaskErrorKind::Node,
            FailureKind::Configuration
            | FailureKind::Unreachable
            | FailureKind::HostKey
            | FailureKind::Authentication
            | FailureKind::Disconnected => TaskErrorKind::Unreachable,
        };
        TaskError {
            kind,
            message: format!("{doing}: {}.", error.to_string().trim_end_matches('.')),
            hint: error.hint(),
            left: Vec::new(),
        }
    }

    /// A command that failed, or whose output cannot be parsed.
    pub(crate) fn failed(
        &self,
        doing: &str,
        output: &Output,
        error: Option<&ParseError>,
    ) -> TaskError {
        let reason = match (fault_in(output), error) {
            (None, Some(error)) if output.exit == 0 => {
                format!("unreadable output: {error}.")
            }
            _ => parse::reason(&output.stdout, &output.stderr, output.exit),
        };
        TaskError {
            kind: TaskErrorKind::Node,
            message: format!("{doing} failed on {}: {reason}", self.name()),
            hint: "See the task's commands for the host's output.".to_owned(),
            left: Vec::new(),
        }
    }

    /// Why a command failed, as far as its output says. The text proves nothing: some commands print
    /// the same line when they work and when they fail.
    pub(crate) fn complaint(&self, doing: &str, output: &Output) -> Option<TaskError> {
        let fault = fault_in(output);
        (output.exit != 0 || fault.is_some()).then(|| {
            let mut error = self.failed(doing, output, None);
            if let Some(fault) = fault {
                error.message = format!("{doing} failed on {}: {}", self.name(), fault.sentence());
            }
            error
        })
    }
}

/// An act that is not possible now; nothing was changed.
pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> TaskError {
    TaskError {
        kind: TaskErrorKind::Refused,
        message: message.into(),
        hint: hint.into(),
        left: Vec::new(),
    }
}

/// The last change of a task.
pub(crate) fn end(progress: &mut TaskProgress, outcome: Result<(), TaskError>) {
    progress.finished_at = Some(Utc::now());
    for run in &mut progress.commands {
        if run.millis.is_none() && run.failure.is_none() {
            run.failure = Some("The task ended before the response arrived.".to_owned());
        }
    }
    match outcome {
        Ok(()) => {
            progress.state = TaskState::Succeeded;
            progress.question = None;
        }
        Err(error) => {
            progress.state = match error.kind {
                TaskErrorKind::Interrupted => TaskState::Interrupted,
                TaskErrorKind::Cancelled => TaskState::Cancelled,
                _ => TaskState::Failed,
            };
            for step in &mut progress.steps {
                if step.state == StepState::Running {
                    step.state = StepState::Failed;
                }
            }
            if error.kind != TaskErrorKind::Question {
                progress.question = None;
            }
            progress.error = Some(error);
        }
    }
}

/// The fault that the node itself reports, on either stream.
pub(crate) fn fault_in(output: &Output) -> Option<Fault> {
    parse::fault_of(&output.stdout, &output.stderr)
}

/// Whether the connection was lost: then nobody knows whether the command ran.
pub(crate) fn is_lost(error: &SessionError) -> bool {
    matches!(
        error.kind(),
        FailureKind::Disconnected | FailureKind::Unreachable
    )
}

/// The share of finished steps.
fn percent(steps: &[TaskStep]) -> Option<u8> {
    if steps.is_empty() {
        return None;
    }
    let done = steps
        .iter()
        .filter(|step| !matches!(step.state, StepState::Pending | StepState::Running))
        .count();
    u8::try_from(done * 100 / steps.len()).ok()
}

fn same_outcome(last: &CommandRun, now: &CommandRun) -> bool {
    last.command == now.command
        && last.exit == now.exit
        && last.stdout == now.stdout
        && last.stderr == now.stderr
        && last.failure == now.failure
}

/// What a command printed, as far as a report shows it.
fn printed(command: &Command, output: &[u8]) -> String {
    if command.is_private() {
        return format!("({} bytes, not kept: may contain secrets)", output.len());
    }
    shortened(output)
}

fn shortened(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    match text.char_indices().nth(MAX_OUTPUT_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}
