//! The pages beside the list. The browser fetches their code after the list, or when a person
//! opens one of them.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::administration::{account, audit, tokens, users};
use super::new::New;
use super::nodes::{Node, Nodes};
use super::not_found::NotFound;
use super::sign_in::SignIn;
use super::tasks::{Task, Tasks};
use super::vm::Vm;
use crate::acts::answer::QuestionDialog;
use crate::acts::power::PowerDialog;
use crate::api;
use crate::components::failed_state;
use crate::later::later;
use crate::state::route::Route;
use crate::state::text;

/// How long after a failed fetch the next one starts.
const RETRY: Duration = Duration::from_secs(5);

/// The entry points of the deferred code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeferredViews {
    page: fn(Route) -> AnyView,
    sign_in: fn() -> AnyView,
    dialogs: fn() -> AnyView,
}

/// Fetches the deferred code and draws with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeferredPages {
    state: RwSignal<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// No page has needed it yet.
    Idle,
    /// The browser is fetching it.
    Loading,
    /// The fetch failed; the next attempt follows after [`RETRY`].
    Failed,
    /// The code is loaded.
    Ready(DeferredViews),
}

impl DeferredPages {
    /// Code that has not been requested.
    pub(crate) fn new() -> Self {
        Self {
            state: RwSignal::new(State::Idle),
        }
    }

    /// Fetches the code, unless it is loaded or being loaded.
    pub(crate) fn fetch(self) {
        if matches!(self.state.get_untracked(), State::Loading | State::Ready(_)) {
            return;
        }
        self.state.set(State::Loading);
        spawn_local(async move {
            match views().await {
                Ok(views) => self.state.set(State::Ready(views)),
                Err(_) => {
                    self.state.set(State::Failed);
                    set_timeout(move || self.fetch(), RETRY);
                }
            }
        });
    }

    /// A page other than the list. Tracks whether the code is loaded.
    pub(crate) fn page(self, page: Route) -> AnyView {
        self.drawn(|views| (views.page)(page))
    }

    /// The page for a person who has not signed in. Tracks whether the code is loaded.
    pub(crate) fn sign_in(self) -> AnyView {
        self.drawn(|views| (views.sign_in)())
    }

    fn drawn(self, draw: impl FnOnce(DeferredViews) -> AnyView) -> AnyView {
        let texts = &text::first_load().frame;
        match self.state.get() {
            State::Ready(views) => draw(views),
            State::Failed => failed_state(
                texts.page_not_loaded,
                texts.page_not_loaded_why,
                move || self.fetch(),
            ),
            State::Idle | State::Loading => {
                view! { <p class="skeleton" role="status">{texts.loading_page}</p> }.into_any()
            }
        }
    }

    /// The dialogs of every page. Tracks whether the code is loaded.
    pub(crate) fn dialogs(self) -> Option<AnyView> {
        match self.state.get() {
            State::Ready(views) => Some((views.dialogs)()),
            State::Idle | State::Loading | State::Failed => None,
        }
    }
}

later! {
    fn views() -> Result<DeferredViews, api::Error> {
        Ok(VIEWS)
    }
}

const VIEWS: DeferredViews = DeferredViews {
    page: draw,
    sign_in: || SignIn().into_any(),
    dialogs: || (PowerDialog(), QuestionDialog()).into_any(),
};

fn draw(page: Route) -> AnyView {
    match page {
        Route::Vm { node, vmid } => view! { <Vm node vmid /> }.into_any(),
        Route::Nodes => view! { <Nodes /> }.into_any(),
        Route::Node { name } => view! { <Node name /> }.into_any(),
        Route::New => New().into_any(),
        Route::Account => account(),
        Route::Tokens => tokens(),
        Route::Users => users(),
        Route::Audit => audit(),
        Route::Tasks => Tasks().into_any(),
        Route::Task { id } => view! { <Task id /> }.into_any(),
        // The list is part of the first load.
        Route::Vms | Route::NotFound => NotFound().into_any(),
    }
}
