//! The result of a change of many VMs, VM by VM, as it happens.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use ecoman_api::{TaskId, TaskState};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::detail;
use crate::clock::use_clock;
use crate::components::{Icon, busy, focus, icon, link, sentence, task_badge};
use crate::live::LiveData;
use crate::state::format;
use crate::state::inventory::Row;
use crate::state::route::Route;
use crate::state::text;

/// So many requests are on their way at once.
const AT_ONCE: usize = 4;

/// By VM, in the order that they were asked for. Belongs to no part of the page: the one that it was
/// asked for in may go before the answers come.
pub(super) type Outcomes = ArcRwSignal<Vec<Outcome>>;

/// The result of the request for one VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is on its way.
    Sent,
    /// It was not taken.
    Refused(String),
    /// It is this task now.
    Task(TaskId),
    /// It waits until the VM is off.
    Waits,
}

/// Sends a request for each of `count` VMs, a few at once, and keeps the outcomes.
pub(super) fn send_all<F>(
    count: usize,
    outcomes: &Outcomes,
    send: impl Fn(usize) -> F + Clone + 'static,
) where
    F: Future<Output = Outcome> + 'static,
{
    let next = Rc::new(Cell::new(0));
    for _ in 0..AT_ONCE.min(count) {
        let (outcomes, next, send) = (outcomes.clone(), Rc::clone(&next), send.clone());
        spawn_local(async move {
            loop {
                let nth = next.replace(next.get() + 1);
                if nth >= count {
                    return;
                }
                let outcome = send(nth).await;
                outcomes.update(|outcomes| {
                    if let Some(slot) = outcomes.get_mut(nth) {
                        *slot = outcome;
                    }
                });
            }
        });
    }
}

/// How a request goes on; `None`: nobody knows yet.
fn state(live: LiveData, outcome: &Outcome) -> Option<TaskState> {
    match outcome {
        Outcome::Task(id) => live.tasks.with(|tasks| Some(tasks.data()?.get(*id)?.state)),
        Outcome::Refused(_) => Some(TaskState::Failed),
        Outcome::Waits => Some(TaskState::Succeeded),
        Outcome::Sent => None,
    }
}

fn has_failed(state: Option<TaskState>) -> bool {
    use TaskState::{Cancelled, Failed, Interrupted};
    matches!(state, Some(Failed | Interrupted | Cancelled))
}

/// The result, VM by VM, as it happens. `ids` are those of the dialog's heading and of what has the
/// focus first.
pub(super) fn results(
    live: LiveData,
    ids: (&'static str, &'static str),
    heading: AnyView,
    rows: &[Arc<Row>],
    outcomes: &Outcomes,
    close: impl Fn() + 'static,
) -> AnyView {
    let clock = use_clock();
    let texts = &text::deferred().power;
    let only_failed = RwSignal::new(false);
    let lines: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(nth, row)| {
            let outcomes = outcomes.clone();
            let outcome = Memo::new(move |_| outcomes.with(|all| all.get(nth).cloned()));
            let task = Memo::new(move |_| match outcome.get() {
                Some(Outcome::Task(id)) => live.tasks.with(|tasks| tasks.data()?.get(id).cloned()),
                _ => None,
            });
            let what = move || match (outcome.get(), task.get()) {
                (_, Some(task)) => {
                    let more = detail(&task, clock.now());
                    let page = Route::Task { id: task.id }.path();
                    let state = task.state;
                    view! {
                        {link("", page, task_badge(state))}
                        " "
                        <span class="aside">{more}</span>
                    }
                    .into_any()
                }
                (Some(Outcome::Refused(why)), _) => view! {
                    {task_badge(TaskState::Failed)}
                    " "
                    <span class="aside">{why}</span>
                }
                .into_any(),
                (Some(Outcome::Waits), _) => view! {
                    {icon(Icon::Stale)}
                    " "
                    <span class="aside">{text::deferred().edit.waits_until_off}</span>
                }
                .into_any(),
                _ => view! { {busy()} " " {texts.sending} }.into_any(),
            };
            let hidden = Memo::new(move |_| {
                let failed = outcome.with(|outcome| {
                    has_failed(outcome.as_ref().and_then(|outcome| state(live, outcome)))
                });
                only_failed.get() && !failed
            });
            line(row, hidden.into(), what.into_any())
        })
        .collect();
    let outcomes = outcomes.clone();
    let tally = Memo::new(move |_| {
        let (mut done, mut failed, mut under_way) = (0, 0, 0);
        outcomes.with(|outcomes| {
            for outcome in outcomes {
                match state(live, outcome) {
                    Some(TaskState::Succeeded) => done += 1,
                    state if has_failed(state) => failed += 1,
                    _ => under_way += 1,
                }
            }
        });
        (done, failed, under_way)
    });
    let failed = Memo::new(move |_| tally.get().1);
    let all = rows.len();
    // Of a long list only the beginning is seen.
    let filter = move || {
        let failed = failed.get();
        (failed > 0 && (failed < all || only_failed.get())).then(|| {
            view! {
                <button
                    type="button"
                    class="button small"
                    aria-pressed=move || only_failed.get().to_string()
                    on:click=move |_| only_failed.update(|only| *only = !*only)
                >
                    {icon(Icon::Warning)}
                    {(text::deferred().edit.only_failed)(failed)}
                </button>
            }
        })
    };
    let closing = move || match tally.get() {
        (_, _, 0) => texts.is_over,
        _ => texts.goes_on,
    };
    let tasks_link = || link("", Route::Tasks.path(), texts.tasks.into_any());
    request_animation_frame(move || focus(ids.1));
    view! {
        <h2 id=ids.0>{heading}</h2>
        <div class="tally-line">
            <p role="status">
                {move || {
                    let (done, failed, under_way) = tally.get();
                    (texts.tally)(done, failed, under_way)
                }}
            </p>
            {filter}
        </div>
        <div class="preview" tabindex="0" role="region" aria-label=texts.results>
            <ul class="vms">{lines}</ul>
        </div>
        <div class="choices">
            <p class="small aside">
                {move || sentence(closing(), [tasks_link()])}
            </p>
            <button
                type="button"
                class="button last"
                id=ids.1
                on:click=move |_| close()
            >
                {text::deferred().parts.close}
            </button>
        </div>
    }
    .into_any()
}

/// A VM, and what becomes of it.
pub(super) fn line(row: &Row, hidden: Signal<bool>, what: AnyView) -> AnyView {
    view! {
        <li hidden=hidden>
            <span class="fit">
                <strong>{format::vm_name(&row.vm).to_owned()}</strong>
                " "
                <span class="aside">{row.vm.node.clone()}</span>
            </span>
            <span class="what">{what}</span>
        </li>
    }
    .into_any()
}
