//! The question back before a change of power. It follows what happens to the VMs behind it.

use std::sync::Arc;

use ecoman_api::{GUEST_SECONDS, GUEST_SECONDS_RANGE, PowerAction};
use leptos::prelude::*;

use super::buttons::sign;
use super::dialogs::{FIRST, HEADING, PowerDialogs};
use super::meanwhile::meanwhile;
use super::preview::preview;
use crate::components::{Icon, focus, icon, sentence};
use crate::state::confirmation::Since;
use crate::state::format;
use crate::state::power_plan::Plan;
use crate::state::text;

/// Whether that is really wanted.
pub(super) fn ask_back(dialogs: PowerDialogs, plan: &Arc<Plan>) -> AnyView {
    let action = plan.action;
    let texts = &text::deferred().power;
    let order = text::acts().order.of(action);
    let asked = plan.doing.len();
    let since = Memo::new({
        let plan = Arc::clone(plan);
        move |_| dialogs.since(&plan)
    });
    let left = Memo::new(move |_| since.with(|since| since.doing.len()));
    let typed = RwSignal::new(String::new());
    let seconds = RwSignal::new(GUEST_SECONDS.to_string());
    let number = plan.number_to_type();
    let (least, most) = GUEST_SECONDS_RANGE.into_inner();
    let seconds_given = move || {
        let seconds: u32 = seconds.with(|text| text.trim().parse().ok())?;
        GUEST_SECONDS_RANGE.contains(&seconds).then_some(seconds)
    };
    let ready = Memo::new(move |_| {
        let count = left.get();
        // A person who was asked to count counts to the end.
        let counted = number.is_none() || typed.with(|typed| typed.trim() == count.to_string());
        count > 0 && counted && (action != PowerAction::Shutdown || seconds_given().is_some())
    });
    let confirm = {
        let plan = Arc::clone(plan);
        move || {
            // Not by a memo: what has come since it was last read counts, too.
            let now = untrack(|| dialogs.since(&plan));
            let same = left.get_untracked() == now.doing.len();
            if ready.get_untracked() && same {
                let seconds = untrack(seconds_given).unwrap_or(GUEST_SECONDS);
                if asked == 1 && plan.left_out.is_empty() {
                    dialogs.close();
                }
                dialogs.send(&Arc::new(now.plan(&plan)), seconds);
            }
        }
    };
    let confirm = StoredValue::new_local(confirm);
    let gentle = action
        .guest_counterpart()
        .map(|gentle| gentle_button(dialogs, plan, since, gentle));
    let counting = number.map(|_| {
        view! {
            <label class="field">
                <span>
                    {sentence(
                        texts.type_the_number,
                        [view! { <strong>{left}</strong> }.into_any()],
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
    let limit = (action == PowerAction::Shutdown && asked > 0).then(|| {
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
    let title = if asked == 0 {
        (texts.none_of_these)(order)
    } else {
        (texts.question)(order, &plan.whom())
    };
    let class = if action.is_hard() {
        "button danger solid"
    } else {
        "button primary"
    };
    let many = asked + plan.left_out.len() > 1;
    let label = move || match left.get() {
        count if asked > 1 && count > 0 => (texts.confirm_many)(order, count),
        _ => order.to_owned(),
    };
    view! {
        <h2 id=HEADING class:danger=action.is_hard()>{icon(sign(action))} {title}</h2>
        <p>{text::acts().meaning.of(action)}</p>
        {costs(dialogs, plan, many)}
        {(many || asked == 0).then(|| preview(plan, since))}
        {meanwhile(dialogs, plan, since)}
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

/// What it costs beside what it always costs, and where there is no room for it.
fn costs(dialogs: PowerDialogs, plan: &Plan, many: bool) -> Option<AnyView> {
    let texts = &text::deferred().power;
    let suspended = match plan.loses_saved_memory() {
        0 => None,
        _ if !many => Some(texts.loses_memory.to_owned()),
        vms => Some((texts.many_lose_memory)(vms)),
    };
    let short = dialogs.live.nodes.with_untracked(|nodes| {
        let nodes = nodes.data();
        nodes.map_or_else(Vec::new, |nodes| plan.short_of_memory(nodes))
    });
    let short = short.into_iter().map(|(node, wanted, free)| {
        let (wanted, free) = (format::megabytes(wanted), format::megabytes(free));
        (texts.short_of_memory)(&node, &wanted, &free)
    });
    let lines: Vec<_> = suspended.into_iter().chain(short).collect();
    (!lines.is_empty()).then(|| {
        let lines: Vec<_> = lines
            .into_iter()
            .map(|line| view! { <p>{line}</p> })
            .collect();
        view! { <div class="notice warn">{icon(Icon::Warning)} <div>{lines}</div></div> }.into_any()
    })
}

/// The way that asks the guest, before the one that does not.
fn gentle_button(
    dialogs: PowerDialogs,
    plan: &Arc<Plan>,
    since: Memo<Since>,
    gentle: PowerAction,
) -> AnyView {
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
    // What has changed is reviewed first.
    let ready = Memo::new(move |_| can && since.with(|since| since.changed.is_empty()));
    let ask = move |_| {
        if ready.get_untracked() {
            // Its own dialog, with its own preview and limit.
            dialogs.show(Arc::clone(&softer));
            request_animation_frame(|| focus(FIRST));
        }
    };
    view! {
        <button
            type="button"
            class="button primary"
            aria-disabled=move || (!ready.get()).then_some("true")
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
