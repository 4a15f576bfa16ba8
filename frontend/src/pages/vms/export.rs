//! The list as a file for spreadsheets.

use ecoman_api::{Filter, FilterError};
use leptos::prelude::*;

use super::controls::ListControls;
use crate::api;
use crate::components::csv_button;
use crate::state::text;

/// A button that saves what the list shows, in its order, as CSV.
pub(super) fn export_button(
    controls: ListControls,
    parsed: Memo<Result<Filter, FilterError>>,
) -> AnyView {
    let texts = &text::first_load().list;
    let why_not = move || {
        parsed
            .with(Result::is_err)
            .then_some(texts.csv_needs_filter)
    };
    csv_button(texts.save_csv, "vms", why_not, move || {
        let query = controls.query.with_untracked(|query| query.to_api());
        async move { api::vms_csv(&query).await }
    })
}
