//! Answers to the question that a VM waits with: the card with their buttons.

use ecoman_api::{Answer, AnswerQuestion, Question, TaskState, Vm};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::ActView;
use super::power::known;
use crate::api;
use crate::components::{Icon, busy, dialog, icon};
use crate::live::{LiveData, use_live};
use crate::state::format;
use crate::state::inventory::{VmKey, seen_at};
use crate::state::text;

impl ActView for Answer {}

/// The question that a VM waits with, by tracked reads.
pub(crate) fn pending_question(live: LiveData, vm: &Vm) -> Option<Question> {
    known(live, |known| {
        let seen_at = seen_at(vm, known.nodes);
        match known.tasks {
            Some(tasks) => tasks.pending_question(vm, seen_at).cloned(),
            None => vm.question.clone(),
        }
    })
}

/// Where the question of a VM is shown from the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuestionDialogs {
    shown: RwSignal<Option<VmKey>>,
}

impl QuestionDialogs {
    /// No question is shown.
    pub(crate) fn new() -> Self {
        Self {
            shown: RwSignal::new(None),
        }
    }

    /// Shows the question of a VM.
    pub(crate) fn show(self, key: VmKey) {
        self.shown.set(Some(key));
    }
}

/// The heading of the dialog.
const HEADING: &str = "question-heading";
/// What has the focus first in it: nothing happens by an Enter there.
const FIRST: &str = "question-close";

/// The dialog with the question of a VM; it closes when the question is answered.
#[component]
pub(crate) fn QuestionDialog() -> impl IntoView {
    let live = use_live();
    let dialogs: QuestionDialogs = expect_context();
    let asked = Memo::new(move |_| {
        let key = dialogs.shown.get()?;
        let row = live.vms.with(|vms| vms.data()?.get(&key).cloned())?;
        let name = format::vm_name(&row.vm).to_owned();
        Some((key, name, pending_question(live, &row.vm)?))
    });
    let open = Memo::new(move |_| asked.with(Option::is_some));
    let close = move || dialogs.shown.set(None);
    Effect::new(move || {
        if !open.get() {
            close();
        }
    });
    let content = move || {
        let (key, name, question) = asked.get()?;
        Some(view! {
            <h2 id=HEADING>{(text::first_load().list.answer_vm)(&name)}</h2>
            {question_card(key, question)}
            <div class="choices">
                <button type="button" class="button last" id=FIRST on:click=move |_| close()>
                    {text::deferred().parts.close}
                </button>
            </div>
        })
    };
    dialog(open, (HEADING, FIRST), close, content.into_any())
}

/// A question that a VM waits with, and its answers.
pub(crate) fn question_card(key: VmKey, question: Question) -> AnyView {
    let live = use_live();
    // The index of the answer that was chosen.
    let chosen = RwSignal::new(None::<u32>);
    let error = RwSignal::new(None::<String>);
    let (key, id) = (StoredValue::new(key), StoredValue::new(question.id));
    let answer = move |choice: u32| {
        if chosen.get_untracked().is_some() {
            return;
        }
        chosen.set(Some(choice));
        error.set(None);
        spawn_local(async move {
            let VmKey { node, vmid } = key.get_value();
            let answer = AnswerQuestion {
                question: id.get_value(),
                choice,
            };
            match api::answer(&node, vmid, answer).await {
                Ok(task) => live.take_task(task),
                Err(wrong) => {
                    chosen.try_set(None);
                    error.try_set(Some(wrong.to_string()));
                }
            }
        });
    };
    // One that has failed may be given again.
    Effect::new(move || {
        let failed = live.tasks.with(|tasks| {
            let newest = tasks.data()?.of(&key.get_value()).next()?;
            let answer = newest.request.answer().is_some();
            (answer && newest.state == TaskState::Failed)
                .then(|| newest.error.as_ref().map(|error| error.detail.clone()))
        });
        if let Some(why) = failed {
            chosen.set(None);
            error.set(why);
        }
    });
    let choices: Vec<_> = question
        .choices
        .into_iter()
        .map(|choice| {
            let index = choice.index;
            let class = if choice.default {
                "button primary"
            } else {
                "button"
            };
            view! {
                <button
                    type="button"
                    class=class
                    aria-disabled=move || chosen.get().is_some().then_some("true")
                    on:click=move |_| answer(index)
                >
                    {move || (chosen.get() == Some(index)).then(busy)}
                    {choice.label}
                </button>
            }
        })
        .collect();
    view! {
        <section class="card question" aria-labelledby="question">
            <h2 id="question">{icon(Icon::Unknown)} {text::deferred().power.waits_for_answer}</h2>
            <div class="lines">
                <p class="asked">{question.text}</p>
                <div class="choices">{choices}</div>
                <p class="bad" role="status">{move || error.get()}</p>
            </div>
        </section>
    }
    .into_any()
}
