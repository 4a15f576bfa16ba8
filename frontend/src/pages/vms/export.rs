//! The list as a file for spreadsheets.

use ecoman_api::{Filter, FilterError};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, HtmlAnchorElement, Url};

use super::Asked;
use crate::api;

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
                Ok(table) if offer(&table).is_some() => {}
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

/// Gives the file to the browser.
fn offer(table: &[u8]) -> Option<()> {
    // Spreadsheets take a file without the mark for one of the local character set.
    let parts = js_sys::Array::of2(
        &JsValue::from_str("\u{feff}"),
        &js_sys::Uint8Array::from(table),
    );
    let blob = Blob::new_with_buffer_source_sequence(&parts).ok()?;
    let address = Url::create_object_url_with_blob(&blob).ok()?;
    let link = document().create_element("a").ok()?;
    let link = link.dyn_into::<HtmlAnchorElement>().ok()?;
    let day = js_sys::Date::new_0().to_iso_string();
    let day = day.slice(0, 10);
    link.set_href(&address);
    link.set_download(&format!("ecoman-vms-{day}.csv"));
    link.click();
    let _ = Url::revoke_object_url(&address);
    Some(())
}
