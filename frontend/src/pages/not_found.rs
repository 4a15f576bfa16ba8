//! An address that leads nowhere.

use leptos::prelude::*;

use crate::components::{empty_state, link, set_title};
use crate::state::route::Route;

/// The page for it.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    set_title(|| String::from("Not found"));
    view! {
        <div class="page">
            <h1 class="sr">"Not found"</h1>
            {empty_state(
                String::from("There is no such page"),
                String::from(
                    "The address may have been typed wrongly, or come from another version.",
                ),
                link("button", Route::Vms.path(), "All VMs".into_any()),
            )}
        </div>
    }
}
