//! The audit log: who did what, when, from where, with which result.

use ecoman_api::text::deferred::AUDITED;
use ecoman_api::{AuditEntry, AuditOutcome, Authentication, Permission};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::permitted::{for_those_who, loading, may};
use super::section::section;
use crate::api;
use crate::components::{
    Icon, busy, csv_button, empty_state, failed_state, icon, link, or_unknown, sentence, when,
};
use crate::live::use_live;
use crate::location::use_location;
use crate::state::audit_filter::{AuditFilter, OUTCOMES};
use crate::state::route::Route;
use crate::state::text;

/// What is shown of the log.
#[derive(Clone, Copy)]
struct Log {
    entries: RwSignal<Vec<AuditEntry>>,
    /// Where older ones begin.
    older: RwSignal<Option<String>>,
    loading: RwSignal<bool>,
    loaded: RwSignal<bool>,
    wrong: RwSignal<Option<api::Error>>,
}

/// The page.
pub(crate) fn audit() -> AnyView {
    let location = use_location();
    let filter = Memo::new(move |_| location.query.with(|query| AuditFilter::parse(query)));
    let log = Log {
        entries: RwSignal::default(),
        older: RwSignal::new(None),
        loading: RwSignal::new(false),
        loaded: RwSignal::new(false),
        wrong: RwSignal::new(None),
    };
    let texts = &text::deferred().audit;
    let may = may(Permission::Audit);
    Effect::new(move || {
        filter.track();
        if may.get() {
            log.load(filter, None);
        }
    });
    let actions = move || {
        may.get().then(|| {
            csv_button(
                texts.save_csv,
                "audit",
                || None,
                move || {
                    let query = filter.get_untracked().query();
                    async move { api::audit_csv(&query).await }
                },
            )
        })
    };
    let content = for_those_who(Permission::Audit, move || {
        let list = move || {
            let count = log.entries.with(Vec::len);
            match (log.loaded.get(), log.wrong.get()) {
                (false, Some(error)) => {
                    let retry = move || log.load(filter, None);
                    failed_state(texts.not_loaded, &error.to_string(), retry)
                }
                (false, None) => loading(texts.loading),
                (true, _) if count == 0 => nothing(filter),
                (true, _) => table(log),
            }
        };
        view! { {toolbar(filter)} {list} {more(log, filter)} }.into_any()
    });
    section(
        &Route::Audit,
        text::deferred().access.audit,
        actions.into_any(),
        content,
    )
}

impl Log {
    /// Asks for entries: from the start, or those from a page token on.
    fn load(self, filter: Memo<AuditFilter>, token: Option<String>) {
        let asked = filter.get_untracked();
        self.loading.set(true);
        spawn_local(async move {
            let page = api::audit(&asked.query(), token.as_deref()).await;
            // Something else may be asked for by now, or the page is left.
            if filter.try_get_untracked().as_ref() != Some(&asked) {
                return;
            }
            self.loading.try_set(false);
            match page {
                Ok(page) => {
                    self.wrong.try_set(None);
                    self.older.try_set(page.next_page);
                    self.entries.try_update(|entries| {
                        if token.is_none() {
                            entries.clear();
                        }
                        entries.extend(page.items);
                    });
                    self.loaded.try_set(true);
                }
                Err(error) => {
                    self.wrong.try_set(Some(error));
                }
            }
        });
    }
}

fn outcome_word(outcome: AuditOutcome) -> &'static str {
    let texts = &text::deferred().audit;
    match outcome {
        AuditOutcome::Pending => texts.under_way,
        AuditOutcome::Succeeded => texts.done,
        AuditOutcome::Failed => texts.failed,
        AuditOutcome::Refused => texts.refused,
    }
}

