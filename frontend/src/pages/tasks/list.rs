//! What is being done and was done: the list of tasks.

use std::collections::BTreeSet;
use std::sync::Arc;

use ecoman_api::{Task as TaskFacts, TaskId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::parts::{loading_line, task_of};
use crate::acts::detail;
use crate::api;
use crate::attention::use_attention;
use crate::clock::use_clock;
use crate::components::{
    Item, ago, busy, empty_state, failed_state, keyed, link, node_select, or_unknown, set_title,
    task_badge,
};
use crate::live::{LiveData, use_live};
use crate::location::use_location;
use crate::seen::mark_shown;
use crate::state::format;
use crate::state::route::Route;
use crate::state::task_filter::{TaskFilter, TaskGroup};
use crate::state::tasks::{Tasks as TaskTable, took};
use crate::state::text;

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
            .with(|tasks| tasks.data().map_or(0, TaskTable::running))
    });
    // Where older ones of those that are shown begin.
    let narrowed_older = RwSignal::new(None::<String>);
    let older = Memo::new(move |_| match narrowed.get() {
        true => narrowed_older.get(),
        false => live.tasks.with(|tasks| tasks.data()?.older.clone()),
    });
    let (texts, parts) = (&text::deferred().tasks, &text::deferred().parts);
    set_title(move || match running.get() {
        0 => texts.tasks.to_owned(),
        running => (texts.title_under_way)(running),
    });
    let attention = use_attention();
    mark_shown(live, move || match narrowed.get() {
        true => Vec::new(),
        false => attention.unseen(),
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
            // The table is not built again with every change of a task.
            Some(_) => None,
            None => live.tasks.with(|tasks| tasks.error().cloned()),
        };
        match (empty, error) {
            (Some(true), _) if narrowed.get() => {
                let title = match loading.get() {
                    true => texts.searching,
                    false => texts.no_match,
                };
                empty_state(
                    String::from(title),
                    parts.show_others.to_owned(),
                    link("button", Route::Tasks.path(), parts.all_tasks.into_any()),
                )
            }
            (Some(true), _) => empty_state(
                texts.none.to_owned(),
                texts.none_why.to_owned(),
                link("button", Route::New.path(), texts.new_vm.into_any()),
            ),
            (Some(false), _) => view! {
                <div class="table-frame" tabindex="0" role="region" aria-label=texts.tasks>
                    <table class="tasks">
                        <thead>
                            <tr>
                                <th scope="col">{texts.state}</th>
                                <th scope="col">{texts.task}</th>
                                <th scope="col">{texts.node}</th>
                                <th scope="col">{texts.requested}</th>
                                <th scope="col">{texts.took}</th>
                            </tr>
                        </thead>
                        <tbody>{keyed(rows)}</tbody>
                    </table>
                </div>
            }
            .into_any(),
            (None, Some(error)) if !error.is_not_ready() => {
                let retry = move || live.connect();
                failed_state(texts.not_loaded, &error.to_string(), retry)
            }
            (None, _) => loading_line(texts.loading),
        }
    };
    view! {
        <div class="page">
            <div class="column">
                <header class="heading">
                    <h1>{texts.tasks}</h1>
                    <p class="aside" role="status">
                        {move || {
                            Some(running.get())
                                .filter(|&running| running > 0)
                                .map(texts.under_way)
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
                                        {texts.older}
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
fn toolbar(live: LiveData, filter: Memo<TaskFilter>) -> AnyView {
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
    let (texts, parts) = (&text::deferred().tasks, &text::deferred().parts);
    let node = Memo::new(move |_| filter.with(|filter| filter.node.clone()));
    let names = Memo::new(move |_| {
        let mut names = BTreeSet::new();
        names.extend(node.get());
        live.tasks.with(|tasks| {
            let tasks = tasks.data().into_iter().flat_map(TaskTable::newest);
            names.extend(tasks.map(|task| task.node.clone()));
        });
        names.into_iter().collect::<Vec<_>>()
    });
    let choose = move |node| {
        let wanted = TaskFilter {
            node,
            ..filter.get_untracked()
        };
        location.go(&wanted.to_url());
    };
    view! {
        <div class="toolbar" role="search" aria-label=texts.tasks>
            <div class="chips" role="group" aria-label=parts.show_only>
                {chips}
            </div>
            {node_select(texts.node, parts.every_node, names, node, choose)}
        </div>
    }
    .into_any()
}

fn row(id: TaskId) -> AnyView {
    let texts = &text::deferred().tasks;
    let live = use_live();
    let clock = use_clock();
    let task = task_of(live, id);
    let more = Memo::new(move |_| {
        let task = task.get()?;
        detail(&task, clock.now())
    });
    let cells = move || {
        task.with(|task| {
            let task = task.as_ref()?;
            let node = Route::Node {
                name: task.node.clone(),
            };
            Some(
                view! {
                    <td data-label=texts.state>{task_badge(task.state)}</td>
                    <th scope="row">
                        {link("name", Route::Task { id }.path(), text::task_title(task).into_any())}
                        <div class="small">{move || more.get()}</div>
                    </th>
                    <td data-label=texts.node>{link("", node.path(), task.node.clone().into_any())}</td>
                    <td data-label=texts.requested>{ago(task.created_at)}</td>
                    <td data-label=texts.took>{or_unknown(took(task))}</td>
                }
                .into_any(),
            )
        })
    };
    view! { <tr>{cells}</tr> }.into_any()
}
