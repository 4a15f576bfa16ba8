//! The frame of these pages.

use ecoman_api::SignInMode;
use leptos::prelude::*;

use crate::components::{Icon, follow, icon, set_title};
use crate::live::use_live;
use crate::state::route::{self, Route};
use crate::state::text;

/// A page of them: its title, what stands beside the title, and the page itself.
pub(super) fn section(
    page: &Route,
    title: &'static str,
    actions: AnyView,
    content: AnyView,
) -> AnyView {
    set_title(move || title.to_owned());
    let texts = &text::deferred().access;
    let tabs = [
        (Route::Account, texts.account),
        (Route::Tokens, texts.tokens),
        (Route::Users, texts.users),
        (Route::Audit, texts.audit),
    ];
    let live = use_live();
    // Where nobody signs in there are no tokens and no users.
    let nobody_signs_in = Memo::new(move |_| {
        live.config.with(|config| {
            let config = config.as_ref();
            config.is_some_and(|config| config.identity.mode == SignInMode::None)
        })
    });
    let tabs = tabs.map(|(target, label)| {
        let needs_users = matches!(target, Route::Tokens | Route::Users);
        let current = (target == *page).then_some("page");
        view! {
            <a
                class="section"
                href=target.path()
                aria-current=current
                hidden=move || needs_users && current.is_none() && nobody_signs_in.get()
                on:click=follow()
            >
                {label}
            </a>
        }
    });
    view! {
        <div class="page">
            <div class="column">
                <header class="heading">
                    <h1>{title}</h1>
                    <div class="actions">{actions}</div>
                </header>
                <nav class="sections" aria-label=texts.access>
                    {tabs}
                    // Another page of the server, in a tab of its own.
                    <a class="section" href=route::api_docs() target="_blank" rel="noopener">
                        {texts.rest_api}
                        {icon(Icon::External)}
                    </a>
                </nav>
                {content}
            </div>
        </div>
    }
    .into_any()
}
