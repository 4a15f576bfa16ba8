//! The power state as a badge.

use ecoman_api::PowerState;
use leptos::prelude::*;

use super::{Icon, icon};

/// Word and sign of a power state.
pub(crate) fn power_badge(power: PowerState) -> impl IntoView {
    let (class, word, sign) = match power {
        PowerState::On => ("power on", "On", Icon::On),
        PowerState::Off => ("power off", "Off", Icon::Off),
        PowerState::Suspended => ("power suspended", "Suspended", Icon::Suspended),
        PowerState::Unknown => ("power unknown", "Unknown", Icon::Unknown),
    };
    view! {
        <span class=class>
            {icon(sign)}
            <span class="word">{word}</span>
        </span>
    }
}
