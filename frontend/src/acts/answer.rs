//! Answers to the question that a VM waits with: the card with their buttons.

use ecoman_api::{Answer, AnswerQuestion, Question, TaskState};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::ActView;
use crate::api;
use crate::components::{Icon, busy, icon};
use crate::live::use_live;
use crate::state::inventory::VmKey;
use crate::state::text;

impl ActView for Answer {}

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
            <h2 id="question">{icon(Icon::Unknown)} {text::pages().power.waits_for_answer}</h2>
            <div class="lines">
                <p class="asked">{question.text}</p>
                <div class="choices">{choices}</div>
                <p class="bad" role="status">{move || error.get()}</p>
            </div>
        </section>
    }
    .into_any()
}
