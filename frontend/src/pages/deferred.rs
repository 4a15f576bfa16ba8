//! The pages beside the list. The browser fetches their code after the list, or when a person
//! opens one of them.

use std::time::Duration;

use futures::future::join;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::administration::{account, audit, tokens, users};
use super::history::history;
use super::new::New;
use super::nodes::{Node, Nodes};
use super::not_found::NotFound;
use super::sign_in::SignIn;
use super::tasks::{Task, Tasks};
use super::views::{DeferredPages, DeferredViews, State};
use super::vm::Vm;
use super::vms::{filter_help, selected_bar};
use crate::acts::answer::QuestionDialog;
use crate::acts::edit::EditDialog;
use crate::acts::power::PowerDialog;
use crate::api;
use crate::language::fetch_later;
use crate::later::later;
use crate::state::route::Route;
use crate::tray::Tray;

/// How long after a failed fetch the next one starts.
const RETRY: Duration = Duration::from_secs(5);

/// Fetches the code, unless it is loaded or being loaded.
pub(crate) fn fetch(later: DeferredPages) {
    let state = later.state;
    if matches!(state.get_untracked(), State::Loading | State::Ready(_)) {
        return;
    }
    state.set(State::Loading);
    spawn_local(async move {
        let (words, views) = join(fetch_later(), views()).await;
        match words.and(views) {
            Ok(views) => state.set(State::Ready(views)),
            Err(_) => {
                state.set(State::Failed);
                set_timeout(move || fetch(later), RETRY);
            }
        }
    });
}

later! {
    fn views() -> Result<DeferredViews, api::Error> {
        Ok(VIEWS)
    }
}

const VIEWS: DeferredViews = DeferredViews {
    page: draw,
    sign_in: || SignIn().into_any(),
    dialogs: || (PowerDialog(), QuestionDialog(), EditDialog(), Tray()).into_any(),
    selected_bar,
    filter_help,
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
        Route::History => history(),
        Route::Task { id } => view! { <Task id /> }.into_any(),
        // The list is part of the first load.
        Route::Vms | Route::NotFound => NotFound().into_any(),
    }
}
