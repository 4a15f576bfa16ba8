//! x
use leptos::prelude::*;
/// x
#[component]
pub(crate) fn Vm(node: String, vmid: u32) -> impl IntoView {
    view! { <p>"x"</p> }
}
