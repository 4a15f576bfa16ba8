//! What a match depends on beside the facts of the VM.

use std::fmt;

use chrono::{DateTime, Datelike as _, Utc};

use crate::Vm;

/// When a filter is asked, and when VMs were last seen to be as they are: some terms count from
/// now.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    now: DateTime<Utc>,
    seen_at: &'a dyn Fn(&Vm) -> DateTime<Utc>,
}

impl<'a> Moment<'a> {
    /// A moment; `seen_at` is asked for VMs whose filter wants to know, usually
    /// [`Vm::seen_at`].
    pub fn new(now: DateTime<Utc>, seen_at: &'a dyn Fn(&Vm) -> DateTime<Utc>) -> Self {
        Self { now, seen_at }
    }

    /// Seconds since a VM was last seen; 0 where the clocks say that it will be.
    pub(super) fn seconds_since_seen(&self, vm: &Vm) -> u64 {
        self.seconds_since((self.seen_at)(vm))
    }

    /// Seconds since a time; 0 where it lies ahead.
    pub(super) fn seconds_since(&self, time: DateTime<Utc>) -> u64 {
        u64::try_from((self.now - time).num_seconds()).unwrap_or(0)
    }

    /// The day, in UTC, counted from the first of our era.
    pub(super) fn today(&self) -> u64 {
        u64::try_from(self.now.num_days_from_ce()).unwrap_or(0)
    }
}

impl fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
