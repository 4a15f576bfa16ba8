//! The cards of one task: how far it is, its steps, what was asked, the commands.

use std::sync::Arc;

use ecoman_api::{CommandRun, StepState, Task as TaskFacts, TaskStep};
use leptos::prelude::*;

use crate::acts;
use crate::clock::use_clock;
use crate::components::{
    Icon, busy, fact, fact_card, icon, link, or_unknown, progress_bar, text_fact, when,
};
use crate::live::LiveData;
use crate::state::route::Route;
use crate::state::tasks::{is_shown_above, took};
use crate::state::text;

pub(super) fn progress(_: LiveData, task: &Arc<TaskFacts>) -> AnyView {
    let clock = use_clock();
    if task.state.is_final() {
        return ().into_any();
    }
    let doing = {
        let task = Arc::clone(task);
        move || acts::progress(&task, clock.now())
    };
    let bar = task.progress.map(progress_bar);
    view! {
        <div class="under-way">
            <p role="status">{doing}</p>
            {bar}
        </div>
    }
    .into_any()
}

pub(super) fn step(task: &TaskFacts, step: &TaskStep) -> AnyView {
    let texts = &text::deferred().tasks;
    let (class, word, sign) = match step.state {
        StepState::Pending => ("step pending", texts.step_pending, Some(Icon::Off)),
        StepState::Running => ("step running", texts.step_running, None),
        StepState::Done => ("step done", texts.step_done, Some(Icon::Check)),
        StepState::Skipped => ("step skipped", texts.step_skipped, Some(Icon::Next)),
        StepState::Failed => ("step broken", texts.step_failed, Some(Icon::Warning)),
        StepState::Undone => ("step undone", texts.step_undone, Some(Icon::Undone)),
    };
    let sign = sign.map_or_else(busy, |sign| view! { {icon(sign)} }.into_any());
    let is_shown = !matches!(
        step.state,
        StepState::Done | StepState::Pending | StepState::Running
    );
    let detail = step
        .detail
        .clone()
        .filter(|text| !is_shown_above(task, text));
    view! {
        <li class=class>
            {sign}
            <div>
                <span>{text::step_title(step)}</span>
                <span class=if is_shown { "aside" } else { "sr" }>{(texts.step_state)(word)}</span>
                {detail.map(|detail| view! { <p class="small">{detail}</p> })}
            </div>
        </li>
    }
    .into_any()
}

pub(super) fn about(_: LiveData, task: &Arc<TaskFacts>) -> AnyView {
    let texts = &text::deferred().tasks;
    let node = Route::Node {
        name: task.node.clone(),
    };
    let time = |time: Option<chrono::DateTime<chrono::Utc>>| {
        time.map_or_else(|| or_unknown(None), |time| when(time, true))
    };
    let vm = task.vm.as_ref().map_or_else(
        || or_unknown(None),
        |vm| {
            let page = Route::Vm {
                node: task.node.clone(),
                vmid: vm.vmid,
            };
            let name = vm
                .name
                .clone()
                .unwrap_or_else(|| (text::deferred().parts.vm_by_id)(vm.vmid));
            link("", page.path(), name.into_any())
        },
    );
    let mut facts = vec![
        fact(
            texts.node,
            link("", node.path(), task.node.clone().into_any()),
        ),
        fact(texts.vm, vm),
        fact(texts.requested, time(Some(task.created_at))),
        text_fact(texts.by, task.actor.clone()),
        fact(texts.began, time(task.started_at)),
        fact(texts.ended, time(task.finished_at)),
        text_fact(texts.took, took(task)),
    ];
    facts.extend(acts::facts(task));
    facts.push(text_fact(texts.id, Some(task.id.to_string())));
    fact_card("about", texts.request, facts)
}

/// A command with what it printed, which is shown on demand.
pub(super) fn command(run: CommandRun) -> AnyView {
    let texts = &text::deferred().tasks;
    let (class, exit) = match (run.exit, &run.failure) {
        (_, Some(_)) => ("exit bad", texts.exit_unknown.to_owned()),
        (Some(code), _) if run.expected || code == 0 => ("exit", (texts.exit_code)(code)),
        (Some(code), _) => ("exit bad", (texts.exit_code)(code)),
        (None, _) => ("exit", texts.exit_running.to_owned()),
    };
    let times = (run.times > 1).then(|| (texts.times)(run.times));
    let millis = run.millis.map(texts.command_took);
    let printed = [
        (texts.stdout, run.stdout),
        (texts.stderr, run.stderr),
        (texts.why_unknown, run.failure.unwrap_or_default()),
    ];
    let printed: Vec<_> = printed
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| {
            view! {
                <p class="label">{name}</p>
                <pre>{text}</pre>
            }
        })
        .collect();
    let nothing = printed.is_empty().then_some(texts.printed_nothing);
    view! {
        <li>
            <details>
                <summary>
                    <code>{run.command}</code>
                    <span class=class>{times} {exit} {millis}</span>
                </summary>
                <div class="printed">
                    <p class="aside">{when(run.at, true)} " " {nothing}</p>
                    {printed}
                </div>
            </details>
        </li>
    }
    .into_any()
}
