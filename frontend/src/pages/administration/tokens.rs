//! The API tokens, by which programs act for their users.

use ecoman_api::{CreateToken, CreatedToken, Permission, Role, Token};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use super::choice::{Nodes, is_nothing, listed, node_choice, role_choice};
use super::fields::{limits, value};
use super::section::section;
use super::table::{self, ManagedList};
use crate::api;
use crate::clock::use_clock;
use crate::components::{Icon, ago, copy_line, dialog, focus, icon, or_unknown, when};
use crate::live::use_live;
use crate::state::route::Route;
use crate::state::text;

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

type List = ManagedList<Token, Asked>;

/// The page.
pub(crate) fn tokens() -> AnyView {
    let list = List::open(Permission::Tokens, |list| {
        spawn_local(async move {
            let tokens = api::tokens().await;
            list.take(tokens.map(|tokens| tokens.items));
        });
    });
    let texts = &text::deferred().access;
    let content = list.show(Permission::Tokens, texts.loading_tokens, move |tokens| {
        table(list, tokens)
    });
    section(
        &Route::Tokens,
        texts.tokens,
        list.new_button(Permission::Tokens, texts.new_token, || Asked::New),
        view! { {content} {ask(list)} }.into_any(),
    )
}

fn table(list: List, tokens: Vec<Token>) -> AnyView {
    let texts = &text::deferred().access;
    let headings = [
        texts.name,
        texts.token_of,
        texts.token_may,
        texts.token_made,
        texts.token_expires,
        texts.token_last_used,
    ];
    let rows = tokens.into_iter().map(|token| row(list, token)).collect();
    let empty = (texts.no_tokens, texts.no_tokens_why);
    table::table(texts.tokens, &headings, rows, empty)
}

fn row(list: List, token: Token) -> AnyView {
    let texts = &text::deferred().access;
    let clock = use_clock();
    let expires = token.expires_at;
    let is_over = Memo::new(move |_| expires.is_some_and(|end| end <= clock.now()));
    let end = move || match expires {
        None => or_unknown(Some(texts.never.to_owned())),
        Some(_) if is_over.get() => view! { <span class="bad">{texts.expired}</span> }.into_any(),
        Some(end) => when(end, true),
    };
    let used = match token.last_used_at {
        None => or_unknown(Some(texts.never.to_owned())),
        Some(at) => ago(at),
    };
    let label = (texts.revoke_token)(&token.name);
    let (role, nodes) = (
        text::first_load().parts.roles.of(token.role),
        limits(token.nodes.as_ref()),
    );
    let (name, owner, made) = (token.name.clone(), token.owner.clone(), token.created_at);
    view! {
        <tr>
            <th scope="row">
                <span class="name">{name}</span>
            </th>
            <td data-label=texts.token_of>{owner}</td>
            <td data-label=texts.token_may>
                {role} " " <div class="small wrap">{nodes}</div>
            </td>
            <td data-label=texts.token_made>{ago(made)}</td>
            <td data-label=texts.token_expires>{end}</td>
            <td data-label=texts.token_last_used>{used}</td>
            <td>
                <button
                    type="button"
                    class="button small"
                    aria-label=label
                    on:click=move |_| list.ask(Asked::Revoke(token.clone()))
                >
                    {texts.revoke}
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
            Asked::New => new_token(list),
            Asked::Made(made) => secret(list, &made),
            Asked::Revoke(token) => revoke(list, &token),
        })
    };
    dialog(
        open,
        (HEADING, FIRST),
        move || list.close(),
        content.into_any(),
    )
}

fn new_token(list: List) -> AnyView {
    let live = use_live();
    let texts = &text::deferred().access;
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
            list.wrong.set(Some(texts.token_days_wrong.to_owned()));
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
        list.does(
            async move { api::create_token(&wanted).await },
            move |made| {
                list.asked.try_set(Some(Asked::Made(made)));
                request_animation_frame(|| focus(FIRST));
            },
        );
    };
    view! {
        <h2 id=HEADING>{texts.new_api_token}</h2>
        <form class="form" on:submit=submit>
            <div class="field">
                <label for=FIRST>{texts.token_purpose}</label>
                <input
                    id=FIRST
                    type="text"
                    maxlength="100"
                    required
                    autocomplete="off"
                    placeholder=texts.token_purpose_example
                    node_ref=name
                />
            </div>
            {role_choice("token-role", role, most.unwrap_or(Role::Viewer))}
            <div class="field">
                <label for="token-days">{texts.token_days}</label>
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
            {list.form_end(texts.make_token, nodes)}
        </form>
    }
    .into_any()
}

fn secret(list: List, made: &CreatedToken) -> AnyView {
    let texts = &text::deferred().access;
    let origin = window().location().origin().unwrap_or_default();
    let call = format!(
        "curl -s -H \"Authorization: Bearer {}\" {origin}/api/v1/vms",
        made.secret
    );
    view! {
        <h2 id=HEADING>{icon(Icon::Check)} {(texts.token_named)(&made.token.name)}</h2>
        <p>
            {texts.about_secret}
        </p>
        <div class="lines flat">
            <div>
                <p class="label">{texts.secret}</p>
                {copy_line(texts.copy_secret, made.secret.clone())}
            </div>
            <div>
                <p class="label">{texts.to_try_it}</p>
                {copy_line(texts.copy_call, call)}
            </div>
        </div>
        <div class="choices">
            <button
                type="button"
                class="button primary last"
                id=FIRST
                on:click=move |_| list.close()
            >
                {texts.have_copied}
            </button>
        </div>
    }
    .into_any()
}

fn revoke(list: List, token: &Token) -> AnyView {
    let texts = &text::deferred().access;
    let id = token.id.to_string();
    list.danger(
        (HEADING, FIRST),
        (
            (texts.revoke_question)(&token.name),
            (texts.revoke_meaning)(&token.owner),
            texts.revoke,
        ),
        move || {
            let id = id.clone();
            list.does(async move { api::revoke_token(&id).await }, move |()| {
                list.close();
            });
        },
    )
}
