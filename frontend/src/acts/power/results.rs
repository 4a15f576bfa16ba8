//! The result of a change of power, VM by VM, as it happens.

use std::sync::Arc;

use ecoman_api::TaskState;
use leptos::prelude::*;

use super::buttons::sign;
use super::dialogs::{FIRST, HEADING, Outcome, Outcomes, PowerDialogs};
use super::preview::line;
use crate::acts::detail;
use crate::clock::use_clock;
use crate::components::{busy, focus, icon, link, sentence, task_badge};
use crate::state::power_plan::Plan;
use crate::state::route::Route;
use crate::state::text;

/// The result, VM by VM, as it happens.
pub(super) fn results(dialogs: PowerDialogs, plan: &Arc<Plan>, outcomes: &Outcomes) -> AnyView {
    let live = dialogs.live;
    let clock = use_clock();
    let texts = &text::deferred().power;
    let action = plan.action;
    let rows: Vec<_> = plan
        .doing
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
                _ => view! { {busy()} " " {texts.sending} }.into_any(),
            };
            line(row, what.into_any())
        })
        .collect();
    let outcomes = outcomes.clone();
    let tally = Memo::new(move |_| {
        let (mut done, mut failed, mut under_way) = (0, 0, 0);
        outcomes.with(|outcomes| {
            live.tasks.with(|tasks| {
                for outcome in outcomes {
                    let state = match outcome {
                        Outcome::Task(id) => tasks
                            .data()
                            .and_then(|tasks| tasks.get(*id))
                            .map(|task| task.state),
                        Outcome::Refused(_) => Some(TaskState::Failed),
                        Outcome::Sent => None,
                    };
                    match state {
                        Some(TaskState::Succeeded) => done += 1,
                        Some(TaskState::Failed | TaskState::Interrupted | TaskState::Cancelled) => {
                            failed += 1;
                        }
                        _ => under_way += 1,
                    }
                }
            });
        });
        (done, failed, under_way)
    });
    let closing = move || match tally.get() {
        (_, _, 0) => texts.is_over,
        _ => texts.goes_on,
    };
    let tasks_link = || link("", Route::Tasks.path(), texts.tasks.into_any());
    request_animation_frame(|| focus(FIRST));
    view! {
        <h2 id=HEADING>
            {icon(sign(action))} {(texts.heading)(text::acts().order.of(action), &plan.whom())}
        </h2>
        <p role="status">
            {move || {
                let (done, failed, under_way) = tally.get();
                (texts.tally)(done, failed, under_way)
            }}
        </p>
        <div class="preview" tabindex="0" role="region" aria-label=texts.results>
            <ul class="vms">{rows}</ul>
        </div>
        <div class="choices">
            <p class="small aside">
                {move || sentence(closing(), [tasks_link()])}
            </p>
            <button
                type="button"
                class="button last"
                id=FIRST
                on:click=move |_| dialogs.close()
            >
                {text::deferred().parts.close}
            </button>
        </div>
    }
    .into_any()
}
