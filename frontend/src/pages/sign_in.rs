//! In place of every page, for somebody who has not signed in.

use ecoman_api::{Identity, ProblemKind, SignInMode};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use crate::api;
use crate::components::{empty_state, failed_state, focus};
use crate::language::language_choice;
use crate::live::use_live;
use crate::state::text;

/// Asks for name and password, or says where else one signs in.
#[component]
pub(crate) fn SignIn() -> impl IntoView {
    let identity: RwSignal<Option<Identity>> = RwSignal::new(None);
    let why = RwSignal::new(None);
    let ask = move || {
        spawn_local(async move {
            match api::session().await {
                Ok(known) => {
                    why.try_set(None);
                    identity.try_set(Some(known));
                }
                Err(error) => {
                    why.try_set(Some(error.to_string()));
                }
            }
        });
    };
    let texts = &text::deferred().sign_in;
    ask();
    move || match identity.with(|known| known.as_ref().map(|known| known.mode)) {
        Some(SignInMode::Password) => PasswordForm().into_any(),
        Some(SignInMode::Proxy | SignInMode::None) => elsewhere(),
        None => match why.get() {
            Some(why) => failed_state(texts.not_possible, &why, ask),
            None => view! { <p class="skeleton" role="status">{texts.loading}</p> }.into_any(),
        },
    }
}

/// The proxy in front has to let them in.
fn elsewhere() -> AnyView {
    let live = use_live();
    let texts = &text::deferred().sign_in;
    let (reported, is_known) = live.vms.with_untracked(|vms| {
        let error = vms.error();
        (
            error.map(ToString::to_string),
            error.is_some_and(|error| error.is(ProblemKind::BadCredentials)),
        )
    });
    if let Some(reported) = reported.clone().filter(|_| is_known) {
        // The proxy has let them in: to sign in again changes nothing.
        return empty_state(texts.no_access.to_owned(), reported, ().into_any());
    }
    let reload = view! {
        <button type="button" class="button primary" on:click=move |_| reload()>
            {texts.reload}
        </button>
    };
    empty_state(
        texts.elsewhere.to_owned(),
        reported.map_or_else(
            || texts.elsewhere_how.to_owned(),
            |reported| (texts.elsewhere_why)(&reported),
        ),
        reload.into_any(),
    )
}

#[component]
fn PasswordForm() -> impl IntoView {
    let live = use_live();
    let name = NodeRef::<html::Input>::new();
    let password = NodeRef::<html::Input>::new();
    let busy = RwSignal::new(false);
    let wrong: RwSignal<Option<String>> = RwSignal::new(None);
    // Somebody who was signed in a moment ago wants to know why they are here.
    let ended = live.config.with_untracked(Option::is_some);
    let texts = &text::deferred().sign_in;
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (Some(name), Some(field)) = (name.get_untracked(), password.get_untracked()) else {
            return;
        };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        wrong.set(None);
        spawn_local(async move {
            let outcome = api::sign_in(name.value(), field.value()).await;
            busy.try_set(false);
            match outcome {
                Ok(()) => {
                    live.connect();
                }
                Err(error) => {
                    wrong.try_set(Some(error.to_string()));
                    field.set_value("");
                    request_animation_frame(|| focus("sign-in-password"));
                }
            }
        });
    };
    request_animation_frame(|| focus("sign-in-name"));
    view! {
        <form class="card sign-in" aria-labelledby="sign-in-title" on:submit=submit>
            <h1 id="sign-in-title">{texts.title}</h1>
            {ended.then(|| view! { <p>{texts.session_ended}</p> })}
            <div class="field">
                <label for="sign-in-name">{texts.name}</label>
                <input
                    id="sign-in-name"
                    type="text"
                    autocomplete="username"
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    node_ref=name
                />
            </div>
            <div class="field">
                <label for="sign-in-password">{texts.password}</label>
                <input
                    id="sign-in-password"
                    type="password"
                    autocomplete="current-password"
                    required
                    node_ref=password
                />
            </div>
            <p class="wrong" role="alert">{move || wrong.get()}</p>
            <button
                type="submit"
                class="button primary"
                aria-disabled=move || busy.get().then_some("true")
            >
                {move || if busy.get() { texts.signing_in } else { texts.sign_in }}
            </button>
            {language_choice()}
        </form>
    }
}

/// Loads the page again.
fn reload() {
    // A browser that refuses leaves everything as it is.
    let _ = window().location().reload();
}
