//! x
use leptos::prelude::*;
/// x
#[component]
pub(crate) fn Nodes() -> impl IntoView {
    view! { <p>"x"</p> }
}
