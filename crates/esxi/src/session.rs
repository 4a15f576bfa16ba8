//! One kept, multiplexed OpenSSH connection to a node.
//!
//! Nothing of the user's `~/.ssh/config` is read and no agent is asked: what is in hosts.yml is
//! what is used. Host keys are checked strictly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};

use crate::command::Command;
use crate::hostd::Follower;
use crate::hosts::{Host, key};

mod batch;
mod control;
mod fault;
mod login_pause;
mod master;
mod options;
mod output;
mod quota;
mod shell;

use batch::{Batch, Job};
pub use fault::{Exhausted, SessionError, SessionFault};
pub use login_pause::{ACCOUNT_UNLOCK_TIME, RefusedLogins, login_pause};
use master::Master;
pub use options::SessionOptions;
pub use output::Output;
pub use quota::Quota;
use shell::{OpenError, RunError, Shell};

/// How often [`Session::run_each`] sends a command whose shell ended under it.
const MAX_TRIES: u32 = 2;

/// How often a session is asked for that is refused though nothing else runs: the node counts
/// one out a moment after it has ended. The first pause; each is twice the last, 3 s in all.
const REFUSED_TRIES: u32 = 9;
const REFUSED_PAUSE: Duration = Duration::from_millis(12);

/// How often it is asked for beside other sessions before the node is taken to grant one fewer.
const REFUSED_TRIES_BESIDE: u32 = 4;

/// A connection to a node.
///
/// End it with [`Session::close`]; when it is dropped the connection ends as well, a moment
/// later. Commands that run then are killed on the node, and so they are when ECoMan itself is.
#[derive(Debug)]
pub struct Session {
    host: Host,
    mux: Arc<openssh::Session>,
    master: Master,
    /// One permit per shell that may be open.
    slots: Semaphore,
    /// How many permits there are: those of hosts.yml, less those that the node did not grant.
    granted: AtomicU32,
    commands: AtomicU64,
    sign_ins: AtomicU64,
}

/// How many commands were run in a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub commands: u64,
    /// Those that sign in to hostd.
    pub sign_ins: u64,
}

impl Session {
    /// Connects to a node and logs in.
    ///
    /// How many nodes are connected to at once is up to the caller. A connection that the node
    /// closes before the login, as a busy one does, is tried a second time; nothing else is.
    ///
    /// # Errors
    ///
    /// Every fault of the stages of connecting, see [`SessionFault`].
    pub async fn connect(host: &Host, options: &SessionOptions) -> Result<Self, SessionError> {
        let error = |fault| SessionError::new(host, fault);
        key::inspect(&host.identity_file).map_err(|reason| {
            let path = host.identity_file.clone();
            error(match std::fs::File::open(&path) {
                Err(source) if fault::is_shortage(&source) => SessionFault::Local {
                    doing: "reading the key file",
                    source: source.into(),
                },
                _ => SessionFault::KeyFile { path, reason },
            })
        })?;
        let master = match Master::start(host, options).await {
            Err(SessionFault::Closed { .. }) => {
                // MaxStartups turns connections away at random: come again, and not all at once.
                sleep(Duration::from_millis(fastrand::u64(200..700))).await;
                Master::start(host, options).await
            }
            outcome => outcome,
        }
        .map_err(error)?;
        let socket = master.directory().socket().into_boxed_path();
        let max_sessions = u32::from(host.settings.max_sessions.max(1));
        Ok(Self {
            host: host.clone(),
            mux: Arc::new(openssh::Session::resume_mux(socket, None)),
            master,
            slots: Semaphore::new(max_sessions as usize),
            granted: AtomicU32::new(max_sessions),
            commands: AtomicU64::new(0),
            sign_ins: AtomicU64::new(0),
        })
    }

    /// Runs a command that may take `limit`, which begins when the node is asked to run it.
    ///
    /// When the time is over, or when the future is dropped, the command and its children are
    /// killed on the node. The command is never sent twice.
    ///
    /// # Errors
    ///
    /// Every fault of the stages of running, see [`SessionFault`]. A command that fails is none.
    pub async fn run(&self, command: &Command, limit: Duration) -> Result<Output, SessionError> {
        self.run_notifying(command, limit, &Notify::new()).await
    }

