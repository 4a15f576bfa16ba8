//! How a result is printed: a line for people, and one for `cargo xtask bench`.

use std::fmt::Display;
use std::time::Duration;

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    /// As little as possible.
    Lower,
    /// As much as possible.
    Higher,
}

/// A figure and what it should be at most, or at least.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Option<f64>,
    better: Better,
}

impl Figure {
    /// A figure of which less is better.
    pub(crate) fn lower(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            goal: None,
            better: Better::Lower,
        }
    }

    /// A figure of which more is better.
    pub(crate) fn higher(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            better: Better::Higher,
            ..Self::lower(name, value, unit)
        }
    }

    /// The same with its budget.
    pub(crate) fn goal(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self
    }

    /// Prints it: `BENCH name=… value=… unit=… goal=… better=…`.
    #[expect(
        clippy::print_stdout,
        reason = "the figures are what the program is for"
    )]
    pub(crate) fn report(&self) {
        let Self {
            name,
            value,
            unit,
            goal,
            better,
        } = self;
        let goal = goal.map_or(String::new(), |goal| format!(" goal={goal:.4}"));
        let better = match better {
            Better::Lower => "lower",
            Better::Higher => "higher",
        };
        println!("BENCH name={name} value={value:.4} unit={unit}{goal} better={better}");
    }
}

/// Prints a line for people.
#[expect(
    clippy::print_stdout,
    reason = "the figures are what the program is for"
)]
pub(crate) fn say(line: impl Display) {
    println!("{line}");
}

/// Milliseconds, with what is less.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The median; 0 of nothing.
pub(crate) fn median(times: &mut [Duration]) -> Duration {
    percentile(times, 50)
}

/// The time that so many in a hundred do not exceed; 0 of nothing.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    let place = (times.len() * percent / 100).min(last);
    times.get(place).copied().unwrap_or_default()
}
