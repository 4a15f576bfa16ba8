//! A row of the table, reused for the VM that comes into its place.

use std::ops::Range;
use std::sync::Arc;

use chrono::TimeDelta;
use ecoman_api::{PowerAction, Resource, TaskId, Thresholds, Vm, vm_field};
use leptos::prelude::*;

use crate::acts::answer::pending_question;
use crate::acts::power::change_of;
use crate::attention::use_attention;
use crate::clock::{Clock, use_clock, zone};
use crate::components::{Icon, changing_badge, icon};
use crate::live::{LiveData, use_live};
use crate::state::format::{self, UNKNOWN};
use crate::state::inventory::{Row, VmKey, seen_at};
use crate::state::list::{AGE, COLUMNS, Column, Listing};
use crate::state::route::Route;
use crate::state::selection::Selection;
use crate::state::tasks::power_of;
use crate::state::text;
use crate::state::viewport::{offset, row_in_slot};

/// How long a change is worth a glance.
const FLASH: TimeDelta = TimeDelta::milliseconds(1600);

/// What every slot needs.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub(super) listing: Memo<Listing>,
    pub(super) drawn: Memo<Range<usize>>,
    pub(super) slots: Memo<usize>,
    pub(super) row_height: Memo<f64>,
    pub(super) active_place: Memo<Option<usize>>,
    pub(super) thresholds: Memo<Option<Thresholds>>,
    pub(super) selection: RwSignal<Selection>,
}

/// A row of the document, whichever VM it shows at the moment.
#[component]
pub(super) fn RowView(nth: usize, context: Context) -> impl IntoView {
    let texts = &text::first_load().list;
    let live = use_live();
    let clock = use_clock();
    let place =
        Memo::new(move |_| row_in_slot(nth, context.slots.get(), context.drawn.get().start));
    let row = Memo::new_with_compare(
        move |_| {
            let drawn = context.drawn.get();
            let place = place.get();
            context.listing.with(|listing| {
                listing
                    .rows
                    .get(place)
                    .filter(|_| drawn.contains(&place))
                    .cloned()
            })
        },
        differs,
    );
    // A row that shows nothing is hidden, and keeps the cells of the VM before: to rebuild them
    // all when a short list grows again takes longer than all else that a key press does.
    let last = Memo::new_with_compare(
        move |before: Option<&Option<Arc<Row>>>| row.get().or_else(|| before.cloned().flatten()),
        differs,
    );
    let age = Memo::new(move |_| {
        row.with(|row| {
            let row = row.as_ref()?;
            let seen = live.nodes.with(|nodes| {
                nodes
                    .data()
                    .map_or(row.vm.observed_at, |nodes| seen_at(&row.vm, nodes))
            });
            Some(format::age(clock.seconds_since(seen)))
        })
    });
    let stale = move || row.with(|row| row.as_ref().is_some_and(|row| row.vm.stale));
    let change = Memo::new(move |_| row.with(|row| change_of(live, &row.as_ref()?.vm)));
    let question = Memo::new(move |_| {
        row.with(|row| pending_question(live, &row.as_ref()?.vm).map(|question| question.text))
    });
    let failed = Memo::new(move |_| row.with(|row| failed_change(live, clock, &row.as_ref()?.vm)));
    let chosen = Memo::new(move |_| {
        let key = row.with(|row| row.as_ref().map(|row| VmKey::of(&row.vm)));
        key.is_some_and(|key| context.selection.with(|selection| selection.has(&key)))
    });
    let class = move || {
        row.with(|row| {
            let Some(row) = row else {
                return "row";
            };
            let changed = row.changed_at.filter(|time| clock.exact() - *time < FLASH);
            // Two names for one flash: it starts again where the other one was.
            match (
                row.vm.stale,
                changed.map(|time| time.timestamp_millis() % 2 == 0),
            ) {
                (false, None) => "row",
                (false, Some(false)) => "row flash-a",
                (false, Some(true)) => "row flash-b",
                (true, None) => "row stale",
                (true, Some(false)) => "row stale flash-a",
                (true, Some(true)) => "row stale flash-b",
            }
        })
    };
    view! {
        <div
            class=class
            role="row"
            id=move || format!("row-{}", place.get())
            data-slot=nth
            data-place=move || place.get()
            style:transform=move || {
                format!("translateY({}px)", offset(place.get(), context.row_height.get()))
            }
            aria-rowindex=move || place.get() + 2
            aria-selected=move || (context.active_place.get() == Some(place.get())).to_string()
            hidden=move || row.with(Option::is_none)
            class:chosen=chosen
        >
            <div class="c-choose" role="gridcell">
                <input
                    type="checkbox"
                    tabindex="-1"
                    aria-label=move || {
                        row.with(|row| {
                            let row = row.as_ref()?;
                            Some((texts.select_vm)(format::vm_name(&row.vm)))
                        })
                    }
                    prop:checked=chosen
                />
            </div>
            {move || {
                last.with(|row| {
                    let row = row.as_ref()?;
                    let question = question.get();
                    let thresholds = context.thresholds.get();
                    let power = (change.get(), failed.get());
                    Some(cells(row, power, question.as_deref(), thresholds))
                })
            }}
            <div
                class=AGE.class
                role="gridcell"
                data-tip=move || {
                    row.with(|row| row.as_ref().and_then(|row| row.vm.stale_reason.clone()))
                }
            >
                {move || stale().then(|| icon(Icon::Stale))}
                <span>{move || age.get()}</span>
                <span class="sr">
                    {move || {
                        row.with(|row| {
                            let row = row.as_ref().filter(|row| row.vm.stale)?;
                            let reason = row.vm.stale_reason.as_deref().unwrap_or(texts.not_seen_again);
                            Some((texts.stale_spoken)(reason))
                        })
                    }}
                </span>
            </div>
        </div>
    }
}

