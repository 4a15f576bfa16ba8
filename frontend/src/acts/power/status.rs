//! What is being done to a VM, and the result of the last change.

use std::sync::Arc;

use ecoman_api::{PowerAction, Task, TaskState, Vm};
use leptos::prelude::*;

use super::buttons::sign;
use super::dialogs::use_power_dialogs;
use super::late_guest::late_guest;
use crate::acts::answer::{pending_question, question_card};
use crate::acts::{cancel_button, progress};
use crate::clock::use_clock;
use crate::components::{Icon, ago, busy, icon, link, sentence};
use crate::live::use_live;
use crate::seen::mark_shown;
use crate::state::inventory::VmKey;
use crate::state::power_plan::doubled_wait;
use crate::state::route::Route;
use crate::state::seen::has_failed;
use crate::state::tasks::{power_of, timed_out_shutdown, was_reached_anyway};
use crate::state::text;

/// What is being done to a VM, or why the last thing was not; and the question that it waits with.
pub(crate) fn vm_task(vm: Memo<Option<Arc<Vm>>>) -> AnyView {
    let live = use_live();
    let clock = use_clock();
    let key = Memo::new(move |_| vm.with(|vm| vm.as_deref().map(VmKey::of)));
    let newest = Memo::new(move |_| {
        let key = key.get()?;
        live.tasks
            .with(|tasks| tasks.data()?.newest_of(&key).cloned())
    });
    let question = Memo::new(move |_| {
        vm.with(|vm| {
            let vm = vm.as_deref()?;
            Some((VmKey::of(vm), pending_question(live, vm)?))
        })
    });
    let doing = Memo::new(move |_| {
        let task = newest.get()?;
        progress(&task, clock.now())
    });
    // What has come true late is reported by the VM's state.
    let moot = Memo::new(move |_| {
        newest
            .get()
            .zip(vm.get())
            .is_some_and(|(task, vm)| was_reached_anyway(&task, &vm))
    });
    mark_shown(live, move || {
        let failed = newest.get().filter(|task| has_failed(task));
        failed.map(|task| task.id).into_iter().collect()
    });
    let strip = move || {
        let task = newest.get()?;
        match task.state {
            TaskState::Succeeded | TaskState::Cancelled => None,
            TaskState::Queued | TaskState::Running => Some(
                view! {
                    <div class="notice">
                        {busy()}
                        <div>
                            <p>{sentence(text::deferred().power.under_way, [task_link(&task), (move || doing.get()).into_any()])}</p>
                            <div class="choices">
                                {power_off_now(vm, &task)}
                                {cancel_button(live, &task)}
                            </div>
                        </div>
                    </div>
                }
                .into_any(),
            ),
            TaskState::Failed | TaskState::Interrupted => {
                (!moot.get()).then(|| unsuccessful(vm, &task))
            }
        }
    };
    view! {
        <div role="status">{strip}</div>
        {move || question.get().map(|(key, question)| question_card(key, question))}
    }
    .into_any()
}

/// The button that ends the wait for a guest by powering the VM off.
pub(crate) fn power_off_now(vm: Memo<Option<Arc<Vm>>>, task: &Task) -> Option<AnyView> {
    let dialogs = use_power_dialogs();
    let action = power_of(task)?.0.hard_counterpart()?;
    (action == PowerAction::Off).then(|| {
        let ask = move |_| {
            if let Some(vm) = vm.get_untracked() {
                dialogs.ask_one(action, &vm);
            }
        };
        view! {
            <button
                type="button"
                class="button danger"
                data-tip=text::acts().meaning.of(action)
                on:click=ask
            >
                {icon(sign(action))}
                {text::deferred().power.power_off_now}
            </button>
        }
        .into_any()
    })
}

fn task_link(task: &Task) -> AnyView {
    let page = Route::Task { id: task.id }.path();
    link("", page, text::task_title(task).into_any())
}

/// Why a change did not succeed, and what can be done about it from here.
fn unsuccessful(vm: Memo<Option<Arc<Vm>>>, task: &Task) -> AnyView {
    let end = task.finished_at.unwrap_or(task.created_at);
    let why = task.error.as_ref().map(|error| error.detail.clone());
    let ways = timed_out_shutdown(task).map(|seconds| late_guest(vm, doubled_wait(seconds)));
    view! {
        <div class="notice bad">
            {icon(Icon::Warning)}
            <div>
                <p>
                    {sentence(
                        text::deferred().power.unsuccessful,
                        [
                            task_link(task),
                            view! {
                                <span class="aside">
                                    {sentence(text::deferred().parts.in_brackets, [ago(end)])}
                                </span>
                            }
                            .into_any(),
                            why.into_any(),
                        ],
                    )}
                </p>
                {ways}
            </div>
        </div>
    }
    .into_any()
}
