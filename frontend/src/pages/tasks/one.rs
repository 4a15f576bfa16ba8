//! One task with all its steps.

use std::sync::Arc;

use ecoman_api::{Task as TaskFacts, TaskId, TaskState};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::cards::{about, command, progress, step};
use super::parts::{loading_line, task_of};
use crate::acts::answer::question_card;
use crate::acts::{self, Again, cancel_button, create};
use crate::api;
use crate::components::{
    Icon, Item, back, busy, empty_state, failed_state, icon, keyed, link, set_title, task_badge,
    task_word,
};
use crate::live::{LiveData, use_live};
use crate::location::use_location;
use crate::seen::mark_shown;
use crate::state::draft::SavedDraft;
use crate::state::load::Load;
use crate::state::route::Route;
use crate::state::seen::has_failed;
use crate::state::tasks::key_of;
use crate::state::text;

/// One task.
#[component]
pub(crate) fn Task(id: TaskId) -> impl IntoView {
    let live = use_live();
    let alone = load_alone(live, id);
    let task = task_of(live, id);
    let known = Memo::new(move |_| task.with(Option::is_some));
    let (texts, parts) = (&text::deferred().tasks, &text::deferred().parts);
    set_title(move || {
        task.with(|task| match task {
            Some(task) => (texts.title)(task_word(task.state), &text::task_title(task)),
            None => texts.title_unknown.to_owned(),
        })
    });
    mark_shown(live, move || {
        task.with(|task| {
            let failed = task.as_ref().filter(|task| has_failed(task));
            failed.map(|task| task.id).into_iter().collect()
        })
    });
    let content = move || {
        if known.get() {
            return details(live, task);
        }
        match alone.get() {
            Some(error) if error.is_not_found() => {
                let title = texts.no_such_task.to_owned();
                view! {
                    <h1 class="sr">{title.clone()}</h1>
                    {empty_state(
                        title,
                        texts.no_such_task_why.to_owned(),
                        link("button primary", Route::Tasks.path(), parts.all_tasks.into_any()),
                    )}
                }
                .into_any()
            }
            Some(error) if !error.is_not_ready() => {
                let retry = move || live.connect();
                failed_state(texts.one_not_loaded, &error.to_string(), retry)
            }
            _ => loading_line(texts.loading_one),
        }
    };
    view! {
        <div class="page">
            <div class="column">
                <nav class="heading" aria-label=parts.up>
                    {back(Route::Tasks.path(), parts.all_tasks)}
                </nav>
                {content}
            </div>
        </div>
    }
}

/// Asks for this task alone if it is not among the newest. The answer joins them.
fn load_alone(live: LiveData, id: TaskId) -> RwSignal<Option<api::Error>> {
    let error = RwSignal::new(None);
    let missing = Memo::new(move |_| {
        live.tasks
            .with(|tasks| tasks.data().is_some_and(|tasks| tasks.get(id).is_none()))
    });
    // Again with every new attempt to load the list.
    let attempt = Memo::new(move |_| live.tasks.with(|tasks| tasks.error().is_some()));
    Effect::new(move || {
        let failed: bool = attempt.get();
        if failed && !missing.get() {
            error.set(live.tasks.with(|tasks: &Load<_>| tasks.error().cloned()));
        } else if missing.get() {
            spawn_local(async move {
                match api::task(id).await {
                    Ok(task) => live.take_task(task),
                    Err(wrong) => {
                        error.try_set(Some(wrong));
                    }
                }
            });
        }
    });
    error
}

fn details(live: LiveData, task: Memo<Option<Arc<TaskFacts>>>) -> AnyView {
    // Parts of it change often while it runs; those that do not keep their place and focus.
    let part = move |view: fn(LiveData, &Arc<TaskFacts>) -> AnyView| {
        move || task.with(|task| task.as_ref().map(|task| view(live, task)))
    };
    let steps = move || {
        task.with(|task| {
            let task = task.as_ref()?;
            Some(
                task.steps
                    .iter()
                    .map(|it| step(task, it))
                    .collect::<Vec<_>>(),
            )
        })
    };
    let texts = &text::deferred().tasks;
    let none_so_far = Memo::new(move |_| {
        task.with(|task| task.as_ref().is_some_and(|task| task.commands.is_empty()))
    });
    let runs = move || -> Vec<Item> {
        let Some(task) = task.get() else {
            return Vec::new();
        };
        let runs = task.commands.iter().cloned().enumerate();
        runs.map(|(place, run)| -> Item {
            // A command that has gone on is drawn again.
            let known = (place, run.times, run.exit, run.failure.is_some());
            (format!("{known:?}"), Box::new(move || command(run)))
        })
        .collect()
    };
    // What can be done about it: changes with its end, and with the VM that it makes.
    let ways = Memo::new(move |_| {
        task.with(|task| {
            let task = task.as_ref()?;
            Some((task.state, key_of(task), acts::cancel_label(task)))
        })
    });
    let actions = move || {
        // Read, not only tracked: a memo that nobody reads is never computed.
        let _ = ways.get();
        task.with_untracked(|task| task.as_ref().map(|task| actions(live, task)))
    };
    let question = Memo::new(move |_| {
        task.with(|task| {
            let task = task.as_ref()?;
            let (key, question) = (key_of(task)?, task.question.clone()?);
            (!task.state.is_final()).then_some((key, question))
        })
    });
    view! {
            {part(heading)}
            <div class="heading">{actions}</div>
            {part(trouble)}
            {move || question.get().map(|(key, question)| question_card(key, question))}
            <div class="cards pair">
                <section class="card" aria-labelledby="steps">
                    <h2 id="steps">{texts.steps}</h2>
                    {part(progress)}
                    <ol class="steps">
                        {steps}
                    </ol>
                </section>
                {part(about)}
                <section class="card wide" aria-labelledby="commands">
                    <h2 id="commands">{texts.commands}</h2>
                    {move || {
                        none_so_far
                            .get()
                            .then(|| view! { <p class="inner aside">{texts.no_commands}</p> })
                    }}
                    <ol class="commands">
    {keyed(runs)}
                    </ol>
                </section>
            </div>
        }
    .into_any()
}

