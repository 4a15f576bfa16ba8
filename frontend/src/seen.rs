//! Keeps what the reader has seen of what has failed: with the user where people sign in, and in the
//! browser, where its tabs share it.

use ecoman_api::{SeenTasks, SignInMode, TaskId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::attention::{Attention, use_attention};
use crate::live::LiveData;
use crate::state::seen::Seen;
use crate::state::wire::read_json;

/// Whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reader {
    /// Their name; empty where nobody signs in.
    name: String,
    /// Whether the server keeps it.
    signs_in: bool,
}

impl Reader {
    /// The reader, by tracked reads; `None`: not known yet.
    fn now(live: LiveData) -> Option<Self> {
        if live.signed_out.get() {
            return None;
        }
        live.config.with(|config| {
            let identity = &config.as_ref()?.identity;
            Some(Self {
                name: identity.name.clone().unwrap_or_default(),
                signs_in: identity.mode != SignInMode::None,
            })
        })
    }

    /// The key in the browser's storage.
    fn key(&self) -> String {
        format!("ecoman-seen-tasks:{}", self.name)
    }
}

/// Loads what the reader has seen, and takes over what they see in other tabs.
pub(crate) fn follow(live: LiveData, attention: Attention) {
    let reader = Memo::new(move |_| Reader::now(live));
    Effect::new(move || {
        attention.seen.set(None);
        let Some(reader) = reader.get() else { return };
        spawn_local(async move {
            let mut seen = Seen::default();
            if reader.signs_in
                && let Ok(known) = api::seen_tasks().await
            {
                seen.add(known.tasks);
            }
            seen.add(stored(&reader));
            attention.seen.try_set(Some(seen));
        });
    });
    let other_tab = window_event_listener_untyped("storage", move |_| {
        if let Some(reader) = reader.get_untracked() {
            add(attention, stored(&reader));
        }
    });
    on_cleanup(move || other_tab.remove());
}

/// Takes what is shown as seen for as long as the page is in sight. `shown` makes tracked reads.
pub(crate) fn mark_shown(live: LiveData, shown: impl Fn() -> Vec<TaskId> + 'static) {
    let attention = use_attention();
    Effect::new(move || {
        let shown = shown();
        if attention.visible.get() && attention.seen.with(Option::is_some) {
            mark(live, attention, shown);
        }
    });
}

fn mark(live: LiveData, attention: Attention, mut tasks: Vec<TaskId>) {
    attention.seen.with_untracked(|seen| {
        tasks.retain(|&id| seen.as_ref().is_some_and(|seen| !seen.has(id)));
    });
    if tasks.is_empty() {
        return;
    }
    add(attention, tasks.clone());
    let Some(reader) = untrack(|| Reader::now(live)) else {
        return;
    };
    let all = attention
        .seen
        .with_untracked(|seen| seen.iter().flat_map(Seen::tasks).collect());
    store(&reader, all);
    if reader.signs_in {
        spawn_local(async move {
            // In the browser it is kept all the same.
            if let Err(error) = api::mark_seen(&SeenTasks { tasks }).await {
                leptos::logging::warn!("What was seen could not be sent: {error}");
            }
        });
    }
}

fn add(attention: Attention, tasks: Vec<TaskId>) {
    let mut seen = attention.seen.get_untracked();
    // What is not known yet is loaded from there.
    if seen.as_mut().is_some_and(|seen| seen.add(tasks)) {
        attention.seen.set(seen);
    }
}

/// What the browser has kept; nothing where it keeps nothing.
fn stored(reader: &Reader) -> Vec<TaskId> {
    let storage = window().local_storage().ok().flatten();
    let text = storage.and_then(|storage| storage.get_item(&reader.key()).ok()?);
    let known = text.and_then(|text| read_json::<SeenTasks>(text.as_bytes()).ok());
    known.unwrap_or_default().tasks
}

fn store(reader: &Reader, tasks: Vec<TaskId>) {
    let text = serde_json::to_string(&SeenTasks { tasks }).unwrap_or_default();
    if let Ok(Some(storage)) = window().local_storage() {
        // A browser that keeps nothing announces again what it has announced before.
        let _ = storage.set_item(&reader.key(), &text);
    }
}
