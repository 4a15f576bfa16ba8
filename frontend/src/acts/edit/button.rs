//! The buttons that open the dialogs.

use std::sync::Arc;

use ecoman_api::{Permission, Vm};
use leptos::{ev, prelude::*};

use super::dialogs::use_edit_dialogs;
use crate::components::{Icon, icon, is_typing};
use crate::live::use_live;
use crate::state::inventory::{Row, VmKey};
use crate::state::text;

/// The button of one VM, with its key.
pub(crate) fn edit_button(vm: Memo<Option<Arc<Vm>>>) -> AnyView {
    let live = use_live();
    let dialogs = use_edit_dialogs();
    let texts = &text::deferred().edit;
    let why_not = Memo::new(move |_| {
        if live.vms.with(|vms| vms.data().is_none()) {
            return Some(text::deferred().power.list_not_loaded);
        }
        if !live.may(Permission::Notes) {
            return Some(texts.not_permitted);
        }
        let read_only = vm.with(|vm| {
            let node = &vm.as_ref()?.node;
            live.nodes
                .with(|nodes| Some(nodes.data()?.get(node)?.read_only))
        });
        (read_only == Some(true)).then_some(text::deferred().snapshots.read_only)
    });
    let ask = move || {
        if why_not.with_untracked(Option::is_none)
            && let Some(key) = vm.with_untracked(|vm| vm.as_deref().map(VmKey::of))
        {
            dialogs.ask_one(key);
        }
    };
    let key = window_event_listener(ev::keydown, move |event| {
        let plain = !(event.ctrl_key() || event.meta_key() || event.alt_key());
        if event.key() == "e" && plain && !event.default_prevented() && !is_typing() {
            event.prevent_default();
            ask();
        }
    });
    on_cleanup(move || key.remove());
    view! {
        <button
            type="button"
            class="button"
            aria-keyshortcuts="e"
            aria-disabled=move || why_not.with(Option::is_some).then_some("true")
            aria-describedby=move || why_not.with(Option::is_some).then_some("why-not-edit")
            data-tip=move || why_not.get().unwrap_or(texts.edit_tip)
            on:click=move |_| ask()
        >
            {icon(Icon::Edit)}
            {texts.edit}
        </button>
        <span class="sr" id="why-not-edit">{move || why_not.get()}</span>
    }
    .into_any()
}

/// The button of the selected VMs.
pub(crate) fn edit_notes_button(rows: Memo<Vec<Arc<Row>>>) -> AnyView {
    let live = use_live();
    let dialogs = use_edit_dialogs();
    let texts = &text::deferred().edit;
    let forbidden = Memo::new(move |_| !live.may(Permission::Notes));
    let tip = move || match forbidden.get() {
        true => texts.not_permitted,
        false => texts.edit_notes_tip,
    };
    view! {
        <button
            type="button"
            class="button edit-notes"
            aria-disabled=move || forbidden.get().then_some("true")
            aria-description=tip
            data-tip=tip
            on:click=move |_| {
                if !forbidden.get_untracked() {
                    dialogs.ask_notes(rows.get_untracked());
                }
            }
        >
            {icon(Icon::Edit)}
            <span>{texts.edit_notes}</span>
        </button>
    }
    .into_any()
}
