//! Times, for the reader's clock.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::clock::{use_clock, zone};
use crate::format;

/// A time on the reader's clock, the exact one in UTC behind it.
#[component]
pub(crate) fn When(
    /// The time.
    time: DateTime<Utc>,
    /// With date and seconds.
    #[prop(optional)]
    full: bool,
) -> impl IntoView {
    let clock = use_clock();
    let text = if full {
        format::timestamp(time, zone(time))
    } else {
        clock.clock(time)
    };
    view! {
        <time datetime=format::machine(time) title=format::utc(time)>
            {text}
        </time>
    }
}

/// How long ago a time is, moving on by itself.
#[component]
pub(crate) fn Ago(
    /// The time.
    time: DateTime<Utc>,
) -> impl IntoView {
    let clock = use_clock();
    let text = Memo::new(move |_| format::ago(clock.seconds_since(time)));
    view! {
        <time datetime=format::machine(time) title=format::utc(time)>
            {text}
        </time>
    }
}
