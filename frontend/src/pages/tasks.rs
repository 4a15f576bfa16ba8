//! What is being done and was done: the list of tasks, and one of them with all its steps.

use std::collections::BTreeSet;
use std::sync::Arc;

use ecoman_api::{CommandRun, StepState, Task as TaskFacts, TaskId, TaskState, TaskStep};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::power::question_card;
use super::{back, set_title};
use crate::api;
use crate::clock::use_clock;
use crate::components::{
    Icon, Item, ago, busy, empty_state, fact, fact_card, failed_state, icon, keyed, link,
    task_badge, task_word, text, text_fact, when,
};
use crate::live::{Live, use_live};
use crate::location::use_location;
use crate::state::draft::{Draft, Kept};
use crate::state::format;
use crate::state::load::Load;
use crate::state::route::Page;
use crate::state::task_filter::{TaskFilter, TaskGroup};
use crate::state::tasks::{Again, at, is_told, key_of, took};

/// The list.
#[component]
pub(crate) fn Tasks() -> impl IntoView {
    let live = use_live();
    let location = use_location();
    let filter = Memo::new(move |_| location.query.with(|query| TaskFilter::parse(query)));
    let narrowed = Memo::new(move |_| filter.get() != TaskFilter::default());
    let ids = Memo::new(move |_| {
        live.tasks.with(|tasks| {
            let tasks = tasks.data()?.newest();
            let shown = |task: &&Arc<TaskFacts>| filter.with(|filter| filter.shows(task));
            Some(tasks.filter(shown).map(|task| task.id).collect::<Vec<_>>())
        })
    });
    let running = Memo::new(move |_| {
        live.tasks
            .with(|tasks| tasks.data().map_or(0, crate::state::tasks::Tasks::running))
    });
    // Where older ones of those that are shown begin.
    let narrowed_older = RwSignal::new(None::<String>);
    let older = Memo::new(move |_| match narrowed.get() {
        true => narrowed_older.get(),
        false => live.tasks.with(|tasks| tasks.data()?.older.clone()),
    });
    set_title(move || match running.get() {
        0 => String::from("Tasks"),
        running => format!("{running} under way · Tasks"),
    });
    let loading = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let load = move |asked: TaskFilter, token: Option<String>| {
        loading.set(true);
        spawn_local(async move {
            let page = api::tasks(&asked, token.as_deref()).await;
            loading.try_set(false);
            // Something else may be asked for by now.
            if filter.try_get_untracked().as_ref() != Some(&asked) {
                return;
            }
            wrong.try_set(page.as_ref().err().map(ToString::to_string));
            let Ok(page) = page else { return };
            if asked == TaskFilter::default() {
                live.tasks.update(|load| {
                    if let Some(tasks) = load.data_mut() {
                        tasks.take_older(page);
                    }
                });
            } else {
                narrowed_older.try_set(page.next_page);
                for task in page.items {
                    live.take_task(task);
                }
            }
        });
    };
    // What is looked for may be older than all that is here.
    let loaded = Memo::new(move |_| live.tasks.with(|tasks| tasks.data().is_some()));
    Effect::new(move || {
        let asked = filter.get();
        narrowed_older.set(None);
        if loaded.get() && asked != TaskFilter::default() {
            load(asked, None);
        }
    });
    let load_older = move |_| {
        let token = older.get_untracked();
        if token.is_some() && !loading.get_untracked() {
            load(filter.get_untracked(), token);
        }
    };

    let empty = Memo::new(move |_| ids.with(|ids| ids.as_ref().map(Vec::is_empty)));
    let rows = move || -> Vec<Item> {
        let ids = ids.get().unwrap_or_default().into_iter();
        ids.map(|id| -> Item { (id.to_string(), Box::new(move || row(id))) })
            .collect()
    };
    let content = move || {
        let empty = empty.get();
        let error = match empty {
            // The table is not built anew with every change of a task.
            Some(_) => None,
            None => live.tasks.with(|tasks| tasks.error().cloned()),
        };
        match (empty, error) {
            (Some(true), _) if narrowed.get() => {
                let title = match loading.get() {
                    true => "Looking for such tasks",
                    false => "There is no such task",
                };
                empty_state(
                    String::from(title),
                    String::from("Show others, or all of them."),
                    link("button", Page::Tasks.path(), "All tasks".into_any()),
                )
            }
            (Some(true), _) => empty_state(
                String::from("Nothing has been asked yet"),
                String::from(
                    "Every change of power and every new VM becomes a task that tells its steps, \
                     the commands that were run on the node, and what came of it.",
                ),
                link("button", Page::New.path(), "New VM".into_any()),
            ),
            (Some(false), _) => view! {
                <div class="table-frame" tabindex="0" role="region" aria-label="Tasks">
                    <table class="tasks">
                        <thead>
                            <tr>
                                <th scope="col">"State"</th>
                                <th scope="col">"Task"</th>
                                <th scope="col">"Node"</th>
                                <th scope="col">"Asked"</th>
                                <th scope="col">"Took"</th>
                            </tr>
                        </thead>
                        <tbody>{keyed(rows)}</tbody>
                    </table>
                </div>
            }
            .into_any(),
            (None, Some(error)) if !error.is_not_ready() => {
                let retry = move || live.connect();
                failed_state("The tasks could not be loaded", &error.to_string(), retry)
            }
            (None, _) => loading_line("Loading the tasks"),
        }
    };
    view! {
        <div class="page">
            <div class="column">
                <header class="heading">
                    <h1>"Tasks"</h1>
                    <p class="aside" role="status">
                        {move || {
                            Some(running.get())
                                .filter(|&running| running > 0)
                                .map(|running| format!("{running} under way"))
                        }}
                    </p>
                </header>
                {toolbar(live, filter)}
                {content}
                {move || {
                    older
                        .with(Option::is_some)
                        .then(|| {
                            view! {
                                <p class="more">
                                    <button type="button" class="button" on:click=load_older>
                                        {move || loading.get().then(busy)}
                                        "Older tasks"
                                    </button>
                                    " "
                                    <span role="status">{move || wrong.get()}</span>
                                </p>
                            }
                        })
                }}
            </div>
        </div>
    }
}

