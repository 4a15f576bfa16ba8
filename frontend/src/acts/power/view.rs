//! The dialog before and after a change of power; one for the whole page.

use leptos::prelude::*;

use super::buttons::sign;
use super::confirm::ask_back;
use super::dialogs::{FIRST, HEADING, use_power_dialogs};
use crate::acts::results::results;
use crate::components::{dialog, focus, icon};
use crate::location::use_location;
use crate::state::text;

/// The dialog.
#[component]
pub(crate) fn PowerDialog() -> impl IntoView {
    let dialogs = use_power_dialogs();
    let open = Memo::new(move |_| dialogs.shown.with(Option::is_some));
    let location = use_location();
    // A link in it leads away from it.
    Effect::new(move |known: Option<()>| {
        location.path.track();
        // The dialog's code may come after what was asked for.
        if known.is_some() {
            dialogs.close();
        }
    });
    // What had the focus may have gone with the selection.
    Effect::new(move |was_open: Option<bool>| {
        let open = open.get();
        if was_open == Some(true) && !open {
            request_animation_frame(|| {
                let body = document().body().map(web_sys::Element::from);
                if document().active_element() == body {
                    focus("grid");
                }
            });
        }
        open
    });
    let content = move || {
        let shown = dialogs.shown.get()?;
        Some(match shown.outcomes {
            None => ask_back(dialogs, &shown.plan),
            Some(outcomes) => {
                let action = shown.plan.action;
                let order = text::acts().order.of(action);
                let words = (text::deferred().power.heading)(order, &shown.plan.whom());
                let heading = view! { {icon(sign(action))} {words} }.into_any();
                let rows = &shown.plan.doing;
                let close = move || dialogs.close();
                results(
                    dialogs.live,
                    (HEADING, FIRST),
                    heading,
                    rows,
                    &outcomes,
                    close,
                )
            }
        })
    };
    dialog(
        open,
        (HEADING, FIRST),
        move || dialogs.close(),
        content.into_any(),
    )
}
