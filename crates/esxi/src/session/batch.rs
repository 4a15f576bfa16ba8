//! The commands of one call: which are to be run, and the result of each.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::fault::{Exhausted, SessionFault};
use super::output::Output;
use super::quota::Quota;
use crate::command::Command;

/// The commands of one call, shared by its shells.
pub(super) struct Batch<'c> {
    commands: &'c [Command],
    pub(super) limit: Duration,
    /// How often a command is sent whose shell ends under it.
    pub(super) max_tries: u32,
    /// Is notified of each command that a shell begins with.
    pub(super) begun: Option<&'c Notify>,
    /// What the commands may cost together, and where each result goes at once.
    pub(super) within: Option<(&'c Quota, &'c Send<'c>)>,
    state: Mutex<BatchState>,
}

/// Takes a result with the index of its command.
type Send<'c> = dyn Fn(usize, Result<Output, SessionFault>) + Sync + 'c;

struct BatchState {
    queue: VecDeque<Job>,
    results: Vec<Option<Result<Output, SessionFault>>>,
}

#[derive(Clone, Copy)]
pub(super) struct Job {
    index: usize,
    pub(super) tries: u32,
}

impl<'c> Batch<'c> {
    pub(super) fn new(commands: &'c [Command], limit: Duration, max_tries: u32) -> Self {
        let queue = (0..commands.len())
            .map(|index| Job { index, tries: 0 })
            .collect();
        let results = commands.iter().map(|_| None).collect();
        Self {
            commands,
            limit,
            max_tries,
            begun: None,
            within: None,
            state: Mutex::new(BatchState { queue, results }),
        }
    }

    pub(super) fn command(&self, job: Job) -> Option<&'c Command> {
        self.commands.get(job.index)
    }

    pub(super) fn next(&self) -> Option<Job> {
        self.state().queue.pop_front()
    }

    /// Queues a job again whose shell ended under it.
    pub(super) fn put_back_tried(&self, job: Job) {
        self.put_back(Job {
            tries: job.tries + 1,
            ..job
        });
    }

    pub(super) fn put_back(&self, job: Job) {
        self.state().queue.push_front(job);
    }

    pub(super) fn finish(&self, job: Job, result: Result<Output, SessionFault>) {
        if let Some((quota, _)) = self.within {
            match &result {
                Ok(output) => quota.spend(output.bytes()),
                Err(SessionFault::TooMuchOutput { limit_bytes, .. }) => quota.spend(*limit_bytes),
                Err(SessionFault::Timeout { .. }) => quota.count_silent(),
                Err(_) => {}
            }
        }
        self.set_result(job, result);
    }

    /// What the commands have used up, if anything.
    pub(super) fn exhausted(&self) -> Option<Exhausted> {
        self.within.and_then(|(quota, _)| quota.exhausted())
    }

    /// How long a command that begins now may take.
    pub(super) fn limit_now(&self) -> Duration {
        match self.within {
            Some((quota, _)) => self.limit.min(quota.time_left()),
            None => self.limit,
        }
    }

    /// Sends an error for each command that has no result: its shell went away.
    pub(super) fn send_missing(&self) {
        let missing: Vec<usize> = {
            let state = self.state();
            let results = state.results.iter().enumerate();
            results
                .filter(|(_, result)| result.is_none())
                .map(|(index, _)| index)
                .collect()
        };
        for index in missing {
            let job = Job { index, tries: 0 };
            self.set_result(job, Err(SessionFault::disconnected(String::new())));
        }
    }

    fn set_result(&self, job: Job, result: Result<Output, SessionFault>) {
        let result = match self.within {
            None => result,
            Some((_, send)) => {
                send(job.index, result);
                // It is on its way; this only says so.
                Err(SessionFault::disconnected(String::new()))
            }
        };
        if let Some(place) = self.state().results.get_mut(job.index) {
            *place = Some(result);
        }
    }

    pub(super) fn finish_late(&self, job: Job) {
        if let Some(command) = self.command(job) {
            let fault = SessionFault::Timeout {
                command: command.clone(),
                limit: self.limit,
            };
            self.finish(job, Err(fault));
        }
    }

    /// Nothing of what is left will be run.
    pub(super) fn give_up(&self, fault: &SessionFault) {
        while let Some(job) = self.next() {
            self.set_result(job, Err(fault.clone()));
        }
    }

    pub(super) fn into_results(self) -> impl Iterator<Item = Result<Output, SessionFault>> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        state
            .results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(SessionFault::disconnected(String::new()))))
    }

    fn state(&self) -> MutexGuard<'_, BatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