/// What narrows the list down.
fn toolbar(live: Live, filter: Memo<TaskFilter>) -> AnyView {
    let location = use_location();
    let chips = TaskGroup::ALL.map(|group| {
        let pressed = Memo::new(move |_| filter.with(|filter| filter.groups.contains(&group)));
        let count = Memo::new(move |_| {
            live.tasks.with(|tasks| {
                let tasks = tasks.data()?.newest();
                let node = filter.with(|filter| filter.node.clone());
                let here = TaskFilter {
                    groups: vec![group],
                    node,
                };
                u64::try_from(tasks.filter(|task| here.shows(task)).count()).ok()
            })
        });
        view! {
            <button
                type="button"
                class="chip"
                aria-pressed=move || pressed.get().to_string()
                on:click=move |_| location.go(&filter.get_untracked().toggled(group).to_url())
            >
                {group.label()}
                " "
                <span class="count">{move || count.get().map(format::grouped)}</span>
            </button>
        }
    });
    let node = Memo::new(move |_| filter.with(|filter| filter.node.clone()));
    let names = Memo::new(move |_| {
        let mut names = BTreeSet::new();
        names.extend(node.get());
        live.tasks.with(|tasks| {
            let tasks = tasks
                .data()
                .into_iter()
                .flat_map(crate::state::tasks::Tasks::newest);
            names.extend(tasks.map(|task| task.node.clone()));
        });
        names
    });
    let options = move || {
        let chosen = node.get();
        let names = names.get().into_iter().map(|name| {
            let selected = chosen.as_ref() == Some(&name);
            let shown = name.clone();
            view! { <option value=name selected=selected>{shown}</option> }
        });
        names.collect::<Vec<_>>()
    };
    let choose = move |event| {
        let name = event_target_value(&event);
        let wanted = TaskFilter {
            node: (!name.is_empty()).then_some(name),
            ..filter.get_untracked()
        };
        location.go(&wanted.to_url());
    };
    view! {
        <div class="toolbar" role="search" aria-label="Tasks">
            <div class="chips" role="group" aria-label="Show only">
                {chips}
            </div>
            <select aria-label="Node" on:change=choose>
                <option value="" selected=move || node.with(Option::is_none)>
                    "Every node"
                </option>
                {options}
            </select>
        </div>
    }
    .into_any()
}

