//! The pages beside the list: their code comes later, once the list is there or when a reader
//! wants one of them.

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
use crate::acts::power::PowerDialog;
use crate::api;
use crate::components::failed_state;
use crate::later::later;
use crate::state::route::Page;

/// How long after a failure the code is asked for again.
const RETRY: Duration = Duration::from_secs(5);

/// Makes what the code that comes later draws.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    page: fn(Page) -> AnyView,
    sign_in: fn() -> AnyView,
    dialogs: fn() -> AnyView,
}

/// The code of the pages beside the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Later {
    state: RwSignal<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nobody needs it yet.
    Wanting,
    /// It is on its way.
    Fetching,
    /// It did not come, and is asked for again.
    Failed,
    /// It is there.
    There(Code),
}

impl Later {
    /// Code that nobody has asked for.
    pub(crate) fn new() -> Self {
        Self {
            state: RwSignal::new(State::Wanting),
        }
    }

    /// Fetches the code, unless it is there or on its way.
    pub(crate) fn fetch(self) {
        if matches!(
            self.state.get_untracked(),
            State::Fetching | State::There(_)
        ) {
            return;
        }
        self.state.set(State::Fetching);
        spawn_local(async move {
            match code().await {
                Ok(code) => self.state.set(State::There(code)),
                Err(_) => {
                    self.state.set(State::Failed);
                    set_timeout(move || self.fetch(), RETRY);
                }
            }
        });
    }

    /// A page other than the list. Tracks whether its code is there.
    pub(crate) fn page(self, page: Page) -> AnyView {
        self.drawn(|code| (code.page)(page))
    }

    /// What somebody sees who has not signed in. Tracks whether its code is there.
    pub(crate) fn sign_in(self) -> AnyView {
        self.drawn(|code| (code.sign_in)())
    }

    fn drawn(self, draw: impl FnOnce(Code) -> AnyView) -> AnyView {
        match self.state.get() {
            State::There(code) => draw(code),
            State::Failed => failed_state(
                "This page could not be loaded",
                "The server does not answer, or has a newer version: if so, reload.",
                move || self.fetch(),
            ),
            State::Wanting | State::Fetching => {
                view! { <p class="skeleton" role="status">"Loading the page"</p> }.into_any()
            }
        }
    }

    /// The dialogs of every page. Tracks whether their code is there.
    pub(crate) fn dialogs(self) -> Option<AnyView> {
        match self.state.get() {
            State::There(code) => Some((code.dialogs)()),
            State::Wanting | State::Fetching | State::Failed => None,
        }
    }
}

later! {
    fn code() -> Result<Code, api::Error> {
        Ok(CODE)
    }
}

const CODE: Code = Code {
    page: draw,
    sign_in: || SignIn().into_any(),
    dialogs: || PowerDialog().into_any(),
};

fn draw(page: Page) -> AnyView {
    match page {
        Page::Vm { node, vmid } => view! { <Vm node vmid /> }.into_any(),
        Page::Nodes => view! { <Nodes /> }.into_any(),
        Page::Node { name } => view! { <Node name /> }.into_any(),
        Page::New => New().into_any(),
        Page::Account => account(),
        Page::Tokens => tokens(),
        Page::Users => users(),
        Page::Audit => audit(),
        Page::Tasks => Tasks().into_any(),
        Page::Task { id } => view! { <Task id /> }.into_any(),
        // The list is drawn by the code that is always there.
        Page::Vms | Page::NotFound => NotFound().into_any(),
    }
}
