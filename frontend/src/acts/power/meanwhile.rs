//! What has happened to the VMs behind the open dialog, and by whom.

use std::sync::Arc;

use ecoman_api::Node;
use leptos::prelude::*;

use super::dialogs::{FIRST, PowerDialogs};
use crate::components::{Icon, Item, ago, focus, icon, keyed, power_word, sentence, when};
use crate::state::confirmation::{Cause, Change, Since};
use crate::state::format;
use crate::state::inventory::{Row, VmKey};
use crate::state::power_plan::Plan;
use crate::state::text;

/// So many changes are listed.
const MOST_LISTED: usize = 8;

/// What has happened since the dialog was opened, and the way to take it into account.
pub(super) fn meanwhile(dialogs: PowerDialogs, plan: &Arc<Plan>, since: Memo<Since>) -> AnyView {
    let texts = &text::deferred().power;
    let any = Memo::new(move |_| since.with(|since| !since.changed.is_empty()));
    let plan = StoredValue::new(Arc::clone(plan));
    let changes = move || -> Vec<Item> {
        since.with(|since| {
            let changed = since.changed.iter().take(MOST_LISTED).cloned();
            changed
                .map(|(row, change)| -> Item {
                    let key = format!("{:?} {change:?}", VmKey::of(&row.vm));
                    (key, Box::new(move || line(&row, change)))
                })
                .collect()
        })
    };
    let more = move || {
        let count = since.with(|since| since.changed.len());
        let more = count.checked_sub(MOST_LISTED).filter(|&more| more > 0)?;
        Some(view! { <li>{(texts.and_more)(more)}</li> })
    };
    let review = move |_| {
        dialogs.review(&plan.get_value());
        request_animation_frame(|| focus(FIRST));
    };
    let changed = move || {
        any.get().then(|| {
            view! {
                <div class="notice warn">
                    {icon(Icon::Warning)}
                    <div>
                        <strong>{texts.changed_meanwhile}</strong>
                        <ul class="plain">{keyed(changes)} {more}</ul>
                        <div class="choices">
                            <button
                                type="button"
                                class="button small"
                                data-tip=texts.review_tip
                                on:click=review
                            >
                                {texts.review}
                            </button>
                        </div>
                    </div>
                </div>
            }
        })
    };
    let silent = move || {
        let nodes = since.with(|since| since.silent.clone());
        nodes.iter().map(|node| silent(node)).collect::<Vec<_>>()
    };
    view! {
        <div class="meanwhile" role="status">
            {changed}
            {silent}
        </div>
    }
    .into_any()
}

fn line(row: &Row, change: Change) -> AnyView {
    let texts = &text::deferred().power;
    let name = format::vm_name(&row.vm).to_owned();
    let name = view! { <strong>{name}</strong> }.into_any();
    let words = match change {
        Change::Removed => sentence(texts.was_removed, [name, row.vm.node.clone().into_any()]),
        Change::Power(now, by) => {
            let states = (texts.from_to)(power_word(row.vm.power), power_word(now));
            let by = match by {
                Some(by) => cause(by),
                None => texts.change_outside.into_any(),
            };
            sentence(texts.is_other, [name, states.into_any(), by])
        }
        Change::UnderWay(by) => sentence(texts.is_changing, [name, cause(by)]),
        Change::Done(by) => sentence(texts.was_changed, [name, cause(by)]),
        Change::Refused(why) => sentence(texts.cannot_now, [name, why.into_any()]),
    };
    view! { <li>{words}</li> }.into_any()
}

/// Which change it was, by whom and when.
fn cause(cause: Cause) -> AnyView {
    let texts = &text::deferred().power;
    let order = text::acts().order.of(cause.action).into_any();
    match cause.actor {
        Some(actor) => sentence(texts.change_by, [order, actor.into_any(), ago(cause.at)]),
        None => sentence(texts.change, [order, ago(cause.at)]),
    }
}

fn silent(node: &Node) -> AnyView {
    let error = node.last_error.as_ref();
    let since = error.map(|error| error.since).or(node.observed_at);
    let since = since.map(|since| when(since, false));
    let name = view! { <strong>{node.name.clone()}</strong> }.into_any();
    view! {
        <div class="notice warn">
            {icon(Icon::Warning)}
            <p>{sentence(text::deferred().power.node_silent, [name, since.into_any()])}</p>
        </div>
    }
    .into_any()
}
