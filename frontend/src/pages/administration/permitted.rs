//! Whether the reader may see a page, and why not.

use ecoman_api::{Config, Permission, Role, SignInMode};
use leptos::prelude::*;

use crate::components::empty_state;
use crate::live::use_live;
use crate::state::text;

/// Why the reader may not, if so.
pub(super) fn why_not(config: &Config, permission: Permission) -> Option<String> {
    let texts = &text::deferred().access;
    let identity = &config.identity;
    if identity.may.contains(&permission) {
        return None;
    }
    if identity.mode == SignInMode::None {
        return Some(texts.nobody_signs_in.to_owned());
    }
    let role = identity
        .role
        .map_or(texts.nobody, |role| text::first_load().parts.roles.of(role));
    Some(match identity.role {
        Some(Role::Admin) => texts.needs_unlimited_admin.to_owned(),
        _ => (texts.needs_admin)(role),
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
    let texts = &text::deferred().access;
    let reason = Memo::new(move |_| {
        live.config.with(|config| {
            let config = config.as_ref()?;
            Some(why_not(config, permission))
        })
    });
    let shown = move || match reason.get() {
        None => loading(texts.loading_identity),
        Some(Some(reason)) => empty_state(texts.not_for_you.to_owned(), reason, ().into_any()),
        Some(None) => content(),
    };
    shown.into_any()
}

pub(super) fn loading(words: &'static str) -> AnyView {
    view! { <p class="skeleton" role="status">{words}</p> }.into_any()
}
