//! What wants the reader's attention on every page: failures that they have not seen, and questions.

use ecoman_api::TaskId;
use leptos::prelude::*;

use crate::api;
use crate::clock::Clock;
use crate::live::LiveData;
use crate::state::seen::Seen;
use crate::state::text;

/// What wants the reader's attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    /// The failed tasks that the reader has seen; `None`: not known yet, and nothing is announced.
    pub(crate) seen: RwSignal<Option<Seen>>,
    /// How many failures they have not seen.
    pub(crate) failures: Memo<usize>,
    /// How many VMs wait for an answer.
    pub(crate) questions: Memo<usize>,
    /// Whether the page is in sight.
    pub(crate) visible: RwSignal<bool>,
    live: LiveData,
    clock: Clock,
}

impl Attention {
    /// Follows what is known.
    pub(crate) fn start(live: LiveData, clock: Clock) -> Self {
        let seen = RwSignal::new(None);
        let visible = RwSignal::new(api::is_visible());
        let listener = window_event_listener_untyped("visibilitychange", move |_| {
            visible.set(api::is_visible());
        });
        on_cleanup(move || listener.remove());
        let questions = Memo::new(move |_| {
            live.vms.with(|vms| {
                let rows = vms.data().into_iter().flat_map(|vms| vms.rows());
                rows.filter(|row| row.vm.question.is_some()).count()
            })
        });
        Self {
            seen,
            failures: Memo::new(move |_| unseen(live, clock, seen).len()),
            questions,
            visible,
            live,
            clock,
        }
    }

    /// The failures that the reader has not seen, the newest first, by tracked reads.
    pub(crate) fn unseen(self) -> Vec<TaskId> {
        unseen(self.live, self.clock, self.seen)
    }

    /// A window's title that says it, too: it is read in the tabs of the browser.
    pub(crate) fn title(self, title: &str) -> String {
        let frame = &text::first_load().frame;
        let title = (frame.window_title)(title);
        match (self.questions.get(), self.failures.get()) {
            (0, 0) => title,
            (questions, failures) => (frame.title_attention)(questions, failures, &title),
        }
    }
}

fn unseen(live: LiveData, clock: Clock, seen: RwSignal<Option<Seen>>) -> Vec<TaskId> {
    seen.with(|seen| {
        let Some(seen) = seen else { return Vec::new() };
        live.vms.with(|vms| {
            live.tasks.with(|tasks| {
                let tasks = tasks.data().into_iter();
                tasks
                    .flat_map(|tasks| tasks.unseen(seen, vms.data(), clock.exact()))
                    .map(|task| task.id)
                    .collect()
            })
        })
    })
}

/// What wants the reader's attention, from anywhere in the page.
pub(crate) fn use_attention() -> Attention {
    expect_context()
}
