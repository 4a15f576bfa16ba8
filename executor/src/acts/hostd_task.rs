//! Commands whose work hostd does as a task of its own, which goes on when the session is gone: sent
//! once, followed to the end of that task.

use std::time::Duration;

use ecoman_esxi::parse::{self, TaskInfo, TaskState};
use ecoman_esxi::{Command, SessionError};
use ecoman_model::{TaskError, TaskErrorKind, Vmid};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::job::{Job, is_lost};

/// How long hostd may work on one.
const WORK_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// How often hostd is asked how far it is: at first, and later on.
const FIRST_LOOK: Duration = Duration::from_millis(500);
const SLOWEST_LOOK: Duration = Duration::from_secs(5);

/// How long a query beside the command may take.
const SIDE_QUERY_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a node that was lost is asked again, while hostd may be at work.
const LOST_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// After which time a command gives its session to others.
const LET_GO_AFTER: Duration = Duration::from_secs(10);

/// Work of hostd on a VM.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) vmid: Vmid,
    /// What the key of its task has in it, in lower case: `createsnapshot`.
    pub(super) verbs: &'static [&'static str],
}

/// What the node said of the work when it was over.
#[derive(Debug)]
pub(super) enum Ended {
    /// It does not complain; its state still decides.
    Quietly,
    /// It complains.
    Complaining(TaskError),
}

impl Work {
    /// The keys of hostd's tasks of the VM; `None`: the node does not list them.
    pub(super) async fn tasks(self, job: &Job) -> Result<Option<Vec<String>>, SessionError> {
        let output = job.ask(&Command::vm_tasks(self.vmid)).await?;
        Ok(parse::task_list(&output.stdout).ok())
    }

