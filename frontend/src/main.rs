//! The web page: a Leptos single-page application.
//!
//! Depends on `ecoman-api` alone: it shows what the REST API says and knows nothing of how the
//! server came by it. What can be thought out without a browser (which rows match, which rows
//! are drawn, what a time is called) lies in plain modules with native tests; views stay thin.

#![allow(
    unreachable_pub,
    reason = "`#[component]` makes the types of properties `pub`, whatever the function is"
)]

mod language;
mod later;
mod state;

mod clock;
mod list_position;
mod location;

mod api;
mod live;
mod session;

mod components;

mod acts;
mod pages;

mod app;

fn main() {
    language::start(|| leptos::mount::mount_to_body(app::App));
}
