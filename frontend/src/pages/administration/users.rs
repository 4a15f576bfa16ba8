//! The users.

use std::collections::BTreeSet;

use ecoman_api::{CreateUser, Permission, Role, SignInMode, UpdateUser, User};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use super::account::told;
use super::choice::{is_nothing, listed, node_choice, role_choice};
use super::{Loaded, for_those_who, limits, section};
use crate::api;
use crate::components::{Icon, ago, dialog, empty_state, icon, text};
use crate::live::use_live;
use crate::route::Page;

const HEADING: &str = "user-heading";
const FIRST: &str = "user-first";

/// What the dialog is about.
#[derive(Clone)]
enum Asked {
    /// A user to be added.
    New,
    /// One to be changed.
    Change(User),
    /// One to be removed.
    Remove(User),
}

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Desk {
    users: Loaded<Vec<User>>,
    asked: RwSignal<Option<Asked>>,
    wrong: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
}

/// The page.
pub(crate) fn users() -> AnyView {
    let desk = Desk {
        users: Loaded::new(),
        asked: RwSignal::new(None),
        wrong: RwSignal::new(None),
        busy: RwSignal::new(false),
    };
    let live = use_live();
    let may = Memo::new(move |_| {
        live.config.with(|config| {
            let config = config.as_ref();
            config.is_some_and(|it| it.identity.may.contains(&Permission::Users))
        })
    });
    // Only those who may are asked for.
    Effect::new(move || {
        if may.get() {
            desk.load();
        }
    });
    let actions = move || {
        may.get().then(|| {
            view! {
                <button type="button" class="button primary" on:click=move |_| desk.ask(Asked::New)>
                    {icon(Icon::Plus)}
                    "New user"
                </button>
            }
        })
    };
    let list = for_those_who(Permission::Users, move || {
        let load = move || desk.load();
        desk.users
            .show("Loading the users", load, move |users| table(desk, users))
    });
    let content = view! { {list} {ask(desk)} };
    section(
        &Page::Users,
        "Users",
        actions.into_any(),
        content.into_any(),
    )
}

impl Desk {
    fn load(self) {
        spawn_local(async move {
            let users = api::users().await;
            self.users.take(users.map(|users| users.items));
        });
    }

    fn ask(self, asked: Asked) {
        self.wrong.set(None);
        self.asked.set(Some(asked));
    }

    fn close(self) {
        self.asked.set(None);
    }

    /// Does something, and closes the dialog when it worked.
    fn does(self, work: impl Future<Output = Result<(), api::Error>> + 'static) {
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
                Ok(()) => self.close(),
                Err(error) => {
                    self.wrong.try_set(Some(told(&error)));
                }
            }
        });
    }
}

