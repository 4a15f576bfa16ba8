//! Parts of the forms: a role, and the nodes that somebody is limited to.

use std::collections::BTreeSet;

use ecoman_api::Role;
use leptos::prelude::*;

use crate::live::use_live;
use crate::state::text;

/// All nodes (`None`), or some of them.
pub(super) type Nodes = RwSignal<Option<BTreeSet<String>>>;

/// The roles that may be given, the least first.
pub(super) fn role_choice(id: &'static str, role: RwSignal<Role>, most: Role) -> AnyView {
    let texts = &text::deferred().access;
    let options = Role::ALL
        .into_iter()
        .filter(|role| *role <= most)
        .map(|each| {
            let what = match each {
                Role::Viewer => texts.choose_viewer,
                Role::Operator => texts.choose_operator,
                Role::Admin => texts.choose_admin,
            };
            view! {
                <option value=each.as_str() selected=move || role.get() == each>
                    {what}
                </option>
            }
        })
        .collect::<Vec<_>>();
    let choose = move |event| {
        let word = event_target_value(&event);
        if let Some(chosen) = Role::ALL.into_iter().find(|role| role.as_str() == word) {
            role.set(chosen);
        }
    };
    view! {
        <div class="field">
            <label for=id>{texts.role}</label>
            <select id=id on:change=choose>
                {options}
            </select>
        </div>
    }
    .into_any()
}

/// All nodes (`None`), or some of them.
pub(super) fn node_choice(nodes: Nodes) -> AnyView {
    let live = use_live();
    let known = Memo::new(move |_| {
        let mut known: BTreeSet<String> = live.nodes.with(|all| {
            all.data()
                .into_iter()
                .flat_map(|all| all.keys().cloned())
                .collect()
        });
        // Those that are gone for now can be left as they are.
        nodes.with(|nodes| known.extend(nodes.iter().flatten().cloned()));
        known
    });
    let texts = &text::deferred().access;
    let is_all = Memo::new(move |_| nodes.with(Option::is_none));
    let boxes = move || {
        let names = known.get().into_iter().map(|name| {
            let (of, asked, shown) = (name.clone(), name.clone(), name);
            view! {
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=move || {
                            nodes.with(|nodes| nodes.as_ref().is_some_and(|it| it.contains(&of)))
                        }
                        on:change=move |event| {
                            let is_chosen = event_target_checked(&event);
                            nodes
                                .update(|nodes| {
                                    let nodes = nodes.get_or_insert_default();
                                    if is_chosen {
                                        nodes.insert(asked.clone());
                                    } else {
                                        nodes.remove(&asked);
                                    }
                                });
                        }
                    />
                    {shown}
                </label>
            }
        });
        (!is_all.get()).then(|| view! { <div class="boxes">{names.collect::<Vec<_>>()}</div> })
    };
    view! {
        <fieldset class="field">
            <legend>{texts.nodes}</legend>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=is_all
                    on:change=move |event| {
                        nodes.set((!event_target_checked(&event)).then(BTreeSet::new));
                    }
                />
                {texts.all_nodes}
            </label>
            {boxes}
        </fieldset>
    }
    .into_any()
}

/// As the API takes it.
pub(super) fn listed(nodes: Nodes) -> Option<Vec<String>> {
    nodes.with_untracked(|nodes| nodes.as_ref().map(|nodes| nodes.iter().cloned().collect()))
}

/// Whether it is a limit to nothing.
pub(super) fn is_nothing(nodes: Nodes) -> bool {
    nodes.with(|nodes| nodes.as_ref().is_some_and(BTreeSet::is_empty))
}