    /// Runs a command as [`Session::run`], and notifies `begun` when the node is asked to run it:
    /// until then it waits for a shell.
    ///
    /// # Errors
    ///
    /// Those of [`Session::run`].
    pub async fn run_notifying(
        &self,
        command: &Command,
        limit: Duration,
        begun: &Notify,
    ) -> Result<Output, SessionError> {
        let mut batch = Batch::new(std::slice::from_ref(command), limit, 1);
        batch.begun = Some(begun);
        let mut results = self.work_off(batch, 1).await;
        results
            .pop()
            .unwrap_or_else(|| Err(self.error(SessionFault::disconnected(String::new()))))
    }

    /// Runs many commands that only read, each of which may take `limit`, and returns their results
    /// in the same order.
    ///
    /// They are spread over as many shells as the node's `max_sessions` allows, less those that
    /// other calls have open; each shell takes the next command when it has done its last. A node
    /// that grants fewer sessions beside each other gets fewer from then on. A command whose
    /// shell ends under it is sent a second time.
    ///
    /// # Errors
    ///
    /// Each result is that of [`Session::run`]: one that is missing costs no other, unless the
    /// connection is lost.
    pub async fn run_each(
        &self,
        commands: &[Command],
        limit: Duration,
    ) -> Vec<Result<Output, SessionError>> {
        let shells = commands
            .len()
            .min(self.granted.load(Ordering::Relaxed) as usize);
        let batch = Batch::new(commands, limit, MAX_TRIES);
        self.work_off(batch, shells).await
    }

    /// Runs many commands as [`Session::run_each`] and sends each result, with the index of its
    /// command, as soon as it is there: so that the answers need not be kept together.
    ///
    /// The answers count into `quota`. When it is used up the commands that are left fail with
    /// [`SessionFault::Exhausted`].
    pub async fn run_each_within(
        &self,
        commands: &[Command],
        limit: Duration,
        quota: &Quota,
        results: UnboundedSender<(usize, Result<Output, SessionError>)>,
    ) {
        let shells = commands
            .len()
            .min(self.granted.load(Ordering::Relaxed) as usize);
        let mut batch = Batch::new(commands, limit, MAX_TRIES);
        let send = |index, result: Result<Output, SessionFault>| {
            // The reader may have given up.
            let _ = results.send((index, result.map_err(|fault| self.error(fault))));
        };
        batch.within = Some((quota, &send));
        join_all((0..shells).map(|_| self.work(&batch))).await;
        batch.send_missing();
    }

    /// Starts the program that stays on the node and says what changes there. It takes a session of
    /// the connection beside those that run commands, and ends with the connection at the latest.
    ///
    /// # Errors
    ///
    /// The node refuses another session, or the connection is lost.
    pub async fn follow(&self) -> Result<Follower, SessionError> {
        let started = Follower::start(Arc::clone(&self.mux)).await;
        self.count(true);
        started.map_err(|error| {
            self.error(match shell::is_refusal(&error) {
                true => SessionFault::SessionsRefused,
                false => SessionFault::disconnected(error.to_string()),
            })
        })
    }

    /// How many commands were run so far.
    pub fn counts(&self) -> Counts {
        Counts {
            commands: self.commands.load(Ordering::Relaxed),
            sign_ins: self.sign_ins.load(Ordering::Relaxed),
        }
    }

    fn count(&self, signs_in: bool) {
        self.commands.fetch_add(1, Ordering::Relaxed);
        self.sign_ins
            .fetch_add(u64::from(signs_in), Ordering::Relaxed);
    }

    /// How many commands the node runs beside each other, as far as it is known.
    pub fn granted(&self) -> u32 {
        self.granted.load(Ordering::Relaxed)
    }

    /// Whether the connection stands, as far as this side knows.
    pub async fn is_alive(&self) -> bool {
        matches!(
            timeout(Duration::from_secs(2), self.mux.check()).await,
            Ok(Ok(()))
        )
    }

    /// Ends the connection. What still runs on the node is killed there.
    pub async fn close(self) {
        self.master.close().await;
    }

    fn error(&self, fault: SessionFault) -> SessionError {
        SessionError::new(&self.host, fault)
    }

    async fn work_off(&self, batch: Batch<'_>, shells: usize) -> Vec<Result<Output, SessionError>> {
        join_all((0..shells).map(|_| self.work(&batch))).await;
        batch
            .into_results()
            .map(|result| result.map_err(|fault| self.error(fault)))
            .collect()
    }

