//! What narrows the history down.

use leptos::prelude::*;

use super::log::Log;
use crate::clock::{use_clock, zone};
use crate::components::{Icon, icon, node_select};
use crate::live::use_live;
use crate::location::use_location;
use crate::state::history_filter::{HistoryFilter, HistoryGroup, day, written};
use crate::state::text;

pub(super) fn toolbar(log: Log) -> AnyView {
    let texts = &text::deferred().history;
    let filter = log.filter;
    let search = field(
        filter,
        texts.search,
        "wide",
        |filter| filter.text.clone(),
        |filter, text| HistoryFilter { text, ..filter },
    );
    let user = field(
        filter,
        texts.user,
        "",
        |filter| filter.user.clone().unwrap_or_default(),
        |filter, user| HistoryFilter {
            user: (!user.is_empty()).then_some(user),
            ..filter
        },
    );
    view! {
        <div class="toolbar" role="search" aria-label=texts.history>
            {search}
            {day_field(filter)}
            {user}
            {nodes(filter)}
            {move || only_vm(filter)}
        </div>
        <div class="toolbar">
            <div class="chips" role="group" aria-label=text::deferred().parts.show_only>
                {chips(filter)}
            </div>
            <span class="end aside small">
                {move || new_lines(log)}
                " "
                {zone_of_reader()}
            </span>
        </div>
    }
    .into_any()
}

/// A field for a text, which counts when it is left or Enter is pressed.
fn field(
    filter: Memo<HistoryFilter>,
    label: &'static str,
    class: &'static str,
    value: fn(&HistoryFilter) -> String,
    with: fn(HistoryFilter, String) -> HistoryFilter,
) -> AnyView {
    let location = use_location();
    let choose = move |event| {
        let text = event_target_value(&event).trim().to_owned();
        location.go(&with(filter.get_untracked(), text).to_url());
    };
    view! {
        <input
            type="search"
            class=class
            aria-label=label
            placeholder=label
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
            maxlength="200"
            prop:value=move || filter.with(value)
            on:change=choose
        />
    }
    .into_any()
}

fn day_field(filter: Memo<HistoryFilter>) -> AnyView {
    let location = use_location();
    let choose = move |event| {
        let wanted = HistoryFilter {
            day: day(&event_target_value(&event)),
            ..filter.get_untracked()
        };
        location.go(&wanted.to_url());
    };
    view! {
        <input
            type="date"
            aria-label=text::deferred().history.date
            prop:value=move || filter.with(|filter| filter.day.map(written).unwrap_or_default())
            on:change=choose
        />
    }
    .into_any()
}

fn nodes(filter: Memo<HistoryFilter>) -> AnyView {
    let location = use_location();
    let live = use_live();
    let texts = &text::deferred().history;
    let choose = move |node| {
        let wanted = HistoryFilter {
            node,
            ..filter.get_untracked()
        };
        location.go(&wanted.to_url());
    };
    let chosen = Memo::new(move |_| filter.with(|filter| filter.node.clone()));
    let names = Memo::new(move |_| {
        let mut names: Vec<String> = live.nodes.with(|nodes| {
            let nodes = nodes.data().into_iter();
            nodes.flat_map(|nodes| nodes.keys().cloned()).collect()
        });
        let other = chosen.get().filter(|chosen| !names.contains(chosen));
        names.extend(other);
        names
    });
    node_select(texts.node, texts.every_node, names, chosen, choose)
}

/// The VM whose lines alone are shown, and the way to those of all.
fn only_vm(filter: Memo<HistoryFilter>) -> Option<AnyView> {
    let texts = &text::deferred().history;
    let location = use_location();
    let live = use_live();
    let key = filter.with(|filter| filter.vm.clone())?;
    let name = Memo::new(move |_| {
        let name = live.vms.with(|vms| vms.data()?.get(&key)?.vm.name.clone());
        name.unwrap_or_else(|| format!("{}/{}", key.node, key.vmid))
    });
    let all = move |_| {
        let wanted = HistoryFilter {
            vm: None,
            ..filter.get_untracked()
        };
        location.go(&wanted.to_url());
    };
    Some(
        view! {
            <span class="token">
                {move || (texts.only_vm)(&name.get())}
                <button
                    type="button"
                    class="button quiet"
                    aria-label=texts.without_vm
                    title=texts.without_vm
                    on:click=all
                >
                    {icon(Icon::Close)}
                </button>
            </span>
        }
        .into_any(),
    )
}

fn chips(filter: Memo<HistoryFilter>) -> Vec<AnyView> {
    let location = use_location();
    let texts = &text::deferred().history;
    let chip = |group: HistoryGroup| {
        let label = match group {
            HistoryGroup::Tasks => texts.group_tasks,
            HistoryGroup::Power => texts.group_power,
            HistoryGroup::Presence => texts.group_presence,
            HistoryGroup::Size => texts.group_size,
            HistoryGroup::Address => texts.group_address,
            HistoryGroup::Names => texts.group_names,
            HistoryGroup::Nodes => texts.group_nodes,
        };
        let pressed = Memo::new(move |_| filter.with(|filter| filter.has(group)));
        view! {
            <button
                type="button"
                class="chip"
                aria-pressed=move || pressed.get().to_string()
                on:click=move |_| location.go(&filter.get_untracked().toggled(group).to_url())
            >
                {label}
            </button>
        }
        .into_any()
    };
    HistoryGroup::ALL.into_iter().map(chip).collect()
}

/// The way to lines that wait. Its place is there before it: it moves nothing.
fn new_lines(log: Log) -> Option<AnyView> {
    let count = log.count_waiting();
    let label = (text::deferred().history.show_new)(count);
    (count > 0).then(|| {
        view! {
            <button type="button" class="button small" on:click=move |_| log.show_waiting()>
                {label}
            </button>
        }
        .into_any()
    })
}

fn zone_of_reader() -> String {
    let seconds = zone(use_clock().exact()).local_minus_utc();
    (text::deferred().history.times_in)(seconds / 60)
}
