//! What stands in place of a list that has nothing to show.

use leptos::prelude::*;

/// A title, a sentence, and the next step.
#[component]
pub(crate) fn EmptyState(
    /// What is missing.
    #[prop(into)]
    title: Signal<String>,
    /// Why, or what that means.
    #[prop(into)]
    sentence: Signal<String>,
    /// What to do about it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{sentence}</p>
            {children.map(|children| children())}
        </div>
    }
}
