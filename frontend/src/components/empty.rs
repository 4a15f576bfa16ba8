//! What stands in place of a list that has nothing to show.

use leptos::prelude::*;

use crate::state::text;

/// What is missing, why or what that means, and what to do about it.
pub(crate) fn empty_state(title: String, sentence: String, next: AnyView) -> AnyView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{sentence}</p>
            {next}
        </div>
    }
    .into_any()
}

/// Something that could not be loaded, and is tried again.
pub(crate) fn failed_state(
    title: &str,
    error: &str,
    retry: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    let texts = &text::first_load().parts;
    let button = view! {
        <button type="button" class="button primary" on:click=move |_| retry()>
            {texts.try_now}
        </button>
    };
    view! {
        <div class="failed" role="alert">
            {empty_state(
                title.to_owned(),
                (texts.retrying)(error),
                button.into_any(),
            )}
        </div>
    }
    .into_any()
}
