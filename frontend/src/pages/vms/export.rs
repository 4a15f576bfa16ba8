//! The list as a file for spreadsheets.

use ecoman_api::{Filter, FilterError};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Asked;
use crate::api;
use crate::components::save_csv;

/// A button that saves what the list shows, in its order, as CSV.
pub(super) fn export_button(asked: Asked, parsed: Memo<Result<Filter, FilterError>>) -> AnyView {
    let failure = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let save = move |_| {
        let query = asked.query.with_untracked(|query| query.to_api());
        busy.set(true);
        failure.set(String::new());
        spawn_local(async move {
            match api::vms_csv(&query).await {
                Ok(table) if save_csv("vms", &table).is_some() => {}
                Ok(_) => failure.set(String::from("The browser would not save the file.")),
                Err(error) => failure.set(error.to_string()),
            }
            busy.set(false);
        });
    };
    view! {
        <button
            type="button"
            class="button quiet copy"
            aria-label="Save this list as CSV"
            disabled=move || busy.get() || parsed.with(Result::is_err)
            on:click=save
        >
            "CSV"
            <span class="outcome" role="status">
                {failure}
            </span>
        </button>
    }
    .into_any()
}
