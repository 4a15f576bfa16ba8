//! Chooses one node, or all of them.

use leptos::prelude::*;

/// A list of `names` to choose from; `every` stands first and chooses none of them. `label` is for
/// screen readers.
pub(crate) fn node_select(
    label: &'static str,
    every: &'static str,
    names: Memo<Vec<String>>,
    chosen: Memo<Option<String>>,
    choose: impl Fn(Option<String>) + 'static,
) -> AnyView {
    let options = move || {
        let chosen = chosen.get();
        let names = names.get().into_iter().map(|name| {
            let selected = chosen.as_ref() == Some(&name);
            let shown = name.clone();
            view! { <option value=name selected=selected>{shown}</option> }
        });
        names.collect::<Vec<_>>()
    };
    let change = move |event| {
        let name = event_target_value(&event);
        choose((!name.is_empty()).then_some(name));
    };
    view! {
        <select aria-label=label on:change=change>
            <option value="" selected=move || chosen.with(Option::is_none)>
                {every}
            </option>
            {options}
        </select>
    }
    .into_any()
}
