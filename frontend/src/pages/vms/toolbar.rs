//! Above the list: filter, chips, order on small screens, counts.

use ecoman_api::{Filter, FilterError, Permission, Sort};
use leptos::{ev, html, prelude::*};

use super::super::views::{DeferredPages, HelpActions};
use super::controls::{ListControls, counted};
use super::export::export_button;
use crate::components::{Icon, focus, icon, is_typing, link, sentence};
use crate::live::use_live;
use crate::state::format;
use crate::state::list::{COLUMNS, Chip, Listing};
use crate::state::route::Route;
use crate::state::text;

#[component]
pub(super) fn Toolbar(
    controls: ListControls,
    listing: Memo<Listing>,
    parsed: Memo<Result<Filter, FilterError>>,
    loaded: Memo<bool>,
) -> impl IntoView {
    let texts = &text::first_load().list;
    let help = RwSignal::new(false);
    view! {
        <div class="toolbar" role="search" aria-label=texts.search>
            <FilterBox controls parsed help />
            <div class="chips" role="group" aria-label=texts.show_only>
                {Chip::ALL.map(|chip| view! { <ChipButton controls listing chip /> })}
            </div>
            <OrderSelect controls />
            <p class="counts" role="status">
                {move || {
                    loaded
                        .get()
                        .then(|| {
                            let counts = listing.with(counted);
                            sentence(
                                texts.counted,
                                [view! { <strong>{counts}</strong> }.into_any()],
                            )
                        })
                }}
            </p>
            {export_button(controls, parsed)}
            {new_vm()}
            {move || {
                let error = parsed.get().err().filter(|_| !help.get())?;
                let text = controls.query.with_untracked(|query| query.filter.clone());
                Some(view! { <Mistake controls text error /> })
            }}
        </div>
    }
}

/// The way to the form for a new VM, or why it is not the reader's.
fn new_vm() -> AnyView {
    let live = use_live();
    let texts = &text::first_load().list;
    let forbidden = Memo::new(move |_| {
        live.config.with(|config| {
            let config = config.as_ref();
            config.is_some_and(|it| !it.identity.may.contains(&Permission::Create))
        })
    });
    let label = || view! { {icon(Icon::Plus)} {texts.new_vm} }.into_any();
    let shown = move || match forbidden.get() {
        false => link("button small", Route::New.path(), label()),
        true => view! {
            <button
                type="button"
                class="button small"
                aria-disabled="true"
                aria-description=texts.no_new_vm
                data-tip=texts.no_new_vm
            >
                {label()}
            </button>
        }
        .into_any(),
    };
    shown.into_any()
}

#[component]
fn FilterBox(
    controls: ListControls,
    parsed: Memo<Result<Filter, FilterError>>,
    help: RwSignal<bool>,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let later: DeferredPages = expect_context();
    let actions = HelpActions {
        replace: Callback::new(move |example| {
            controls.set_typed(|query| query.filter = example);
            help.set(false);
            focus("filter");
        }),
        add: Callback::new(move |term: String| {
            controls.set_typed(|query| {
                let before = query.filter.trim_end();
                let gap = if before.is_empty() { "" } else { " " };
                query.filter = format!("{before}{gap}{term}");
            });
            focus("filter");
        }),
        close: Callback::new(move |()| help.set(false)),
    };
    let text = Memo::new(move |_| controls.query.with(|query| query.filter.clone()));
    let clear = move || controls.set_typed(|query| query.filter.clear());
    let take = move |typed| controls.set_typed(|query| query.filter = typed);
    // What an input method shows while it is being chosen is no filter yet.
    let composing = StoredValue::new(false);

    let slash = window_event_listener(ev::keydown, move |event| {
        let plain = !(event.ctrl_key() || event.meta_key() || event.alt_key());
        if event.key() == "/"
            && plain
            && !is_typing()
            && let Some(input) = input.get_untracked()
        {
            event.prevent_default();
            let _ = input.focus();
            input.select();
        }
    });
    on_cleanup(move || slash.remove());

    let texts = &text::first_load().list;
    let keydown = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Escape" => {
            if help.get_untracked() {
                help.set(false);
            } else if text.with_untracked(String::is_empty) {
                focus("grid");
            } else {
                clear();
            }
        }
        "ArrowDown" | "Enter" => {
            event.prevent_default();
            focus("grid");
        }
        _ => {}
    };

    view! {
        <div class="filter">
            <label class="sr" for="filter">{texts.filter}</label>
            {icon(Icon::Search)}
            <input
                id="filter"
                type="text"
                inputmode="search"
                enterkeyhint="search"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                placeholder=texts.filter
                aria-keyshortcuts="/"
                aria-invalid=move || parsed.with(Result::is_err).then_some("true")
                aria-describedby=move || parsed.with(Result::is_err).then_some("filter-error")
                node_ref=input
                prop:value=text
                on:input=move |event| {
                    if !composing.get_value() {
                        take(event_target_value(&event));
                    }
                }
                on:compositionstart=move |_| composing.set_value(true)
                on:compositionend=move |event| {
                    composing.set_value(false);
                    // No `input` follows in every browser.
                    take(event_target_value(&event));
                }
                on:keydown=keydown
            />
            <kbd aria-hidden="true" hidden=move || !text.with(String::is_empty)>"/"</kbd>
            <button
                type="button"
                class="inside clear"
                aria-label=texts.clear_filter
                hidden=move || text.with(String::is_empty)
                on:click=move |_| {
                    clear();
                    focus("filter");
                }
            >
                {icon(Icon::Close)}
            </button>
            <button
                type="button"
                class="inside"
                aria-label=texts.filter_help
                aria-expanded=move || help.get().to_string()
                aria-controls="filter-help"
                on:click=move |_| help.update(|help| *help = !*help)
                on:keydown=move |event| {
                    if event.key() == "Escape" && help.get_untracked() {
                        event.stop_propagation();
                        help.set(false);
                    }
                }
            >
                {icon(Icon::Unknown)}
            </button>
            {move || help.get().then(|| later.filter_help(actions))}
        </div>
    }
}

