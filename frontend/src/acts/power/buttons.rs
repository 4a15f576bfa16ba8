//! The buttons that ask for a change of power.

use std::sync::Arc;

use ecoman_api::{PowerAction, Vm};
use leptos::prelude::*;

use super::context::known;
use super::dialogs::use_power_dialogs;
use crate::components::{Icon, icon};
use crate::live::use_live;
use crate::state::text;

/// Sign of a change.
pub(crate) fn sign(action: PowerAction) -> Icon {
    match action {
        PowerAction::On => Icon::Start,
        PowerAction::Off => Icon::Stop,
        PowerAction::Shutdown => Icon::Shutdown,
        PowerAction::Reboot => Icon::Again,
        PowerAction::Reset => Icon::Reset,
        PowerAction::Suspend => Icon::Suspended,
    }
}

/// A button that asks for a change. `why_not`: why it cannot be asked for.
pub(crate) fn power_button(
    action: PowerAction,
    why_not: Memo<Option<String>>,
    label: Signal<String>,
    ask: impl Fn() + 'static,
) -> AnyView {
    let id = format!("why-{}", action.word());
    let described = id.clone();
    let class = if action.is_hard() {
        "button danger"
    } else {
        "button"
    };
    view! {
        <button
            type="button"
            class=class
            tabindex="0"
            aria-disabled=move || why_not.with(Option::is_some).then_some("true")
            aria-describedby=move || why_not.with(Option::is_some).then(|| described.clone())
            data-tip=move || Some(why_not.get().unwrap_or_else(|| text::acts().meaning.of(action).to_owned()))
            on:click=move |_| {
                if why_not.with_untracked(Option::is_none) {
                    ask();
                }
            }
        >
            {icon(sign(action))}
            {label}
        </button>
        <span class="sr" id=id>{move || why_not.get()}</span>
    }
    .into_any()
}

/// The buttons of one VM.
pub(crate) fn power_bar(vm: Memo<Option<Arc<Vm>>>) -> AnyView {
    let live = use_live();
    let dialogs = use_power_dialogs();
    let buttons = PowerAction::ALL.map(|action| {
        let why_not = Memo::new(move |_| {
            let vm = vm.get()?;
            if live.vms.with(|vms| vms.data().is_none()) {
                return Some(text::deferred().power.list_not_loaded.to_owned());
            }
            known(live, |known| known.refusal(&vm, action))
        });
        power_button(
            action,
            why_not,
            Signal::derive(move || text::acts().order.of(action).to_owned()),
            move || {
                if let Some(vm) = vm.get_untracked() {
                    dialogs.ask_one(action, &vm);
                }
            },
        )
    });
    view! {
        <div
            class="power-bar"
            role="group"
            aria-label=text::first_load().list.power
            hidden=move || vm.with(Option::is_none)
        >
            {buttons.into_iter().collect::<Vec<_>>()}
        </div>
    }
    .into_any()
}