fn heading(_: LiveData, task: &Arc<TaskFacts>) -> AnyView {
    view! {
        <header class="heading">
            <h1>{text::task_title(task)}</h1>
            <span class="state" role="status">{task_badge(task.state)}</span>
        </header>
    }
    .into_any()
}

fn actions(live: LiveData, task: &Arc<TaskFacts>) -> AnyView {
    let texts = &text::deferred().tasks;
    let open = key_of(task).map(|key| {
        let page = Route::Vm {
            node: key.node,
            vmid: key.vmid,
        };
        link("button", page.path(), texts.open_vm.into_any())
    });
    let unsuccessful = matches!(
        task.state,
        TaskState::Failed | TaskState::Interrupted | TaskState::Cancelled
    );
    let again = Again::of(task)
        .filter(|_| unsuccessful)
        .map(|again| again_button(live, again));
    let location = use_location();
    let edit = acts::draft(task).filter(|_| unsuccessful).map(|draft| {
        let edit = move |_| {
            create::keep(&SavedDraft {
                draft: draft.clone(),
                sent: None,
            });
            location.go(&Route::New.path());
        };
        view! {
            <button type="button" class="button" on:click=edit>
                {texts.change_and_try_again}
            </button>
        }
    });
    view! {
        {open}
        {again}
        {edit}
        {cancel_button(live, task)}
    }
    .into_any()
}

/// Asks for the same once more, as a new task, and leads to it.
fn again_button(live: LiveData, again: Again) -> AnyView {
    let location = use_location();
    let sending = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    // One press is one task, however often it has to be sent.
    let key = StoredValue::new(api::fresh_key());
    let again = StoredValue::new(again);
    let ask = move |_| {
        if sending.get_untracked() {
            return;
        }
        sending.set(true);
        wrong.set(None);
        spawn_local(async move {
            let answer = again.get_value().send(&key.get_value()).await;
            sending.try_set(false);
            match answer {
                Ok(task) => {
                    let page = Route::Task { id: task.id };
                    live.take_task(task);
                    location.go(&page.path());
                }
                Err(error) => {
                    if !error.is_open() {
                        key.try_set_value(api::fresh_key());
                    }
                    wrong.try_set(Some(error.to_string()));
                }
            }
        });
    };
    view! {
        <button
            type="button"
            class="button primary"
            aria-disabled=move || sending.get().then_some("true")
            on:click=ask
        >
            {move || if sending.get() { busy() } else { view! { {icon(Icon::Again)} }.into_any() }}
            {text::deferred().tasks.try_again}
        </button>
        <span class="bad" role="status">{move || wrong.get()}</span>
    }
    .into_any()
}

/// Why it did not succeed, and what is left of it.
fn trouble(_: LiveData, task: &Arc<TaskFacts>) -> AnyView {
    let error = task.error.as_ref().map(|error| {
        view! {
            <div class="notice bad">
                {icon(Icon::Warning)}
                <p>{error.detail.clone()}</p>
            </div>
        }
    });
    let left: Vec<_> = task
        .left
        .iter()
        .map(|left| view! { <li>{left.clone()}</li> })
        .collect();
    let left = (!left.is_empty()).then(|| {
        view! {
            <div class="notice warn">
                {icon(Icon::Warning)}
                <div>
                    <strong>{(text::deferred().tasks.left_on)(&task.node)}</strong>
                    <ul>{left}</ul>
                </div>
            </div>
        }
    });
    view! {
        <div role="status">{error}</div>
        {left}
    }
    .into_any()
}
