//! The users.

use std::collections::BTreeSet;

use ecoman_api::{CreateUser, Permission, Role, SignInMode, UpdateUser, User};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use super::choice::{is_nothing, listed, node_choice, role_choice};
use super::fields::{limits, value};
use super::section::section;
use super::table;
use crate::api;
use crate::components::{ago, dialog, empty_state, text};
use crate::live::use_live;
use crate::state::route::Route;

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

type Desk = table::Desk<User, Asked>;

/// The page.
pub(crate) fn users() -> AnyView {
    let desk = Desk::open(Permission::Users, |desk| {
        spawn_local(async move {
            let users = api::users().await;
            desk.take(users.map(|users| users.items));
        });
    });
    let list = desk.show(Permission::Users, "Loading the users", move |users| {
        table(desk, users)
    });
    section(
        &Route::Users,
        "Users",
        desk.new_button(Permission::Users, "New user", || Asked::New),
        view! { {list} {ask(desk)} }.into_any(),
    )
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
                desk.does(async move { api::create_user(&wanted).await }, move |_| {
                    desk.close();
                });
            }
            Some(name) => {
                let wanted = UpdateUser {
                    role,
                    nodes,
                    password,
                };
                desk.does(
                    async move { api::update_user(&name, &wanted).await },
                    move |_| {
                        desk.close();
                    },
                );
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
            {desk.form_end(if is_new { "Add the user" } else { "Save" }, nodes)}
        </form>
    }
    .into_any()
}

fn removal(desk: Desk, user: &User) -> AnyView {
    let name = user.name.clone();
    desk.danger(
        (HEADING, FIRST),
        (
            format!("Remove {}?", user.name),
            String::from(
                "Their sessions and API tokens end at once. What they did stays in the audit log.",
            ),
            "Remove",
        ),
        move || {
            let name = name.clone();
            desk.does(async move { api::delete_user(&name).await }, move |()| {
                desk.close();
            });
        },
    )
}
