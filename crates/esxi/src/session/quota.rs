//! What a series of commands may cost together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::fault::Exhausted;

/// So many commands in a row may run into their limit of time: then the node answers nothing.
const MAX_SILENT: usize = 8;

/// What a series of commands may cost together, so that a node which prints without end, or
/// answers each command only when its time is nearly over, costs no more than that.
#[derive(Debug)]
pub struct Quota {
    max_bytes: usize,
    bytes: AtomicUsize,
    max_time: Duration,
    began: Instant,
    silent: AtomicUsize,
}

impl Quota {
    /// So many bytes of answers, and so much time from now on.
    #[must_use]
    pub fn new(max_bytes: usize, max_time: Duration) -> Self {
        Self {
            max_bytes,
            bytes: AtomicUsize::new(0),
            max_time,
            began: Instant::now(),
            silent: AtomicUsize::new(0),
        }
    }

    /// Counts an answer of so many bytes.
    pub fn spend(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.silent.store(0, Ordering::Relaxed);
    }

    /// What is used up, if anything.
    #[must_use]
    pub fn exhausted(&self) -> Option<Exhausted> {
        if self.bytes.load(Ordering::Relaxed) > self.max_bytes {
            Some(Exhausted::Bytes(self.max_bytes))
        } else if self.silent.load(Ordering::Relaxed) >= MAX_SILENT {
            Some(Exhausted::Silence(MAX_SILENT))
        } else if self.began.elapsed() >= self.max_time {
            Some(Exhausted::Time(self.max_time))
        } else {
            None
        }
    }

    /// The time that is left.
    pub(super) fn time_left(&self) -> Duration {
        self.max_time.saturating_sub(self.began.elapsed())
    }

    /// Counts a command that ran into its limit of time.
    pub(super) fn count_silent(&self) {
        self.silent.fetch_add(1, Ordering::Relaxed);
    }
}
