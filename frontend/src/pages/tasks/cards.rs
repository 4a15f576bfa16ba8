//! The cards of one task: how far it is, its steps, what was asked, the commands.

use std::sync::Arc;

use ecoman_api::{CommandRun, StepState, Task as TaskFacts, TaskStep};
use leptos::prelude::*;

use crate::clock::use_clock;
use crate::components::{Icon, busy, fact, fact_card, icon, link, text, text_fact, when};
use crate::live::LiveData;
use crate::state::draft::Draft;
use crate::state::format;
use crate::state::route::Route;
use crate::state::tasks::{at, is_shown_above, took};

pub(super) fn progress(_: LiveData, task: &Arc<TaskFacts>) -> AnyView {
    let clock = use_clock();
    if task.state.is_final() {
        return ().into_any();
    }
    let doing = {
        let task = Arc::clone(task);
        move || at(&task, clock.now())
    };
    let bar = task.progress.map(|percent| {
        view! {
            <div
                class="meter"
                role="progressbar"
                aria-label="Progress"
                aria-valuenow=percent
                aria-valuemin="0"
                aria-valuemax="100"
            >
                <div class="fill" style:width=format!("{percent}%")></div>
            </div>
        }
    });
    view! {
        <div class="under-way">
            <p role="status">{doing}</p>
            {bar}
        </div>
    }
    .into_any()
}

pub(super) fn step(task: &TaskFacts, step: &TaskStep) -> AnyView {
    let (class, word, sign) = match step.state {
        StepState::Pending => ("step pending", "Not begun", Some(Icon::Off)),
        StepState::Running => ("step running", "Being done", None),
        StepState::Done => ("step done", "Done", Some(Icon::Check)),
        StepState::Skipped => ("step skipped", "Not needed", Some(Icon::Next)),
        StepState::Failed => ("step broken", "Failed", Some(Icon::Warning)),
        StepState::Undone => ("step undone", "Undone", Some(Icon::Undone)),
    };
    let sign = sign.map_or_else(busy, |sign| view! { {icon(sign)} }.into_any());
    let tells = !matches!(
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
                <span>{step.title.clone()}</span>
                <span class=if tells { "aside" } else { "sr" }>" · " {word}</span>
                {detail.map(|detail| view! { <p class="small">{detail}</p> })}
            </div>
        </li>
    }
    .into_any()
}

pub(super) fn about(_: LiveData, task: &Arc<TaskFacts>) -> AnyView {
    let node = Route::Node {
        name: task.node.clone(),
    };
    let time = |time: Option<chrono::DateTime<chrono::Utc>>| {
        time.map_or_else(|| text(None), |time| when(time, true))
    };
    let vm = task.vm.as_ref().map_or_else(
        || text(None),
        |vm| {
            let page = Route::Vm {
                node: task.node.clone(),
                vmid: vm.vmid,
            };
            let name = vm.name.clone().unwrap_or_else(|| format!("VM {}", vm.vmid));
            link("", page.path(), name.into_any())
        },
    );
    let mut facts = vec![
        fact("Node", link("", node.path(), task.node.clone().into_any())),
        fact("VM", vm),
        fact("Asked", time(Some(task.created_at))),
        text_fact("By", task.actor.clone()),
        fact("Began", time(task.started_at)),
        fact("Ended", time(task.finished_at)),
        text_fact("Took", took(task)),
    ];
    if let Some(draft) = Draft::of(task) {
        let memory = draft.memory_mb.parse().map(format::megabytes).ok();
        let size = format!(
            "{} CPU, {} RAM, {} GB disk",
            draft.cpus,
            memory.unwrap_or_default(),
            draft.disk_gb
        );
        let default = || String::from("as hosts.yml says");
        facts.extend([
            text_fact("Size", Some(size)),
            text_fact("Guest OS", Some(draft.guest_os)),
            text_fact("Network", Some(draft.network.unwrap_or_else(default))),
            text_fact(
                "ISO image",
                Some(match draft.iso_path.as_deref() {
                    None => default(),
                    Some("") => String::from("none"),
                    Some(path) => path.to_owned(),
                }),
            ),
        ]);
    }
    facts.push(text_fact("Id", Some(task.id.to_string())));
    fact_card("about", "What was asked", facts)
}

/// A command with what it printed, which is shown on demand.
pub(super) fn command(run: CommandRun) -> AnyView {
    let (class, exit) = match (run.exit, &run.failure) {
        (_, Some(_)) => ("exit bad", String::from("outcome not known")),
        (Some(code), _) if run.expected || code == 0 => ("exit", format!("exit {code}")),
        (Some(code), _) => ("exit bad", format!("exit {code}")),
        (None, _) => ("exit", String::from("running")),
    };
    let times = (run.times > 1).then(|| format!("{} times, ", format::grouped(run.times.into())));
    let millis = run
        .millis
        .map(|millis| format!(", {} ms", format::grouped(millis)));
    let printed = [
        ("Standard output", run.stdout),
        ("Standard error", run.stderr),
        ("Why nobody knows", run.failure.unwrap_or_default()),
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
    let nothing = printed.is_empty().then_some("It printed nothing.");
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
