//! What stands at the top of a page.

use leptos::prelude::*;

use super::icon::{Icon, icon};
use super::link::link;
use crate::attention::use_attention;

/// Sets the window's title for as long as the page is there.
pub(crate) fn set_title(title: impl Fn() -> String + 'static) {
    let attention = use_attention();
    Effect::new(move || document().set_title(&attention.title(&title())));
}

/// The link from one thing back to the list of them.
pub(crate) fn back(href: String, label: &'static str) -> AnyView {
    link(
        "crumb",
        href,
        view! { {icon(Icon::Previous)} {label} }.into_any(),
    )
}
