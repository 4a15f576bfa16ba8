//! A dialog of the VM's page that asks for a change and becomes a task.

use ecoman_api::Task;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::components::busy;
use crate::live::LiveData;
use crate::state::error::Error;
use crate::state::inventory::VmKey;
use crate::state::text;

/// What the parts of a dialog share.
#[derive(Clone, Copy)]
pub(super) struct Open {
    live: LiveData,
    key: StoredValue<VmKey>,
    /// What has the focus first.
    first: &'static str,
    close: Callback<()>,
    /// Of this one request: a second click is the same.
    idempotency_key: StoredValue<String>,
    sending: RwSignal<bool>,
    wrong: RwSignal<Option<String>>,
}

impl Open {
    /// Of the VM `key`; `close` closes the dialog.
    pub(super) fn new(
        live: LiveData,
        key: StoredValue<VmKey>,
        first: &'static str,
        close: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            live,
            key,
            first,
            close: Callback::new(move |()| close()),
            idempotency_key: StoredValue::new(api::fresh_key()),
            sending: RwSignal::new(false),
            wrong: RwSignal::new(None),
        }
    }

    /// Sends the request, and closes the dialog when it has become a task.
    pub(super) fn send<F>(self, request: impl FnOnce(VmKey, String) -> F + 'static)
    where
        F: Future<Output = Result<Task, Error>> + 'static,
    {
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        self.wrong.set(None);
        spawn_local(async move {
            let sent = request(self.key.get_value(), self.idempotency_key.get_value()).await;
            match sent {
                Ok(task) => {
                    self.live.take_task(task);
                    self.close.try_run(());
                }
                Err(error) => {
                    self.wrong.try_set(Some(error.to_string()));
                }
            }
            self.sending.try_set(false);
        });
    }

    /// The buttons below.
    pub(super) fn choices(
        self,
        (class, label): (&'static str, &'static str),
        ready: impl Fn() -> bool + Copy + Send + Sync + 'static,
        confirm: impl Fn() + 'static,
        focus_cancel: bool,
    ) -> AnyView {
        view! {
            <p class="bad" role="status">{move || self.wrong.get()}</p>
            <div class="choices">
                <button
                    type="submit"
                    class=class
                    aria-disabled=move || (!ready() || self.sending.get()).then_some("true")
                    on:click=move |event| {
                        event.prevent_default();
                        if untrack(ready) {
                            confirm();
                        }
                    }
                >
                    {move || self.sending.get().then(busy)}
                    {label}
                </button>
                <button
                    type="button"
                    class="button last"
                    id=focus_cancel.then_some(self.first)
                    on:click=move |_| self.close.run(())
                >
                    {text::deferred().parts.cancel}
                </button>
            </div>
        }
        .into_any()
    }
}
