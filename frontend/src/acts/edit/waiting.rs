//! What waits until a VM is off, on the page of the VM.

use std::sync::Arc;

use ecoman_api::{Pending, Permission, ProblemKind, Setting, Vm};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::label;
use crate::api;
use crate::components::{Icon, ago, busy, icon, sentence};
use crate::live::{LiveData, use_live};
use crate::state::inventory::VmKey;
use crate::state::settings_draft::line;
use crate::state::text;

/// What waits of a VM, with the way to take it back.
pub(crate) fn waiting(vm: Memo<Option<Arc<Vm>>>) -> AnyView {
    let live = use_live();
    let shown = Memo::new(move |_| {
        vm.with(|vm| {
            let vm = vm.as_ref()?;
            let pending = vm.pending.clone()?;
            Some((VmKey::of(vm), vm.name.clone(), vm.comment.clone(), pending))
        })
    });
    let notice = move || {
        let (key, name, comment, pending) = shown.get()?;
        Some(notice(live, key, (name, comment), &pending))
    };
    view! { <div role="status">{notice}</div> }.into_any()
}

fn notice(
    live: LiveData,
    key: VmKey,
    (name, comment): (Option<String>, Option<String>),
    pending: &Pending,
) -> AnyView {
    let texts = &text::deferred().edit;
    let heading = match pending.by.clone() {
        Some(by) => sentence(texts.waits_by, [by.into_any(), ago(pending.at)]),
        None => sentence(texts.waits, [ago(pending.at)]),
    };
    let changes = [
        (Setting::Name, name, pending.name.clone()),
        (Setting::Comment, comment, pending.comment.clone()),
    ];
    let changes: Vec<_> = changes
        .into_iter()
        .filter_map(|(setting, before, after)| {
            let before = line(&before.unwrap_or_default());
            let words = (text::deferred().power.from_to)(&before, &line(&after?));
            Some(view! {
                <div>
                    <dt>{label(setting)}</dt>
                    <dd>{words}</dd>
                </div>
            })
        })
        .collect();
    let sending = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let key = StoredValue::new(key);
    let discard = move |_| {
        if sending.get_untracked() {
            return;
        }
        sending.set(true);
        wrong.set(None);
        let key = key.get_value();
        spawn_local(async move {
            match api::cancel_pending(&key.node, key.vmid).await {
                Ok(()) => forget(live, &key),
                // Somebody else was quicker, or it is a task by now.
                Err(error) if error.is(ProblemKind::PendingNotFound) => forget(live, &key),
                Err(error) => {
                    wrong.try_set(Some(error.to_string()));
                }
            }
            sending.try_set(false);
        });
    };
    let button = move || {
        live.may(Permission::Notes).then(|| {
            view! {
                <div class="choices">
                    <button
                        type="button"
                        class="button small"
                        aria-disabled=move || sending.get().then_some("true")
                        data-tip=texts.discard_tip
                        aria-description=texts.discard_tip
                        on:click=discard
                    >
                        {move || sending.get().then(busy)}
                        {texts.discard}
                    </button>
                    <span class="bad">{move || wrong.get()}</span>
                </div>
            }
        })
    };
    view! {
        <div class="notice waits">
            {icon(Icon::Stale)}
            <div>
                <p><strong>{heading}</strong></p>
                <dl class="changes">{changes}</dl>
                {button}
            </div>
        </div>
    }
    .into_any()
}

/// The event that says so comes later.
fn forget(live: LiveData, key: &VmKey) {
    let row = live.vms.with_untracked(|vms| vms.data()?.get(key).cloned());
    if let Some(row) = row {
        live.take_vm(Vm {
            pending: None,
            ..row.vm.clone()
        });
    }
}