    /// One shell after another, as long as there is something to run.
    async fn work(&self, batch: &Batch<'_>) {
        let mut refused = 0;
        loop {
            // The semaphore is never closed.
            let Ok(permit) = self.slots.acquire().await else {
                return;
            };
            if let Some(reason) = batch.exhausted() {
                return batch.give_up(&SessionFault::Exhausted { reason });
            }
            let Some(job) = batch.next() else { return };
            match timeout(batch.limit_now(), Shell::open(&self.mux)).await {
                Ok(Ok(shell)) => {
                    refused = 0;
                    if let Err(fault) = self.work_in(shell, job, batch).await {
                        return batch.give_up(&fault);
                    }
                }
                Ok(Err(OpenError::Refused)) => {
                    batch.put_back(job);
                    refused += 1;
                    if refused >= REFUSED_TRIES_BESIDE && self.grant_one_fewer() {
                        permit.forget();
                        refused = 0;
                        continue;
                    }
                    if refused >= REFUSED_TRIES {
                        return batch.give_up(&SessionFault::SessionsRefused);
                    }
                    sleep(REFUSED_PAUSE * 2_u32.pow(refused - 1)).await;
                }
                Ok(Err(OpenError::Failed(text))) => {
                    let words = self.master.last_words().await;
                    let reason = if words.is_empty() { text } else { words };
                    batch.finish(job, Err(SessionFault::disconnected(reason.clone())));
                    return batch.give_up(&SessionFault::disconnected(reason));
                }
                Err(_) => batch.finish_late(job),
            }
        }
    }

    /// Runs jobs in a shell until none is left or the shell is of no more use.
    async fn work_in(
        &self,
        mut shell: Shell<'_>,
        mut job: Job,
        batch: &Batch<'_>,
    ) -> Result<(), SessionFault> {
        loop {
            let Some(command) = batch.command(job) else {
                return Ok(());
            };
            self.count(command.signs_in());
            if let Some(begun) = batch.begun {
                begun.notify_one();
            }
            match timeout(batch.limit_now(), shell.run(command)).await {
                Ok(Ok(output)) => batch.finish(job, Ok(output)),
                Ok(Err(RunError::InvalidArgument)) => {
                    let command = command.clone();
                    batch.finish(job, Err(SessionFault::InvalidArgument { command }));
                }
                Ok(Err(RunError::TooMuchOutput(limit_bytes))) => {
                    let fault = SessionFault::TooMuchOutput {
                        command: command.clone(),
                        limit_bytes,
                    };
                    batch.finish(job, Err(fault));
                    shell.kill().await;
                    return Ok(());
                }
                Ok(Err(RunError::Ended { started, text })) => {
                    shell.kill().await;
                    if !self.is_alive().await {
                        let fault = SessionFault::disconnected(self.master.last_words().await);
                        batch.finish(job, Err(fault.clone()));
                        return Err(fault);
                    }
                    if job.tries + 1 < batch.max_tries {
                        batch.put_back_tried(job);
                    } else if started {
                        let command = command.clone();
                        batch.finish(job, Err(SessionFault::Interrupted { command, text }));
                    } else {
                        let fault = SessionFault::NoShell { text };
                        batch.finish(job, Err(fault.clone()));
                        return Err(fault);
                    }
                    return Ok(());
                }
                Err(_) => {
                    batch.finish_late(job);
                    shell.kill().await;
                    return Ok(());
                }
            }
            if let Some(reason) = batch.exhausted() {
                batch.give_up(&SessionFault::Exhausted { reason });
            }
            match batch.next() {
                Some(next) => job = next,
                None => {
                    shell.quit().await;
                    return Ok(());
                }
            }
        }
    }

    /// Takes the node's word that it grants fewer sessions beside each other than hosts.yml says;
    /// false when only one is left, without which nothing can be run.
    fn grant_one_fewer(&self) -> bool {
        let fewer = |granted: u32| (granted > 1).then(|| granted - 1);
        let before = self
            .granted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        if let Ok(before) = before {
            tracing::info!(
                node = %self.host.name,
                sessions = before - 1,
                "the host refuses a session: using fewer at once from now on"
            );
        }
        before.is_ok()
    }
}