fn toolbar(filter: Memo<AuditFilter>) -> AnyView {
    let location = use_location();
    let live = use_live();
    let texts = &text::deferred().audit;
    let chips = OUTCOMES.map(|outcome| {
        let pressed = Memo::new(move |_| filter.with(|filter| filter.outcomes.contains(&outcome)));
        view! {
            <button
                type="button"
                class="chip"
                aria-pressed=move || pressed.get().to_string()
                on:click=move |_| location.go(&filter.get_untracked().toggled(outcome).to_url())
            >
                {outcome_word(outcome)}
            </button>
        }
    });
    let choose_actor = move |event| {
        let actor = event_target_value(&event).trim().to_owned();
        let wanted = AuditFilter {
            actor: (!actor.is_empty()).then_some(actor),
            ..filter.get_untracked()
        };
        location.go(&wanted.to_url());
    };
    let choose_node = move |event| {
        let node = event_target_value(&event);
        let wanted = AuditFilter {
            node: (!node.is_empty()).then_some(node),
            ..filter.get_untracked()
        };
        location.go(&wanted.to_url());
    };
    let options = move || {
        let chosen = filter.with(|filter| filter.node.clone());
        let mut names: Vec<String> = live.nodes.with(|nodes| {
            nodes
                .data()
                .into_iter()
                .flat_map(|it| it.keys().cloned())
                .collect()
        });
        if let Some(chosen) = chosen.clone().filter(|chosen| !names.contains(chosen)) {
            names.push(chosen);
        }
        let names = names.into_iter().map(|name| {
            let selected = chosen.as_ref() == Some(&name);
            let shown = name.clone();
            view! { <option value=name selected=selected>{shown}</option> }
        });
        names.collect::<Vec<_>>()
    };
    let choose_operation = move |event| {
        let operation = event_target_value(&event);
        let wanted = AuditFilter {
            operation: (!operation.is_empty()).then_some(operation),
            ..filter.get_untracked()
        };
        location.go(&wanted.to_url());
    };
    let operations = move || {
        let chosen = filter.with(|filter| filter.operation.clone());
        let known = AUDITED.into_iter().zip(texts.operations);
        // One that an address names and the list does not have.
        let other = chosen
            .as_deref()
            .filter(|chosen| !AUDITED.contains(chosen))
            .map(|chosen| (chosen, chosen));
        let options = known.chain(other).map(|(operation, words)| {
            let selected = chosen.as_deref() == Some(operation);
            view! {
                <option value=operation.to_owned() selected=selected>
                    {words.to_owned()}
                </option>
            }
        });
        options.collect::<Vec<_>>()
    };
    view! {
        <div class="toolbar" role="search" aria-label=text::deferred().access.audit>
            <div class="chips" role="group" aria-label=text::deferred().parts.show_only>
                {chips}
            </div>
            <select aria-label=texts.operation on:change=choose_operation>
                <option value="" selected=move || filter.with(|filter| filter.operation.is_none())>
                    {texts.every_operation}
                </option>
                {operations}
            </select>
            <input
                type="search"
                aria-label=texts.user
                placeholder=texts.user
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                prop:value=move || filter.with(|filter| filter.actor.clone().unwrap_or_default())
                on:change=choose_actor
            />
            <select aria-label=texts.node on:change=choose_node>
                <option value="" selected=move || filter.with(|filter| filter.node.is_none())>
                    {text::deferred().parts.every_node}
                </option>
                {options}
            </select>
        </div>
    }
    .into_any()
}

fn nothing(filter: Memo<AuditFilter>) -> AnyView {
    let texts = &text::deferred().audit;
    if filter.get() == AuditFilter::default() {
        return empty_state(
            texts.none.to_owned(),
            texts.none_why.to_owned(),
            ().into_any(),
        );
    }
    empty_state(
        texts.no_such_entry.to_owned(),
        text::deferred().parts.show_others.to_owned(),
        link("button", Route::Audit.path(), texts.whole_log.into_any()),
    )
}

