//! When to look for new lines.

use std::time::Duration;

use leptos::prelude::*;

use crate::api;

/// Changes come in bursts: a round on a node brings many.
const BETWEEN: Duration = Duration::from_secs(1);

/// Calls `look` soon after what `changes` tracks has changed, in a tab that somebody sees, for as long
/// as the page is there.
pub(super) fn after_changes(changes: impl Fn() + 'static, look: impl Fn() + Copy + Send + 'static) {
    let is_due = StoredValue::new(false);
    Effect::new(move |before: Option<()>| {
        changes();
        if before.is_some() && !is_due.get_value() {
            is_due.set_value(true);
            wait(is_due, look);
        }
    });
}

fn wait(is_due: StoredValue<bool>, look: impl Fn() + Copy + Send + 'static) {
    let later = move || {
        if is_due.is_disposed() {
            return;
        }
        if api::is_visible() {
            is_due.set_value(false);
            look();
        } else {
            wait(is_due, look);
        }
    };
    set_timeout(later, BETWEEN);
}
