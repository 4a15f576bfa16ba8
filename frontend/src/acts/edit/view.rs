//! The dialogs; one of each for the whole page.

use leptos::prelude::*;

use super::dialogs::{MANY, ONE, use_edit_dialogs};
use super::form::settings;
use super::many::notes;
use crate::components::form_dialog;
use crate::location::use_location;

/// The dialogs.
#[component]
pub(crate) fn EditDialog() -> impl IntoView {
    let dialogs = use_edit_dialogs();
    let location = use_location();
    // A link in it leads away from it.
    Effect::new(move |known: Option<()>| {
        location.path.track();
        // The code may come after what was asked for.
        if known.is_some() {
            dialogs.one.set(None);
            dialogs.many.set(None);
        }
    });
    // Nobody loses what was typed by a click beside it.
    let typed = RwSignal::new(false);
    let (one, many) = (dialogs.one, dialogs.many);
    let one_content = move || {
        typed.set(false);
        one.get().and_then(|key| settings(dialogs, &key, typed))
    };
    let many_content = move || {
        typed.set(false);
        many.get().map(|asked| notes(dialogs, &asked, typed))
    };
    view! {
        {form_dialog(
            Memo::new(move |_| one.with(Option::is_some)),
            ONE,
            typed,
            move || one.set(None),
            one_content.into_any(),
        )}
        {form_dialog(
            Memo::new(move |_| many.with(Option::is_some)),
            MANY,
            typed,
            move || many.set(None),
            many_content.into_any(),
        )}
    }
}
