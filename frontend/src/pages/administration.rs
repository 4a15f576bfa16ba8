//! What goes with signing in: the account, API tokens, users and the audit log.

mod account;
mod audit;
mod choice;
mod tokens;
mod users;

use ecoman_api::{Config, Permission, Role, SignInMode};
use leptos::prelude::*;

use super::set_title;
use crate::api;
use crate::components::{Icon, empty_state, failed_state, follow, icon};
use crate::live::use_live;
use crate::route::Page;

pub(crate) use account::account;
pub(crate) use audit::audit;
pub(crate) use tokens::tokens;
pub(crate) use users::users;

/// A page of them: its title, what stands beside the title, and the page itself.
fn section(page: &Page, title: &'static str, actions: AnyView, content: AnyView) -> AnyView {
    set_title(move || title.to_owned());
    let tabs = [
        (Page::Account, "Account"),
        (Page::Tokens, "API tokens"),
        (Page::Users, "Users"),
        (Page::Audit, "Audit log"),
    ];
    let tabs = tabs.map(|(target, label)| {
        let current = (target == *page).then_some("page");
        view! {
            <a class="section" href=target.path() aria-current=current on:click=follow()>
                {label}
            </a>
        }
    });
    view! {
        <div class="page">
            <div class="column">
                <header class="heading">
                    <h1>{title}</h1>
                    <div class="actions">{actions}</div>
                </header>
                <nav class="sections" aria-label="Access">
                    {tabs}
                    // Another page of the server, in a tab of its own.
                    <a class="section" href="/api/docs/" target="_blank" rel="noopener">
                        "REST API"
                        {icon(Icon::External)}
                    </a>
                </nav>
                {content}
            </div>
        </div>
    }
    .into_any()
}

/// Why the reader may not, if so.
fn why_not(config: &Config, permission: Permission) -> Option<String> {
    let identity = &config.identity;
    if identity.may.contains(&permission) {
        return None;
    }
    if identity.mode == SignInMode::None {
        return Some(String::from(
            "Nobody signs in to this server, and whoever reaches it may do everything. With \
             DASHBOARD_SIGN_IN=password there are users and API tokens.",
        ));
    }
    let role = identity.role.map_or("nobody", Role::as_str);
    Some(match identity.role {
        Some(Role::Admin) => {
            String::from("It takes an admin of all nodes, and you are limited to some.")
        }
        _ => format!("It takes the role admin, and yours is {role}."),
    })
}

/// What is only for those who may; for others the reason why they may not.
fn for_those_who(
    permission: Permission,
    content: impl Fn() -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let live = use_live();
    let reason = Memo::new(move |_| {
        live.config.with(|config| {
            let config = config.as_ref()?;
            Some(why_not(config, permission))
        })
    });
    let shown = move || match reason.get() {
        None => loading("Looking who you are"),
        Some(Some(reason)) => empty_state(String::from("Not for you"), reason, ().into_any()),
        Some(None) => content(),
    };
    shown.into_any()
}

fn loading(words: &'static str) -> AnyView {
    view! { <p class="skeleton" role="status">{words}</p> }.into_any()
}

/// A list that is loaded when its page is opened, and again after each change.
struct Loaded<T: Send + Sync + 'static> {
    state: RwSignal<Option<Result<T, api::Error>>>,
}

impl<T: Send + Sync + 'static> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loaded<T> {}

impl<T: Clone + Send + Sync + 'static> Loaded<T> {
    fn new() -> Self {
        Self {
            state: RwSignal::new(None),
        }
    }

    /// Takes an answer; a failure does not take away what is shown.
    fn take(self, answer: Result<T, api::Error>) {
        self.state.try_update(|state| {
            let is_shown = matches!(state, Some(Ok(_)));
            if answer.is_ok() || !is_shown {
                *state = Some(answer);
            }
        });
    }

    /// Shows it, or why it is not there.
    fn show(
        self,
        what: &'static str,
        load: impl Fn() + Copy + Send + Sync + 'static,
        draw: impl Fn(T) -> AnyView + Send + Sync + 'static,
    ) -> AnyView {
        let shown = move || match self.state.get() {
            None => loading(what),
            Some(Err(error)) => failed_state("This could not be loaded", &error.to_string(), load),
            Some(Ok(value)) => draw(value),
        };
        shown.into_any()
    }
}

/// The names of nodes that somebody is limited to.
fn limits(nodes: Option<&Vec<String>>) -> String {
    match nodes {
        None => String::from("all nodes"),
        Some(nodes) if nodes.is_empty() => String::from("no node"),
        Some(nodes) => nodes.join(", "),
    }
}
