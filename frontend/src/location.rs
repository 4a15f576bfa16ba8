//! The address bar: where the reader is, and the ways to somewhere else.
//!
//! Paths are taken apart by [`crate::state::route`] alone, so that all that is left for a router to do
//! is to follow the browser's history. `leptos_router` would bring its own tree of routes for
//! that, a tenth of the page's weight, and decodes addresses twice: a node called `50%25` could
//! not be reached.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsValue;

/// Where the reader is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    /// The path, as the browser spells it (percent-encoded).
    pub(crate) path: RwSignal<String>,
    /// The query with its question mark; empty if there is none.
    pub(crate) query: RwSignal<String>,
}

impl Location {
    /// Follows the address bar from now on.
    pub(crate) fn start() -> Self {
        let location = Self {
            path: RwSignal::default(),
            query: RwSignal::default(),
        };
        location.read();
        let listener = window_event_listener(ev::popstate, move |_| location.read());
        on_cleanup(move || listener.remove());
        location
    }

    /// Leads to `url`, a path with its query.
    pub(crate) fn go(self, url: &str) {
        // The same place twice would be a step back that leads nowhere.
        let here = format!(
            "{}{}",
            self.path.get_untracked(),
            self.query.get_untracked()
        );
        self.write(url, here == url);
    }

    /// Corrects the address of the place where the reader is.
    pub(crate) fn replace(self, url: &str) {
        self.write(url, true);
    }

    fn write(self, url: &str, replace: bool) {
        let written = window().history().and_then(|history| {
            if replace {
                history.replace_state_with_url(&JsValue::NULL, "", Some(url))
            } else {
                history.push_state_with_url(&JsValue::NULL, "", Some(url))
            }
        });
        // Browsers refuse it to pages that do it hundreds of times within seconds.
        if written.is_err() {
            leptos::logging::warn!("The browser did not take the address {url}");
        }
        self.read();
    }

    fn read(self) {
        let location = window().location();
        let path = location.pathname().unwrap_or_default();
        let query = location.search().unwrap_or_default();
        if self.query.with_untracked(|old| *old != query) {
            self.query.set(query);
        }
        if self.path.with_untracked(|old| *old != path) {
            self.path.set(path);
        }
    }
}

/// Where the reader is, from anywhere in the page.
pub(crate) fn use_location() -> Location {
    expect_context()
}
