//! The help on filters. Its code comes after the list.

use ecoman_api::{FilterField, filter_fields};
use leptos::{ev, prelude::*};

use super::super::views::HelpActions;
use crate::components::focus;
use crate::live::use_live;
use crate::state::text;

/// The help.
pub(crate) fn filter_help(actions: HelpActions) -> AnyView {
    let live = use_live();
    let texts = &text::deferred().filter_help;
    // Those of the reader's own nodes find something.
    let nodes = live.nodes.with_untracked(|nodes| {
        let names = nodes.data().into_iter().flat_map(|nodes| nodes.keys());
        let plain = |name: &&String| {
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        names.filter(plain).take(2).cloned().collect::<Vec<_>>()
    });
    let own = move |field: &FilterField| match (field.name, nodes.as_slice()) {
        ("node", [_, ..]) => format!("node:{}", nodes.join(",")),
        _ => field.example.to_owned(),
    };
    let examples = [
        ("web", texts.word),
        ("\"web server\"", texts.quotes),
        ("power:on,suspended", texts.values),
        ("memory:>=8GB uptime:>7d", texts.compare),
        ("ip:192.0.2.0/24", texts.network),
        ("-notes:ops", texts.not),
        ("(web OR db) power:on", texts.or),
        ("web*", texts.star),
        ("name:=web1", texts.whole),
    ];
    let examples = examples.map(|(example, meaning)| {
        let put = move |_| actions.replace.run(example.to_owned());
        view! {
            <dt>
                <button type="button" class="code" on:click=put>{example}</button>
            </dt>
            <dd>{meaning}</dd>
        }
    });
    let fields: Vec<_> = filter_fields()
        .iter()
        .map(|field| {
            let example = own(field);
            let term = example.clone();
            let insert = move |_| actions.add.run(term.clone());
            view! {
                <button type="button" class="code" data-tip=field.meaning on:click=insert>
                    {example}
                    <span class="sr">{(texts.field)(field.meaning)}</span>
                </button>
            }
        })
        .collect();
    let escape = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            actions.close.run(());
            focus("filter");
        }
    };
    view! {
        <div class="backdrop" aria-hidden="true" on:click=move |_| actions.close.run(())></div>
        <div
            class="under help"
            id="filter-help"
            role="region"
            aria-label=text::first_load().list.filter_help
            on:keydown=escape
        >
            <p>{texts.terms}</p>
            <dl>{examples}</dl>
            <p>{texts.fields}</p>
            <div class="fields">{fields}</div>
        </div>
    }
    .into_any()
}
