//! Times, for the reader's clock.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::clock::{use_clock, zone};
use crate::state::format;

/// A time on the reader's clock, `full` with date and seconds, the exact one in UTC behind it.
pub(crate) fn when(time: DateTime<Utc>, full: bool) -> AnyView {
    let text = if full {
        format::timestamp(time, zone(time))
    } else {
        use_clock().clock(time)
    };
    view! {
        <time datetime=format::machine(time) title=format::utc(time)>
            {text}
        </time>
    }
    .into_any()
}

/// How long ago a time is, moving on by itself.
pub(crate) fn ago(time: DateTime<Utc>) -> AnyView {
    let clock = use_clock();
    let text = Memo::new(move |_| format::ago(clock.seconds_since(time)));
    view! {
        <time datetime=format::machine(time) title=format::utc(time)>
            {text}
        </time>
    }
    .into_any()
}
