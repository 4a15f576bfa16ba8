//! What happens to which VM, and which are left out.

use ecoman_api::PowerAction;
use leptos::prelude::*;

use crate::acts::results::line;
use crate::components::{Icon, Item, icon, keyed, power_word};
use crate::state::confirmation::Since;
use crate::state::inventory::{Row, VmKey};
use crate::state::power_plan::{Plan, loses_saved_memory};
use crate::state::text;

/// A preview of more VMs than this names only the first of them.
const MOST_LISTED: usize = 200;

/// What happens to which VM, and which are left out. Who has changed since goes.
pub(super) fn preview(plan: &Plan, since: Memo<Since>) -> AnyView {
    let texts = &text::deferred().power;
    let action = plan.action;
    let asked = plan.doing.len();
    let doing = move || -> Vec<Item> {
        since.with(|since| {
            let rows = since.doing.iter().take(MOST_LISTED).cloned();
            rows.map(|row| -> Item {
                let key = format!("{:?}", VmKey::of(&row.vm));
                (
                    key,
                    Box::new(move || line(&row, false.into(), becomes(action, &row))),
                )
            })
            .collect()
        })
    };
    let more = move || {
        let count = since.with(|since| since.doing.len());
        let more = count.checked_sub(MOST_LISTED).filter(|&more| more > 0)?;
        Some(view! { <li class="aside">{(texts.and_more)(more)}</li> })
    };
    let out = plan.left_out.len();
    let left_out: Vec<_> = plan
        .left_out
        .iter()
        .take(MOST_LISTED)
        .map(|(row, why)| line(row, false.into(), why.clone().into_any()))
        .collect();
    // Above the list: of a long one only the beginning is seen.
    let counted = (out > 0).then(|| {
        let left_out = if asked > 0 {
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
            {(asked > 0).then(|| view! { <ul class="vms">{keyed(doing)} {more}</ul> })}
            {(out > 0).then(|| view! { <ul class="vms out" aria-label=texts.left_out>{left_out}</ul> })}
        </div>
    }
    .into_any()
}

/// From which state to which.
fn becomes(action: PowerAction, row: &Row) -> AnyView {
    let texts = &text::deferred().power;
    let words = (texts.from_to)(power_word(row.vm.power), power_word(action.leads_to()));
    if loses_saved_memory(action, &row.vm) {
        view! { <span class="costs">{words}</span> }.into_any()
    } else {
        words.into_any()
    }
}
