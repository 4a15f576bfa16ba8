//! Who the reader is here.

use ecoman_api::{ChangePassword, Identity, Role, SignInMode};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use super::fields::{limits, told, value};
use super::permitted::loading;
use super::section::section;
use crate::api;
use crate::components::{card, copy_line, fact_card, text_fact};
use crate::live::{LiveData, use_live};
use crate::session::sign_out;
use crate::state::route::Route;

/// The page.
pub(crate) fn account() -> AnyView {
    let live = use_live();
    let identity = Memo::new(move |_| {
        live.config
            .with(|config| Some(config.as_ref()?.identity.clone()))
    });
    let content = move || match identity.get() {
        None => loading("Looking who you are"),
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
                    "Sign out"
                </button>
            }
        })
    };
    section(
        &Route::Account,
        "Account",
        actions.into_any(),
        content.into_any(),
    )
}

fn cards(live: LiveData, identity: &Identity) -> AnyView {
    let how = match identity.mode {
        SignInMode::None => "Nobody signs in to this server",
        SignInMode::Password => "With name and password",
        SignInMode::Proxy => "To the proxy in front of this server",
    };
    let role = match identity.role {
        Some(Role::Viewer) => "viewer: sees nodes, VMs and tasks",
        Some(Role::Operator) => "operator: sees them, and changes the power of VMs",
        Some(Role::Admin) => "admin: sees and changes everything",
        None => "none",
    };
    let who = fact_card(
        "who",
        "You",
        vec![
            text_fact("Name", identity.name.clone()),
            text_fact("Role", Some(role.to_owned())),
            text_fact("Nodes", Some(limits(identity.nodes.as_ref()))),
            text_fact("Sign-in", Some(how.to_owned())),
        ],
    );
    let origin = window().location().origin().unwrap_or_default();
    let line = match identity.mode {
        SignInMode::None => format!("curl -s '{origin}/api/v1/vms?q=large:true'"),
        _ => format!(
            "curl -s -H \"Authorization: Bearer $TOKEN\" '{origin}/api/v1/vms?q=large:true'"
        ),
    };
    let api = view! {
        <div class="lines">
            <p>
                "All that this page does is a call of the "
                <a href="/api/docs/" target="_blank" rel="noopener">
                    "REST API"
                </a> ", which scripts and generated clients use too."
            </p>
            {copy_line("the call", line)}
        </div>
    };
    let password = (identity.mode == SignInMode::Password).then(|| password_card(live));
    view! {
        <div class="pair">{who} {card("api", "For programs", api.into_any())} {password}</div>
    }
    .into_any()
}

fn password_card(live: LiveData) -> AnyView {
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
            wrong.set(Some(String::from(
                "The new password is not the same twice.",
            )));
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
                    wrong.try_set(Some(told(&error)));
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
            {field("password-current", "Current password", "current-password", current)}
            {field("password-new", "New password (8 to 256 characters)", "new-password", new)}
            {field("password-again", "New password again", "new-password", again)}
            <p class="bad hint" role="alert">
                {move || wrong.get()}
            </p>
            <div class="choices">
                <button
                    type="submit"
                    class="button primary"
                    aria-disabled=move || busy.get().then_some("true")
                >
                    "Change password"
                </button>
                <span class="small">"Ends all of your sessions: sign in again after it."</span>
            </div>
        </form>
    };
    card("password", "Password", form.into_any())
}
