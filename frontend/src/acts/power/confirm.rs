//! The question back before a change of power.

use std::sync::Arc;

use ecoman_api::{GUEST_SECONDS, GUEST_SECONDS_RANGE, PowerAction};
use leptos::prelude::*;

use super::buttons::sign;
use super::dialogs::{FIRST, HEADING, PowerDialogs};
use crate::components::{Icon, focus, icon, power_word, sentence};
use crate::state::format;
use crate::state::inventory::Row;
use crate::state::power_plan::Plan;
use crate::state::text;

/// A preview of more VMs than this names only the first of them.
const MOST_LISTED: usize = 200;

/// Whether that is really wanted.
pub(super) fn ask_back(dialogs: PowerDialogs, plan: &Arc<Plan>) -> AnyView {
    let action = plan.action;
    let texts = &text::deferred().power;
    let order = text::acts().order.of(action);
    let count = plan.doing.len();
    let typed = RwSignal::new(String::new());
    let seconds = RwSignal::new(GUEST_SECONDS.to_string());
    let number = plan.number_to_type();
    let (least, most) = GUEST_SECONDS_RANGE.into_inner();
    let seconds_given = move || {
        let seconds: u32 = seconds.with(|text| text.trim().parse().ok())?;
        GUEST_SECONDS_RANGE.contains(&seconds).then_some(seconds)
    };
    let ready = Memo::new(move |_| {
        let counted =
            number.is_none_or(|number| typed.with(|typed| typed.trim() == number.to_string()));
        count > 0 && counted && (action != PowerAction::Shutdown || seconds_given().is_some())
    });
    let confirm = {
        let plan = Arc::clone(plan);
        move || {
            if ready.get_untracked() {
                let seconds = untrack(seconds_given).unwrap_or(GUEST_SECONDS);
                if count == 1 && plan.left_out.is_empty() {
                    dialogs.close();
                }
                dialogs.send(&plan, seconds);
            }
        }
    };
    let confirm = StoredValue::new_local(confirm);
    let gentle = action
        .guest_counterpart()
        .map(|gentle| gentle_button(dialogs, plan, gentle));
    let counting = number.map(|number| {
        view! {
            <label class="field">
                <span>
                    {sentence(
                        texts.type_the_number,
                        [view! { <strong>{number}</strong> }.into_any()],
                    )}
                </span>
                <input
                    type="text"
                    inputmode="numeric"
                    autocomplete="off"
                    id=FIRST
                    prop:value=typed
                    on:input=move |event| typed.set(event_target_value(&event))
                    on:keydown=move |event| {
                        if event.key() == "Enter" {
                            confirm.with_value(|confirm| confirm());
                        }
                    }
                />
            </label>
        }
    });
    let limit = (action == PowerAction::Shutdown && count > 0).then(|| {
        view! {
            <label class="field">
                <span>
                    {(texts.seconds_to_wait)(least, most)}
                </span>
                <input
                    type="text"
                    inputmode="numeric"
                    autocomplete="off"
                    aria-invalid=move || seconds_given().is_none().then_some("true")
                    prop:value=seconds
                    on:input=move |event| seconds.set(event_target_value(&event))
                />
            </label>
        }
    });
    let title = if count == 0 {
        (texts.none_of_these)(order)
    } else {
        (texts.question)(order, &plan.whom())
    };
    let class = if action.is_hard() {
        "button danger solid"
    } else {
        "button primary"
    };
    let many = count + plan.left_out.len() > 1;
    let label = if count > 1 {
        (texts.confirm_many)(order, count)
    } else {
        order.to_owned()
    };
    view! {
        <h2 id=HEADING class:danger=action.is_hard()>{icon(sign(action))} {title}</h2>
        <p>{text::acts().meaning.of(action)}</p>
        {(many || count == 0).then(|| preview(plan))}
        {limit}
        {counting}
        <div class="choices">
            {gentle}
            <button
                type="button"
                class=class
                aria-disabled=move || (!ready.get()).then_some("true")
                on:click=move |_| confirm.with_value(|confirm| confirm())
            >
                {label}
            </button>
            <button
                type="button"
                class="button last"
                id=number.is_none().then_some(FIRST)
                on:click=move |_| dialogs.close()
            >
                {text::deferred().parts.cancel}
            </button>
        </div>
    }
    .into_any()
}

/// The way that asks the guest, before the one that does not.
fn gentle_button(dialogs: PowerDialogs, plan: &Arc<Plan>, gentle: PowerAction) -> AnyView {
    let texts = &text::deferred().power;
    let rows = plan.doing.clone();
    let softer = dialogs.plan(gentle, &rows);
    let why_not = (softer.doing.is_empty()).then(|| {
        softer
            .left_out
            .first()
            .map_or_else(|| texts.no_vm_left.to_owned(), |(_, why)| why.clone())
    });
    let can = why_not.is_none();
    let order = text::acts().order.of(gentle);
    let label = if can && !softer.left_out.is_empty() {
        (texts.instead_for_some)(order, softer.doing.len(), rows.len())
    } else {
        (texts.instead)(order)
    };
    let ask = move |_| {
        if can {
            // Its own dialog, with its own preview and limit.
            dialogs.show(Arc::clone(&softer));
            request_animation_frame(|| focus(FIRST));
        }
    };
    view! {
        <button
            type="button"
            class="button primary"
            aria-disabled=(!can).then_some("true")
            aria-describedby=(!can).then_some("why-not-gentle")
            on:click=ask
        >
            {icon(sign(gentle))}
            {label}
        </button>
        {why_not.map(|why| view! { <p class="small why-not" id="why-not-gentle">{why}</p> })}
    }
    .into_any()
}

/// What happens to which VM, and which are left out.
fn preview(plan: &Plan) -> AnyView {
    let texts = &text::deferred().power;
    let line = |row: &Row, what: AnyView| {
        view! {
            <li>
                <span class="fit">
                    <strong>{format::vm_name(&row.vm).to_owned()}</strong>
                    " "
                    <span class="aside">{row.vm.node.clone()}</span>
                </span>
                <span class="what">{what}</span>
            </li>
        }
        .into_any()
    };
    let count = plan.doing.len();
    let state = |row: &Row| power_word(row.vm.power);
    let to = power_word(plan.action.leads_to());
    let doing: Vec<_> = plan
        .doing
        .iter()
        .take(MOST_LISTED)
        .map(|row| line(row, (texts.from_to)(state(row), to).into_any()))
        .collect();
    let more = count
        .checked_sub(MOST_LISTED)
        .filter(|&more| more > 0)
        .map(|more| view! { <li class="aside">{(texts.and_more)(more)}</li> });
    let out = plan.left_out.len();
    let left_out: Vec<_> = plan
        .left_out
        .iter()
        .take(MOST_LISTED)
        .map(|(row, why)| line(row, why.clone().into_any()))
        .collect();
    // Above the list: of a long one only the beginning is seen.
    let counted = (out > 0).then(|| {
        let left_out = if count > 0 {
            texts.left_out_listed_last
        } else {
            texts.all_left_out
        };
        view! {
            <p class="left-out">
                {icon(Icon::Warning)}
                {left_out(out)}
            </p>
        }
    });
    view! {
        {counted}
        <div class="preview" tabindex="0" role="region" aria-label=texts.preview>
            {(count > 0).then(|| view! { <ul class="vms">{doing} {more}</ul> })}
            {(out > 0).then(|| view! { <ul class="vms out" aria-label=texts.left_out>{left_out}</ul> })}
        </div>
    }
    .into_any()
}
