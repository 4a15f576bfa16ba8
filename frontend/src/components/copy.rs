//! Text to be copied.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use super::icon::{Icon, icon};
use crate::state::text;

const SHOWN_FOR: Duration = Duration::from_secs(2);

/// A button that copies a text, and says whether that worked. Its name stands on it if it is
/// `labelled`.
pub(crate) fn copy_button(
    text: impl Into<Signal<String>>,
    name: &'static str,
    labelled: bool,
) -> AnyView {
    let text = text.into();
    let outcome = RwSignal::new(None);
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            outcome.set(Some(write(&text).await));
            set_timeout(move || outcome.set(None), SHOWN_FOR);
        });
    };
    let label = labelled.then_some(name);
    let texts = &text::deferred().parts;
    view! {
        <button type="button" class="button quiet copy" aria-label=name on:click=copy>
            {move || icon(if outcome.get() == Some(true) { Icon::Check } else { Icon::Copy })}
            {label}
            <span class="outcome" role="status">
                {move || match outcome.get() {
                    None => "",
                    Some(true) => texts.copied,
                    Some(false) => texts.not_copied,
                }}
            </span>
        </button>
    }
    .into_any()
}

/// A line to be pasted into a terminal, and the button of this name that copies it.
pub(crate) fn copy_line(name: &'static str, line: String) -> AnyView {
    view! {
        <div class="copy-line">
            <code>{line.clone()}</code>
            {copy_button(line, name, false)}
        </div>
    }
    .into_any()
}

/// Whether the text is in the clipboard now.
async fn write(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Browsers offer the clipboard to https and to this machine only.
    if !clipboard.is_undefined() && JsFuture::from(clipboard.write_text(text)).await.is_ok() {
        return true;
    }
    copy_by_selection(text)
}

/// The old way, which works over plain http too.
fn copy_by_selection(text: &str) -> bool {
    let document = document();
    let Some(body) = document.body() else {
        return false;
    };
    let Some(area) = document
        .create_element("textarea")
        .ok()
        .and_then(|element| element.dyn_into::<web_sys::HtmlTextAreaElement>().ok())
    else {
        return false;
    };
    area.set_value(text);
    area.set_class_name("sr");
    let before = document.active_element();
    let copied = body.append_child(&area).is_ok() && {
        area.select();
        document
            .dyn_ref::<web_sys::HtmlDocument>()
            .is_some_and(|document| document.exec_command("copy").unwrap_or(false))
    };
    area.remove();
    if let Some(before) = before.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = before.focus();
    }
    copied
}
