//! The table itself: as many rows in the document as are seen, each reused for the VM that comes
//! into its place.

use std::ops::Range;
use std::sync::Arc;

use chrono::TimeDelta;
use ecoman_api::{PowerAction, Resource, Thresholds, Vm};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::{Asked, State};
use crate::clock::use_clock;
use crate::components::{Icon, Tip, changing_badge, icon, is_plain};
use crate::live::use_live;
use crate::location::use_location;
use crate::pages::Visit;
use crate::pages::power::change_of;
use crate::state::format::{self, UNKNOWN};
use crate::state::inventory::{Row, VmKey, seen_at};
use crate::state::list::{Column, ListQuery, Listing};
use crate::state::route::Page;
use crate::state::selection::Selection;
use crate::state::viewport::{Viewport, offset, row_in_slot};

/// Heights in CSS pixels, as in the style sheet: row, row on a small screen, headings.
const ROW: f64 = 34.0;
const COMPACT_ROW: f64 = 60.0;
const HEAD: f64 = 34.0;
/// Where rows become cards, as in the style sheet.
const COMPACT: &str = "(max-width: 759px)";
/// How long a change is worth a glance.
const FLASH: TimeDelta = TimeDelta::milliseconds(1600);

#[component]
pub(super) fn Grid(asked: Asked, listing: Memo<Listing>, state: Memo<State>) -> impl IntoView {
    let live = use_live();
    let visit: Visit = expect_context();
    let tip: Tip = expect_context();
    let selection: RwSignal<Selection> = expect_context();
    let scroller = NodeRef::<html::Div>::new();
    let body = NodeRef::<html::Div>::new();
    let pool = NodeRef::<html::Div>::new();
    let compact = media(COMPACT);
    let top = RwSignal::new(0.0);
    let height = RwSignal::new(600.0);
    let row_height = move || if compact.get() { COMPACT_ROW } else { ROW };
    let viewport = Memo::new(move |_| Viewport {
        row_height: row_height(),
        height: (height.get() - if compact.get() { 0.0 } else { HEAD }).max(0.0),
        top: top.get(),
    });
    let count = Memo::new(move |_| listing.with(|listing| listing.rows.len()));
    let drawn: Memo<Range<usize>> = Memo::new(move |_| viewport.get().rows(count.get()));
    let slots = Memo::new(move |_| viewport.get().slots());
    watch_height(scroller, count, height);
    // The document tells the rows in the order that the eye does.
    Effect::new(move |before: Option<usize>| {
        let slots = slots.get().max(1);
        let first = drawn.get().start % slots;
        if let Some(pool) = pool.get() {
            if before == Some(slots) {
                turn(&pool, first);
            } else {
                // Slots have come or gone; they are there by the next frame.
                request_animation_frame(move || put_in_order(&pool, slots, first));
            }
        }
        slots
    });

    let scroll_to = move |wanted: f64| {
        if let Some(scroller) = scroller.get_untracked() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "pixels of a page fit in an i32"
            )]
            scroller.set_scroll_top(wanted as i32);
            top.set(f64::from(scroller.scroll_top()));
        }
    };

    // Rows that come and go above what is seen must not move it: its first row is held. A list
    // that was asked for anew begins at its top.
    Effect::new(move |before: Option<Held>| {
        let query = asked.query.get();
        let view = viewport.get();
        let rows = listing.with(|listing| Arc::clone(&listing.rows));
        let Some(body) = body.get() else {
            return before.unwrap_or_default();
        };
        // The browser cuts the scroll position to the length, which therefore comes first.
        let length = offset(rows.len(), view.row_height);
        let _ = web_sys::HtmlElement::style(&body).set_property("height", &format!("{length}px"));
        let wanted = match &before {
            // The list is here for the first time: as it was left.
            None => Some(visit.top.get_value()),
            Some(before) if before.rows.is_empty() && !rows.is_empty() => {
                Some(visit.top.get_value())
            }
            Some(before) if before.query != query => Some(0.0),
            Some(before) if !Arc::ptr_eq(&before.rows, &rows) && view.top > 0.0 => before
                .first
                .as_ref()
                .and_then(|key| position(&rows, key))
                .map(|place| offset(place, view.row_height) + before.within),
            Some(_) => None,
        };
        let top = match wanted.filter(|wanted| (wanted - view.top).abs() >= 1.0) {
            Some(wanted) => {
                scroll_to(wanted);
                top.get_untracked()
            }
            None => view.top,
        };
        if !rows.is_empty() {
            visit.top.set_value(top);
        }
        let view = Viewport { top, ..view };
        Held {
            first: rows.get(view.first()).map(|row| VmKey::of(&row.vm)),
            within: top - offset(view.first(), view.row_height),
            query,
            rows,
        }
    });

    let active_place = Memo::new(move |_| {
        visit.active.with(|active| {
            let active = active.as_ref()?;
            listing.with(|listing| position(&listing.rows, active))
        })
    });
    let activate = move |place: usize| {
        let key = listing.with_untracked(|listing| Some(VmKey::of(&listing.rows.get(place)?.vm)));
        visit.active.set(key);
        if let Some(wanted) = viewport.get_untracked().reveal(place) {
            scroll_to(wanted);
        }
        // What a sign means is told to the keyboard as it is to the pointer.
        request_animation_frame(move || {
            let sign = document()
                .query_selector(&format!("#row-{place} .mark"))
                .ok()
                .flatten();
            match sign {
                Some(sign) => tip.show_soon(sign),
                None => tip.hide(),
            }
        });
    };

    let location = use_location();
    let open = StoredValue::new_local(move |place: usize| {
        let key = listing.with_untracked(|listing| Some(VmKey::of(&listing.rows.get(place)?.vm)));
        if let Some(VmKey { node, vmid }) = key.clone() {
            visit.active.set(key);
            asked.write_address(true);
            location.go(&Page::Vm { node, vmid }.path());
        }
    });
    let rows_now = move || listing.with_untracked(|listing| Arc::clone(&listing.rows));
    let choose = move |place: usize, range: bool| {
        selection.update(|selection| {
            if range {
                selection.extend(&rows_now(), place);
            } else {
                selection.toggle(&rows_now(), place);
            }
        });
    };
    let keydown = move |event: ev::KeyboardEvent| {
        let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
        let rows = count.get_untracked();
        if (event.ctrl_key() || event.meta_key()) && event.key() == "a" && rows > 0 {
            event.prevent_default();
            selection.update(|selection| {
                if !selection.has_all(&rows_now()) {
                    selection.toggle_all(&rows_now());
                }
            });
            return;
        }
        if modified || rows == 0 || within(&event, ".head") {
            return;
        }
        let page = viewport.get_untracked().whole_rows();
        let place = active_place.get_untracked();
        let next = match event.key().as_str() {
            "ArrowDown" => place.map_or(viewport.get_untracked().first(), |place| place + 1),
            "ArrowUp" => place.map_or(rows - 1, |place| place.saturating_sub(1)),
            "PageDown" => place.unwrap_or_default() + page,
            "PageUp" => place.unwrap_or_default().saturating_sub(page),
            "Home" => 0,
            "End" => rows - 1,
            "Enter" => {
                if let Some(place) = place {
                    event.prevent_default();
                    open.with_value(|open| open(place));
                }
                return;
            }
            " " => {
                if let Some(place) = place {
                    event.prevent_default();
                    choose(place, event.shift_key());
                }
                return;
            }
            "Escape" => {
                if selection.with_untracked(Selection::is_empty) {
                    visit.active.set(None);
                } else {
                    selection.update(Selection::clear);
                }
                return;
            }
            _ => return,
        };
        event.prevent_default();
        activate(next.min(rows - 1));
    };
    let click = move |event: ev::MouseEvent| {
        if within(&event, ".c-choose") {
            if let Some(place) = place_of(&event) {
                // The box shows what is chosen, whatever a click does to it by itself.
                event.prevent_default();
                choose(place, event.shift_key());
            }
            return;
        }
        // A sign explains itself and leads nowhere.
        let place = place_of(&event).filter(|_| !within(&event, ".mark"));
        // Who selects text does not want to leave.
        let selects = document()
            .get_selection()
            .ok()
            .flatten()
            .is_some_and(|selection| !selection.is_collapsed());
        if let Some(place) = place.filter(|_| is_plain(&event) && !selects) {
            event.prevent_default();
            open.with_value(|open| open(place));
        }
    };

    let context = Context {
        listing,
        drawn,
        slots,
        row_height: Memo::new(move |_| row_height()),
        active_place,
        thresholds: Memo::new(move |_| live.thresholds()),
        selection,
    };
    view! {
        <div
            class="grid"
            id="grid"
            role="grid"
            tabindex="0"
            aria-label="Virtual machines"
            aria-rowcount=move || count.get() + 1
            aria-colcount=Column::ALL.len() + 1
            aria-keyshortcuts="Space Shift+Space Control+A"
            aria-activedescendant=move || {
                let drawn = drawn.get();
                active_place
                    .get()
                    .filter(|place| drawn.contains(place))
                    .map(|place| format!("row-{place}"))
            }
            class:vacant=move || state.get() != State::Rows
            node_ref=scroller
            on:scroll=move |_| {
                if let Some(scroller) = scroller.get_untracked() {
                    top.set(f64::from(scroller.scroll_top()));
                    tip.hide();
                }
            }
            on:keydown=keydown
            on:click=click
        >
            <div class="head" role="rowgroup">
                <div class="row" role="row" aria-rowindex="1">
                    {choose_all(selection, listing)}
                    {Column::ALL.map(|column| view! { <Heading asked column /> })}
                </div>
            </div>
            <div class="body" node_ref=body>
                <div class="slots" role="rowgroup" node_ref=pool>
                    {move || {
                        (0..slots.get())
                            .map(|nth| view! { <RowView nth context /> })
                            .collect::<Vec<_>>()
                    }}
                </div>
            </div>
        </div>
    }
}

