//! x
use leptos::prelude::*;
/// x
#[component]
pub(crate) fn Node(name: String) -> impl IntoView {
    view! { <p>"x"</p> }
}