fn row(id: TaskId) -> AnyView {
    let live = use_live();
    let clock = use_clock();
    let task = task_of(live, id);
    let more = Memo::new(move |_| {
        let task = task.get()?;
        at(&task, clock.now()).or_else(|| task.error.as_ref().map(|error| error.detail.clone()))
    });
    let cells = move || {
        task.with(|task| {
            let task = task.as_ref()?;
            let node = Page::Node {
                name: task.node.clone(),
            };
            Some(
                view! {
                    <td data-label="State">{task_badge(task.state)}</td>
                    <th scope="row">
                        {link("name", Page::Task { id }.path(), task.title.clone().into_any())}
                        <div class="small">{move || more.get()}</div>
                    </th>
                    <td data-label="Node">{link("", node.path(), task.node.clone().into_any())}</td>
                    <td data-label="Asked">{ago(task.created_at)}</td>
                    <td data-label="Took">{text(took(task))}</td>
                }
                .into_any(),
            )
        })
    };
    view! { <tr>{cells}</tr> }.into_any()
}

/// One task.
#[component]
pub(crate) fn Task(id: TaskId) -> impl IntoView {
    let live = use_live();
    let alone = load_alone(live, id);
    let task = task_of(live, id);
    let known = Memo::new(move |_| task.with(Option::is_some));
    set_title(move || {
        task.with(|task| match task {
            Some(task) => format!("{} · {}", task_word(task.state), task.title),
            None => String::from("Task"),
        })
    });
    let content = move || {
        if known.get() {
            return details(live, task);
        }
        match alone.get() {
            Some(error) if error.is_not_found() => {
                let title = String::from("There is no such task");
                view! {
                    <h1 class="sr">{title.clone()}</h1>
                    {empty_state(
                        title,
                        String::from("It never was, or it ended so long ago that it was forgotten."),
                        link("button primary", Page::Tasks.path(), "All tasks".into_any()),
                    )}
                }
                .into_any()
            }
            Some(error) if !error.is_not_ready() => {
                let retry = move || live.connect();
                failed_state("The task could not be loaded", &error.to_string(), retry)
            }
            _ => loading_line("Loading the task"),
        }
    };
    view! {
        <div class="page">
            <div class="column">
                <nav class="heading" aria-label="Up">
                    {back(Page::Tasks.path(), "All tasks")}
                </nav>
                {content}
            </div>
        </div>
    }
}

fn loading_line(words: &'static str) -> AnyView {
    view! { <p class="skeleton" role="status">{words}</p> }.into_any()
}

fn task_of(live: Live, id: TaskId) -> Memo<Option<Arc<TaskFacts>>> {
    Memo::new(move |_| live.tasks.with(|tasks| tasks.data()?.get(id).cloned()))
}

