//! The list of every VM of every node.

mod grid;
mod toolbar;

use std::time::Duration;

use ecoman_api::{Filter, FilterError};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use self::grid::Grid;
use self::toolbar::Toolbar;
use super::{UnreachableNodes, Visit, set_title};
use crate::api;
use crate::components::{EmptyState, Icon, Link, icon};
use crate::format;
use crate::listing::{ListQuery, Listing, before_mistake, ordered};
use crate::live::use_live;
use crate::route::Page;

/// The address follows the typing at this distance.
const TYPING: Duration = Duration::from_millis(250);

/// What the list is asked for: the address says it, and everything on the page may change it.
#[derive(Clone, Copy)]
struct Asked {
    query: RwSignal<ListQuery>,
    /// Set while the address does not say yet what was typed.
    late: StoredValue<bool>,
    /// To an address, in place of the present one or after it.
    navigate: StoredValue<Box<dyn Fn(&str, bool)>, LocalStorage>,
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
        self.navigate
            .with_value(|navigate| navigate(&format!("{}{url}", Page::Vms.path()), replace));
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
            .search
            .with_untracked(|search| ListQuery::parse(search)),
    );
    let navigate = use_navigate();
    let asked = Asked {
        query,
        late: StoredValue::new(false),
        navigate: StoredValue::new_local(Box::new(move |url: &str, replace| {
            navigate(
                url,
                NavigateOptions {
                    replace,
                    scroll: false,
                    ..NavigateOptions::default()
                },
            );
        })),
    };
    // The address was changed by the reader: typed, or back and forward.
    Effect::new(move || {
        let wanted = location.search.with(|search| ListQuery::parse(search));
        let here = location.pathname.get_untracked() == Page::Vms.path();
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
    let error: Signal<Option<FilterError>> = Signal::derive(move || parsed.get().err());
    let sort = Memo::new(move |_| query.with(|query| query.sort.clone()));
    let chips = Memo::new(move |_| query.with(|query| query.chips));
    let rows = Memo::new_with_compare(
        move |_| {
            let sort = sort.get();
            live.vms.with(|vms| {
                let table = vms.data()?;
                Some(live.nodes.with_untracked(|nodes| {
                    let none = crate::table::Nodes::new();
                    ordered(table, &sort, nodes.data().unwrap_or(&none))
                }))
            })
        },
        // Made anew only for a reason.
        |_, _| true,
    );
    let listing = Memo::new(move |_| {
        rows.with(|rows| {
            rows.as_ref()
                .map(|rows| filter.with(|filter| Listing::select(rows, filter, chips.get())))
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
            <Toolbar asked listing error loaded />
            <UnreachableNodes />
            <Grid asked listing state />
            {move || match state.get() {
                State::Rows => None,
                State::Loading => Some(view! { <Skeleton /> }.into_any()),
                State::Failed(error) => Some(view! { <Unreachable error /> }.into_any()),
                State::NoNodes => Some(NoNodes().into_any()),
                State::NoVms => Some(NoVms().into_any()),
                State::NoMatch => Some(view! { <NoMatch asked listing /> }.into_any()),
            }}
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

#[component]
fn Skeleton() -> impl IntoView {
    let rows: Vec<_> = (0..14)
        .map(|_| {
            let bars: Vec<_> = (0..7)
                .map(|_| view! { <span class="bone"></span> })
                .collect();
            view! { <div class="skeleton-row">{bars}</div> }
        })
        .collect();
    let live = use_live();
    let starting = move || {
        live.vms
            .with(|vms| vms.error().is_some_and(api::Error::is_not_ready))
    };
    view! {
        <div class="skeleton" role="status">
            <p class=move || if starting() { "starting" } else { "sr" }>
                {move || {
                    if starting() {
                        "The server has just started and reads what it knows."
                    } else {
                        "Loading the VMs"
                    }
                }}
            </p>
            <div aria-hidden="true">{rows}</div>
        </div>
    }
}

#[component]
fn Unreachable(error: api::Error) -> impl IntoView {
    let live = use_live();
    view! {
        <div role="alert">
            <EmptyState
                title="The VMs could not be loaded"
                sentence=format!("{error} Trying again by itself.")
            >
                <button type="button" class="button primary" on:click=move |_| live.connect()>
                    "Try now"
                </button>
            </EmptyState>
        </div>
    }
}

#[component]
fn NoNodes() -> impl IntoView {
    view! {
        <EmptyState
            title="No nodes yet"
            sentence="ECoMan looks at the ESXi nodes that hosts.yml names, and has found none there \
            so far. Name one, and its VMs appear here by themselves within a minute."
        >
            <figure class="example">
                <figcaption>"hosts.yml"</figcaption>
                <pre>{HOSTS_EXAMPLE}</pre>
            </figure>
            <p class="hint">
                "Then " <code>"ecoman trust hoge"</code> " pins its host key, and "
                <code>"ecoman doctor"</code> " says what else is missing."
            </p>
        </EmptyState>
    }
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

#[component]
fn NoVms() -> impl IntoView {
    let live = use_live();
    let sentence = move || {
        live.nodes.with(|nodes| {
            let nodes = nodes.data().into_iter().flat_map(|nodes| nodes.values());
            let (answered, all) = nodes.fold((0, 0), |(answered, all), node| {
                (answered + usize::from(node.observed_at.is_some()), all + 1)
            });
            if answered == 0 {
                format!(
                    "None of {} has told its VMs so far.",
                    format::plural(all, "node", "nodes")
                )
            } else if answered < all {
                format!("{answered} of {all} nodes have answered, and have none.")
            } else {
                format!(
                    "{} answered: nothing is registered.",
                    format::plural(all, "node", "nodes")
                )
            }
        })
    };
    view! {
        <EmptyState title="No VMs" sentence=Signal::derive(sentence)>
            <Link class="button" href=Page::Nodes.path()>"Look at the nodes"</Link>
        </EmptyState>
    }
}

#[component]
fn NoMatch(asked: Asked, listing: Memo<Listing>) -> impl IntoView {
    let sentence = move || {
        let total = listing.with(|listing| listing.total);
        let what = asked.query.with(
            |query| match (query.filter.trim(), query.chips.is_empty()) {
                ("", _) => String::from("the chips that are pressed"),
                (filter, true) => format!("“{filter}”"),
                (filter, false) => format!("“{filter}” and the chips that are pressed"),
            },
        );
        format!(
            "None of {} matches {what}.",
            format::plural(total, "VM", "VMs")
        )
    };
    view! {
        <EmptyState title="No match" sentence=Signal::derive(sentence)>
            <button
                type="button"
                class="button primary"
                on:click=move |_| {
                    asked.set(|query| {
                        query.filter.clear();
                        query.chips = Default::default();
                    });
                    super::focus("filter");
                }
            >
                {icon(Icon::Close)}
                "Clear the filter"
            </button>
        </EmptyState>
    }
}
