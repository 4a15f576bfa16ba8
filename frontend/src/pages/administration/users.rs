//! The users.

use std::collections::BTreeSet;

use ecoman_api::{CreateUser, Permission, Role, SignInMode, UpdateUser, User};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use super::choice::{is_nothing, listed, node_choice, role_choice};
use super::fields::{limits, value};
use super::section::section;
use super::table::{self, ManagedList};
use crate::api;
use crate::components::{ago, dialog, or_unknown};
use crate::live::use_live;
use crate::state::route::Route;
use crate::state::text;

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

type List = ManagedList<User, Asked>;

/// The page.
pub(crate) fn users() -> AnyView {
    let list = List::open(Permission::Users, |list| {
        spawn_local(async move {
            let users = api::users().await;
            list.take(users.map(|users| users.items));
        });
    });
    let texts = &text::deferred().access;
    let content = list.show(Permission::Users, texts.loading_users, move |users| {
        table(list, users)
    });
    section(
        &Route::Users,
        texts.users,
        list.new_button(Permission::Users, texts.new_user, || Asked::New),
        view! { {content} {ask(list)} }.into_any(),
    )
}

fn table(list: List, users: Vec<User>) -> AnyView {
    let texts = &text::deferred().access;
    let headings = [
        texts.name,
        texts.role,
        texts.nodes,
        texts.added,
        texts.password_since,
    ];
    let rows = users.into_iter().map(|user| row(list, user)).collect();
    let empty = (texts.no_users, texts.no_users_why);
    table::table(texts.users, &headings, rows, empty)
}

fn row(list: List, user: User) -> AnyView {
    let texts = &text::deferred().access;
    let since = match user.password_since {
        None => or_unknown(Some(texts.no_password.to_owned())),
        Some(at) => ago(at),
    };
    let (change, remove) = (
        (texts.change_user)(&user.name),
        (texts.remove_user)(&user.name),
    );
    let (name, role, added) = (
        user.name.clone(),
        text::first_load().parts.roles.of(user.role),
        user.created_at,
    );
    let nodes = limits(user.nodes.as_ref());
    let removed = user.clone();
    view! {
        <tr>
            <th scope="row">
                <span class="name">{name}</span>
            </th>
            <td data-label=texts.role>{role}</td>
            <td data-label=texts.nodes>
                <span class="wrap">{nodes}</span>
            </td>
            <td data-label=texts.added>{ago(added)}</td>
            <td data-label=texts.password_since>{since}</td>
            <td>
                <button
                    type="button"
                    class="button small"
                    aria-label=change
                    on:click=move |_| list.ask(Asked::Change(user.clone()))
                >
                    {texts.change}
                </button>
                " "
                <button
                    type="button"
                    class="button small"
                    aria-label=remove
                    on:click=move |_| list.ask(Asked::Remove(removed.clone()))
                >
                    {texts.remove}
                </button>
            </td>
        </tr>
    }
    .into_any()
}

fn ask(list: List) -> AnyView {
    let open = Memo::new(move |_| list.asked.with(Option::is_some));
    let content = move || {
        Some(match list.asked.get()? {
            Asked::New => form(list, None),
            Asked::Change(user) => form(list, Some(user)),
            Asked::Remove(user) => removal(list, &user),
        })
    };
    dialog(
        open,
        (HEADING, FIRST),
        move || list.close(),
        content.into_any(),
    )
}

/// Of a new user, or of one who is there.
fn form(list: List, user: Option<User>) -> AnyView {
    let live = use_live();
    let texts = &text::deferred().access;
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
        None => texts.new_user.to_owned(),
        Some(user) => (texts.change_user)(&user.name),
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
                list.does(async move { api::create_user(&wanted).await }, move |_| {
                    list.close();
                });
            }
            Some(name) => {
                let wanted = UpdateUser {
                    role,
                    nodes,
                    password,
                };
                list.does(
                    async move { api::update_user(&name, &wanted).await },
                    move |_| {
                        list.close();
                    },
                );
            }
        }
    };
    let name_field = is_new.then(|| {
        view! {
            <div class="field">
                <label for=FIRST>{texts.name}</label>
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
        (true, true) => texts.user_password,
        (true, false) => texts.user_password_proxy,
        (false, _) => texts.user_password_new,
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
            {list.form_end(if is_new { texts.add_user } else { texts.save }, nodes)}
        </form>
    }
    .into_any()
}

fn removal(list: List, user: &User) -> AnyView {
    let texts = &text::deferred().access;
    let name = user.name.clone();
    list.danger(
        (HEADING, FIRST),
        (
            (texts.remove_question)(&user.name),
            texts.remove_meaning.to_owned(),
            texts.remove,
        ),
        move || {
            let name = name.clone();
            list.does(async move { api::delete_user(&name).await }, move |()| {
                list.close();
            });
        },
    )
}
