//! What goes with signing in: the account, API tokens, users and the audit log.

mod account;
mod audit;
mod choice;
mod tokens;
mod users;

use ecoman_api::{Config, Permission, Role, SignInMode};
use leptos::task::spawn_local;
use leptos::{html, prelude::*};

use super::set_title;
use crate::api;
use crate::components::{Icon, empty_state, failed_state, follow, icon};
use crate::live::use_live;
use crate::state::route::Page;

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

/// Whether the reader may.
fn may(permission: Permission) -> Memo<bool> {
    let live = use_live();
    Memo::new(move |_| {
        live.config.with(|config| {
            let config = config.as_ref();
            config.is_some_and(|config| config.identity.may.contains(&permission))
        })
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

/// A list that can be changed: its items (`None`: on their way), what the dialog over it is about,
/// and how far that is.
struct Desk<T: Send + Sync + 'static, A: Send + Sync + 'static> {
    items: RwSignal<Option<Result<Vec<T>, api::Error>>>,
    asked: RwSignal<Option<A>>,
    wrong: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
    load: StoredValue<fn(Self)>,
}

impl<T: Send + Sync, A: Send + Sync> Clone for Desk<T, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync, A: Send + Sync> Copy for Desk<T, A> {}

impl<T: Clone + Send + Sync + 'static, A: Send + Sync + 'static> Desk<T, A> {
    /// A list that is loaded as soon as it is known that the reader may see it. `load` asks for the
    /// items and [`Desk::take`]s them.
    fn open(permission: Permission, load: fn(Self)) -> Self {
        let desk = Self {
            items: RwSignal::new(None),
            asked: RwSignal::new(None),
            wrong: RwSignal::new(None),
            busy: RwSignal::new(false),
            load: StoredValue::new(load),
        };
        let may = may(permission);
        Effect::new(move || {
            if may.get() {
                desk.load();
            }
        });
        desk
    }

    fn load(self) {
        if let Some(load) = self.load.try_get_value() {
            load(self);
        }
    }

    /// Takes an answer; a failure does not take away what is shown.
    fn take(self, answer: Result<Vec<T>, api::Error>) {
        self.items.try_update(|items| {
            let is_shown = matches!(items, Some(Ok(_)));
            if answer.is_ok() || !is_shown {
                *items = Some(answer);
            }
        });
    }

    /// Opens the dialog.
    fn ask(self, asked: A) {
        self.wrong.set(None);
        self.asked.set(Some(asked));
    }

    fn close(self) {
        self.asked.try_set(None);
    }

    /// Does something, loads the list anew, and goes on with what came of it where it worked.
    fn does<R: 'static>(
        self,
        work: impl Future<Output = Result<R, api::Error>> + 'static,
        then: impl FnOnce(R) + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.wrong.set(None);
        spawn_local(async move {
            let outcome = work.await;
            self.busy.try_set(false);
            self.load();
            match outcome {
                Ok(result) => then(result),
                Err(error) => {
                    self.wrong.try_set(Some(told(&error)));
                }
            }
        });
    }

    /// Shows the list to those who may see it, or why it is not there.
    fn show(
        self,
        permission: Permission,
        what: &'static str,
        draw: impl Fn(Vec<T>) -> AnyView + Copy + Send + Sync + 'static,
    ) -> AnyView {
        for_those_who(permission, move || {
            let shown = move || match self.items.get() {
                None => loading(what),
                Some(Err(error)) => {
                    let retry = move || self.load();
                    failed_state("This could not be loaded", &error.to_string(), retry)
                }
                Some(Ok(items)) => draw(items),
            };
            shown.into_any()
        })
    }

    /// The button that asks for a new item, for those who may.
    fn new_button(self, permission: Permission, label: &'static str, asked: fn() -> A) -> AnyView {
        let may = may(permission);
        let button = move || {
            may.get().then(|| {
                view! {
                    <button
                        type="button"
                        class="button primary"
                        on:click=move |_| self.ask(asked())
                    >
                        {icon(Icon::Plus)}
                        {label}
                    </button>
                }
            })
        };
        button.into_any()
    }

    /// What went wrong, and the buttons of a form; `nodes` are those that are chosen in it.
    fn form_end(self, label: &'static str, nodes: choice::Nodes) -> AnyView {
        let hint = move || match (self.wrong.get(), choice::is_nothing(nodes)) {
            (Some(wrong), _) => Some(wrong),
            (None, true) => Some(String::from("Choose one node at least.")),
            (None, false) => None,
        };
        view! {
            <p class="bad hint" role="alert">
                {hint}
            </p>
            <div class="choices">
                <button
                    type="submit"
                    class="button primary"
                    aria-disabled=move || {
                        (self.busy.get() || choice::is_nothing(nodes)).then_some("true")
                    }
                >
                    {label}
                </button>
                <button type="button" class="button last" on:click=move |_| self.close()>
                    "Cancel"
                </button>
            </div>
        }
        .into_any()
    }

    /// The dialog before something that cannot be taken back.
    fn danger(
        self,
        ids: (&'static str, &'static str),
        (question, meaning, label): (String, String, &'static str),
        confirm: impl Fn() + 'static,
    ) -> AnyView {
        view! {
            <h2 id=ids.0 class="danger">
                {icon(Icon::Warning)}
                {question}
            </h2>
            <p>{meaning}</p>
            <p class="bad hint" role="alert">
                {move || self.wrong.get()}
            </p>
            <div class="choices">
                <button type="button" class="button danger solid" on:click=move |_| confirm()>
                    {label}
                </button>
                <button
                    type="button"
                    class="button last"
                    id=ids.1
                    on:click=move |_| self.close()
                >
                    "Cancel"
                </button>
            </div>
        }
        .into_any()
    }
}

/// What is typed in a field.
fn value(field: NodeRef<html::Input>) -> String {
    let field = field.get_untracked();
    field.map(|field| field.value()).unwrap_or_default()
}

/// The rules of single fields, where the server has told them; else the whole.
fn told(error: &api::Error) -> String {
    let fields = error.fields();
    if fields.is_empty() {
        return error.to_string();
    }
    let fields = fields
        .into_iter()
        .map(|(field, rule)| format!("{}: {rule}.", field.replace('_', " ")));
    fields.collect::<Vec<_>>().join(" ")
}

/// The names of nodes that somebody is limited to.
fn limits(nodes: Option<&Vec<String>>) -> String {
    match nodes {
        None => String::from("all nodes"),
        Some(nodes) if nodes.is_empty() => String::from("no node"),
        Some(nodes) => nodes.join(", "),
    }
}
