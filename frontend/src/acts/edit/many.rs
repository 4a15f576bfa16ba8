//! The notes of many VMs at once.

use std::sync::Arc;

use ecoman_api::UpdateVm;
use leptos::prelude::*;

use super::dialogs::{EditDialogs, MANY, ManyNotes};
use crate::acts::results::{Outcome, line, results, send_all};
use crate::api::{self, Updated};
use crate::components::{Icon, icon};
use crate::live::{LiveData, use_live};
use crate::state::inventory::{Nodes, Row, VmKey};
use crate::state::notes_plan::{NotesChange, NotesPlan};
use crate::state::selection::Selection;
use crate::state::settings_draft;
use crate::state::text;

/// A preview of more VMs than this names only the first of them.
const MOST_LISTED: usize = 200;

/// What is done to the notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Append,
    Replace,
    Set,
}

/// The dialog, before and after it is sent. `typed` follows whether there is anything to lose.
pub(super) fn notes(dialogs: EditDialogs, asked: &ManyNotes, typed: RwSignal<bool>) -> AnyView {
    let live = use_live();
    let Some(outcomes) = &asked.outcomes else {
        return form(live, dialogs, &asked.rows, typed);
    };
    let heading = heading(&asked.rows);
    let close = move || dialogs.many.set(None);
    results(live, MANY, heading, &asked.rows, outcomes, close)
}

fn heading(rows: &[Arc<Row>]) -> AnyView {
    let vms = (text::deferred().power.vms)(rows.len());
    view! { {icon(Icon::Edit)} {(text::deferred().edit.notes_of)(&vms)} }.into_any()
}

fn form(live: LiveData, dialogs: EditDialogs, rows: &[Arc<Row>], typed: RwSignal<bool>) -> AnyView {
    let texts = &text::deferred().edit;
    let selection: RwSignal<Selection> = expect_context();
    let mode = RwSignal::new(Mode::Append);
    let (added, whole) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (find, with) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let change = Memo::new(move |_| match mode.get() {
        Mode::Append => NotesChange::Append(added.get()),
        Mode::Replace => NotesChange::Replace {
            find: find.get(),
            with: with.get(),
        },
        Mode::Set => NotesChange::Set(whole.get()),
    });
    let heading = heading(rows);
    let rows = StoredValue::new(rows.to_vec());
    let plan = Memo::new_with_compare(
        move |_| {
            let none = Nodes::new();
            live.nodes.with(|nodes| {
                let nodes = nodes.data().unwrap_or(&none);
                let plan = |rows: &Vec<_>| change.with(|it| NotesPlan::new(it, rows, nodes));
                Arc::new(rows.with_value(plan))
            })
        },
        |_, _| true,
    );
    Effect::new(move || {
        let any = [added, whole, find, with]
            .iter()
            .any(|text| text.with(|text| !text.is_empty()));
        typed.set(any);
    });
    let ready =
        move || change.with(NotesChange::is_complete) && plan.with(|plan| !plan.doing.is_empty());
    let send = move || {
        if untrack(ready) {
            send(live, dialogs, selection, &plan.get_untracked());
        }
    };
    let radio = move |this: Mode, label: &'static str| {
        view! {
            <label class="check">
                <input
                    type="radio"
                    name="notes-mode"
                    prop:checked=move || mode.get() == this
                    on:change=move |_| mode.set(this)
                />
                {label}
            </label>
        }
    };
    let fields = move || match mode.get() {
        Mode::Append => area(added, texts.text_to_append, texts.append_hint),
        Mode::Set => area(whole, texts.notes, texts.set_hint),
        Mode::Replace => view! {
            <div class="two">
                {text_field(find, (MANY.1, texts.find), texts.find_hint)}
                {text_field(with, ("notes-with", texts.replace_with), "")}
            </div>
        }
        .into_any(),
    };
    let label = move || (texts.change_many)(plan.with(|plan| plan.doing.len()));
    let removes = move || change.with(|change| *change == NotesChange::Set(String::new()));
    let class = move || match removes() {
        true => "button danger solid",
        false => "button primary",
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        send();
    };
    let keydown = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            send();
        }
    };
    view! {
        <form novalidate class="edit" on:submit=submit on:keydown=keydown>
            <h2 id=MANY.0>{heading}</h2>
            <div class="modes" role="radiogroup" aria-label=texts.what_to_do>
                {radio(Mode::Append, texts.append)}
                {radio(Mode::Replace, texts.replace)}
                {radio(Mode::Set, texts.set)}
            </div>
            {fields}
            {move || {
                let complete = change.with(NotesChange::is_complete);
                complete.then(|| plan.with(|plan| preview(plan)))
            }}
            <div class="choices">
                <button
                    type="submit"
                    class=class
                    aria-keyshortcuts="Control+Enter"
                    aria-disabled=move || (!ready()).then_some("true")
                >
                    {label}
                </button>
                <kbd class="aside" aria-hidden="true">{texts.save_keys}</kbd>
                <button
                    type="button"
                    class="button last"
                    on:click=move |_| dialogs.many.set(None)
                >
                    {text::deferred().parts.cancel}
                </button>
            </div>
        </form>
    }
    .into_any()
}