/// The change that is being made of a VM's power, and the last one that failed.
type Changes = (Option<PowerAction>, Option<FailedChange>);

/// All cells but the age, which moves on by itself.
fn cells(
    row: &Arc<Row>,
    changes: Changes,
    question: Option<&str>,
    thresholds: Option<Thresholds>,
) -> Vec<AnyView> {
    let columns = COLUMNS.into_iter().filter(|column| *column != AGE);
    let mut changes = Some(changes);
    columns
        .map(|column| match (column.field, column.field.highlight) {
            (field, _) if field == vm_field::power => {
                power(column, &row.vm, changes.take().unwrap_or_default())
            }
            (field, _) if field == vm_field::name => name(column, &row.vm, question, thresholds),
            (field, None) if field == vm_field::ip_address => address(column, &row.vm),
            (_, Some(resource)) => size(column, &row.vm, resource, thresholds),
            (field, None) => {
                let edit = (field == vm_field::comment).then(|| edit(&row.vm));
                plain(column, format::value(&row.vm, field), edit)
            }
        })
        .collect()
}

/// The last change of a VM's power, which failed and was not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FailedChange {
    task: TaskId,
    /// Which it was, and why.
    words: String,
}

/// The last change of a VM's power, where it failed and was not seen, by tracked reads.
fn failed_change(live: LiveData, clock: Clock, vm: &Vm) -> Option<FailedChange> {
    let attention = use_attention();
    attention.seen.with(|seen| {
        live.tasks.with(|tasks| {
            let (tasks, seen) = (tasks.data()?, seen.as_ref()?);
            let task = tasks.unseen_change(vm, seen, clock.exact())?;
            let (action, _) = power_of(task)?;
            let why = task.error.as_ref().map_or("", |error| &error.detail);
            let order = text::acts().order.of(action);
            Some(FailedChange {
                task: task.id,
                words: (text::first_load().list.failed_change)(order, why),
            })
        })
    })
}

/// The state, or the change that is being made; and the way to a change that failed.
fn power(column: Column, vm: &Vm, (change, failed): Changes) -> AnyView {
    let failed = failed.map(|failed| {
        view! {
            <a
                class="failed-change"
                href=Route::Task { id: failed.task }.path()
                tabindex="-1"
                aria-label=failed.words.clone()
                data-tip=failed.words
            >
                {icon(Icon::Warning)}
            </a>
        }
    });
    view! {
        <div class=column.class role="gridcell">
            {changing_badge(vm.power, change)}
            {failed}
        </div>
    }
    .into_any()
}

