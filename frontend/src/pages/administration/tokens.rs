//! The API tokens, by which programs act for their users.

use ecoman_api::{CreateToken, CreatedToken, Permission, Role, Token};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use super::choice::{Nodes, is_nothing, listed, node_choice, role_choice};
use super::fields::{limits, value};
use super::section::section;
use super::table;
use crate::api;
use crate::clock::use_clock;
use crate::components::{Icon, ago, copy_line, dialog, empty_state, focus, icon, text, when};
use crate::live::use_live;
use crate::state::route::Route;

const HEADING: &str = "token-heading";
const FIRST: &str = "token-first";

/// What the dialog is about.
#[derive(Clone)]
enum Asked {
    /// A token to be made.
    New,
    /// One that was just made, with its secret.
    Made(CreatedToken),
    /// One to be revoked.
    Revoke(Token),
}

type Desk = table::Desk<Token, Asked>;

/// The page.
pub(crate) fn tokens() -> AnyView {
    let desk = Desk::open(Permission::Tokens, |desk| {
        spawn_local(async move {
            let tokens = api::tokens().await;
            desk.take(tokens.map(|tokens| tokens.items));
        });
    });
    let list = desk.show(
        Permission::Tokens,
        "Loading the API tokens",
        move |tokens| table(desk, tokens),
    );
    section(
        &Route::Tokens,
        "API tokens",
        desk.new_button(Permission::Tokens, "New token", || Asked::New),
        view! { {list} {ask(desk)} }.into_any(),
    )
}

fn table(desk: Desk, tokens: Vec<Token>) -> AnyView {
    if tokens.is_empty() {
        return empty_state(
            String::from("No API tokens yet"),
            String::from(
                "A script shows a token instead of a password. It holds what you give it, never \
                 more than you hold yourself, and can be revoked at any time.",
            ),
            ().into_any(),
        );
    }
    let rows: Vec<_> = tokens.into_iter().map(|token| row(desk, token)).collect();
    view! {
        <div class="table-frame" tabindex="0" role="region" aria-label="API tokens">
            <table class="tasks access">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Of"</th>
                        <th scope="col">"May"</th>
                        <th scope="col">"Made"</th>
                        <th scope="col">"Expires"</th>
                        <th scope="col">"Last used"</th>
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

fn row(desk: Desk, token: Token) -> AnyView {
    let clock = use_clock();
    let expires = token.expires_at;
    let is_over = Memo::new(move |_| expires.is_some_and(|end| end <= clock.now()));
    let end = move || match expires {
        None => text(Some(String::from("never"))),
        Some(_) if is_over.get() => view! { <span class="bad">"Expired"</span> }.into_any(),
        Some(end) => when(end, true),
    };
    let used = match token.last_used_at {
        None => text(Some(String::from("never"))),
        Some(at) => ago(at),
    };
    let label = format!("Revoke {}", token.name);
    let (role, nodes) = (token.role.as_str(), limits(token.nodes.as_ref()));
    let (name, owner, made) = (token.name.clone(), token.owner.clone(), token.created_at);
    view! {
        <tr>
            <th scope="row">
                <span class="name">{name}</span>
            </th>
            <td data-label="Of">{owner}</td>
            <td data-label="May">
                {role} " " <div class="small wrap">{nodes}</div>
            </td>
            <td data-label="Made">{ago(made)}</td>
            <td data-label="Expires">{end}</td>
            <td data-label="Last used">{used}</td>
            <td>
                <button
                    type="button"
                    class="button small"
                    aria-label=label
                    on:click=move |_| desk.ask(Asked::Revoke(token.clone()))
                >
                    "Revoke"
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
            Asked::New => new_token(desk),
            Asked::Made(made) => secret(desk, &made),
            Asked::Revoke(token) => revoke(desk, &token),
        })
    };
    dialog(
        open,
        (HEADING, FIRST),
        move || desk.close(),
        content.into_any(),
    )
}

fn new_token(desk: Desk) -> AnyView {
    let live = use_live();
    let most = live.config.with_untracked(|config| {
        let config = config.as_ref();
        config.and_then(|config| config.identity.role)
    });
    let name = NodeRef::<html::Input>::new();
    let days = NodeRef::<html::Input>::new();
    let role = RwSignal::new(Role::Viewer);
    let nodes = Nodes::new(None);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Ok(days) = value(days).trim().parse::<u32>() else {
            desk.wrong
                .set(Some(String::from("Days: a whole number from 1 to 3650.")));
            return;
        };
        if untrack(move || is_nothing(nodes)) {
            return;
        }
        let wanted = CreateToken {
            name: value(name),
            role: Some(role.get_untracked()),
            nodes: listed(nodes),
            expires_in_days: Some(days),
        };
        desk.does(
            async move { api::create_token(&wanted).await },
            move |made| {
                desk.asked.try_set(Some(Asked::Made(made)));
                request_animation_frame(|| focus(FIRST));
            },
        );
    };
    view! {
        <h2 id=HEADING>"New API token"</h2>
        <form class="form" on:submit=submit>
            <div class="field">
                <label for=FIRST>"What it is for"</label>
                <input
                    id=FIRST
                    type="text"
                    maxlength="100"
                    required
                    autocomplete="off"
                    placeholder="nightly report"
                    node_ref=name
                />
            </div>
            {role_choice("token-role", role, most.unwrap_or(Role::Viewer))}
            <div class="field">
                <label for="token-days">"Days until it expires"</label>
                <input
                    id="token-days"
                    type="number"
                    min="1"
                    max="3650"
                    value="90"
                    required
                    node_ref=days
                />
            </div>
            {node_choice(nodes)}
            {desk.form_end("Make the token", nodes)}
        </form>
    }
    .into_any()
}

fn secret(desk: Desk, made: &CreatedToken) -> AnyView {
    let origin = window().location().origin().unwrap_or_default();
    let call = format!(
        "curl -s -H \"Authorization: Bearer {}\" {origin}/api/v1/vms",
        made.secret
    );
    view! {
        <h2 id=HEADING>{icon(Icon::Check)} {format!("Token “{}”", made.token.name)}</h2>
        <p>
            "This is its secret. It is shown this once and kept nowhere: copy it now. Whoever has \
             it holds what the token holds."
        </p>
        <div class="lines flat">
            <div>
                <p class="label">"Secret"</p>
                {copy_line("the secret", made.secret.clone())}
            </div>
            <div>
                <p class="label">"To try it"</p>
                {copy_line("the call", call)}
            </div>
        </div>
        <div class="choices">
            <button
                type="button"
                class="button primary last"
                id=FIRST
                on:click=move |_| desk.close()
            >
                "I have copied it"
            </button>
        </div>
    }
    .into_any()
}

fn revoke(desk: Desk, token: &Token) -> AnyView {
    let id = token.id.to_string();
    desk.danger(
        (HEADING, FIRST),
        (
            format!("Revoke “{}”?", token.name),
            format!(
                "What uses this token of {} is refused from now on. That cannot be taken back.",
                token.owner
            ),
            "Revoke",
        ),
        move || {
            let id = id.clone();
            desk.does(async move { api::revoke_token(&id).await }, move |()| {
                desk.close();
            });
        },
    )
}
