//! The list of every VM of every node.

mod controls;
mod dom;
mod empty;
mod export;
mod grid;
mod help;
mod row;
mod selected;
mod toolbar;

use std::time::Duration;

use ecoman_api::Filter;
use leptos::prelude::*;

use self::controls::{ListControls, State, counted};
use self::empty::{no_match, no_nodes, no_vms, skeleton};
use self::grid::Grid;
use self::toolbar::Toolbar;

use super::banner::UnreachableNodes;
use super::views::DeferredPages;
use crate::clock::use_clock;
use crate::components::{failed_state, set_title};
use crate::list_position::ListPosition;
use crate::live::use_live;
use crate::location::use_location;
use crate::state::inventory::Nodes;
use crate::state::list::{ListQuery, Listing, before_mistake, ordered};
use crate::state::route::Route;
use crate::state::text;

pub(crate) use self::help::filter_help;
pub(crate) use self::selected::selected_bar;

/// The address follows the typing at this distance.
const TYPING: Duration = Duration::from_millis(250);

/// The page.
#[component]
pub(crate) fn Vms() -> impl IntoView {
    let live = use_live();
    let clock = use_clock();
    let later: DeferredPages = expect_context();
    let list_position: ListPosition = expect_context();
    let location = use_location();
    let query = RwSignal::new(
        location
            .query
            .with_untracked(|query| ListQuery::parse(query)),
    );
    let controls = ListControls {
        query,
        is_unwritten: StoredValue::new(false),
        location,
    };
    // The address was changed by the reader: typed, or back and forward.
    Effect::new(move || {
        let wanted = location.query.with(|query| ListQuery::parse(query));
        let here = location.path.with_untracked(|path| Route::parse(path)) == Route::Vms;
        if here
            && !controls.is_unwritten.get_value()
            && query.with_untracked(|query| *query != wanted)
        {
            query.set(wanted);
        }
    });
    Effect::new(move || list_position.query.set(query.with(ListQuery::to_url)));
    let write = debounce(TYPING, move |()| {
        controls.write_address(true);
    });
    let write = StoredValue::new_local(write);
    Effect::new(move || {
        query.track();
        write.update_value(|write| write(()));
    });

    let parsed = Memo::new(move |_| query.with(|query| Filter::parse(&query.filter)));
    // While a term is being typed that is none yet, the ones before it count.
    let filter = Memo::new(move |_| {
        parsed
            .get()
            .unwrap_or_else(|error| query.with(|query| before_mistake(&query.filter, &error)))
    });
    let sort = Memo::new(move |_| query.with(|query| query.sort.clone()));
    let rows = Memo::new_with_compare(
        move |_| {
            let sort = sort.get();
            live.vms.with(|vms| {
                let table = vms.data()?;
                Some(live.nodes.with_untracked(|nodes| {
                    let none = Nodes::new();
                    ordered(table, &sort, nodes.data().unwrap_or(&none))
                }))
            })
        },
        // Rebuilt only for a reason.
        |_, _| true,
    );
    let listing = Memo::new(move |before: Option<&Listing>| {
        // Only what depends on the time is selected again as it goes on.
        let now = match filter.with(Filter::depends_on_time) {
            true => clock.now(),
            false => clock.exact(),
        };
        let chips = query.with(|query| query.chips);
        let select = |rows: &Vec<_>, nodes: &Nodes| {
            filter.with(|filter| Listing::select(rows, filter, chips, nodes, now))
        };
        rows.with(|rows| {
            let rows = rows.as_ref()?;
            let none = Nodes::new();
            let nodes = &live.nodes;
            Some(nodes.with_untracked(|nodes| select(rows, nodes.data().unwrap_or(&none))))
        })
        .map(|listing| listing.or_same(before))
        .unwrap_or_default()
    });
    let loaded = Memo::new(move |_| live.vms.with(|vms| vms.data().is_some()));

    let texts = &text::first_load().list;
    set_title(move || {
        if !loaded.get() {
            return texts.title.to_owned();
        }
        listing.with(|listing| (texts.title_counted)(&counted(listing)))
    });

    let state = Memo::new(move |_| {
        let failed = live.vms.with(|vms| vms.error().cloned());
        listing.with(|listing| match (loaded.get(), failed) {
            (false, Some(error)) if !error.is_not_ready() => State::Failed(error),
            (false, _) => State::Loading,
            (true, _) if listing.total == 0 => {
                let nodes = live
                    .nodes
                    .with(|nodes| nodes.data().map_or(0, |nodes| nodes.len()));
                if nodes == 0 {
                    State::NoNodes
                } else {
                    State::NoVms
                }
            }
            (true, _) if listing.rows.is_empty() => State::NoMatch,
            (true, _) => State::Rows,
        })
    });

    view! {
        <div class="list">
            <h1 class="sr">{texts.heading}</h1>
            <Toolbar controls listing parsed loaded />
            <UnreachableNodes />
            <Grid controls listing state />
            {move || match state.get() {
                State::Rows => None,
                State::Loading => Some(skeleton()),
                State::Failed(error) => {
                    let retry = move || live.connect();
                    Some(failed_state(texts.not_loaded, &error.to_string(), retry))
                }
                State::NoNodes => Some(no_nodes()),
                State::NoVms => Some(no_vms()),
                State::NoMatch => Some(no_match(controls, listing)),
            }}
            {move || later.selected_bar(listing)}
        </div>
    }
}