fn table(desk: Desk, users: Vec<User>) -> AnyView {
    if users.is_empty() {
        return empty_state(
            String::from("No users yet"),
            String::from(
                "Whom the proxy in front lets in has the role of their group. A user here has the \
                 role and the nodes that you give them.",
            ),
            ().into_any(),
        );
    }
    let rows: Vec<_> = users.into_iter().map(|user| row(desk, user)).collect();
    view! {
        <div class="table-frame" tabindex="0" role="region" aria-label="Users">
            <table class="tasks access">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col">"Nodes"</th>
                        <th scope="col">"Added"</th>
                        <th scope="col">"Password since"</th>
                        <th scope="col">
                            <span class="sr">"Actions"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(desk: Desk, user: User) -> AnyView {
    let since = match user.password_since {
        None => text(Some(String::from("none: signs in elsewhere"))),
        Some(at) => ago(at),
    };
    let (change, remove) = (
        format!("Change {}", user.name),
        format!("Remove {}", user.name),
    );
    let (name, role, added) = (user.name.clone(), user.role.as_str(), user.created_at);
    let nodes = limits(user.nodes.as_ref());
    let removed = user.clone();
    view! {
        <tr>
            <th scope="row">
                <span class="name">{name}</span>
            </th>
            <td data-label="Role">{role}</td>
            <td data-label="Nodes">
                <span class="wrap">{nodes}</span>
            </td>
            <td data-label="Added">{ago(added)}</td>
            <td data-label="Password since">{since}</td>
            <td>
                <button
                    type="button"
                    class="button small"
                    aria-label=change
                    on:click=move |_| desk.ask(Asked::Change(user.clone()))
                >
                    "Change"
                </button>
                " "
                <button
                    type="button"
                    class="button small"
                    aria-label=remove
                    on:click=move |_| desk.ask(Asked::Remove(removed.clone()))
                >
                    "Remove"
                </button>
            </td>
        </tr>
    }
    .into_any()
}

fn ask(desk: Desk) -> AnyView {
    let open = Memo::new(move |_| desk.asked.with(Option::is_some));
    let content = move || {
        Some(match desk.asked.get()? {
            Asked::New => form(desk, None),
            Asked::Change(user) => form(desk, Some(user)),
            Asked::Remove(user) => removal(desk, &user),
        })
    };
    dialog(
        open,
        (HEADING, FIRST),
        move || desk.close(),
        content.into_any(),
    )
}

/// Of a new user, or of one who is there.
fn form(desk: Desk, user: Option<User>) -> AnyView {
    let live = use_live();
    let by_password = live.config.with_untracked(|config| {
        let config = config.as_ref();
        config.is_some_and(|config| config.identity.mode == SignInMode::Password)
    });
    let name = NodeRef::<html::Input>::new();
    let password = NodeRef::<html::Input>::new();
    let role = RwSignal::new(user.as_ref().map_or(Role::Viewer, |user| user.role));
    let known = user.as_ref().and_then(|user| user.nodes.clone());
    let nodes = RwSignal::new(known.map(|nodes| nodes.into_iter().collect::<BTreeSet<_>>()));
    let is_new = user.is_none();
    let title = match &user {
        None => String::from("New user"),
        Some(user) => format!("Change {}", user.name),
    };
    let changed = user.map(|user| user.name);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if untrack(move || is_nothing(nodes)) {
            return;
        }
        let value = |field: NodeRef<html::Input>| {
            let field = field.get_untracked();
            field.map(|field| field.value()).unwrap_or_default()
        };
        let (role, nodes) = (role.get_untracked(), listed(nodes));
        let password = Some(value(password)).filter(|password| !password.is_empty());
        match changed.clone() {
            None => {
                let wanted = CreateUser {
                    name: value(name).trim().to_owned(),
                    role,
                    nodes,
                    password,
                };
                desk.does(async move { api::create_user(&wanted).await.map(|_| ()) });
            }
            Some(name) => {
                let wanted = UpdateUser {
                    role,
                    nodes,
                    password,
                };
                desk.does(async move { api::update_user(&name, &wanted).await.map(|_| ()) });
            }
        }
    };
    let name_field = is_new.then(|| {
        view! {
            <div class="field">
                <label for=FIRST>"Name"</label>
                <input
                    id=FIRST
                    type="text"
                    maxlength="64"
                    required
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    node_ref=name
                />
            </div>
        }
    });
    let password_hint = match (is_new, by_password) {
        (true, true) => "Password (8 to 256 characters)",
        (true, false) => "Password (none: signs in to the proxy)",
        (false, _) => "New password (empty: as it is; another one ends their sessions)",
    };
    let hint = move || match (desk.wrong.get(), is_nothing(nodes)) {
        (Some(wrong), _) => Some(wrong),
        (None, true) => Some(String::from("Choose one node at least.")),
        (None, false) => None,
    };
    view! {
        <h2 id=HEADING>{title}</h2>
        <form class="form" on:submit=submit>
            {name_field}
            {role_choice(if is_new { "user-role" } else { FIRST }, role, Role::Admin)}
            {node_choice(nodes)}
            <div class="field">
                <label for="user-password">{password_hint}</label>
                <input
                    id="user-password"
                    type="password"
                    autocomplete="new-password"
                    required=is_new && by_password
                    node_ref=password
                />
            </div>
            <p class="bad hint" role="alert">
                {hint}
            </p>
            <div class="choices">
                <button
                    type="submit"
                    class="button primary"
                    aria-disabled=move || {
                        (desk.busy.get() || is_nothing(nodes)).then_some("true")
                    }
                >
                    {if is_new { "Add the user" } else { "Save" }}
                </button>
                <button type="button" class="button last" on:click=move |_| desk.close()>
                    "Cancel"
                </button>
            </div>
        </form>
    }
    .into_any()
}

fn removal(desk: Desk, user: &User) -> AnyView {
    let name = user.name.clone();
    let confirm = move |_| {
        let name = name.clone();
        desk.does(async move { api::delete_user(&name).await });
    };
    view! {
        <h2 id=HEADING class="danger">
            {icon(Icon::Warning)}
            {format!("Remove {}?", user.name)}
        </h2>
        <p>"Their sessions and API tokens end at once. What they did stays in the audit log."</p>
        <p class="bad hint" role="alert">
            {move || desk.wrong.get()}
        </p>
        <div class="choices">
            <button type="button" class="button danger solid" on:click=confirm>
                "Remove"
            </button>
            <button
                type="button"
                class="button last"
                id=FIRST
                on:click=move |_| desk.close()
            >
                "Cancel"
            </button>
        </div>
    }
    .into_any()
}
