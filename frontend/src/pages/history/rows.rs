//! The table: a row for each line, and one for each day.

use chrono::{DateTime, NaiveDate, Timelike as _, Utc};
use ecoman_api::{EventKind, HistoryItem, Initiator, TaskState};
use leptos::prelude::*;

use super::log::Log;
use crate::clock::{local_day, use_clock, zone};
use crate::components::{Icon, Item, icon, keyed, link, or_unknown, task_badge};
use crate::state::format;
use crate::state::history::Line;
use crate::state::history_filter::written;
use crate::state::route::Route;
use crate::state::text;

pub(super) fn table(log: Log) -> AnyView {
    let texts = &text::deferred().history;
    let clock = use_clock();
    let today = Memo::new(move |_| local_day(clock.now()));
    let rows = move || -> Vec<Item> {
        log.shown.with(|shown| {
            let lines = shown.by_day(|item| local_day(item.at)).into_iter();
            lines
                .map(|line| -> Item {
                    match line {
                        Line::Day(day) => (written(day), Box::new(move || day_row(day, today))),
                        Line::Item(item) => {
                            let item = item.clone();
                            (item.id.to_string(), Box::new(move || row(&item)))
                        }
                    }
                })
                .collect()
        })
    };
    view! {
        <div class="table-frame" tabindex="0" role="region" aria-label=texts.history>
            <table class="tasks history">
                <thead>
                    <tr>
                        <th scope="col">{texts.time}</th>
                        <th scope="col">{texts.vm}</th>
                        <th scope="col">{texts.node}</th>
                        <th scope="col">{texts.what}</th>
                        <th scope="col">{texts.initiator}</th>
                        <th scope="col">{texts.result}</th>
                        <th scope="col" class="number">
                            {texts.took}
                        </th>
                    </tr>
                </thead>
                <tbody>{keyed(rows)}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn day_row(day: NaiveDate, today: Memo<NaiveDate>) -> AnyView {
    let named = move || {
        let (name, rest) = (text::deferred().history.day)(day, today.get());
        view! {
            <strong>{name}</strong>
            " "
            <span class="aside">{rest}</span>
        }
    };
    view! {
        <tr class="day">
            <th colspan="7" scope="rowgroup">
                {named}
            </th>
        </tr>
    }
    .into_any()
}

fn row(item: &HistoryItem) -> AnyView {
    let texts = &text::deferred().history;
    let node = Route::Node {
        name: item.node.clone(),
    };
    let task = item.task.as_ref();
    let result = task.map(|task| task_badge(task.state));
    let took = task.and_then(|task| Some(took(task.millis?)));
    view! {
        <tr>
            <td data-label=texts.time>{time_of_day(item.at)}</td>
            <td class="fit" data-label=texts.vm>
                {vm(item)}
            </td>
            <td data-label=texts.node>{link("", node.path(), item.node.clone().into_any())}</td>
            <th scope="row">{what(item)}</th>
            <td data-label=texts.initiator>{initiator(item)}</td>
            <td data-label=texts.result>{result}</td>
            <td class="number" data-label=texts.took>
                {took}
            </td>
        </tr>
    }
    .into_any()
}

/// What happened, with its sign; of a task the way to it.
pub(super) fn what(item: &HistoryItem) -> AnyView {
    let words = item.text.clone().into_any();
    let words = match &item.task {
        Some(task) => link("", Route::Task { id: task.id }.path(), words),
        None => words,
    };
    let class = if is_bad(item) { "what bad" } else { "what" };
    let notes = item.after.clone().filter(|_| item.kind == EventKind::Notes);
    view! {
        <span class=class>{icon(sign(item))} <span>{words}</span></span>
        {notes.map(|notes| view! { <div class="small notes">{notes}</div> })}
    }
    .into_any()
}

fn is_bad(item: &HistoryItem) -> bool {
    let failed = item
        .task
        .as_ref()
        .is_some_and(|task| matches!(task.state, TaskState::Failed | TaskState::Interrupted));
    failed || item.kind == EventKind::NodeAway
}

fn sign(item: &HistoryItem) -> Icon {
    if is_bad(item) {
        return Icon::Warning;
    }
    match (item.kind, item.after.as_deref()) {
        (EventKind::Power, Some("on")) => Icon::On,
        (EventKind::Power, Some("suspended")) => Icon::Suspended,
        (EventKind::Power, _) => Icon::Off,
        (EventKind::VmAppeared, _) => Icon::Plus,
        (EventKind::VmGone, _) => Icon::Close,
        (EventKind::NodeBack, _) => Icon::Again,
        (EventKind::Task, _) => Icon::Start,
        _ => Icon::Edit,
    }
}

/// The VM, by its name at that time.
pub(super) fn vm(item: &HistoryItem) -> AnyView {
    let Some(vm) = &item.vm else {
        return or_unknown(None);
    };
    let page = Route::Vm {
        node: item.node.clone(),
        vmid: vm.vmid,
    };
    let name = vm.name.clone();
    let name = name.unwrap_or_else(|| (text::deferred().parts.vm_by_id)(vm.vmid));
    link("name", page.path(), name.into_any())
}

/// Whose doing it was.
pub(super) fn initiator(item: &HistoryItem) -> AnyView {
    let texts = &text::deferred().history;
    let (class, words) = match (item.initiator, &item.user) {
        (_, Some(user)) => ("", user.clone()),
        (Initiator::User | Initiator::Ecoman, None) => ("", texts.ecoman.to_owned()),
        (Initiator::Outside, None) => ("aside", texts.outside.to_owned()),
        (Initiator::Node, None) => ("aside", format::UNKNOWN.to_owned()),
    };
    view! { <span class=class>{words}</span> }.into_any()
}

fn took(millis: u64) -> String {
    match millis / 1000 {
        0 => text::deferred().tasks.took_less.to_owned(),
        seconds => format::duration(seconds),
    }
}

/// A time on the reader's clock, without its day.
fn time_of_day(at: DateTime<Utc>) -> AnyView {
    let local = at.with_timezone(&zone(at));
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    view! {
        <time datetime=format::machine(at) title=format::utc(at)>
            {format!("{hour:02}:{minute:02}:{second:02}")}
        </time>
    }
    .into_any()
}
