//! Cards with names and values. Everything has one type here, which keeps the page small.

use leptos::prelude::*;

use crate::state::format::UNKNOWN;

/// A card with a heading.
pub(crate) fn card(id: &'static str, title: &'static str, body: AnyView) -> AnyView {
    view! {
        <section class="card" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            {body}
        </section>
    }
    .into_any()
}

/// A card with names and values.
pub(crate) fn fact_card(id: &'static str, title: &'static str, facts: Vec<AnyView>) -> AnyView {
    card(
        id,
        title,
        view! { <dl class="facts">{facts}</dl> }.into_any(),
    )
}

/// A name and its value.
pub(crate) fn fact(name: impl Into<String>, value: AnyView) -> AnyView {
    let name: String = name.into();
    view! {
        <dt>{name}</dt>
        <dd>{value}</dd>
    }
    .into_any()
}

/// A name and its value, as text.
pub(crate) fn text_fact(name: impl Into<String>, value: Option<String>) -> AnyView {
    fact(name, or_unknown(value))
}

/// A fact with a sentence of the server that is English in every language.
pub(crate) fn english_fact(name: impl Into<String>, value: Option<String>) -> AnyView {
    fact(
        name,
        match value {
            Some(text) => view! { <span lang="en">{text}</span> }.into_any(),
            None => or_unknown(None),
        },
    )
}

/// A text that may be unknown.
pub(crate) fn or_unknown(value: Option<String>) -> AnyView {
    value.unwrap_or_else(|| UNKNOWN.to_owned()).into_any()
}

/// A part of the page, built again when what it shows has changed; nothing where there is nothing.
pub(crate) fn part<T: Clone + PartialEq + Send + Sync + 'static>(
    shown: impl Fn() -> Option<T> + Send + Sync + 'static,
    build: impl Fn(T) -> AnyView + Send + 'static,
) -> AnyView {
    let shown = Memo::new(move |_| shown());
    (move || shown.get().map(&build)).into_any()
}
