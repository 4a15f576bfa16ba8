//! The list of every VM of every node.

mod export;
mod grid;
mod selected;
mod toolbar;

use std::time::Duration;

use ecoman_api::Filter;
use leptos::prelude::*;

use self::grid::Grid;
use self::selected::selected_bar;
use self::toolbar::Toolbar;
use super::{UnreachableNodes, Visit, set_title};
use crate::api;
use crate::components::{Icon, empty_state, failed_state, icon, link};
use crate::live::use_live;
use crate::location::{Location, use_location};
use crate::state::format;
use crate::state::list::{Chips, ListQuery, Listing, before_mistake, ordered};
use crate::state::route::Page;

/// The address follows the typing at this distance.
const TYPING: Duration = Duration::from_millis(250);

/// What the list is asked for: the address says it, and everything on the page may change it.
#[derive(Clone, Copy)]
struct Asked {
    query: RwSignal<ListQuery>,
    /// Set while the address does not say yet what was typed.
    late: StoredValue<bool>,
    location: Location,
}

impl Asked {
    /// By a click: the way back leads to what was asked before.
    fn set(self, change: impl FnOnce(&mut ListQuery)) {
        self.write_address(true);
        self.query.update(change);
        self.late.set_value(true);
        self.write_address(false);
    }

    /// By typing: letters are no stations on the way back.
    fn set_typed(self, change: impl FnOnce(&mut ListQuery)) {
        self.query.update(change);
        self.late.set_value(true);
    }

    fn write_address(self, replace: bool) {
        if !self.late.try_get_value().unwrap_or_default() {
            return;
        }
        self.late.set_value(false);
        let url = self.query.with_untracked(ListQuery::to_url);
        let url = format!("{}{url}", Page::Vms.path());
        if replace {
            self.location.replace(&url);
        } else {
            self.location.go(&url);
        }
    }
}

/// The page.
#[component]
pub(crate) fn Vms() -> impl IntoView {
    let live = use_live();
    let visit: Visit = expect_context();
    let location = use_location();
    let query = RwSignal::new(
        location
            .query
            .with_untracked(|query| ListQuery::parse(query)),
    );
    let asked = Asked {
        query,
        late: StoredValue::new(false),
        location,
    };
    // The address was changed by the reader: typed, or back and forward.
    Effect::new(move || {
        let wanted = location.query.with(|query| ListQuery::parse(query));
        let here = location.path.with_untracked(|path| Page::parse(path)) == Page::Vms;
        if here && !asked.late.get_value() && query.with_untracked(|query| *query != wanted) {
            query.set(wanted);
        }
    });
    Effect::new(move || visit.query.set(query.with(ListQuery::to_url)));
    let write = debounce(TYPING, move |()| {
        asked.write_address(true);
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
                    let none = crate::state::inventory::Nodes::new();
                    ordered(table, &sort, nodes.data().unwrap_or(&none))
                }))
            })
        },
        // Made anew only for a reason.
        |_, _| true,
    );
    let listing = Memo::new(move |_| {
        rows.with(|rows| {
            rows.as_ref().map(|rows| {
                filter.with(|filter| Listing::select(rows, filter, query.with(|query| query.chips)))
            })
        })
        .unwrap_or_default()
    });
    let loaded = Memo::new(move |_| live.vms.with(|vms| vms.data().is_some()));

    set_title(move || {
        if !loaded.get() {
            return String::from("VMs");
        }
        listing.with(|listing| format!("{} VMs", counted(listing)))
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
            <h1 class="sr">"Virtual machines"</h1>
            <Toolbar asked listing parsed loaded />
            <UnreachableNodes />
            <Grid asked listing state />
            {move || match state.get() {
                State::Rows => None,
                State::Loading => Some(skeleton()),
                State::Failed(error) => {
                    let retry = move || live.connect();
                    Some(failed_state("The VMs could not be loaded", &error.to_string(), retry))
                }
                State::NoNodes => Some(no_nodes()),
                State::NoVms => Some(no_vms()),
                State::NoMatch => Some(no_match(asked, listing)),
            }}
            {selected_bar(listing)}
        </div>
    }
}

