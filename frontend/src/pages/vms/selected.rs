//! What can be done to the chosen VMs: a bar below the list, for as long as there are any.

use std::collections::HashSet;
use std::sync::Arc;

use ecoman_api::{PowerAction, Sort};
use leptos::{ev, prelude::*};

use crate::acts::edit::edit_notes_button;
use crate::acts::power::{known, power_button, use_power_dialogs};
use crate::components::{Icon, focus, icon, sentence};
use crate::live::use_live;
use crate::state::format;
use crate::state::inventory::Row;
use crate::state::list::{Listing, sort_rows};
use crate::state::power_plan::Plan;
use crate::state::selection::Selection;
use crate::state::text;

/// So many changes stand in the bar on every screen.
const FIRST: usize = 2;

/// The bar. Its code comes after the list.
pub(crate) fn selected_bar(listing: Memo<Listing>) -> AnyView {
    let live = use_live();
    let desk = use_power_dialogs();
    let selection: RwSignal<Selection> = expect_context();
    let any = Memo::new(move |_| !selection.with(Selection::is_empty));
    // Those that have gone since are chosen no more.
    let rows = Memo::new_with_compare(
        move |_| {
            selection.with(|selection| {
                if selection.is_empty() {
                    return Vec::new();
                }
                live.vms.with(|vms| {
                    let rows = vms.data().into_iter().flat_map(|table| table.rows());
                    let mut rows: Vec<Arc<Row>> =
                        rows.filter(|row| selection.has_row(row)).cloned().collect();
                    sort_rows(&mut rows, &Sort::default());
                    rows
                })
            })
        },
        |_, _| true,
    );
    let hidden = Memo::new(move |_| {
        listing.with(|listing| {
            rows.with(|rows| {
                let shown: HashSet<_> = listing.rows.iter().map(Arc::as_ptr).collect();
                rows.iter()
                    .filter(|row| !shown.contains(&Arc::as_ptr(row)))
                    .count()
            })
        })
    });
    let texts = &text::first_load().list;
    let counts = move || {
        let count = rows.with(Vec::len);
        let count = view! { <strong>{format::grouped(count as u64)}</strong> }.into_any();
        match hidden.get() {
            0 => sentence(texts.selected, [count]),
            hidden => {
                let hidden = format::grouped(hidden as u64).into_any();
                sentence(texts.selected_hidden, [count, hidden])
            }
        }
    };
    let button = move |action: PowerAction| {
        let plan = Memo::new_with_compare(
            move |_| {
                rows.with(|rows| Arc::new(known(live, |known| Plan::new(action, rows, known))))
            },
            |_, _| true,
        );
        let why_not = Memo::new(move |_| {
            plan.with(|plan| {
                if !plan.doing.is_empty() {
                    return None;
                }
                let (_, why) = plan.left_out.first()?;
                Some(match plan.left_out.len() {
                    1 => why.clone(),
                    count => (texts.none_can)(count, why),
                })
            })
        });
        let order = text::acts().order.of(action);
        let label = Signal::derive(move || {
            let (can, all) = (plan.with(|plan| plan.doing.len()), rows.with(Vec::len));
            if can == all || can == 0 {
                order.to_owned()
            } else {
                (texts.order_for_some)(order, &format::grouped(can as u64))
            }
        });
        power_button(action, why_not, label, move || {
            desk.ask_many(action, &rows.get_untracked());
        })
    };
    let unfolded = RwSignal::new(false);
    let fold = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" && unfolded.get_untracked() {
            event.stop_propagation();
            unfolded.set(false);
        }
    };
    let bar = move || {
        any.get().then(|| {
            // On small screens the rest unfolds.
            let (first, rest) = PowerAction::ALL.split_at(FIRST);
            let buttons = |actions: &[PowerAction]| -> Vec<_> {
                actions.iter().copied().map(button).collect()
            };
            view! {
                <div
                    class="selected"
                    role="region"
                    aria-label=texts.selected_vms
                    on:keydown=fold
                >
                    <p role="status">{counts}</p>
                    <div class="power-bar" role="group" aria-label=texts.power>
                        {buttons(first)}
                        <div
                            class="rest"
                            class:unfolded=unfolded
                            id="more-power"
                            on:click=move |_| unfolded.set(false)
                        >
                            {buttons(rest)}
                        </div>
                        <button
                            type="button"
                            class="button unfold"
                            aria-label=text::deferred().power.more
                            aria-expanded=move || unfolded.get().to_string()
                            aria-controls="more-power"
                            on:click=move |_| unfolded.update(|unfolded| *unfolded = !*unfolded)
                        >
                            {icon(Icon::More)}
                        </button>
                    </div>
                    {edit_notes_button(rows)}
                    <button
                        type="button"
                        class="button quiet"
                        aria-label=texts.select_none
                        data-tip=texts.select_none
                        on:click=move |_| {
                            selection.update(Selection::clear);
                            focus("grid");
                        }
                    >
                        {icon(Icon::Close)}
                    </button>
                </div>
            }
        })
    };
    bar.into_any()
}
