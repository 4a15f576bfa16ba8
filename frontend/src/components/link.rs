//! Links within the application.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use crate::location::use_location;

/// A link to a page of the application: class, path with query, content.
pub(crate) fn link(class: &'static str, href: String, content: AnyView) -> AnyView {
    view! {
        <a class=class href=href on:click=follow()>
            {content}
        </a>
    }
    .into_any()
}

/// What a click on a link to a page of the application does: it leads there without a reload,
/// unless it asks for another tab.
pub(crate) fn follow() -> Box<dyn FnMut(ev::MouseEvent)> {
    let location = use_location();
    Box::new(move |event| {
        let href = event
            .current_target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .and_then(|element| element.get_attribute("href"));
        if let Some(href) = href.filter(|_| is_plain(&event)) {
            event.prevent_default();
            location.go(&href);
        }
    })
}

/// Whether a click asks for nothing but to follow the link here.
pub(crate) fn is_plain(event: &ev::MouseEvent) -> bool {
    event.button() == 0
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key())
        && !event.default_prevented()
}
