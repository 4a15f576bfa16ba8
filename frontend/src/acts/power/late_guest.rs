//! What can be done about a guest that has not shut down in time.

use std::sync::Arc;

use ecoman_api::{PowerAction, Vm};
use leptos::prelude::*;

use super::buttons::sign;
use super::context::known;
use super::dialogs::use_power_dialogs;
use crate::components::icon;
use crate::live::use_live;
use crate::state::format;
use crate::state::text;

/// What can be done about a guest that has not shut down in time. Nothing of it happens by itself:
/// only the reader knows what the guest may lose.
pub(super) fn late_guest(vm: Memo<Option<Arc<Vm>>>, seconds: u32) -> AnyView {
    let live = use_live();
    let dialogs = use_power_dialogs();
    let possible = move |action| {
        Memo::new(move |_| {
            let vm = vm.get();
            vm.is_some_and(|vm| known(live, |known| known.refusal(&vm, action).is_none()))
        })
    };
    let (wait, cut) = (possible(PowerAction::Shutdown), possible(PowerAction::Off));
    let ask_again = move |_| {
        if let Some(vm) = vm.get_untracked() {
            dialogs.wait_longer(&vm, seconds);
        }
    };
    let ask_off = move |_| {
        if let Some(vm) = vm.get_untracked() {
            dialogs.ask_one(PowerAction::Off, &vm);
        }
    };
    let texts = &text::deferred().power;
    let time = format::duration(seconds.into());
    let tip = (texts.wait_longer_tip)(&time);
    view! {
        <div class="choices" role="group" aria-label=texts.still_on>
            {move || {
                wait.get()
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                class="button"
                                data-tip=tip.clone()
                                aria-description=tip.clone()
                                on:click=ask_again
                            >
                                {icon(sign(PowerAction::Shutdown))}
                                {texts.wait_longer}
                                <span class="aside">{time.clone()}</span>
                            </button>
                        }
                    })
            }}
            {move || {
                cut.get()
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                class="button danger"
                                data-tip=text::acts().meaning.off
                                on:click=ask_off
                            >
                                {icon(sign(PowerAction::Off))}
                                {texts.power_off}
                            </button>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}