/// What the list has to show.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Rows,
    Loading,
    Failed(api::Error),
    NoNodes,
    NoVms,
    NoMatch,
}

/// `340`, or `12 of 340`.
fn counted(listing: &Listing) -> String {
    let total = format::grouped(listing.total as u64);
    if listing.rows.len() == listing.total {
        total
    } else {
        format!("{} of {total}", format::grouped(listing.rows.len() as u64))
    }
}

fn skeleton() -> AnyView {
    let rows: Vec<_> = (0..14)
        .map(|_| {
            let bars: Vec<_> = (0..7)
                .map(|_| view! { <span class="bone"></span> })
                .collect();
            view! { <div class="skeleton-row">{bars}</div> }
        })
        .collect();
    let live = use_live();
    let starting = live
        .vms
        .with(|vms| vms.error().is_some_and(api::Error::is_not_ready));
    let (class, words) = if starting {
        (
            "starting",
            "The server has just started and reads what it knows.",
        )
    } else {
        ("sr", "Loading the VMs")
    };
    view! {
        <div class="skeleton">
            <p class=class role="status">{words}</p>
            <div aria-hidden="true">{rows}</div>
        </div>
    }
    .into_any()
}

fn no_nodes() -> AnyView {
    let next = view! {
        <figure class="example">
            <figcaption>"hosts.yml"</figcaption>
            <pre>{HOSTS_EXAMPLE}</pre>
        </figure>
        <p class="hint">
            "Then " <code>"ecoman trust hoge"</code> " pins its host key, and "
            <code>"ecoman doctor"</code> " says what else is missing."
        </p>
    };
    empty_state(
        String::from("No nodes yet"),
        String::from(
            "ECoMan looks at the ESXi nodes that hosts.yml names, and has found none there so \
             far. Name one, and its VMs appear here by themselves within a minute.",
        ),
        next.into_any(),
    )
}

const HOSTS_EXAMPLE: &str = "\
hoge:
  addr: 'hoge.example.org'
  username: 'root'
  identity_file_path: 'ssh/id_rsa'
  datastore_path: '/vmfs/volumes/datastore1/'
  installer_iso_path: '/vmfs/volumes/datastore1/os-images/ubuntu2004.iso'
  network_port_group: 'Management Network'
";

fn no_vms() -> AnyView {
    let live = use_live();
    let (answered, all) = live.nodes.with(|nodes| {
        let nodes = nodes.data().into_iter().flat_map(|nodes| nodes.values());
        nodes.fold((0, 0), |(answered, all), node| {
            (answered + usize::from(node.observed_at.is_some()), all + 1)
        })
    });
    let nodes = format::plural(all, "node", "nodes");
    let sentence = if answered == 0 {
        format!("None of {nodes} has told its VMs so far.")
    } else if answered < all {
        format!("{answered} of {nodes} have answered, and have none.")
    } else {
        format!("{nodes} answered, and nothing is registered there.")
    };
    let next = link("button", Page::Nodes.path(), "Look at the nodes".into_any());
    empty_state(String::from("No VMs"), sentence, next)
}

fn no_match(asked: Asked, listing: Memo<Listing>) -> AnyView {
    let total = listing.with(|listing| listing.total);
    let what = asked.query.with(
        |query| match (query.filter.trim(), query.chips.is_empty()) {
            ("", _) => String::from("the chips that are pressed"),
            (filter, true) => format!("“{filter}”"),
            (filter, false) => format!("“{filter}” and the chips that are pressed"),
        },
    );
    let clear = move |_| {
        asked.set(|query| {
            query.filter.clear();
            query.chips = Chips::default();
        });
        super::focus("filter");
    };
    let next = view! {
        <button type="button" class="button primary" on:click=clear>
            {icon(Icon::Close)}
            "Clear the filter"
        </button>
    };
    empty_state(
        String::from("No match"),
        format!(
            "None of {} matches {what}.",
            format::plural(total, "VM", "VMs")
        ),
        next.into_any(),
    )
}
