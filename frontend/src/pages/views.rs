//! Draws with the deferred code once the browser has fetched it.

use leptos::prelude::*;

use crate::components::failed_state;
use crate::state::list::Listing;
use crate::state::route::Route;
use crate::state::text;

/// The entry points of the deferred code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeferredViews {
    /// A page other than the list.
    pub(super) page: fn(Route) -> AnyView,
    /// The page for a person who has not signed in.
    pub(super) sign_in: fn() -> AnyView,
    /// The dialogs of every page, and the tray.
    pub(super) dialogs: fn() -> AnyView,
    /// What can be done to the chosen VMs of the list.
    pub(super) selected_bar: fn(Memo<Listing>) -> AnyView,
    /// The help on filters.
    pub(super) filter_help: fn(HelpActions) -> AnyView,
}

/// What the help on filters does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HelpActions {
    /// Filters by an example.
    pub(super) replace: Callback<String>,
    /// Adds a term.
    pub(super) add: Callback<String>,
    /// Closes the help.
    pub(super) close: Callback<()>,
}

/// How far the deferred code is.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// No page has needed it yet.
    Idle,
    /// The browser is fetching it.
    Loading,
    /// The fetch failed; the next attempt follows.
    Failed,
    /// The code is loaded.
    Ready(DeferredViews),
}

/// Draws with the deferred code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeferredPages {
    pub(super) state: RwSignal<State>,
    fetch: fn(DeferredPages),
}

impl DeferredPages {
    /// Code that has not been requested, and how to fetch it.
    pub(crate) fn new(fetch: fn(DeferredPages)) -> Self {
        Self {
            state: RwSignal::new(State::Idle),
            fetch,
        }
    }

    /// A page other than the list. Tracks whether the code is loaded.
    pub(crate) fn page(self, page: Route) -> AnyView {
        self.drawn(|views| (views.page)(page))
    }

    /// The page for a person who has not signed in. Tracks whether the code is loaded.
    pub(crate) fn sign_in(self) -> AnyView {
        self.drawn(|views| (views.sign_in)())
    }

    /// The dialogs and the tray of every page. Tracks whether the code is loaded.
    pub(crate) fn dialogs(self) -> Option<AnyView> {
        self.ready().map(|views| (views.dialogs)())
    }

    /// What can be done to the chosen VMs of the list. Tracks whether the code is loaded.
    pub(super) fn selected_bar(self, listing: Memo<Listing>) -> Option<AnyView> {
        self.ready().map(|views| (views.selected_bar)(listing))
    }

    /// The help on filters. Tracks whether the code is loaded.
    pub(super) fn filter_help(self, actions: HelpActions) -> Option<AnyView> {
        self.ready().map(|views| (views.filter_help)(actions))
    }

    fn ready(self) -> Option<DeferredViews> {
        match self.state.get() {
            State::Ready(views) => Some(views),
            State::Idle | State::Loading | State::Failed => None,
        }
    }

    fn drawn(self, draw: impl FnOnce(DeferredViews) -> AnyView) -> AnyView {
        let texts = &text::first_load().frame;
        match self.state.get() {
            State::Ready(views) => draw(views),
            State::Failed => failed_state(
                texts.page_not_loaded,
                texts.page_not_loaded_why,
                move || (self.fetch)(self),
            ),
            State::Idle | State::Loading => {
                view! { <p class="skeleton" role="status">{texts.loading_page}</p> }.into_any()
            }
        }
    }
}