fn area(value: RwSignal<String>, label: &'static str, hint: &'static str) -> AnyView {
    view! {
        <div class="field">
            <label for=MANY.1>{label}</label>
            <textarea
                id=MANY.1
                rows="3"
                aria-describedby="notes-hint"
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            ></textarea>
            <p class="hint" id="notes-hint">{hint}</p>
        </div>
    }
    .into_any()
}

fn text_field(
    value: RwSignal<String>,
    (id, label): (&'static str, &'static str),
    hint: &'static str,
) -> AnyView {
    let hint_id = format!("{id}-hint");
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                type="text"
                id=id
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                aria-describedby=hint_id.clone()
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
            <p class="hint" id=hint_id>{hint}</p>
        </div>
    }
    .into_any()
}

/// What becomes of the notes of which VM.
fn preview(plan: &NotesPlan) -> AnyView {
    let (texts, power) = (&text::deferred().edit, &text::deferred().power);
    let changing: Vec<_> = plan
        .doing
        .iter()
        .take(MOST_LISTED)
        .map(|edit| {
            let waits = edit.waits.then(|| {
                let words = texts.waits_until_off;
                view! { <span class="aside" data-tip=words>{icon(Icon::Stale)} <span class="sr">{words}</span></span> }
            });
            let after = settings_draft::line(&edit.after);
            let before = settings_draft::line(&edit.before);
            let what = view! { {(power.from_to)(&before, &after)} " " {waits} };
            line(&edit.row, false.into(), what.into_any())
        })
        .collect();
    let more = plan
        .doing
        .len()
        .checked_sub(MOST_LISTED)
        .filter(|&more| more > 0);
    let more = more.map(|more| view! { <li class="aside">{(power.and_more)(more)}</li> });
    let same: Vec<_> = plan
        .same
        .iter()
        .take(MOST_LISTED)
        .map(|row| {
            let stays = view! { <span class="aside">{texts.stays}</span> };
            line(row, false.into(), stays.into_any())
        })
        .collect();
    let left_out: Vec<_> = plan
        .left_out
        .iter()
        .take(MOST_LISTED)
        .map(|(row, why)| line(row, false.into(), why.clone().into_any()))
        .collect();
    let (out, waiting) = (plan.left_out.len(), plan.waiting());
    let counted = (out > 0).then(|| {
        view! {
            <p class="left-out">{icon(Icon::Warning)} {(power.left_out_listed_last)(out)}</p>
        }
    });
    let waiting = (waiting > 0).then(|| {
        view! { <p class="aside waiting">{icon(Icon::Stale)} {(texts.some_wait)(waiting)}</p> }
    });
    view! {
        <p role="status">{(texts.counts)(plan.doing.len(), plan.same.len())}</p>
        {waiting}
        {counted}
        <div class="preview" tabindex="0" role="region" aria-label=power.preview>
            <ul class="vms">{changing} {more} {same}</ul>
            {(out > 0).then(|| view! { <ul class="vms out" aria-label=power.left_out>{left_out}</ul> })}
        </div>
    }
    .into_any()
}

/// Asks for the change of each VM. What is taken leaves the selection; what was refused stays.
fn send(
    live: LiveData,
    dialogs: EditDialogs,
    selection: RwSignal<Selection>,
    plan: &Arc<NotesPlan>,
) {
    let count = plan.doing.len();
    let outcomes = ArcRwSignal::new(vec![Outcome::Sent; count]);
    let rows = plan
        .doing
        .iter()
        .map(|edit| Arc::clone(&edit.row))
        .collect();
    dialogs.many.set(Some(ManyNotes {
        rows,
        outcomes: Some(outcomes.clone()),
    }));
    let plan = Arc::clone(plan);
    send_all(count, &outcomes, move |nth| {
        let edit = plan.doing.get(nth).cloned();
        async move {
            let Some(edit) = edit else {
                return Outcome::Sent;
            };
            let key = VmKey::of(&edit.row.vm);
            let outcome = ask(live, &key, &edit.request()).await;
            if !matches!(outcome, Outcome::Refused(_)) {
                selection.update(|chosen| chosen.remove(&key));
            }
            outcome
        }
    });
}

async fn ask(live: LiveData, vm: &VmKey, wanted: &UpdateVm) -> Outcome {
    match api::update_vm(&vm.node, vm.vmid, wanted, &api::fresh_key()).await {
        Ok(Updated::Task(task)) => {
            let id = task.id;
            live.take_task(*task);
            Outcome::Task(id)
        }
        Ok(Updated::Waits(vm)) => {
            live.take_vm(*vm);
            Outcome::Waits
        }
        Err(error) => Outcome::Refused(error.to_string()),
    }
}
