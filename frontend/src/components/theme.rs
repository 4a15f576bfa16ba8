//! Light or dark: the system's choice, or the reader's own, kept in the browser.
//!
//! `theme.js` applies a kept choice before anything is drawn.

use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::state::text;

const KEY: &str = "ecoman-theme";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    fn read() -> Self {
        let kept = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
        match kept.as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    fn word(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }

    fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    /// Applies and keeps it. A browser that keeps nothing forgets it with the page.
    fn apply(self) {
        let Some(root) = document().document_element() else {
            return;
        };
        // Fails only for an attribute name that is none, or where storage is full or forbidden.
        let _ = match self.word() {
            Some(word) => root.set_attribute("data-theme", word),
            None => root.remove_attribute("data-theme"),
        };
        if let Some(storage) = storage() {
            let _ = match self.word() {
                Some(word) => storage.set_item(KEY, word),
                None => storage.remove_item(KEY),
            };
        }
    }
}

/// The button that goes from the system's colours to light, to dark and back.
#[component]
pub(crate) fn ThemeButton() -> impl IntoView {
    let theme = RwSignal::new(Theme::read());
    let texts = &text::first_load().frame;
    let label = move || match theme.get() {
        Theme::System => texts.colours_system,
        Theme::Light => texts.colours_light,
        Theme::Dark => texts.colours_dark,
    };
    let turn = move |_| {
        theme.update(|theme| *theme = theme.next());
        theme.get_untracked().apply();
    };
    view! {
        <button type="button" class="button quiet" aria-label=label data-tip=label on:click=turn>
            {move || {
                icon(
                    match theme.get() {
                        Theme::System => Icon::Display,
                        Theme::Light => Icon::Sun,
                        Theme::Dark => Icon::Moon,
                    },
                )
            }}
        </button>
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
