//! The table itself: as many rows in the document as are seen, each reused for the VM that comes
//! into its place.

use std::ops::Range;
use std::sync::Arc;

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use super::controls::{ListControls, State};
use super::dom::{media, put_in_order, turn, watch_height};
use super::row::{Context, RowView};
use crate::acts::answer::QuestionDialogs;
use crate::acts::edit::use_edit_dialogs;
use crate::components::{Tooltip, focus, is_plain};
use crate::list_position::ListPosition;
use crate::live::use_live;
use crate::location::use_location;
use crate::state::inventory::{Row, VmKey};
use crate::state::list::{COLUMNS, Column, ListQuery, Listing};
use crate::state::route::Route;
use crate::state::selection::Selection;
use crate::state::text;
use crate::state::viewport::{Viewport, offset};

/// Heights in CSS pixels, as in the style sheet: row, row on a small screen, headings.
const ROW: f64 = 34.0;
const COMPACT_ROW: f64 = 60.0;
const HEAD: f64 = 34.0;
/// Where rows become cards, as in the style sheet.
const COMPACT: &str = "(max-width: 759px)";
#[component]
pub(super) fn Grid(
    controls: ListControls,
    listing: Memo<Listing>,
    state: Memo<State>,
) -> impl IntoView {
    let live = use_live();
    let list_position: ListPosition = expect_context();
    let tip: Tooltip = expect_context();
    let selection: RwSignal<Selection> = expect_context();
    let questions: QuestionDialogs = expect_context();
    let edits = use_edit_dialogs();
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
    // The document lists the rows in the order that the eye does.
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
    // with another query begins at its top.
    Effect::new(move |before: Option<ScrollAnchor>| {
        let query = controls.query.get();
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
            None => Some(list_position.top.get_value()),
            Some(before) if before.rows.is_empty() && !rows.is_empty() => {
                Some(list_position.top.get_value())
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
            list_position.top.set_value(top);
        }
        let view = Viewport { top, ..view };
        ScrollAnchor {
            first: rows.get(view.first()).map(|row| VmKey::of(&row.vm)),
            within: top - offset(view.first(), view.row_height),
            query,
            rows,
        }
    });

    let active_place = Memo::new(move |_| {
        list_position.active.with(|active| {
            let active = active.as_ref()?;
            listing.with(|listing| position(&listing.rows, active))
        })
    });
    let activate = move |place: usize| {
        let key = listing.with_untracked(|listing| Some(VmKey::of(&listing.rows.get(place)?.vm)));
        list_position.active.set(key);
        if let Some(wanted) = viewport.get_untracked().reveal(place) {
            scroll_to(wanted);
        }
        // The meaning of a sign reaches the keyboard as it does the pointer.
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
            list_position.active.set(key);
            controls.write_address(true);
            location.go(&Route::Vm { node, vmid }.path());
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
            "e" => {
                let rows = rows_now();
                if let Some(row) = place.and_then(|place| rows.get(place)) {
                    event.prevent_default();
                    edits.ask_one(VmKey::of(&row.vm));
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
                    list_position.active.set(None);
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
        let (asks, edit) = (within(&event, ".asks"), within(&event, ".edit"));
        if asks || edit {
            let rows = rows_now();
            if let Some(row) = place_of(&event).and_then(|place| rows.get(place)) {
                let key = VmKey::of(&row.vm);
                if asks {
                    questions.show(key);
                } else {
                    // The sign may go with what it has changed; the keyboard goes on from its row.
                    list_position.active.set(Some(key.clone()));
                    focus("grid");
                    edits.ask_one(key);
                }
            }
            return;
        }
        // It leads to the task.
        if let Some(mark) = closest(&event, ".failed-change").filter(|_| is_plain(&event)) {
            event.prevent_default();
            if let Some(page) = mark.get_attribute("href") {
                controls.write_address(true);
                location.go(&page);
            }
            return;
        }
        // A sign explains itself and leads nowhere, and an address is for copying.
        let place = place_of(&event).filter(|_| !within(&event, ".mark, .c-ip .fit"));
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
            aria-label=text::first_load().list.heading
            aria-rowcount=move || count.get() + 1
            aria-colcount=COLUMNS.len() + 1
            aria-keyshortcuts="Space Shift+Space Control+A e"
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
                    {COLUMNS.map(|column| view! { <Heading controls column /> })}
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
struct ScrollAnchor {
    query: ListQuery,
    rows: Arc<Vec<Arc<Row>>>,
    /// The first row that is seen, and how far it is scrolled out.
    first: Option<VmKey>,
    within: f64,
}

/// The heading of the boxes: all that match, or none.
fn choose_all(selection: RwSignal<Selection>, listing: Memo<Listing>) -> AnyView {
    let all =
        Memo::new(move |_| selection.with(|it| listing.with(|listing| it.has_all(&listing.rows))));
    view! {
        <div class="c-choose" role="columnheader">
            <input
                type="checkbox"
                aria-label=text::first_load().list.select_all
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
fn Heading(controls: ListControls, column: Column) -> impl IntoView {
    let descending =
        Memo::new(move |_| controls.query.with(|query| column.descending(&query.sort)));
    view! {
        <div
            class=column.class
            role="columnheader"
            aria-sort=move || match descending.get() {
                None => "none",
                Some(false) => "ascending",
                Some(true) => "descending",
            }
        >
            <button
                type="button"
                on:click=move |_| controls.set(|query| query.sort = column.click(&query.sort))
            >
                <span>{column.title()}</span>
                <svg class="icon arrow" viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M8 4l4 5H4z"></path>
                </svg>
            </button>
        </div>
    }
}

fn position(rows: &[Arc<Row>], key: &VmKey) -> Option<usize> {
    rows.iter().position(|row| row.is(key))
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
