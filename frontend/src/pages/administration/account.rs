//! Who the reader is here.

use ecoman_api::{ChangePassword, Identity, Role, SignInMode};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use super::fields::{error_text, limits, value};
use super::permitted::loading;
use super::section::section;
use crate::api;
use crate::components::{card, copy_line, fact, fact_card, sentence, text_fact};
use crate::language::language_choice;
use crate::live::{LiveData, use_live};
use crate::session::sign_out;
use crate::state::route::{self, Route};
use crate::state::text;

/// The page.
pub(crate) fn account() -> AnyView {
    let live = use_live();
    let identity = Memo::new(move |_| {
        live.config
            .with(|config| Some(config.as_ref()?.identity.clone()))
    });
    let texts = &text::deferred().access;
    let content = move || match identity.get() {
        None => loading(texts.loading_identity),
        Some(identity) => cards(live, &identity),
    };
    let has_session = Memo::new(move |_| {
        identity.with(|it| {
            it.as_ref()
                .is_some_and(|it| it.mode == SignInMode::Password)
        })
    });
    let actions = move || {
        has_session.get().then(|| {
            view! {
                <button type="button" class="button" on:click=move |_| sign_out()>
                    {text::first_load().frame.sign_out}
                </button>
            }
        })
    };
    section(
        &Route::Account,
        texts.account,
        actions.into_any(),
        content.into_any(),
    )
}

fn cards(live: LiveData, identity: &Identity) -> AnyView {
    let texts = &text::deferred().access;
    let how = match identity.mode {
        SignInMode::None => texts.sign_in_none,
        SignInMode::Password => texts.sign_in_password,
        SignInMode::Proxy => texts.sign_in_proxy,
    };
    let role = match identity.role {
        Some(Role::Viewer) => texts.role_viewer,
        Some(Role::Operator) => texts.role_operator,
        Some(Role::Admin) => texts.role_admin,
        None => texts.role_none,
    };
    let name = identity.name.clone();
    let version = live
        .config
        .with_untracked(|config| config.as_ref().map(|config| config.version.clone()));
    let who = fact_card(
        "who",
        texts.you,
        vec![
            name.map_or_else(|| ().into_any(), |name| text_fact(texts.name, Some(name))),
            text_fact(texts.role, Some(role.to_owned())),
            text_fact(texts.nodes, Some(limits(identity.nodes.as_ref()))),
            text_fact(texts.sign_in, Some(how.to_owned())),
            fact(texts.language, language_choice()),
            text_fact(texts.version, version),
        ],
    );
    let origin = window().location().origin().unwrap_or_default();
    let base = route::base();
    let line = match identity.mode {
        SignInMode::None => format!("curl -s '{origin}{base}/api/v1/vms?q=large:true'"),
        _ => format!(
            "curl -s -H \"Authorization: Bearer $TOKEN\" '{origin}{base}/api/v1/vms?q=large:true'"
        ),
    };
    let api = view! {
        <div class="lines">
            <p>
                {sentence(
                    texts.about_api,
                    [
                        view! {
                            <a href=route::api_docs() target="_blank" rel="noopener">
                                {texts.rest_api}
                            </a>
                        }
                        .into_any(),
                    ],
                )}
            </p>
            {copy_line(texts.copy_call, line)}
        </div>
    };
    let password = (identity.mode == SignInMode::Password).then(|| password_card(live));
    view! {
        <div class="pair">{who} {card("api", texts.for_programs, api.into_any())} {password}</div>
    }
    .into_any()
}

fn password_card(live: LiveData) -> AnyView {
    let texts = &text::deferred().access;
    let current = NodeRef::<html::Input>::new();
    let new = NodeRef::<html::Input>::new();
    let again = NodeRef::<html::Input>::new();
    let busy = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let wanted = ChangePassword {
            current: value(current),
            new: value(new),
        };
        if busy.get_untracked() {
            return;
        }
        if wanted.new != value(again) {
            wrong.set(Some(texts.passwords_differ.to_owned()));
            return;
        }
        busy.set(true);
        wrong.set(None);
        spawn_local(async move {
            let outcome = api::change_password(&wanted).await;
            busy.try_set(false);
            match outcome {
                // All sessions have ended, this one too.
                Ok(()) => {
                    live.connect();
                }
                Err(error) => {
                    wrong.try_set(Some(error_text(&error)));
                }
            }
        });
    };
    let field = |id: &'static str, label: &'static str, complete: &'static str, node| {
        view! {
            <div class="field">
                <label for=id>{label}</label>
                <input id=id type="password" autocomplete=complete required node_ref=node />
            </div>
        }
    };
    let form = view! {
        <form class="fields" on:submit=submit>
            {field("password-current", texts.current_password, "current-password", current)}
            {field("password-new", texts.new_password, "new-password", new)}
            {field("password-again", texts.new_password_again, "new-password", again)}
            <p class="bad hint" role="alert">
                {move || wrong.get()}
            </p>
            <div class="choices">
                <button
                    type="submit"
                    class="button primary"
                    aria-disabled=move || busy.get().then_some("true")
                >
                    {texts.change_password}
                </button>
                <span class="small">{texts.ends_sessions}</span>
            </div>
        </form>
    };
    card("password", texts.password, form.into_any())
}
