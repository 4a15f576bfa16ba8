//! The power state as a badge.

use ecoman_api::{PowerAction, PowerState, TaskState};
use leptos::prelude::*;

use super::icon::{Icon, busy, icon};
use crate::state::text;

/// A power state in words.
pub(crate) fn power_word(power: PowerState) -> &'static str {
    let texts = &text::first_load().parts;
    match power {
        PowerState::On => texts.power_on,
        PowerState::Off => texts.power_off,
        PowerState::Suspended => texts.power_suspended,
        PowerState::Unknown => texts.power_unknown,
    }
}

/// Word and sign of a power state.
fn power_badge(power: PowerState) -> impl IntoView {
    let (class, sign) = match power {
        PowerState::On => ("power on", Icon::On),
        PowerState::Off => ("power off", Icon::Off),
        PowerState::Suspended => ("power suspended", Icon::Suspended),
        PowerState::Unknown => ("power unknown", Icon::Unknown),
    };
    view! {
        <span class=class>
            {icon(sign)}
            <span class="word">{power_word(power)}</span>
        </span>
    }
}

/// Word and sign of a power state or, while it is being changed, of the change: the state is what
/// the node has said, never what was asked.
pub(crate) fn changing_badge(power: PowerState, change: Option<PowerAction>) -> AnyView {
    match change {
        None => view! { {power_badge(power)} }.into_any(),
        Some(action) => view! {
            <span class="power changing">
                {busy()}
                <span class="word">{text::acts().under_way.of(action)}</span>
            </span>
        }
        .into_any(),
    }
}

/// How far a task is, in a word.
pub(crate) fn task_word(state: TaskState) -> &'static str {
    let texts = &text::deferred().parts;
    match state {
        TaskState::Queued => texts.task_queued,
        TaskState::Running => texts.task_running,
        TaskState::Succeeded => texts.task_succeeded,
        TaskState::Failed => texts.task_failed,
        TaskState::Interrupted => texts.task_interrupted,
        TaskState::Cancelled => texts.task_cancelled,
    }
}

/// Word and sign of how far a task is.
pub(crate) fn task_badge(state: TaskState) -> AnyView {
    task_mark(state, "")
}

/// The sign of how far a task is; the word is for screen readers only.
pub(crate) fn task_sign(state: TaskState) -> AnyView {
    task_mark(state, "sr")
}

fn task_mark(state: TaskState, word: &'static str) -> AnyView {
    let (class, sign) = match state {
        TaskState::Queued => ("task", Some(Icon::Stale)),
        TaskState::Running => ("task", None),
        TaskState::Succeeded => ("task good", Some(Icon::Check)),
        TaskState::Cancelled => ("task", Some(Icon::Undone)),
        TaskState::Failed | TaskState::Interrupted => ("task bad", Some(Icon::Warning)),
    };
    let sign = sign.map_or_else(busy, |sign| view! { {icon(sign)} }.into_any());
    view! { <span class=class>{sign} <span class=word>{task_word(state)}</span></span> }.into_any()
}
