//! The API tokens, by which programs act for their users.

use std::collections::BTreeSet;

use ecoman_api::{CreateToken, CreatedToken, Permission, Role, Token};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use super::account::told;
use super::choice::{is_nothing, listed, node_choice, role_choice};
use super::{Loaded, for_those_who, limits, section};
use crate::api;
use crate::clock::use_clock;
use crate::components::{Icon, ago, copy_line, dialog, empty_state, focus, icon, text, when};
use crate::live::use_live;
use crate::route::Page;

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

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Desk {
    tokens: Loaded<Vec<Token>>,
    asked: RwSignal<Option<Asked>>,
    wrong: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
}

/// The page.
pub(crate) fn tokens() -> AnyView {
    let desk = Desk {
        tokens: Loaded::new(),
        asked: RwSignal::new(None),
        wrong: RwSignal::new(None),
        busy: RwSignal::new(false),
    };
    let live = use_live();
    let may = Memo::new(move |_| {
        live.config.with(|config| {
            let config = config.as_ref();
            config.is_some_and(|it| it.identity.may.contains(&Permission::Tokens))
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
                    "New token"
                </button>
            }
        })
    };
    let list = for_those_who(Permission::Tokens, move || {
        let load = move || desk.load();
        desk.tokens
            .show("Loading the API tokens", load, move |tokens| {
                table(desk, tokens)
            })
    });
    let content = view! { {list} {ask(desk)} };
    section(
        &Page::Tokens,
        "API tokens",
        actions.into_any(),
        content.into_any(),
    )
}

impl Desk {
    fn load(self) {
        spawn_local(async move {
            let tokens = api::tokens().await;
            self.tokens.take(tokens.map(|tokens| tokens.items));
        });
    }

    fn ask(self, asked: Asked) {
        self.wrong.set(None);
        self.asked.set(Some(asked));
    }

    fn close(self) {
        self.asked.set(None);
    }
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
    let nodes = RwSignal::new(None::<BTreeSet<String>>);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let value = |field: NodeRef<html::Input>| {
            let field = field.get_untracked();
            field.map(|field| field.value()).unwrap_or_default()
        };
        let Ok(days) = value(days).trim().parse::<u32>() else {
            desk.wrong
                .set(Some(String::from("Days: a whole number from 1 to 3650.")));
            return;
        };
        if desk.busy.get_untracked() || untrack(move || is_nothing(nodes)) {
            return;
        }
        let wanted = CreateToken {
            name: value(name),
            role: Some(role.get_untracked()),
            nodes: listed(nodes),
            expires_in_days: Some(days),
        };
        desk.busy.set(true);
        desk.wrong.set(None);
        spawn_local(async move {
            let made = api::create_token(&wanted).await;
            desk.busy.try_set(false);
            match made {
                Ok(made) => {
                    desk.load();
                    desk.asked.try_set(Some(Asked::Made(made)));
                    request_animation_frame(|| focus(FIRST));
                }
                Err(error) => {
                    desk.wrong.try_set(Some(told(&error)));
                }
            }
        });
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
            {buttons(desk, "Make the token", move || is_nothing(nodes))}
        </form>
    }
    .into_any()
}

/// What went wrong, and the buttons of a form.
fn buttons(
    desk: Desk,
    label: &'static str,
    is_incomplete: impl Fn() -> bool + Copy + Send + Sync + 'static,
) -> AnyView {
    let hint = move || match (desk.wrong.get(), is_incomplete()) {
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
                aria-disabled=move || (desk.busy.get() || is_incomplete()).then_some("true")
            >
                {label}
            </button>
            <button type="button" class="button last" on:click=move |_| desk.close()>
                "Cancel"
            </button>
        </div>
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
    let confirm = move |_| {
        if desk.busy.get_untracked() {
            return;
        }
        desk.busy.set(true);
        let id = id.clone();
        spawn_local(async move {
            let revoked = api::revoke_token(&id).await;
            desk.busy.try_set(false);
            desk.load();
            match revoked {
                Ok(()) => desk.close(),
                Err(error) => {
                    desk.wrong.try_set(Some(error.to_string()));
                }
            }
        });
    };
    view! {
        <h2 id=HEADING class="danger">
            {icon(Icon::Warning)}
            {format!("Revoke “{}”?", token.name)}
        </h2>
        <p>
            {format!(
                "What uses this token of {} is refused from now on. That cannot be taken back.",
                token.owner,
            )}
        </p>
        <p class="bad hint" role="alert">
            {move || desk.wrong.get()}
        </p>
        <div class="choices">
            <button type="button" class="button danger solid" on:click=confirm>
                "Revoke"
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