/// What is seen, to be found again in the next list.
#[derive(Default)]
struct Held {
    query: ListQuery,
    rows: Arc<Vec<Arc<Row>>>,
    /// The first row that is seen, and how far it is scrolled out.
    first: Option<VmKey>,
    within: f64,
}

/// What every slot needs.
#[derive(Clone, Copy)]
struct Context {
    listing: Memo<Listing>,
    drawn: Memo<Range<usize>>,
    slots: Memo<usize>,
    row_height: Memo<f64>,
    active_place: Memo<Option<usize>>,
    thresholds: Memo<Option<Thresholds>>,
    selection: RwSignal<Selection>,
}

/// The heading of the boxes: all that match, or none.
fn choose_all(selection: RwSignal<Selection>, listing: Memo<Listing>) -> AnyView {
    let all =
        Memo::new(move |_| selection.with(|it| listing.with(|listing| it.has_all(&listing.rows))));
    view! {
        <div class="c-choose" role="columnheader">
            <input
                type="checkbox"
                aria-label="Select all that match"
                prop:checked=all
                on:change=move |_| {
                    listing
                        .with_untracked(|listing| {
                            selection.update(|it| it.toggle_all(&listing.rows));
                        });
                }
            />
        </div>
    }
    .into_any()
}

#[component]
fn Heading(asked: Asked, column: Column) -> impl IntoView {
    let descending = Memo::new(move |_| asked.query.with(|query| column.descending(&query.sort)));
    view! {
        <div
            class=column.class()
            role="columnheader"
            aria-sort=move || match descending.get() {
                None => "none",
                Some(false) => "ascending",
                Some(true) => "descending",
            }
        >
            <button
                type="button"
                on:click=move |_| asked.set(|query| query.sort = column.click(&query.sort))
            >
                <span>{column.title()}</span>
                <svg class="icon arrow" viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M8 4l4 5H4z"></path>
                </svg>
            </button>
        </div>
    }
}

