//! A bar that shows a share.

use leptos::prelude::*;

use crate::state::{format, text};

/// How much of something is used; `label` is for screen readers. From 85 % on it is drawn as
/// scarce, from 95 % on as full, unless it is `calm`: nothing to worry about when it is full.
pub(crate) fn meter(label: String, used: u64, total: u64, calm: bool) -> AnyView {
    format::percent(used, total)
        .map(|percent| {
            let class = match percent {
                _ if calm => "meter",
                95.. => "meter full",
                85..95 => "meter scarce",
                _ => "meter",
            };
            view! {
                <div
                    class=class
                    role="meter"
                    aria-label=label
                    aria-valuenow=percent
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuetext=format!("{percent} %")
                >
                    <div class="fill" style:width=format!("{percent}%")></div>
                </div>
            }
        })
        .into_any()
}

/// How far a task has come, in percent.
pub(crate) fn progress_bar(percent: u8) -> AnyView {
    view! {
        <div
            class="meter"
            role="progressbar"
            aria-label=text::deferred().tasks.progress
            aria-valuenow=percent
            aria-valuemin="0"
            aria-valuemax="100"
        >
            <div class="fill" style:width=format!("{percent}%")></div>
        </div>
    }
    .into_any()
}
