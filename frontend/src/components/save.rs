//! Files that the page makes.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, HtmlAnchorElement, Url};

/// Gives a table to the browser, which saves it as a file whose name tells what it is of and the
/// day. `None`: the browser would not.
pub(crate) fn save_csv(what: &str, table: &[u8]) -> Option<()> {
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
