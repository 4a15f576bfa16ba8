//! The frame of every page: what all pages share, header, and the page itself.

use leptos::{ev, prelude::*};
use leptos_router::components::Router;
use leptos_router::hooks::use_location;

use crate::clock::Clock;
use crate::components::{Link, Tip, TipLayer};
use crate::live::{Connection, Live, use_live};
use crate::pages::{self, ConnectionBanner, Visit};
use crate::route::Page;
use crate::theme::ThemeButton;

/// The application.
#[component]
pub(crate) fn App() -> impl IntoView {
    let clock = Clock::start();
    provide_context(clock);
    provide_context(Live::start(clock));
    provide_context(Visit::default());
    provide_context(Tip::new());
    view! {
        <Router>
            <Frame />
        </Router>
    }
}

#[component]
fn Frame() -> impl IntoView {
    let location = use_location();
    let page = Memo::new(move |_| location.pathname.with(|path| Page::parse(path)));
    let visit: Visit = expect_context();
    let tip: Tip = expect_context();
    // A new page takes the focus; the next one of its kind leaves it on the way to the one after.
    Effect::new(move |before: Option<Page>| {
        let page = page.get();
        tip.hide();
        let kind = std::mem::discriminant(&page);
        if before.is_some_and(|before| std::mem::discriminant(&before) != kind) {
            let target = if page == Page::Vms { "grid" } else { "main" };
            request_animation_frame(move || pages::focus(target));
        }
        page
    });

    view! {
        <a class="skip" href="#main" on:click=focus_main>"Skip to content"</a>
        <header class="bar">
            <Link class="brand" href=Page::Vms.path() label="ECoMan, all VMs">
                <Logo />
                <span>"ECoMan"</span>
            </Link>
            <nav aria-label="Pages">
                <Link
                    class="tab"
                    href=Signal::derive(move || visit.list_path())
                    current=Signal::derive(move || {
                        page.with(|page| matches!(page, Page::Vms | Page::Vm { .. }))
                    })
                >
                    "VMs"
                    <Count count=vm_count() />
                </Link>
                <Link
                    class="tab"
                    href=Page::Nodes.path()
                    current=Signal::derive(move || {
                        page.with(|page| matches!(page, Page::Nodes | Page::Node { .. }))
                    })
                >
                    "Nodes"
                    <Count count=node_count() />
                </Link>
            </nav>
            <ConnectionState />
            <ThemeButton />
        </header>
        <main id="main" tabindex="-1">
            <ConnectionBanner />
            {move || match page.get() {
                Page::Vms => pages::Vms().into_any(),
                Page::Vm { node, vmid } => view! { <pages::Vm node vmid /> }.into_any(),
                Page::Nodes => view! { <pages::Nodes /> }.into_any(),
                Page::Node { name } => view! { <pages::Node name /> }.into_any(),
                Page::NotFound => pages::NotFound().into_any(),
            }}
        </main>
        <TipLayer />
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

#[component]
fn Count(#[prop(into)] count: Signal<Option<usize>>) -> impl IntoView {
    move || {
        count.get().map(|count| {
            view! { <span class="count">{crate::format::grouped(count as u64)}</span> }
        })
    }
}

fn vm_count() -> Signal<Option<usize>> {
    let live = use_live();
    Memo::new(move |_| live.vms.with(|vms| Some(vms.data()?.rows().len()))).into()
}

fn node_count() -> Signal<Option<usize>> {
    let live = use_live();
    Memo::new(move |_| live.nodes.with(|nodes| Some(nodes.data()?.len()))).into()
}

/// Whether changes arrive.
#[component]
fn ConnectionState() -> impl IntoView {
    let live = use_live();
    let state = move || match live.connection.get() {
        Connection::Connecting => ("connection", "Connecting"),
        Connection::Live => ("connection live", "Live"),
        Connection::Lost { .. } => ("connection lost", "Not connected"),
    };
    view! {
        <span class=move || state().0 role="status">
            <span class="dot" aria-hidden="true"></span>
            {move || state().1}
        </span>
    }
}

/// The router would take the fragment for an address of its own.
fn focus_main(event: ev::MouseEvent) {
    event.prevent_default();
    pages::focus("main");
}
