//! One VM with all that is known of it.

mod cards;
mod deletion;
mod details;
mod devices;
mod neighbours;
mod open;
mod reading;
mod snapshots;

use std::sync::Arc;

use ecoman_api::Vm as VmFacts;
use leptos::task::spawn_local;
use leptos::{ev, prelude::*};

use self::details::details;
use self::neighbours::{Neighbour, Side, neighbours};
use crate::api;
use crate::components::{back, empty_state, failed_state, is_typing, link, set_title};
use crate::list_position::ListPosition;
use crate::live::{LiveData, use_live};
use crate::location::use_location;
use crate::state::format;
use crate::state::inventory::VmKey;
use crate::state::load::Load;
use crate::state::text;

/// The page.
#[component]
pub(crate) fn Vm(node: String, vmid: u32) -> impl IntoView {
    let texts = &text::deferred().vm;
    let live = use_live();
    let list_position: ListPosition = expect_context();
    let key = VmKey { node, vmid };
    let alone = load_alone(live, key.clone());
    let wanted = StoredValue::new(key.clone());
    let vm = Memo::new(move |_| {
        live.vms.with(|vms| match vms.data() {
            Some(table) => table
                .get(&wanted.get_value())
                .map(|row| Arc::new(row.vm.clone())),
            None => alone.with(|alone| alone.data().cloned()),
        })
    });
    let there = Memo::new(move |_| vm.with(Option::is_some));
    let neighbours = neighbours(live, list_position, key.clone());
    list_position.active.set(Some(key.clone()));

    // It may go while it is being looked at.
    let last_name = StoredValue::new(None::<String>);
    Effect::new(move || {
        vm.with(|vm| {
            if let Some(vm) = vm {
                last_name.set_value(Some(format::vm_name(vm).to_owned()));
            }
        });
    });
    let title = (texts.title)(key.vmid, &key.node);
    set_title(move || {
        vm.with(|vm| match vm {
            Some(vm) => (texts.title_named)(format::vm_name(vm), &vm.node),
            None => title.clone(),
        })
    });

    let location = use_location();
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && !event.default_prevented() && !is_typing() {
            location.go(&list_position.list_path());
        }
    });
    on_cleanup(move || escape.remove());

    let missing = move || {
        let loaded = live.vms.with(|vms| vms.data().is_some());
        let error = alone.with(|alone| alone.error().cloned());
        match error {
            _ if loaded => {
                view! { <Gone key=wanted.get_value() name=last_name.get_value() /> }.into_any()
            }
            Some(error) if error.is_not_found() => {
                view! { <Gone key=wanted.get_value() name=None /> }.into_any()
            }
            Some(error) => {
                let retry = move || live.connect();
                failed_state(texts.not_loaded, &error.to_string(), retry)
            }
            None => view! {
                <p class="skeleton" role="status">
                    {texts.loading}
                </p>
            }
            .into_any(),
        }
    };

    view! {
        <div class="page">
            <div class="column">
                <nav class="heading" aria-label=texts.place_in_list>
                    {back(list_position.list_path(), text::deferred().parts.all_vms)}
                    <div class="actions">
                        <Neighbour neighbours to=Side::Previous />
                        <Neighbour neighbours to=Side::Next />
                    </div>
                </nav>
                {move || if there.get() { details(live, wanted.get_value(), vm) } else { missing().into_any() }}
            </div>
        </div>
    }
}

/// Asks for this VM alone, for as long as the list has not come.
fn load_alone(live: LiveData, key: VmKey) -> RwSignal<Load<Arc<VmFacts>>> {
    let alone = RwSignal::new(Load::default());
    Effect::new(move || {
        // Again with every new attempt to load the list.
        let (loaded, _) = live
            .vms
            .with(|vms| (vms.data().is_some(), vms.error().is_some()));
        if !loaded {
            let key = key.clone();
            spawn_local(async move {
                let vm = api::vm(&key.node, key.vmid).await.map(Arc::new);
                alone.try_update(|alone| alone.take(vm));
            });
        }
    });
    alone
}

#[component]
fn Gone(key: VmKey, name: Option<String>) -> impl IntoView {
    let list_position: ListPosition = expect_context();
    let texts = &text::deferred().vm;
    let title = match name {
        Some(name) => (texts.gone_named)(&name, key.vmid, &key.node),
        None => (texts.gone)(key.vmid, &key.node),
    };
    let sentence = (texts.gone_why)(&key.node);
    view! {
        <h1 class="sr">{title.clone()}</h1>
        {empty_state(title, sentence, link("button primary", list_position.list_path(), text::deferred().parts.all_vms.into_any()))}
    }
}
