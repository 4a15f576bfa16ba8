//! The web page: a Leptos single-page application.
//!
//! Depends on `ecoman-api` alone: it shows what the REST API says and knows nothing of how the
//! server came by it. What can be thought out without a browser (which rows match, which rows
//! are drawn, what a time is called) lies in plain modules with native tests; views stay thin.

#![allow(
    unreachable_pub,
    reason = "`#[component]` makes the types of properties `pub`, whatever the function is"
)]

mod app;
mod location;
mod route;

mod api;
mod later;
mod live;
mod load;

mod draft;
mod listing;
mod placement;
mod power;
mod reach;
mod selection;
mod table;
mod task_filter;
mod tasks;
mod viewport;

mod clock;
mod format;
mod theme;

mod components;
mod pages;

fn main() {
    leptos::mount::mount_to_body(app::App);
}
