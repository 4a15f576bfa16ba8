//! Whether the reader may see a page, and why not.

use ecoman_api::{Config, Permission, Role, SignInMode};
use leptos::prelude::*;

use crate::components::empty_state;
use crate::live::use_live;

/// Why the reader may not, if so.
pub(super) fn why_not(config: &Config, permission: Permission) -> Option<String> {
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
pub(super) fn may(permission: Permission) -> Memo<bool> {
    let live = use_live();
    Memo::new(move |_| {
        live.config.with(|config| {
            let config = config.as_ref();
            config.is_some_and(|config| config.identity.may.contains(&permission))
        })
    })
}

/// What is only for those who may; for others the reason why they may not.
pub(super) fn for_those_who(
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

pub(super) fn loading(words: &'static str) -> AnyView {
    view! { <p class="skeleton" role="status">{words}</p> }.into_any()
}
