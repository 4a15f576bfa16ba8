//! How a check ended.

use crate::tally::Tally;

/// The outcome of a check.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    /// The tests that failed, by name.
    pub(super) failures: Vec<String>,
}

impl Outcome {
    /// Of a check that has no tests of its own.
    pub(super) fn of_check(good: bool) -> Self {
        Self {
            tally: Tally::of_check(good),
            failures: Vec::new(),
        }
    }
}
