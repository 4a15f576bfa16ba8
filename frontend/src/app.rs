//! The frame of every page: what all pages share, header, and the page itself.

use ecoman_api::SignInMode;
use leptos::{ev, prelude::*};

use crate::acts::answer::QuestionDialogs;
use crate::acts::edit::EditDialogs;
use crate::acts::power::PowerDialogs;
use crate::attention::{Attention, use_attention};
use crate::clock::Clock;
use crate::components::{Icon, ThemeButton, Tooltip, TooltipLayer, busy, focus, follow, icon};
use crate::list_position::ListPosition;
use crate::live::{Connection, LiveData, use_live};
use crate::location::{Location, use_location};
use crate::pages::{ConnectionBanner, DeferredPages, ServerNotices, Vms, fetch};
use crate::session::sign_out;
use crate::state::format;
use crate::state::route::Route;
use crate::state::selection::Selection;
use crate::state::text;

/// The application.
#[component]
pub(crate) fn App() -> impl IntoView {
    let clock = Clock::start();
    provide_context(clock);
    provide_context(Location::start());
    let live = LiveData::start(clock);
    provide_context(live);
    provide_context(Attention::start(live, clock));
    let selection = RwSignal::new(Selection::default());
    provide_context(selection);
    provide_context(PowerDialogs::new(live, selection));
    provide_context(QuestionDialogs::new());
    provide_context(EditDialogs::new());
    provide_context(ListPosition::default());
    provide_context(Tooltip::new());
    Frame()
}

#[component]
fn Frame() -> impl IntoView {
    let location = use_location();
    let page = Memo::new(move |_| location.path.with(|path| Route::parse(path)));
    let list_position: ListPosition = expect_context();
    let tip: Tooltip = expect_context();
    let live = use_live();
    let later = DeferredPages::new(fetch);
    provide_context(later);
    // The list first: what it does not need does not compete with it.
    Effect::new(move || {
        let listed = live
            .vms
            .with(|vms| vms.data().is_some() || vms.error().is_some());
        if listed || live.signed_out.get() || page.with(|page| *page != Route::Vms) {
            fetch(later);
        }
    });
    // A new page takes the focus; the next one of its kind leaves it on the way to the one after.
    Effect::new(move |before: Option<Route>| {
        let page = page.get();
        tip.hide();
        let kind = std::mem::discriminant(&page);
        if before.is_some_and(|before| std::mem::discriminant(&before) != kind) {
            let target = if page == Route::Vms { "grid" } else { "main" };
            request_animation_frame(move || focus(target));
        }
        page
    });

    let texts = &text::first_load().frame;
    view! {
        <a class="skip" href="#main" on:click=|event| focus_main(&event)>{texts.skip_to_content}</a>
        <header class="bar">
            <a
                class="brand"
                href=Route::Vms.path()
                aria-label=texts.home
                on:click=follow()
            >
                <Logo />
                <span>"ECoMan"</span>
            </a>
            <nav aria-label=texts.pages>
                <a
                    class="tab"
                    href=move || list_position.list_path()
                    aria-current=move || {
                        page.with(|page| matches!(page, Route::Vms | Route::Vm { .. } | Route::New))
                            .then_some("page")
                    }
                    on:click=follow()
                >
                    {texts.vms}
                    <span class="count">
                        {move || {
                            live.vms.with(|vms| Some(format::grouped(vms.data()?.rows().len() as u64)))
                        }}
                    </span>
                </a>
                <a
                    class="tab"
                    href=Route::Nodes.path()
                    aria-current=move || {
                        page.with(|page| matches!(page, Route::Nodes | Route::Node { .. }))
                            .then_some("page")
                    }
                    on:click=follow()
                >
                    {texts.nodes}
                    <span class="count">
                        {move || {
                            live.nodes.with(|nodes| Some(format::grouped(nodes.data()?.len() as u64)))
                        }}
                    </span>
                </a>
                <a
                    class="tab"
                    href=Route::Tasks.path()
                    aria-current=move || {
                        page.with(|page| matches!(page, Route::Tasks | Route::Task { .. }))
                            .then_some("page")
                    }
                    on:click=follow()
                >
                    {texts.tasks}
                    {tasks_mark()}
                </a>
                <a
                    class="tab"
                    href=Route::History.path()
                    aria-current=move || {
                        page.with(|page| *page == Route::History).then_some("page")
                    }
                    on:click=follow()
                >
                    {texts.history}
                </a>
            </nav>
            <ConnectionState />
            {account()}
            <ThemeButton />
        </header>
        <main id="main" tabindex="-1">
            <ConnectionBanner />
            <ServerNotices />
            {move || match (live.signed_out.get(), page.get()) {
                (true, _) => later.sign_in(),
                (false, Route::Vms) => Vms().into_any(),
                (false, page) => later.page(page),
            }}
        </main>
        {move || later.dialogs()}
        <TooltipLayer />
    }
}

