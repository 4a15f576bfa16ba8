//! A link within the application.

use leptos::{ev, prelude::*};
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

/// A link to a page of the application. Opened in this tab it leads there without a reload.
///
/// The router's own handling of `<a>` decodes the address once more, which breaks the ones of
/// nodes with a percent sign in their name.
#[component]
pub(crate) fn Link(
    /// Path, with query.
    #[prop(into)]
    href: Signal<String>,
    /// Classes.
    #[prop(optional, into)]
    class: &'static str,
    /// What a screen reader says in place of the content.
    #[prop(optional, into)]
    label: Option<String>,
    /// Whether it is where the reader is now.
    #[prop(optional, into)]
    current: Signal<bool>,
    children: Children,
) -> impl IntoView {
    let navigate = use_navigate();
    let follow = move |event: ev::MouseEvent| {
        if is_plain(&event) {
            event.prevent_default();
            navigate(&href.get_untracked(), NavigateOptions::default());
        }
    };
    view! {
        <a
            class=class
            href=href
            aria-label=label
            aria-current=move || current.get().then_some("page")
            on:click=follow
        >
            {children()}
        </a>
    }
}

/// Whether a click asks for nothing but to follow the link here.
pub(crate) fn is_plain(event: &ev::MouseEvent) -> bool {
    event.button() == 0
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key())
        && !event.default_prevented()
}
