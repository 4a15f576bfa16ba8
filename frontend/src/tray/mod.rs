//! The tray of tasks: what runs, what has failed and who waits for an answer, over every page.

mod entry;

use std::collections::BTreeSet;

use ecoman_api::TaskId;
use leptos::{ev, prelude::*};

use self::entry::{question, task};
use crate::attention::use_attention;
use crate::components::{Icon, Item, focus, icon, keyed, link};
use crate::live::use_live;
use crate::seen::{follow, mark_shown};
use crate::state::inventory::VmKey;
use crate::state::route::Route;
use crate::state::tasks::{Tasks, key_of};
use crate::state::text;

/// So many tasks are listed.
const LISTED: usize = 8;
/// So many questions of VMs that no task waits for.
const QUESTIONS: usize = 4;
/// What opens and closes it.
const TOGGLE: &str = "tray-toggle";

/// The tray. It is not there while there is nothing to say, unless the reader has opened it.
#[component]
pub(crate) fn Tray() -> impl IntoView {
    let live = use_live();
    let attention = use_attention();
    follow(live, attention);
    let open = RwSignal::new(false);
    let running = Memo::new(move |_| {
        live.tasks
            .with(|tasks| tasks.data().map_or(0, Tasks::running))
    });
    let counts = Memo::new(move |_| {
        (
            running.get(),
            attention.questions.get(),
            attention.failures.get(),
        )
    });
    let shown =
        Memo::new(move |_| !live.signed_out.get() && (open.get() || counts.get() != (0, 0, 0)));
    // What was announced when it was opened, or since: it stays until it is closed.
    let announced = RwSignal::new(BTreeSet::<TaskId>::new());
    Effect::new(move || {
        if open.get() {
            let unseen = attention.unseen();
            if !unseen.is_empty() {
                announced.update(|announced| announced.extend(unseen));
            }
        } else {
            announced.update(BTreeSet::clear);
        }
    });
    let listed = Memo::new(move |_| {
        let announced = announced.get();
        live.tasks.with(|tasks| {
            tasks
                .data()
                .map_or_else(Vec::new, |tasks| newest(tasks, &announced))
        })
    });
    mark_shown(live, move || match shown.get() && open.get() {
        true => listed.get(),
        false => Vec::new(),
    });
    let escape = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            event.stop_propagation();
            event.prevent_default();
            open.set(false);
            focus(TOGGLE);
        }
    };
    let texts = &text::deferred().tray;
    move || {
        shown.get().then(|| {
            view! {
                <section class="tray" class:open=open aria-label=texts.tray on:keydown=escape>
                    <button
                        type="button"
                        class="tray-head"
                        id=TOGGLE
                        aria-expanded=move || open.get().to_string()
                        aria-controls="tray-list"
                        on:click=move |_| open.update(|open| *open = !*open)
                    >
                        <strong>{texts.tray}</strong>
                        <span class="aside" role="status">
                            {move || {
                                let (running, questions, failed) = counts.get();
                                (texts.summary)(running, questions, failed)
                            }}
                        </span>
                        {icon(Icon::Unfold)}
                    </button>
                    <div id="tray-list" hidden=move || !open.get()>
                        {move || open.get().then(|| list(listed))}
                    </div>
                </section>
            }
        })
    }
}

/// What runs, then what was announced, then what is newest.
fn newest(tasks: &Tasks, announced: &BTreeSet<TaskId>) -> Vec<TaskId> {
    let of = |wanted: &dyn Fn(TaskId, bool) -> bool| {
        let tasks = tasks.newest();
        let wanted = tasks.filter(|task| wanted(task.id, task.state.is_final()));
        wanted.map(|task| task.id).collect::<Vec<_>>()
    };
    let mut ids = of(&|_, ended| !ended);
    ids.extend(of(&|id, ended| ended && announced.contains(&id)));
    ids.extend(of(&|id, ended| ended && !announced.contains(&id)));
    ids.truncate(LISTED);
    ids
}

fn list(listed: Memo<Vec<TaskId>>) -> AnyView {
    let live = use_live();
    let texts = &text::deferred().tray;
    let entries = move || -> Vec<Item> {
        let ids = listed.get().into_iter();
        ids.map(|id| -> Item { (id.to_string(), Box::new(move || task(id))) })
            .collect()
    };
    // Questions that no listed task has met.
    let waiting = Memo::new(move |_| {
        let listed = listed.get();
        live.tasks.with(|tasks| {
            let shown: Vec<_> = tasks.data().map_or_else(Vec::new, |tasks| {
                let tasks = listed.iter().filter_map(|id| tasks.get(*id));
                tasks
                    .filter(|task| task.question.is_some() && !task.state.is_final())
                    .filter_map(|task| key_of(task))
                    .collect()
            });
            live.vms.with(|vms| {
                let rows = vms.data().into_iter().flat_map(|vms| vms.rows());
                rows.filter(|row| row.vm.question.is_some())
                    .map(|row| VmKey::of(&row.vm))
                    .filter(|key| !shown.contains(key))
                    .take(QUESTIONS)
                    .collect::<Vec<_>>()
            })
        })
    });
    let questions = move || -> Vec<Item> {
        let keys = waiting.get().into_iter();
        keys.map(|key| -> Item { (format!("{key:?}"), Box::new(move || question(key))) })
            .collect()
    };
    let none = move || {
        let none = listed.with(Vec::is_empty) && waiting.with(Vec::is_empty);
        none.then(|| view! { <li class="aside">{texts.nothing}</li> })
    };
    view! {
        <ul>
            {keyed(questions)}
            {keyed(entries)}
            {none}
        </ul>
        <p class="tray-foot">{link("", Route::Tasks.path(), texts.all.into_any())}</p>
    }
    .into_any()
}
