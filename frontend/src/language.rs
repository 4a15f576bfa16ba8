//! The language of the page.
//!
//! English is part of the page. The words of another language are two files of their own, which the
//! browser fetches before the page draws anything, and before it draws a deferred page; never for a
//! person who reads English. To add one: its entry in `ecoman_api::text::Language`, two functions below
//! that return its words, and their arms.

use ecoman_api::text::{JA, LANGUAGE_COOKIE, Language};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlDocument, KeyboardEvent};

use crate::later::later;
use crate::state::error::Error;
use crate::state::text::{FirstWords, LaterWords};
use crate::state::{route, text};

/// Draws the page in the language that the server has written into it.
pub(crate) fn start(draw: fn()) {
    leave_keys_to_input_methods();
    match current() {
        Language::English => draw(),
        // Leptos' own way is there only when something is mounted.
        Language::Japanese => wasm_bindgen_futures::spawn_local(async move {
            match japanese().await {
                Ok(words) => text::choose(words),
                // What follows is in English.
                Err(_) => {
                    let page = document().document_element();
                    page.map(|page| page.set_attribute("lang", Language::English.tag()));
                }
            }
            draw();
        }),
    }
}

/// The language of the page.
fn current() -> Language {
    let page = document().document_element();
    let tag = page.and_then(|page| page.get_attribute("lang"));
    tag.and_then(|tag| tag.parse().ok())
        .unwrap_or(Language::English)
}

/// Enter, Escape and arrows that choose among the words of an input method mean nothing to the page.
fn leave_keys_to_input_methods() {
    /// What browsers report where an input method takes the key, Safari even after its end.
    const PROCESSED: u32 = 229;
    let keep = Closure::<dyn Fn(KeyboardEvent)>::new(|event: KeyboardEvent| {
        if event.is_composing() || event.key_code() == PROCESSED {
            event.stop_immediate_propagation();
        }
    });
    // On its way down, so that no other listener has had it. Fails for no type of event.
    let _ = window().add_event_listener_with_callback_and_bool(
        "keydown",
        keep.as_ref().unchecked_ref(),
        true,
    );
    // For as long as the page is there.
    keep.forget();
}

/// Keeps the choice of a language in this browser, and loads the page in it.
fn choose(language: Language) {
    const A_YEAR: u32 = 365 * 24 * 60 * 60;
    let path = match route::base() {
        "" => "/",
        base => base,
    };
    let cookie = format!(
        "{LANGUAGE_COOKIE}={}; Path={path}; Max-Age={A_YEAR}; SameSite=Lax",
        language.tag()
    );
    if let Some(document) = document().dyn_ref::<HtmlDocument>() {
        // A browser that refuses leaves everything as it is.
        let _ = document.set_cookie(&cookie);
        let _ = window().location().reload();
    }
}

/// The choice of a language.
pub(crate) fn language_choice() -> AnyView {
    let now = current();
    let take = move |event| {
        if let Ok(language) = event_target_value(&event).parse() {
            choose(language);
        }
    };
    view! {
        <select class="language" aria-label=text::deferred().access.language on:change=take>
            {Language::ALL
                .map(|language| {
                    view! {
                        <option
                            value=language.tag()
                            lang=language.tag()
                            selected=language == now
                        >
                            {language.name()}
                        </option>
                    }
                })
                .collect_view()}
        </select>
    }
    .into_any()
}

/// Fetches the words of the deferred pages.
///
/// # Errors
///
/// They could not be fetched.
pub(crate) async fn fetch_later() -> Result<(), Error> {
    if text::lacks_later() && current() == Language::Japanese {
        text::choose_later(japanese_later().await?);
    }
    Ok(())
}

later! {
    in language_ja;
    fn japanese() -> Result<FirstWords, Error> {
        const WORDS: FirstWords = FirstWords::of(&JA);
        Ok(WORDS)
    }
}

later! {
    in language_ja_later;
    fn japanese_later() -> Result<LaterWords, Error> {
        const WORDS: LaterWords = LaterWords::of(&JA);
        Ok(WORDS)
    }
}