fn table(log: Log) -> AnyView {
    let texts = &text::deferred().audit;
    let rows = move || {
        log.entries
            .with(|entries| entries.iter().map(row).collect::<Vec<_>>())
    };
    view! {
        <div class="table-frame" tabindex="0" role="region" aria-label=text::deferred().access.audit>
            <table class="tasks audit">
                <thead>
                    <tr>
                        <th scope="col">{texts.when}</th>
                        <th scope="col">{texts.what}</th>
                        <th scope="col">{texts.who}</th>
                        <th scope="col">{texts.from}</th>
                        <th scope="col">{texts.result}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(entry: &AuditEntry) -> AnyView {
    let texts = &text::deferred().audit;
    let signed_in = match entry.by {
        Authentication::None => texts.by_nobody.to_owned(),
        Authentication::Password => texts.by_password.to_owned(),
        Authentication::Proxy => texts.by_proxy.to_owned(),
        Authentication::Token => match &entry.token {
            Some(token) => (texts.by_token_named)(token),
            None => texts.by_token.to_owned(),
        },
    };
    let signed_in = match (&entry.actor, entry.by) {
        (None, Authentication::None) => String::new(),
        _ => signed_in,
    };
    let who = entry.actor.clone();
    let about = about(entry);
    let (class, sign) = match entry.outcome {
        AuditOutcome::Pending => ("task", None),
        AuditOutcome::Succeeded => ("task good", Some(Icon::Check)),
        AuditOutcome::Failed | AuditOutcome::Refused => ("task bad", Some(Icon::Warning)),
    };
    let sign = sign.map_or_else(busy, |sign| view! { {icon(sign)} }.into_any());
    let word = outcome_word(entry.outcome);
    let result = view! { <span class=class>{sign} <span>{word}</span></span> }.into_any();
    let result = match entry.task {
        Some(id) => link("", Route::Task { id }.path(), result),
        None => result,
    };
    view! {
        <tr>
            <td data-label=texts.when>{when(entry.at, true)}</td>
            <th scope="row">
                <span class="name">{entry.summary.clone()}</span>
                " "
                {about}
                <div class="small">{entry.detail.clone()}</div>
            </th>
            <td data-label=texts.who>
                {or_unknown(who)} <div class="small">{signed_in}</div>
            </td>
            <td data-label=texts.from>{or_unknown(entry.address.clone())}</td>
            <td data-label=texts.result>{result}</td>
        </tr>
    }
    .into_any()
}

/// The VM, node, user or token that it was about.
fn about(entry: &AuditEntry) -> AnyView {
    let texts = &text::deferred().audit;
    let name = entry.name.clone();
    match (&entry.node, entry.vmid) {
        (Some(node), Some(vmid)) => {
            let page = Route::Vm {
                node: node.clone(),
                vmid,
            };
            let name = name.unwrap_or_else(|| vmid.to_string());
            view! {
                {link("", page.path(), name.into_any())}
                " "
                <span class="aside">{sentence(texts.on_node, [node.clone().into_any()])}</span>
            }
            .into_any()
        }
        (Some(node), None) => {
            let page = Route::Node { name: node.clone() };
            view! {
                {name.map(|name| format!("{name} "))}
                <span class="aside">
                    {sentence(
                        texts.on_node,
                        [link("", page.path(), node.clone().into_any())],
                    )}
                </span>
            }
            .into_any()
        }
        (None, _) => name.into_any(),
    }
}

fn more(log: Log, filter: Memo<AuditFilter>) -> AnyView {
    let load = move |_| {
        let token = log.older.get_untracked();
        if token.is_some() && !log.loading.get_untracked() {
            log.load(filter, token);
        }
    };
    let shown = move || {
        log.older.with(Option::is_some).then(|| {
            view! {
                <p class="more">
                    <button type="button" class="button" on:click=load>
                        {move || log.loading.get().then(busy)}
                        {text::deferred().audit.older}
                    </button>
                    " "
                    <span role="status">
                        {move || log.wrong.with(|wrong| wrong.as_ref().map(ToString::to_string))}
                    </span>
                </p>
            }
        })
    };
    shown.into_any()
}