#[component]
fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7"></rect>
            <path d="M8 8h16v4.2H8zM8 13.9h10v4.2H8zM8 19.8h16V24H8z"></path>
        </svg>
    }
}

/// How many tasks have failed and were not seen, else how many have not ended, where there are any.
fn tasks_mark() -> AnyView {
    let live = use_live();
    let attention = use_attention();
    let texts = &text::first_load().frame;
    let running = Memo::new(move |_| live.tasks.with(|tasks| Some(tasks.data()?.running())));
    let mark = move || {
        let failed = attention.failures.get();
        let (count, class, words) = match failed {
            0 => (running.get()?, "count", texts.tasks_under_way),
            failed => (failed, "count unseen", texts.tasks_failed),
        };
        let sign = match failed {
            0 => busy(),
            _ => icon(Icon::Warning).into_any(),
        };
        (count > 0).then(|| {
            view! {
                <span class=class>
                    {sign} {format::grouped(count as u64)} <span class="sr">{words}</span>
                </span>
            }
        })
    };
    mark.into_any()
}

/// Who is signed in, the way to what goes with that, and the way out.
fn account() -> AnyView {
    let live = use_live();
    let texts = &text::first_load().frame;
    let identity = Memo::new(move |_| {
        let signed_in = !live.signed_out.get();
        let config = live.config.get().filter(|_| signed_in)?;
        let role = config
            .identity
            .role
            .map_or("", |role| text::first_load().parts.roles.of(role));
        Some((config.identity.name, role, config.identity.mode))
    });
    let shown = move || {
        let (name, role, mode) = identity.get()?;
        let (name, role) = match name {
            Some(name) => (name, role),
            // Nobody signs in.
            None => (texts.access.to_owned(), ""),
        };
        let out = (mode == SignInMode::Password).then(|| {
            view! {
                <button type="button" class="button small quiet" on:click=move |_| sign_out()>
                    {texts.sign_out}
                </button>
            }
        });
        Some(view! {
            <span class="account">
                <a
                    class="button small quiet"
                    href=Route::Account.path()
                    title=texts.account_links
                    on:click=follow()
                >
                    {icon(Icon::Person)}
                    <span class="who">{name}</span>
                    <span class="role">{role}</span>
                </a>
                {out}
            </span>
        })
    };
    shown.into_any()
}

/// Whether changes arrive.
#[component]
fn ConnectionState() -> impl IntoView {
    let live = use_live();
    let texts = &text::first_load().frame;
    let state = move || match live.connection.get() {
        _ if live.signed_out.get() => ("connection", texts.not_signed_in),
        Connection::Connecting => ("connection", texts.connecting),
        Connection::Established => ("connection live", texts.live),
        Connection::Lost { .. } => ("connection lost", texts.not_connected),
    };
    view! {
        <span class=move || state().0 role="status">
            <span class="dot" aria-hidden="true"></span>
            <span class="word">{move || state().1}</span>
        </span>
    }
}

/// The router would take the fragment for an address of its own.
fn focus_main(event: &ev::MouseEvent) {
    event.prevent_default();
    focus("main");
}
