//! An address that leads nowhere.

use leptos::prelude::*;

use crate::components::{empty_state, link, set_title};
use crate::state::route::Route;
use crate::state::text;

/// The page for it.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    set_title(|| text::deferred().parts.not_found.to_owned());
    let texts = &text::deferred().parts;
    view! {
        <div class="page">
            <h1 class="sr">{texts.not_found}</h1>
            {empty_state(
                texts.no_such_page.to_owned(),
                texts.no_such_page_why.to_owned(),
                link("button", Route::Vms.path(), texts.all_vms.into_any()),
            )}
        </div>
    }
}