/// A row of the document, whichever VM it shows at the moment.
#[component]
fn RowView(nth: usize, context: Context) -> impl IntoView {
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
    // A row that shows nothing is hidden, and keeps the cells of the VM before: to make them all
    // anew when a short list grows again takes longer than all else that a key press does.
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
            // Two names for one flash: it starts anew where the other one was.
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
                            Some(format!("Select {}", format::vm_name(&row.vm)))
                        })
                    }
                    prop:checked=chosen
                />
            </div>
            {move || {
                last.with(|row| {
                    let row = row.as_ref()?;
                    Some(cells(row, change.get(), context.thresholds.get()))
                })
            }}
            <div
                class=Column::Age.class()
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
                            let reason = row.vm.stale_reason.as_deref().unwrap_or("not seen again");
                            Some(format!(", stale: {reason}"))
                        })
                    }}
                </span>
            </div>
        </div>
    }
}

/// All cells but the age, which moves on by itself.
fn cells(
    row: &Arc<Row>,
    change: Option<PowerAction>,
    thresholds: Option<Thresholds>,
) -> impl IntoView + use<> {
    let vm = &row.vm;
    let page = Page::Vm {
        node: vm.node.clone(),
        vmid: vm.vmid,
    };
    let reasons = format::large_reasons(vm, thresholds);
    view! {
        <div class=Column::Power.class() role="gridcell">{changing_badge(vm.power, change)}</div>
        {text(Column::Node, Some(vm.node.clone()))}
        {text(Column::Vmid, Some(vm.vmid.to_string()))}
        <div class=Column::Name.class() role="gridcell">
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
        </div>
        {text(Column::Ip, vm.ip_address.clone())}
        {text(Column::Uptime, vm.uptime_seconds.map(format::duration))}
        {size(Column::Cpus, vm, Resource::Cpu, vm.cpus.map(|cpus| cpus.to_string()), thresholds)}
        {size(
            Column::Memory,
            vm,
            Resource::Memory,
            vm.memory_mb.map(format::megabytes),
            thresholds,
        )}
        {size(
            Column::Storage,
            vm,
            Resource::Storage,
            vm.storage_bytes.map(format::bytes),
            thresholds,
        )}
        {text(Column::GuestOs, vm.guest_os.clone())}
        {text(Column::Comment, vm.comment.clone())}
    }
}

