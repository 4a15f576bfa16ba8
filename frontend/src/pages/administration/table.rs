//! A list of things that can be made, changed and removed, with the dialogs over it.

use ecoman_api::Permission;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::choice;
use super::fields::error_text;
use super::permitted::{for_those_who, loading, may};
use crate::api;
use crate::components::{Icon, empty_state, failed_state, icon};
use crate::state::text;

/// A list that can be changed: its items (`None`: on their way), what the dialog over it is about,
/// and how far that is.
pub(super) struct ManagedList<T: Send + Sync + 'static, A: Send + Sync + 'static> {
    pub(super) items: RwSignal<Option<Result<Vec<T>, api::Error>>>,
    pub(super) asked: RwSignal<Option<A>>,
    pub(super) wrong: RwSignal<Option<String>>,
    pub(super) busy: RwSignal<bool>,
    pub(super) load: StoredValue<fn(Self)>,
}

impl<T: Send + Sync, A: Send + Sync> Clone for ManagedList<T, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync, A: Send + Sync> Copy for ManagedList<T, A> {}

impl<T: Clone + Send + Sync + 'static, A: Send + Sync + 'static> ManagedList<T, A> {
    /// A list that is loaded as soon as it is known that the reader may see it. `load` asks for the
    /// items and [`ManagedList::take`]s them.
    pub(super) fn open(permission: Permission, load: fn(Self)) -> Self {
        let list = Self {
            items: RwSignal::new(None),
            asked: RwSignal::new(None),
            wrong: RwSignal::new(None),
            busy: RwSignal::new(false),
            load: StoredValue::new(load),
        };
        let may = may(permission);
        Effect::new(move || {
            if may.get() {
                list.load();
            }
        });
        list
    }

    pub(super) fn load(self) {
        if let Some(load) = self.load.try_get_value() {
            load(self);
        }
    }

    /// Takes an answer; a failure does not take away what is shown.
    pub(super) fn take(self, answer: Result<Vec<T>, api::Error>) {
        self.items.try_update(|items| {
            let is_shown = matches!(items, Some(Ok(_)));
            if answer.is_ok() || !is_shown {
                *items = Some(answer);
            }
        });
    }

    /// Opens the dialog.
    pub(super) fn ask(self, asked: A) {
        self.wrong.set(None);
        self.asked.set(Some(asked));
    }

    pub(super) fn close(self) {
        self.asked.try_set(None);
    }

    /// Does something, loads the list again, and goes on with its result where it worked.
    pub(super) fn does<R: 'static>(
        self,
        work: impl Future<Output = Result<R, api::Error>> + 'static,
        then: impl FnOnce(R) + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.wrong.set(None);
        spawn_local(async move {
            let outcome = work.await;
            self.busy.try_set(false);
            self.load();
            match outcome {
                Ok(result) => then(result),
                Err(error) => {
                    self.wrong.try_set(Some(error_text(&error)));
                }
            }
        });
    }

    /// Shows the list to those who may see it, or why it is not there.
    pub(super) fn show(
        self,
        permission: Permission,
        what: &'static str,
        draw: impl Fn(Vec<T>) -> AnyView + Copy + Send + Sync + 'static,
    ) -> AnyView {
        for_those_who(permission, move || {
            let shown = move || match self.items.get() {
                None => loading(what),
                Some(Err(error)) => {
                    let retry = move || self.load();
                    failed_state(
                        text::deferred().access.not_loaded,
                        &error.to_string(),
                        retry,
                    )
                }
                Some(Ok(items)) => draw(items),
            };
            shown.into_any()
        })
    }

    /// The button that asks for a new item, for those who may.
    pub(super) fn new_button(
        self,
        permission: Permission,
        label: &'static str,
        asked: fn() -> A,
    ) -> AnyView {
        let may = may(permission);
        let button = move || {
            may.get().then(|| {
                view! {
                    <button
                        type="button"
                        class="button primary"
                        on:click=move |_| self.ask(asked())
                    >
                        {icon(Icon::Plus)}
                        {label}
                    </button>
                }
            })
        };
        button.into_any()
    }

    /// What went wrong, and the buttons of a form; `nodes` are those that are chosen in it.
    pub(super) fn form_end(self, label: &'static str, nodes: choice::Nodes) -> AnyView {
        let hint = move || match (self.wrong.get(), choice::is_nothing(nodes)) {
            (Some(wrong), _) => Some(wrong),
            (None, true) => Some(text::deferred().access.choose_a_node.to_owned()),
            (None, false) => None,
        };
        view! {
            <p class="bad hint" role="alert">
                {hint}
            </p>
            <div class="choices">
                <button
                    type="submit"
                    class="button primary"
                    aria-disabled=move || {
                        (self.busy.get() || choice::is_nothing(nodes)).then_some("true")
                    }
                >
                    {label}
                </button>
                <button type="button" class="button last" on:click=move |_| self.close()>
                    {text::deferred().parts.cancel}
                </button>
            </div>
        }
        .into_any()
    }

    /// The dialog before something that cannot be taken back.
    pub(super) fn danger(
        self,
        ids: (&'static str, &'static str),
        (question, meaning, label): (String, String, &'static str),
        confirm: impl Fn() + 'static,
    ) -> AnyView {
        view! {
            <h2 id=ids.0 class="danger">
                {icon(Icon::Warning)}
                {question}
            </h2>
            <p>{meaning}</p>
            <p class="bad hint" role="alert">
                {move || self.wrong.get()}
            </p>
            <div class="choices">
                <button type="button" class="button danger solid" on:click=move |_| confirm()>
                    {label}
                </button>
                <button
                    type="button"
                    class="button last"
                    id=ids.1
                    on:click=move |_| self.close()
                >
                    {text::deferred().parts.cancel}
                </button>
            </div>
        }
        .into_any()
    }
}

/// A table with these headings, or what it means that there are no rows: a title and a sentence.
/// The last cell of each row holds its buttons.
pub(super) fn table(
    title: &'static str,
    headings: &[&'static str],
    rows: Vec<AnyView>,
    empty: (&'static str, &'static str),
) -> AnyView {
    if rows.is_empty() {
        return empty_state(empty.0.to_owned(), empty.1.to_owned(), ().into_any());
    }
    let headings: Vec<_> = headings
        .iter()
        .map(|heading| view! { <th scope="col">{*heading}</th> })
        .collect();
    view! {
        <div class="table-frame" tabindex="0" role="region" aria-label=title>
            <table class="tasks access">
                <thead>
                    <tr>
                        {headings}
                        <th scope="col">
                            <span class="sr">{text::deferred().parts.actions}</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
