//! The button that has a node polled before its time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ecoman_api::{FailureKind, Node, Permission};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::clock::use_clock;
use crate::components::{Icon, busy, icon};
use crate::live::use_live;
use crate::state::text;

/// Seconds without a poll after which the page says so: the crawler may not run.
const PATIENCE: i64 = 60;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Asked {
    at: DateTime<Utc>,
    /// When the node had been polled last.
    before: Option<DateTime<Utc>>,
}

/// The button, and what became of it.
pub(super) fn poll_button(name: &str, node: Memo<Option<Arc<Node>>>) -> AnyView {
    let live = use_live();
    let clock = use_clock();
    let texts = &text::deferred().nodes;
    let asked = RwSignal::new(None::<Asked>);
    let sending = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let attempted = Memo::new(move |_| node.with(|node| node.as_ref()?.attempted_at));
    let began = Memo::new(move |_| {
        node.with(|node| {
            let node = node.as_ref()?;
            let took = i64::try_from(node.round_millis?).ok()?;
            node.attempted_at?
                .checked_sub_signed(TimeDelta::milliseconds(took))
        })
    });
    // Whether it waits too long. A round that was under way is not the one that was asked for.
    let waits = Memo::new(move |_| {
        let asked = asked.get()?;
        let is_late = clock.seconds_since(asked.at) >= PATIENCE;
        let is_polled = asked.before != attempted.get();
        let is_done = is_polled && (is_late || began.get() >= Some(asked.at));
        (!is_done).then_some(is_late)
    });
    let is_busy = Memo::new(move |_| sending.get() || waits.get() == Some(false));
    let why_not = Memo::new(move |_| {
        if !live.may(Permission::Power) {
            return Some(text::deferred().snapshots.not_permitted);
        }
        let refused = node.with(|node| {
            let kind = node.as_ref()?.last_error.as_ref()?.kind;
            Some(matches!(
                kind,
                FailureKind::Authentication | FailureKind::Configuration
            ))
        });
        (refused == Some(true)).then_some(texts.poll_paused)
    });
    let name = StoredValue::new(name.to_owned());
    let poll = move |_| {
        if is_busy.get_untracked() || why_not.with_untracked(Option::is_some) {
            return;
        }
        sending.set(true);
        wrong.set(None);
        let (at, before) = (clock.exact(), attempted.get_untracked());
        spawn_local(async move {
            match api::poll_node(&name.get_value()).await {
                Ok(()) => {
                    asked.try_set(Some(Asked { at, before }));
                }
                Err(error) => {
                    wrong.try_set(Some(error.to_string()));
                }
            }
            sending.try_set(false);
        });
    };
    let outcome = move || {
        wrong
            .get()
            .or_else(|| (waits.get() == Some(true)).then(|| texts.poll_not_begun.to_owned()))
    };
    view! {
        <span class="bad" role="status">{outcome}</span>
        <button
            type="button"
            class="button"
            aria-disabled=move || (is_busy.get() || why_not.with(Option::is_some)).then_some("true")
            data-tip=move || why_not.get().unwrap_or(texts.poll_tip)
            aria-description=move || why_not.get().unwrap_or(texts.poll_tip)
            on:click=poll
        >
            {move || if is_busy.get() { busy() } else { icon(Icon::Again).into_any() }}
            {texts.poll}
        </button>
    }
    .into_any()
}