    /// The newest task of this kind that was not there before.
    fn own<'k>(self, now: &'k [String], before: &[String]) -> Option<&'k String> {
        now.iter().rev().find(|key| {
            let is_new = !before.contains(key);
            let key = key.to_ascii_lowercase();
            is_new && self.verbs.iter().any(|verb| key.contains(verb))
        })
    }

    /// Sends the command, once, and waits until hostd has done its work. `before`: its tasks from
    /// before. `doing` completes "… failed".
    pub(super) async fn send(
        self,
        job: &Job,
        command: &Command,
        before: Option<&[String]>,
        doing: &str,
    ) -> Result<Ended, TaskError> {
        let begun = Notify::new();
        let outcome = tokio::select! {
            outcome = job.run_and_notify(command, WORK_TIMEOUT, &begun) => Ok(outcome),
            key = self.watch(job, before, &begun) => Err(key),
        };
        match outcome {
            Ok(Ok(output)) => Ok(match job.complaint(doing, &output) {
                None => Ended::Quietly,
                Some(complaint) => {
                    Ended::Complaining(self.with_reason(job, before, complaint).await)
                }
            }),
            Ok(Err(error)) if is_lost(&error) => {
                let lost = job.lost(doing, &error);
                Ok(match self.find(job, before, doing).await? {
                    Some(key) => self.follow(job, &key, doing).await?,
                    None => Ended::Complaining(lost),
                })
            }
            Ok(Err(error)) => Ok(Ended::Complaining(job.lost(doing, &error))),
            Err(key) => {
                job.abandon(
                    command,
                    "ECoMan stopped waiting; hostd continues on its own.",
                );
                self.follow(job, &key, doing).await
            }
        }
    }

    /// Follows the work that an earlier run of the executor may have asked for. `None`: hostd knows
    /// of no such work.
    pub(super) async fn resume(
        self,
        job: &Job,
        before: Option<&[String]>,
        doing: &str,
    ) -> Result<Option<Ended>, TaskError> {
        let known = before.unwrap_or_default();
        let Some(key) = self.find(job, Some(known), doing).await? else {
            return Ok(None);
        };
        if before.is_some() {
            return self.follow(job, &key, doing).await.map(Some);
        }
        // Whose it is, is not known; but while it is at work, the snapshots say nothing.
        if self.is_at_work(job, &key).await {
            self.follow(job, &key, doing).await?;
        }
        Ok(None)
    }

    async fn is_at_work(self, job: &Job, key: &str) -> bool {
        let output = job.ask(&Command::task_info(key)).await.ok();
        let info = output.and_then(|output| parse::task_info(&output.stdout).ok());
        info.is_some_and(|info| matches!(info.state, TaskState::Queued | TaskState::Running))
    }

    /// The key of the task of this work, after the node was lost.
    async fn find(
        self,
        job: &Job,
        before: Option<&[String]>,
        doing: &str,
    ) -> Result<Option<String>, TaskError> {
        let Some(before) = before else {
            return Ok(None);
        };
        let until = Instant::now() + LOST_TIMEOUT;
        loop {
            match self.tasks(job).await {
                Ok(now) => return Ok(now.and_then(|now| self.own(&now, before).cloned())),
                Err(error) if is_lost(&error) && Instant::now() < until => {
                    job.pause(SLOWEST_LOOK).await;
                }
                Err(error) => return Err(may_go_on(job.lost(doing, &error))),
            }
        }
    }

    /// Reports how far the task of a command is that has `begun`. Returns its key when the command's
    /// session is needed for others.
    async fn watch(self, job: &Job, before: Option<&[String]>, begun: &Notify) -> String {
        begun.notified().await;
        let Some(before) = before.filter(|_| job.has_query_session()) else {
            return std::future::pending().await;
        };
        let since = Instant::now();
        let mut pause = FIRST_LOOK;
        let mut permit = None;
        loop {
            sleep(pause).await;
            pause = (pause * 2).min(SLOWEST_LOOK);
            let looking = timeout(SIDE_QUERY_TIMEOUT, self.look(job, before));
            let key = looking.await.ok().flatten();
            if since.elapsed() >= LET_GO_AFTER && permit.is_none() {
                permit = job.node.try_blocked_slot();
                if permit.is_some() {
                    job.release_slot().await;
                } else if let Some(key) = key {
                    return key;
                }
            }
        }
    }

    /// Reports how far the task is; returns its key.
    async fn look(self, job: &Job, before: &[String]) -> Option<String> {
        let now = self.tasks_beside(job).await?;
        let key = self.own(&now, before)?.clone();
        let session = job.query_session().await?;
        let output = session
            .run(&Command::task_info(&key), SIDE_QUERY_TIMEOUT)
            .await;
        let info = parse::task_info(&output.ok()?.stdout).ok()?;
        report(job, &info);
        Some(key)
    }

    /// As [`Self::tasks`], without a line among the commands of the task for each look.
    async fn tasks_beside(self, job: &Job) -> Option<Vec<String>> {
        let session = job.query_session().await?;
        let command = Command::vm_tasks(self.vmid);
        let output = session.run(&command, SIDE_QUERY_TIMEOUT).await.ok()?;
        parse::task_list(&output.stdout).ok()
    }

    /// Asks hostd for the task until it has ended.
    async fn follow(self, job: &Job, key: &str, doing: &str) -> Result<Ended, TaskError> {
        let mut pause = FIRST_LOOK;
        let mut lost_since = None;
        loop {
            let command = Command::task_info(key);
            match job.ask(&command).await {
                Ok(output) => match parse::task_info(&output.stdout) {
                    Ok(info) => {
                        lost_since = None;
                        report(job, &info);
                        match info.state {
                            TaskState::Success => return Ok(Ended::Quietly),
                            TaskState::Error => {
                                return Ok(Ended::Complaining(failed(job, &info, doing)));
                            }
                            _ => {}
                        }
                    }
                    // hostd forgets tasks that have ended; its state decides.
                    Err(_) => return Ok(Ended::Quietly),
                },
                Err(error) if is_lost(&error) => {
                    let since = *lost_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= LOST_TIMEOUT {
                        return Err(may_go_on(job.lost(doing, &error)));
                    }
                }
                Err(error) => return Err(may_go_on(job.lost(doing, &error))),
            }
            job.pause(pause).await;
            pause = (pause * 2).min(SLOWEST_LOOK);
        }
    }

    /// The complaint of a command with the reason that hostd's task has: some releases print none.
    async fn with_reason(
        self,
        job: &Job,
        before: Option<&[String]>,
        complaint: TaskError,
    ) -> TaskError {
        let Some(before) = before else {
            return complaint;
        };
        let Ok(Some(now)) = self.tasks(job).await else {
            return complaint;
        };
        let Some(key) = self.own(&now, before) else {
            return complaint;
        };
        let Ok(output) = job.ask(&Command::task_info(key)).await else {
            return complaint;
        };
        let info = parse::task_info(&output.stdout).ok();
        let reason = info.and_then(|info| Some(info.error?.sentence()));
        match reason {
            Some(reason) if !complaint.message.contains(&reason) => TaskError {
                message: format!("{} {reason}", complaint.message),
                ..complaint
            },
            _ => complaint,
        }
    }
}

fn report(job: &Job, info: &TaskInfo) {
    if let Some(percent) = info.progress {
        job.node_percent(percent);
    }
}

fn failed(job: &Job, info: &TaskInfo, doing: &str) -> TaskError {
    let reason = info.error.as_ref().map(|fault| fault.sentence());
    let reason = reason.unwrap_or_else(|| "The host gives no reason.".to_owned());
    TaskError {
        kind: TaskErrorKind::Node,
        message: format!("{doing} failed on {}: {reason}", job.name()),
        hint: "See the task's commands for the host's output.".to_owned(),
        left: Vec::new(),
    }
}

fn may_go_on(error: TaskError) -> TaskError {
    TaskError {
        hint: "The host may still be working on it. Check the snapshots before you try again."
            .to_owned(),
        ..error
    }
}
