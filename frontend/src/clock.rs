//! What time it is: for ages that move on by themselves.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, Offset, TimeDelta, Utc};
use leptos::prelude::*;

use crate::state::format;

/// A difference between the clocks of server and browser that is left alone: the server reports
/// whole seconds, and an answer takes its time.
const TOLERANCE: TimeDelta = TimeDelta::seconds(3);

/// The clock of the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now: RwSignal<DateTime<Utc>>,
    /// What to add to the browser's clock to get the server's, by which everything is dated.
    skew: StoredValue<TimeDelta>,
}

impl Clock {
    /// Starts ticking, once a second.
    pub(crate) fn start() -> Self {
        let clock = Self {
            now: RwSignal::new(browser_time()),
            skew: StoredValue::new(TimeDelta::zero()),
        };
        set_interval(move || clock.now.set(clock.exact()), Duration::from_secs(1));
        clock
    }

    /// The time, by the second; notifies its readers when it moves on.
    pub(crate) fn now(self) -> DateTime<Utc> {
        self.now.get()
    }

    /// The time at this moment.
    pub(crate) fn exact(self) -> DateTime<Utc> {
        browser_time() + self.skew.get_value()
    }

    /// Takes the server's time as the right one.
    pub(crate) fn set_server_time(self, time: DateTime<Utc>) {
        let skew = time - browser_time();
        let skew = if skew.abs() > TOLERANCE {
            skew
        } else {
            TimeDelta::zero()
        };
        self.skew.set_value(skew);
        self.now.set(self.exact());
    }

    /// Seconds since `time`.
    pub(crate) fn seconds_since(self, time: DateTime<Utc>) -> i64 {
        (self.now() - time).num_seconds()
    }

    /// `time` for the reader: short, on their clock.
    pub(crate) fn clock(self, time: DateTime<Utc>) -> String {
        format::clock(time, self.now.get_untracked(), zone(time))
    }
}

/// The clock of the page, from anywhere in it.
pub(crate) fn use_clock() -> Clock {
    expect_context()
}

/// How far the reader's clock is from UTC at `time`.
pub(crate) fn zone(time: DateTime<Utc>) -> FixedOffset {
    // Exact: milliseconds of 285,000 years.
    let date = js_sys::Date::new(&(time.timestamp_millis() as f64).into());
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the offset is at most a day of minutes"
    )]
    let minutes_west = date.get_timezone_offset() as i32;
    FixedOffset::west_opt(minutes_west * 60).unwrap_or_else(|| Utc.fix())
}

/// When a day begins on the reader's clock.
pub(crate) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    // Exact: days have small numbers.
    let year = u32::try_from(day.year()).unwrap_or_default();
    let date = js_sys::Date::new_with_year_month_day(
        year,
        day.month0().cast_signed(),
        day.day().cast_signed(),
    );
    from_milliseconds(date.get_time()).unwrap_or_default()
}

/// On which day of the reader a time is.
pub(crate) fn local_day(time: DateTime<Utc>) -> NaiveDate {
    time.with_timezone(&zone(time)).date_naive()
}

/// A time of JavaScript; `None`: it is none (NaN).
pub(crate) fn from_milliseconds(milliseconds: f64) -> Option<DateTime<Utc>> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since 1970 fit in 53 bits"
    )]
    let milliseconds = milliseconds.is_finite().then_some(milliseconds as i64)?;
    DateTime::from_timestamp_millis(milliseconds)
}

/// Time since the page was opened. Setting the clock does not change it; while the machine sleeps, it
/// may stand still.
pub(crate) fn monotonic() -> Duration {
    let milliseconds = window().performance().map_or(0.0, |clock| clock.now());
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

fn browser_time() -> DateTime<Utc> {
    from_milliseconds(js_sys::Date::now()).unwrap_or_default()
}
