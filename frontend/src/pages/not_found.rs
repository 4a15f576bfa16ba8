//! An address that leads nowhere.

use leptos::prelude::*;

use super::set_title;
use crate::components::{EmptyState, Link};
use crate::route::Page;

/// The page for it.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    set_title(|| String::from("Not found"));
    view! {
        <div class="page">
            <h1 class="sr">"Not found"</h1>
            <EmptyState
                title="There is no such page"
                sentence="The address may have been typed wrongly, or come from another version."
            >
                <Link class="button" href=Page::Vms.path()>"All VMs"</Link>
            </EmptyState>
        </div>
    }
}