fn text(column: Column, value: Option<String>) -> impl IntoView {
    let tip = value.clone();
    view! {
        <div class=column.class() role="gridcell">
            <span class="fit" data-tip=tip>
                {value.unwrap_or_else(|| UNKNOWN.to_owned())}
            </span>
        </div>
    }
}

/// A size, emphasised where it makes the VM a large one.
fn size(
    column: Column,
    vm: &Vm,
    resource: Resource,
    value: Option<String>,
    thresholds: Option<Thresholds>,
) -> impl IntoView + use<> {
    let large = vm.large.contains(&resource);
    let reason = format::large_reason(vm, resource, thresholds);
    let exact = match resource {
        Resource::Cpu => None,
        Resource::Memory => vm.memory_mb.map(|mb| format!("{} MB", format::grouped(mb))),
        Resource::Storage => vm.storage_bytes.map(format::exact_bytes),
    };
    let spoken = large.then(|| match &reason {
        Some(reason) => format!(", large: {reason}"),
        None => String::from(", large"),
    });
    view! {
        <div
            class=column.class()
            class:large=large
            role="gridcell"
            data-tip=reason.map(|reason| format!("Large: {reason}")).or(exact)
        >
            {large.then(|| icon(Icon::Large))}
            <span>{value.unwrap_or_else(|| UNKNOWN.to_owned())}</span>
            {spoken.map(|spoken| view! { <span class="sr">{spoken}</span> })}
        </div>
    }
}

