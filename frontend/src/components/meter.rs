//! A bar that tells a share.

use leptos::prelude::*;

use crate::format;

/// How much of something is used. From 85 % on it is drawn as scarce, from 95 % on as full.
#[component]
pub(crate) fn Meter(
    /// What is measured, for screen readers.
    #[prop(into)]
    label: String,
    /// What is used.
    used: u64,
    /// All there is.
    total: u64,
    /// Whether it is nothing to worry about when it is full.
    #[prop(optional)]
    calm: bool,
) -> impl IntoView {
    format::percent(used, total).map(|percent| {
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
}
