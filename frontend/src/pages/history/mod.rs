//! What happened: tasks that have ended, and what the crawler saw change outside ECoMan.

mod card;
mod changes;
mod log;
mod rows;
mod toolbar;

use leptos::prelude::*;

pub(super) use self::card::history_card;
use self::log::Log;
use self::toolbar::toolbar;
use crate::api;
use crate::clock::midnight;
use crate::components::{busy, csv_button, empty_state, failed_state, link, set_title};
use crate::location::use_location;
use crate::state::history_filter::HistoryFilter;
use crate::state::route::Route;
use crate::state::text;

/// The page.
pub(super) fn history() -> AnyView {
    let texts = &text::deferred().history;
    let location = use_location();
    let filter = Memo::new(move |_| location.query.with(|query| HistoryFilter::parse(query)));
    let log = Log::open(filter);
    set_title(move || {
        filter.with(|filter| match (&filter.vm, &filter.node) {
            (Some(vm), _) => (texts.title_of)(&format!("{}/{}", vm.node, vm.vmid)),
            (None, Some(node)) => (texts.title_of)(node),
            (None, None) => texts.history.to_owned(),
        })
    });
    let csv = csv_button(
        texts.save_csv,
        "history",
        || None,
        move || {
            let query = filter.get_untracked().to_api(midnight);
            async move { api::history_csv(&query).await }
        },
    );
    let is_empty = Memo::new(move |_| log.shown.with(|shown| shown.items.is_empty()));
    let list = move || match (log.loaded.get(), is_empty.get()) {
        (false, _) => match log.wrong.get() {
            Some(error) => {
                let retry = move || log.load(None);
                failed_state(texts.not_loaded, &error.to_string(), retry)
            }
            None => view! { <p class="skeleton" role="status">{texts.loading}</p> }.into_any(),
        },
        (true, true) => nothing(log),
        (true, false) => rows::table(log),
    };
    view! {
        <div class="page">
            <div class="column wide">
                <header class="heading">
                    <h1>{texts.history}</h1>
                    <div class="actions">{csv}</div>
                </header>
                {toolbar(log)}
                {list}
                {more(log)}
            </div>
        </div>
    }
    .into_any()
}

fn nothing(log: Log) -> AnyView {
    let texts = &text::deferred().history;
    // The search is not at its end.
    if log.shown.with(|shown| shown.older.is_some()) {
        return ().into_any();
    }
    if log.filter.get() == HistoryFilter::default() {
        let (title, why) = (texts.none.to_owned(), texts.none_why.to_owned());
        return empty_state(title, why, ().into_any());
    }
    empty_state(
        texts.no_such_line.to_owned(),
        texts.no_such_line_why.to_owned(),
        link("button", Route::History.path(), texts.whole.into_any()),
    )
}

fn more(log: Log) -> AnyView {
    let texts = &text::deferred().history;
    let older = Memo::new(move |_| {
        log.shown
            .with(|shown| shown.older.is_some().then_some(shown.items.is_empty()))
    });
    let load = move |_| {
        let token = log.shown.with_untracked(|shown| shown.older.clone());
        if token.is_some() && !log.loading.get_untracked() {
            log.load(token);
        }
    };
    let shown = move || {
        let nothing_yet = older.get()?;
        let label = if nothing_yet {
            texts.search_on
        } else {
            texts.older
        };
        Some(view! {
            <p class="more">
                <button type="button" class="button" on:click=load>
                    {move || log.loading.get().then(busy)}
                    {label}
                </button>
                " "
                <span class="bad" role="status">
                    {move || log.wrong.with(|wrong| wrong.as_ref().map(ToString::to_string))}
                </span>
            </p>
        })
    };
    shown.into_any()
}
