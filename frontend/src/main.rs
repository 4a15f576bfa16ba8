//! The web page: a Leptos single-page application.
//!
//! Depends on `ecoman-api` and `ecoman-page-state`: it shows what the REST API says and knows nothing
//! of how the server learned it. What needs no browser (which rows match, which rows are drawn, how a
//! time is written) is the latter's, with native tests; views stay thin.

#![allow(
    unreachable_pub,
    reason = "`#[component]` makes the types of properties `pub`, whatever the function is"
)]

mod language;
mod later;

use ecoman_page_state as state;

mod clock;
mod list_position;
mod location;

mod api;
mod live;
mod session;

mod attention;
mod seen;

mod components;

mod acts;
mod tray;

mod pages;

mod app;

fn main() {
    // The server writes it into the page.
    let page = leptos::prelude::document().document_element();
    if let Some(base) = page.and_then(|page| page.get_attribute("data-base")) {
        state::route::set_base(base);
    }
    language::start(|| leptos::mount::mount_to_body(app::App));
}
