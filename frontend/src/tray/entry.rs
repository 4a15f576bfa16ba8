//! A task in the tray: how far it is, why it failed, and what can be done about it.

use std::sync::Arc;

use ecoman_api::{Task, TaskId, TaskState, Vm};
use leptos::prelude::*;

use crate::acts::answer::QuestionDialogs;
use crate::acts::power::power_off_now;
use crate::acts::{cancel_button, detail, percent};
use crate::clock::use_clock;
use crate::components::{Icon, ago, icon, link, progress_bar, task_sign};
use crate::live::{LiveData, use_live};
use crate::state::format;
use crate::state::inventory::VmKey;
use crate::state::route::Route;
use crate::state::tasks::key_of;
use crate::state::text;

/// A task.
pub(super) fn task(id: TaskId) -> AnyView {
    let live = use_live();
    let clock = use_clock();
    let task = Memo::new(move |_| live.tasks.with(|tasks| tasks.data()?.get(id).cloned()));
    let state = Memo::new(move |_| task.with(|task| task.as_ref().map(|task| task.state)));
    let detail = Memo::new(move |_| {
        let task = task.get()?;
        detail(&task, clock.now())
    });
    let percent = Memo::new(move |_| percent(task.get()?.as_ref(), clock.now()));
    let head = move || {
        let state = state.get()?;
        task.with_untracked(|task| {
            let task = task.as_ref()?;
            let page = Route::Task { id }.path();
            let at = task.finished_at.unwrap_or(task.created_at);
            Some(
                view! {
                    {task_sign(state)}
                    {link("fit", page, text::task_title(task).into_any())}
                    <span class="aside">{ago(at)}</span>
                }
                .into_any(),
            )
        })
    };
    // What can be done about it: changes with its state and its question.
    let ways = Memo::new(move |_| {
        let task = task.get()?;
        Some((task.state, task.question.is_some()))
    });
    let buttons = move || {
        let _ = ways.get();
        task.with_untracked(|task| task.as_ref().and_then(|task| buttons(live, task)))
    };
    let bar = move || percent.get().map(progress_bar);
    view! {
        <li>
            <div class="line">{head}</div>
            {bar}
            <p class="detail">{move || detail.get()}</p>
            {buttons}
        </li>
    }
    .into_any()
}

fn buttons(live: LiveData, task: &Arc<Task>) -> Option<AnyView> {
    let texts = &text::deferred().tray;
    let key = key_of(task);
    let buttons = match task.state {
        TaskState::Queued | TaskState::Running => {
            let asks = key.clone().filter(|_| task.question.is_some());
            let vm = Memo::new(move |_| vm_of(live, key.as_ref()?));
            let cancel = cancel_button(live, task);
            let off = power_off_now(vm, task);
            if asks.is_none() && cancel.is_none() && off.is_none() {
                return None;
            }
            (asks.map(answer), cancel, off).into_any()
        }
        TaskState::Failed | TaskState::Interrupted => link(
            "button small",
            Route::Task { id: task.id }.path(),
            texts.open.into_any(),
        ),
        TaskState::Succeeded | TaskState::Cancelled => return None,
    };
    Some(view! { <div class="choices">{buttons}</div> }.into_any())
}

fn vm_of(live: LiveData, key: &VmKey) -> Option<Arc<Vm>> {
    live.vms
        .with(|vms| vms.data()?.get(key).map(|row| Arc::new(row.vm.clone())))
}

/// A VM that waits for an answer, whatever made it ask.
pub(super) fn question(key: VmKey) -> AnyView {
    let live = use_live();
    let page = Route::Vm {
        node: key.node.clone(),
        vmid: key.vmid,
    };
    let (known, asking) = (key.clone(), key.clone());
    let node = key.node;
    let asked = Memo::new(move |_| {
        let vm = vm_of(live, &known)?;
        Some((
            format::vm_name(&vm).to_owned(),
            vm.question.as_ref()?.text.clone(),
        ))
    });
    let name = move || asked.get().map(|(name, _)| name);
    view! {
        <li class="question">
            <div class="line">
                <span class="task">{icon(Icon::Unknown)}</span>
                {link("fit", page.path(), name.into_any())}
                <span class="aside">{node}</span>
            </div>
            <p class="detail">{move || asked.get().map(|(_, text)| text)}</p>
            <div class="choices">{answer(asking)}</div>
        </li>
    }
    .into_any()
}

fn answer(key: VmKey) -> AnyView {
    let dialogs: QuestionDialogs = expect_context();
    view! {
        <button type="button" class="button small" on:click=move |_| dialogs.show(key.clone())>
            {text::deferred().tray.answer}
        </button>
    }
    .into_any()
}