/// The text with its mistake marked, and what would be right there.
#[component]
fn Mistake(controls: ListControls, text: String, error: FilterError) -> impl IntoView {
    let mut characters = text.chars();
    let before: String = characters.by_ref().take(error.position).collect();
    let (at, after) = match characters.next() {
        Some(at) => (at.to_string(), characters.collect()),
        None => (String::from("\u{a0}"), String::new()),
    };
    let place = error.position + 1;
    let suggestion = error.suggestion.map(|suggestion| {
        let label = (text::first_load().list.use_suggestion)(&suggestion);
        let take = move |_| {
            controls.set_typed(|query| query.filter.clone_from(&suggestion));
            focus("filter");
        };
        view! {
            <button type="button" class="button small" on:click=take>
                {label}
            </button>
        }
    });
    view! {
        <div class="mistake" id="filter-error" role="status">
            <code aria-hidden="true">{before} <mark>{at}</mark> {after}</code>
            <p>
                <span class="sr">{(text::first_load().list.at_character)(place)}</span>
                {text::filter_fault(&error.fault)}
            </p>
            {suggestion}
        </div>
    }
}

#[component]
fn ChipButton(controls: ListControls, listing: Memo<Listing>, chip: Chip) -> impl IntoView {
    let pressed = Memo::new(move |_| controls.query.with(|query| query.chips.has(chip)));
    let count = Memo::new(move |_| listing.with(|listing| listing.count(chip)));
    let sign = match chip {
        Chip::Running => Icon::On,
        Chip::Off => Icon::Off,
        Chip::Large => Icon::Large,
        Chip::Stale => Icon::Stale,
        Chip::Question => Icon::Unknown,
        Chip::Pending => Icon::Edit,
    };
    let class = match chip {
        Chip::Running => "chip running",
        Chip::Off => "chip off",
        Chip::Large => "chip large",
        Chip::Stale => "chip stale",
        Chip::Question => "chip question",
        Chip::Pending => "chip pending",
    };
    // Seldom there: the last ones, so that they move nothing.
    let seldom = matches!(chip, Chip::Question | Chip::Pending);
    let hidden = move || seldom && count.get() == 0 && !pressed.get();
    view! {
        <button
            type="button"
            class=class
            hidden=hidden
            aria-pressed=move || pressed.get().to_string()
            on:click=move |_| controls.set(|query| query.chips = query.chips.toggled(chip))
        >
            {icon(sign)}
            {chip.label()}
            " "
            <span class="count">{move || format::grouped(count.get() as u64)}</span>
        </button>
    }
}

/// The order, where there are no headings to click on.
#[component]
fn OrderSelect(controls: ListControls) -> impl IntoView {
    let sort = Memo::new(move |_| controls.query.with(|query| query.sort.clone()));
    let options: Vec<_> = COLUMNS
        .iter()
        .flat_map(|column| {
            let first = column.click(&Sort::default());
            let second = column.click(&first);
            // The node is the default order: its first click turns it round.
            [(*column, first), (*column, second)]
        })
        .map(|(column, order)| {
            let arrow = if column.descending(&order) == Some(true) {
                "↓"
            } else {
                "↑"
            };
            let value = order.to_string();
            let chosen = {
                let value = value.clone();
                move || sort.with(|sort| sort.to_string() == value)
            };
            view! {
                <option value=value selected=chosen>
                    {format!("{} {arrow}", column.title())}
                </option>
            }
        })
        .collect();
    view! {
        <select
            class="order"
            aria-label=text::first_load().list.order
            on:change=move |event| {
                let chosen = Sort::parse(&event_target_value(&event)).unwrap_or_default();
                controls.set(|query| query.sort = chosen);
            }
        >
            {options}
        </select>
    }
}
