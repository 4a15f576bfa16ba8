//! The choice of the node, the best first.

use std::fmt::Write as _;

use leptos::prelude::*;

use super::form::Form;
use crate::components::{Item, keyed, or_unknown};
use crate::state::format;
use crate::state::placement::{Place, Then};
use crate::state::text;

/// All nodes, the best first.
pub(super) type Places = Memo<Option<Vec<Place>>>;

pub(super) fn node_choice(form: Form, places: Places) -> AnyView {
    let wrong = form.wrong("node");
    let texts = &text::deferred().new_vm;
    let names = Memo::new(move |before: Option<&Vec<String>>| {
        let names: Vec<_> = places
            .with(|places| {
                let places = places.as_ref()?.iter();
                Some(places.map(|place| place.node.clone()).collect())
            })
            .unwrap_or_default();
        match before.filter(|before| before.len() == names.len()) {
            // Rows that trade places would do so under the pointer, and throw out the focus.
            Some(before) if is_in_use() && names.iter().all(|name| before.contains(name)) => {
                before.clone()
            }
            _ => names,
        }
    });
    let rows = move || {
        let item = |node: String| -> Item {
            let key = node.clone();
            (key, Box::new(move || row(form, places, node)))
        };
        names.get().into_iter().map(item).collect()
    };
    view! {
        <fieldset id="node" class="places" tabindex="-1" aria-describedby="node-hint">
            <legend class="sr">{texts.node}</legend>
            <table class="fit-table">
                <thead>
                    <tr>
                        <th scope="col">{texts.node}</th>
                        <th scope="col" class="number free">{texts.free_memory}</th>
                        <th scope="col" class="number">{texts.then_free}</th>
                        <th scope="col" class="number">{texts.free_disk}</th>
                        <th scope="col" class="number provisioned">{texts.provisioned_then}</th>
                    </tr>
                </thead>
                <tbody>{keyed(rows)}</tbody>
            </table>
        </fieldset>
        <p class="hint" id="node-hint" class:bad=move || wrong.with(Option::is_some)>
            {move || match wrong.get() {
                Some(wrong) => (texts.field_wrong)(texts.node, &wrong),
                None => texts.order.to_owned(),
            }}
        </p>
    }
    .into_any()
}

/// Whether somebody points at a row or has the focus in one.
fn is_in_use() -> bool {
    let found = document().query_selector(".fit-table tbody:hover, .fit-table tbody :focus");
    found.is_ok_and(|found| found.is_some())
}

fn row(form: Form, places: Places, node: String) -> AnyView {
    let texts = &text::deferred().new_vm;
    let name = StoredValue::new(node.clone());
    let part = move |part: fn(&Place) -> AnyView| {
        let place = Memo::new(move |_| {
            places.with(|places| {
                let mut places = places.as_ref()?.iter();
                name.with_value(|name| places.find(|place| place.node == *name).cloned())
            })
        });
        move || place.with(|place| place.as_ref().map(part))
    };
    let is = move |what: fn(&Place) -> bool| {
        Memo::new(move |_| {
            places.with(|places| {
                let mut places = places.iter().flatten();
                name.with_value(|name| places.any(|place| place.node == *name && what(place)))
            })
        })
    };
    let suggested = Memo::new(move |_| {
        places.with(|places| {
            let best = places.as_ref().and_then(|places| places.first());
            best.is_some_and(|best| best.is_good() && name.with_value(|name| best.node == *name))
        })
    });
    let blocked = is(|place| place.blocked.is_some());
    // One that is too small may be chosen first, and a size for it then.
    let disabled = is(|place| place.blocked.is_some() && !place.too_small);
    let chosen = Memo::new(move |_| {
        let node = form.draft.with(|draft| draft.node.clone());
        name.with_value(|name| node.as_ref() == Some(name))
    });
    let choose = move || {
        if !disabled.get_untracked() {
            form.change("node", |draft| draft.node = Some(name.get_value()));
        }
    };
    let why = id(&node);
    view! {
        <tr
            class:blocked=move || blocked.get()
            class:chosen=move || chosen.get()
            on:click=move |_| choose()
        >
            <th scope="row">
                <label>
                    <input
                        type="radio"
                        name="node"
                        value=node.clone()
                        disabled=move || disabled.get()
                        aria-describedby=why.clone()
                        prop:checked=move || chosen.get()
                        on:change=move |_| choose()
                    />
                    <span class="name">{node}</span>
                    {move || suggested.get().then(|| view! { <span class="tag">{texts.suggested}</span> })}
                </label>
                {part(|place| place.blocked.clone().map(|why| view! { <span class="small">{why}</span> }).into_any())}
                <span class="sr" id=why aria-hidden="true">
                    {part(|place| place.reason.clone().into_any())}
                </span>
            </th>
            <td class="number free">{part(|place| or_unknown(place.free_mb.map(format::megabytes)))}</td>
            <td class="number">{part(|place| then(place.then))}</td>
            <td class="number">
                {part(|place| or_unknown(place.disk.as_ref().map(|(_, free)| format::bytes(*free))))}
            </td>
            <td class="number provisioned">{part(|place| provisioned(place.provisioned))}</td>
        </tr>
    }
    .into_any()
}

/// Memory once the VM is on.
fn then(then: Option<Then>) -> AnyView {
    let texts = &text::deferred().new_vm;
    match then {
        Some(Then::Short(mb)) => {
            view! { <span class="short">{(texts.does_not_fit)(mb)}</span> }.into_any()
        }
        Some(Then::Free(mb)) => format::megabytes(mb).into_any(),
        None => or_unknown(None),
    }
}

fn provisioned(hundredths: Option<u64>) -> AnyView {
    let texts = &text::deferred().new_vm;
    let is_over = hundredths.is_some_and(|hundredths| hundredths > 100);
    view! { <span class:over=is_over>{or_unknown(hundredths.map(texts.provisioned))}</span> }
        .into_any()
}

/// An id for the reason at a node: names may have blanks, ids may not.
fn id(node: &str) -> String {
    node.bytes().fold(String::from("why-"), |mut id, byte| {
        // Writing to a text does not fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}