/// The name, with a sign where the VM is large, and the way to answer the question that it waits
/// with.
fn name(
    column: Column,
    vm: &Vm,
    question: Option<&str>,
    thresholds: Option<Thresholds>,
) -> AnyView {
    let page = Route::Vm {
        node: vm.node.clone(),
        vmid: vm.vmid,
    };
    let reasons = format::large_reasons(vm, thresholds);
    view! {
        <div class=column.class role="gridcell">
            <a class="fit" href=page.path() tabindex="-1" data-tip=vm.name.clone()>
                {format::vm_name(vm).to_owned()}
            </a>
            {reasons
                .map(|reasons| {
                    view! {
                        <span class="mark" role="img" aria-label=reasons.clone() data-tip=reasons>
                            {icon(Icon::Large)}
                        </span>
                    }
                })}
            {vm
                .pending
                .is_some()
                .then(|| {
                    let waits = text::first_load().list.pending;
                    view! {
                        <span class="mark waits" role="img" aria-label=waits data-tip=waits>
                            {icon(Icon::Edit)}
                        </span>
                    }
                })}
            {question
                .map(|question| {
                    let texts = &text::first_load().list;
                    view! {
                        <button
                            type="button"
                            class="asks"
                            tabindex="-1"
                            aria-label=(texts.answer_vm)(format::vm_name(vm))
                            data-tip=question.to_owned()
                        >
                            {icon(Icon::Unknown)}
                        </button>
                    }
                })}
        </div>
    }
    .into_any()
}

/// The way to change the notes, and the rest of the settings.
fn edit(vm: &Vm) -> AnyView {
    view! {
        <button
            type="button"
            class="edit"
            tabindex="-1"
            aria-label=(text::first_load().list.edit_vm)(format::vm_name(vm))
        >
            {icon(Icon::Edit)}
        </button>
    }
    .into_any()
}

fn plain(column: Column, value: Option<String>, more: Option<AnyView>) -> AnyView {
    let (tip, unknown) = (value.clone(), value.is_none());
    view! {
        <div class=column.class class:unknown=unknown role="gridcell">
            <span class="fit" data-tip=tip>
                {value.unwrap_or_else(|| UNKNOWN.to_owned())}
            </span>
            {more}
        </div>
    }
    .into_any()
}

/// The address; where there is none, the last known one, marked.
fn address(column: Column, vm: &Vm) -> AnyView {
    let last = vm
        .last_ip_address
        .clone()
        .filter(|_| vm.ip_address.is_none());
    let Some(last) = last else {
        return plain(column, format::value(vm, column.field), None);
    };
    let texts = &text::first_load().list;
    let tip = vm.last_ip_address_at.map_or_else(
        || last.clone(),
        |at| (texts.last_known)(&format::timestamp(at, zone(at))),
    );
    view! {
        <div class=column.class class:last-known=true role="gridcell">
            <span class="fit" data-tip=tip>
                {last}
            </span>
            <span class="sr">{texts.last_known_spoken}</span>
        </div>
    }
    .into_any()
}

/// A size, emphasised where it makes the VM a large one.
fn size(column: Column, vm: &Vm, resource: Resource, thresholds: Option<Thresholds>) -> AnyView {
    let value = format::value(vm, column.field);
    let exact = format::exact_value(vm, column.field);
    let large = vm.large.contains(&resource);
    let reason = format::large_reason(vm, resource, thresholds);
    let texts = &text::first_load().list;
    let spoken = large.then(|| match &reason {
        Some(reason) => (texts.large_spoken_because)(reason),
        None => texts.large_spoken.to_owned(),
    });
    view! {
        <div
            class=column.class
            class:large=large
            role="gridcell"
            data-tip=reason.map(|reason| (texts.large_because)(&reason)).or(exact)
        >
            {large.then(|| icon(Icon::Large))}
            <span>{value.unwrap_or_else(|| UNKNOWN.to_owned())}</span>
            {spoken.map(|spoken| view! { <span class="sr">{spoken}</span> })}
        </div>
    }
    .into_any()
}

/// Whether two values of a memo are not the very same row.
fn differs(before: Option<&Option<Arc<Row>>>, after: Option<&Option<Arc<Row>>>) -> bool {
    match (
        before.and_then(Option::as_ref),
        after.and_then(Option::as_ref),
    ) {
        (Some(before), Some(after)) => !Arc::ptr_eq(before, after),
        (before, after) => before.is_some() || after.is_some(),
    }
}
