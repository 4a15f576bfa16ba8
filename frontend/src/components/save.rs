//! Files that the page makes.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, HtmlAnchorElement, Url};

use crate::api;
use crate::state::text;

/// A button that saves a table: its name, what the table is of, why it cannot be asked for now, and
/// how it is.
pub(crate) fn csv_button<F>(
    label: &'static str,
    what: &'static str,
    why_not: impl Fn() -> Option<&'static str> + Copy + Send + Sync + 'static,
    fetch: impl Fn() -> F + 'static,
) -> AnyView
where
    F: Future<Output = Result<Vec<u8>, api::Error>> + 'static,
{
    let failure = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let save = move |_| {
        if busy.get_untracked() || untrack(why_not).is_some() {
            return;
        }
        busy.set(true);
        failure.set(String::new());
        let table = fetch();
        spawn_local(async move {
            let wrong = match table.await {
                Ok(table) if save_csv(what, &table).is_some() => String::new(),
                Ok(_) => text::first_load().parts.file_not_saved.to_owned(),
                Err(error) => error.to_string(),
            };
            failure.try_set(wrong);
            busy.try_set(false);
        });
    };
    view! {
        <button
            type="button"
            class="button quiet copy"
            aria-label=label
            aria-disabled=move || (busy.get() || why_not().is_some()).then_some("true")
            aria-description=why_not
            data-tip=why_not
            on:click=save
        >
            {text::first_load().parts.csv}
            <span class="outcome" role="status">
                {failure}
            </span>
        </button>
    }
    .into_any()
}

/// Gives a table to the browser, which saves it as a file whose name says what it is of and the
/// day. `None`: the browser would not.
fn save_csv(what: &str, table: &[u8]) -> Option<()> {
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
    link.set_download(&format!("ecoman-{what}-{day}.csv"));
    link.click();
    let _ = Url::revoke_object_url(&address);
    Some(())
}
