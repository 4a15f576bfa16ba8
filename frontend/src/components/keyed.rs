//! Lists whose items keep their place in the document while others come and go.

use leptos::prelude::*;

/// An item: what it is known by, and what draws it.
pub(crate) type Item = (String, Box<dyn FnOnce() -> AnyView + Send>);

/// Draws each item once, for as long as its key is among them. One type for all lists, which
/// keeps the page small.
pub(crate) fn keyed(items: impl Fn() -> Vec<Item> + Send + Sync + 'static) -> AnyView {
    let items: Box<dyn Fn() -> Vec<Item> + Send + Sync> = Box::new(items);
    view! { <For each=items key=|(key, _)| key.clone() children=|(_, draw)| draw() /> }.into_any()
}
