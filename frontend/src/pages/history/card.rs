//! The newest lines of one VM or one node, on its page.

use ecoman_api::HistoryItem;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::changes::after_changes;
use super::rows::{initiator, vm, what};
use crate::api;
use crate::clock::midnight;
use crate::components::{Item, keyed, link, when};
use crate::live::use_live;
use crate::state::history_filter::HistoryFilter;
use crate::state::text;

/// So many lines are shown.
const LINES: usize = 10;

/// The card. `changes` tracks what may bring a line; tasks may in any case.
pub(crate) fn history_card(filter: &HistoryFilter, changes: impl Fn() + 'static) -> AnyView {
    let texts = &text::deferred().history;
    let live = use_live();
    let names_vm = filter.vm.is_none();
    let all = filter.to_url();
    let query = StoredValue::new(filter.to_api(midnight));
    let items = RwSignal::new(None::<Vec<HistoryItem>>);
    let wrong = RwSignal::new(None::<String>);
    let load = move || {
        let Some(query) = query.try_get_value() else {
            return;
        };
        spawn_local(async move {
            let page = api::history(&query, None, LINES).await;
            wrong.try_set(page.as_ref().err().map(ToString::to_string));
            if let Ok(page) = page {
                items.try_set(Some(page.items));
            }
        });
    };
    load();
    let changes = move || {
        changes();
        live.tasks.track();
    };
    after_changes(changes, load);
    let rows = move || -> Vec<Item> {
        let items = items.get().unwrap_or_default().into_iter();
        items
            .map(|item| -> Item { (item.id.to_string(), Box::new(move || row(&item, names_vm))) })
            .collect()
    };
    let aside = move || {
        let words = items.with(|items| match items {
            Some(items) if items.is_empty() => Some(texts.card_none.to_owned()),
            Some(_) => None,
            None => wrong.get().or_else(|| Some(texts.loading.to_owned())),
        });
        words.map(|words| view! { <p class="inner aside">{words}</p> })
    };
    view! {
        <section class="card wide" aria-labelledby="history">
            <h2 id="history">{texts.card} {link("button small quiet", all, texts.card_all.into_any())}</h2>
            {aside}
            <ul class="recent">{keyed(rows)}</ul>
        </section>
    }
    .into_any()
}

fn row(item: &HistoryItem, names_vm: bool) -> AnyView {
    view! {
        <li>
            <span class="at">{when(item.at, true)}</span>
            {(names_vm && item.vm.is_some()).then(|| view! { <span class="of">{vm(item)}</span> })}
            <span class="event">{what(item)}</span>
            <span class="by">{initiator(item)}</span>
        </li>
    }
    .into_any()
}