/// Asks for this task alone if it is not among the newest. The answer joins them.
fn load_alone(live: Live, id: TaskId) -> RwSignal<Option<api::Error>> {
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

fn details(live: Live, task: Memo<Option<Arc<TaskFacts>>>) -> AnyView {
    // Parts of it change often while it runs; those that do not keep their place and focus.
    let part = move |view: fn(Live, &Arc<TaskFacts>) -> AnyView| {
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
    let none_so_far = Memo::new(move |_| {
        task.with(|task| task.as_ref().is_some_and(|task| task.commands.is_empty()))
    });
    let runs = move || -> Vec<Item> {
        let Some(task) = task.get() else {
            return Vec::new();
        };
        let runs = task.commands.iter().cloned().enumerate();
        runs.map(|(place, run)| -> Item {
            // A command that has gone on is drawn anew.
            let known = (place, run.times, run.exit, run.failure.is_some());
            (format!("{known:?}"), Box::new(move || command(run)))
        })
        .collect()
    };
    // What can be done about it: changes with its end, and with the VM that it makes.
    let ways =
        Memo::new(move |_| task.with(|task| task.as_ref().map(|task| (task.state, key_of(task)))));
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
                    <h2 id="steps">"Steps"</h2>
                    {part(progress)}
                    <ol class="steps">
                        {steps}
                    </ol>
                </section>
                {part(about)}
                <section class="card wide" aria-labelledby="commands">
                    <h2 id="commands">"Commands on the node"</h2>
                    {move || {
                        none_so_far
                            .get()
                            .then(|| view! { <p class="inner aside">"None so far."</p> })
                    }}
                    <ol class="commands">
    {keyed(runs)}
                    </ol>
                </section>
            </div>
        }
    .into_any()
}

fn heading(_: Live, task: &Arc<TaskFacts>) -> AnyView {
    view! {
        <header class="heading">
            <h1>{task.title.clone()}</h1>
            <span class="state" role="status">{task_badge(task.state)}</span>
        </header>
    }
    .into_any()
}

fn actions(live: Live, task: &Arc<TaskFacts>) -> AnyView {
    let open = key_of(task).map(|key| {
        let page = Page::Vm {
            node: key.node,
            vmid: key.vmid,
        };
        link("button", page.path(), "Open the VM".into_any())
    });
    let unsuccessful = matches!(task.state, TaskState::Failed | TaskState::Interrupted);
    let again = Again::of(task)
        .filter(|_| unsuccessful)
        .map(|again| again_button(live, again));
    let location = use_location();
    let edit = Draft::of(task).filter(|_| unsuccessful).map(|draft| {
        let edit = move |_| {
            super::new::keep(&Kept {
                draft: draft.clone(),
                sent: None,
            });
            location.go(&Page::New.path());
        };
        view! {
            <button type="button" class="button" on:click=edit>
                "Change and try again"
            </button>
        }
    });
    view! {
        {open}
        {again}
        {edit}
    }
    .into_any()
}

/// Asks for the same once more, as a new task, and leads to it.
fn again_button(live: Live, again: Again) -> AnyView {
    let location = use_location();
    let sending = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    // One press is one task, however often it has to be sent.
    let key = StoredValue::new(super::new::fresh_key());
    let again = StoredValue::new(again);
    let ask = move |_| {
        if sending.get_untracked() {
            return;
        }
        sending.set(true);
        wrong.set(None);
        spawn_local(async move {
            let answer = match again.get_value() {
                Again::Power(vm, wanted) => {
                    let key = key.get_value();
                    api::set_power(&vm.node, vm.vmid, wanted, &key).await
                }
                Again::Create(wanted) => api::create(&wanted, &key.get_value()).await,
            };
            sending.try_set(false);
            match answer {
                Ok(task) => {
                    let page = Page::Task { id: task.id };
                    live.take_task(task);
                    location.go(&page.path());
                }
                Err(error) => {
                    if !error.is_open() {
                        key.try_set_value(super::new::fresh_key());
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
            "Try again"
        </button>
        <span class="bad" role="status">{move || wrong.get()}</span>
    }
    .into_any()
}

/// Why it did not succeed, and what is left of it.
fn trouble(_: Live, task: &Arc<TaskFacts>) -> AnyView {
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
                    <strong>"Left on " {task.node.clone()} ":"</strong>
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

fn progress(_: Live, task: &Arc<TaskFacts>) -> AnyView {
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

fn step(task: &TaskFacts, step: &TaskStep) -> AnyView {
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
    let detail = step.detail.clone().filter(|text| !is_told(task, text));
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

fn about(_: Live, task: &Arc<TaskFacts>) -> AnyView {
    let node = Page::Node {
        name: task.node.clone(),
    };
    let time = |time: Option<chrono::DateTime<chrono::Utc>>| {
        time.map_or_else(|| text(None), |time| when(time, true))
    };
    let vm = task.vm.as_ref().map_or_else(
        || text(None),
        |vm| {
            let page = Page::Vm {
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
fn command(run: CommandRun) -> AnyView {
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