fn position(rows: &[Arc<Row>], key: &VmKey) -> Option<usize> {
    rows.iter().position(|row| row.is(key))
}

/// Puts the rows of the pool in order, that of slot `first` first.
fn put_in_order(pool: &web_sys::Element, slots: usize, first: usize) {
    for place in 0..slots {
        let slot = (first + place) % slots;
        let row = pool.query_selector(&format!("[data-slot=\"{slot}\"]"));
        if let Ok(Some(row)) = row {
            // Fails only where a row would become its own parent.
            let _ = pool.append_child(&row);
        }
    }
}

/// Turns the rows of the pool round until that of slot `first` is the first.
fn turn(pool: &web_sys::Element, first: usize) {
    let slots = pool.child_element_count() as usize;
    let slot_of =
        |row: &web_sys::Element| -> Option<usize> { row.get_attribute("data-slot")?.parse().ok() };
    let Some(now) = pool.first_element_child().and_then(|row| slot_of(&row)) else {
        return;
    };
    let ahead = (first + slots - now) % slots;
    // The shorter way round; a row that is moved is laid out anew.
    let moved = if ahead <= slots / 2 {
        (0..ahead).try_for_each(|_| {
            let row = pool.first_element_child()?;
            pool.append_child(&row).ok().map(drop)
        })
    } else {
        (ahead..slots).try_for_each(|_| {
            let row = pool.last_element_child()?;
            pool.prepend_with_node_1(&row).ok()
        })
    };
    debug_assert!(moved.is_some(), "the rows of the pool can be moved");
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

fn within(event: &web_sys::Event, selector: &str) -> bool {
    closest(event, selector).is_some()
}

fn closest(event: &web_sys::Event, selector: &str) -> Option<web_sys::Element> {
    let element: web_sys::Element = event.target()?.dyn_into().ok()?;
    element.closest(selector).ok().flatten()
}

fn place_of(event: &web_sys::Event) -> Option<usize> {
    closest(event, "[data-place]")?
        .get_attribute("data-place")?
        .parse()
        .ok()
}

/// Whether a media query holds, now and later.
fn media(query: &str) -> ReadSignal<bool> {
    let list = window().match_media(query).ok().flatten();
    let (matches, set_matches) =
        signal(list.as_ref().is_some_and(web_sys::MediaQueryList::matches));
    if let Some(list) = list {
        let changed = Closure::<dyn Fn()>::new({
            let list = list.clone();
            move || set_matches.set(list.matches())
        });
        list.set_onchange(Some(changed.as_ref().unchecked_ref()));
        let kept = StoredValue::new_local((list, changed));
        on_cleanup(move || {
            kept.try_update_value(|(list, _)| list.set_onchange(None));
        });
    }
    matches
}

/// Follows the height of the part that scrolls. While there are no rows it is no height: what takes
/// their place has the room, and the slots of the rows are kept until they come back.
fn watch_height(scroller: NodeRef<html::Div>, count: Memo<usize>, height: RwSignal<f64>) {
    let observer = StoredValue::new_local(None);
    Effect::new(move || {
        let Some(element) = scroller.get() else {
            return;
        };
        let measure = {
            let element = element.clone();
            move || {
                if count.get_untracked() > 0 {
                    height.set(f64::from(element.client_height()));
                }
            }
        };
        measure();
        let callback = Closure::<dyn Fn()>::new(measure);
        if let Ok(watcher) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            watcher.observe(&element);
            observer.set_value(Some((watcher, callback)));
        }
    });
    on_cleanup(move || {
        observer.try_update_value(|observer| {
            if let Some((watcher, _)) = observer.take() {
                watcher.disconnect();
            }
        });
    });
}
