//! Deleting the VM: the button, and the dialog with what goes and what stays.

use std::sync::Arc;

use ecoman_api::{Permission, PowerState, Vm as VmFacts, VmFile, VmFiles};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::snapshots::why_not;
use crate::api;
use crate::components::{Icon, busy, dialog, icon};
use crate::live::LiveData;
use crate::location::use_location;
use crate::state::format;
use crate::state::inventory::VmKey;
use crate::state::load::Load;
use crate::state::route::Route;
use crate::state::text;

/// The heading of the dialog.
const HEADING: &str = "delete-heading";
/// What has the focus first in it.
const FIRST: &str = "delete-first";

/// What button and dialog share.
#[derive(Clone, Copy)]
pub(super) struct Deletion {
    asked: RwSignal<bool>,
    why_not: Memo<Option<String>>,
}

impl Deletion {
    pub(super) fn of(live: LiveData, key: &VmKey, vm: Memo<Option<Arc<VmFacts>>>) -> Self {
        let may = why_not(live, key.clone(), Permission::Delete);
        let why_not = Memo::new(move |_| {
            let is_off = vm.with(|vm| {
                let power = vm.as_ref().map(|vm| vm.power);
                matches!(power, Some(PowerState::Off | PowerState::Unknown))
            });
            let not_off = (!is_off).then(|| text::deferred().deletion.not_off.to_owned());
            may.get().or(not_off)
        });
        Self {
            asked: RwSignal::new(false),
            why_not,
        }
    }

    /// The button.
    pub(super) fn button(self) -> AnyView {
        let texts = &text::deferred().deletion;
        let Self { asked, why_not } = self;
        let forbidden = move || why_not.with(Option::is_some);
        view! {
            <button
                type="button"
                class="button danger"
                aria-disabled=move || forbidden().then_some("true")
                aria-describedby=move || forbidden().then_some("why-not-delete")
                data-tip=move || Some(why_not.get().unwrap_or_else(|| texts.open_tip.to_owned()))
                on:click=move |_| {
                    if why_not.with_untracked(Option::is_none) {
                        asked.set(true);
                    }
                }
            >
                {icon(Icon::Close)}
                {texts.open}
            </button>
            <span class="sr" id="why-not-delete">
                {move || why_not.get()}
            </span>
        }
        .into_any()
    }
}

/// The state of the dialog, while it is open.
#[derive(Clone, Copy)]
struct Open {
    key: StoredValue<VmKey>,
    /// Whether the files go, too.
    from_disk: RwSignal<bool>,
    files: RwSignal<Load<VmFiles>>,
    looking: RwSignal<bool>,
    typed: RwSignal<String>,
    sending: RwSignal<bool>,
    wrong: RwSignal<Option<String>>,
}

impl Open {
    /// Looks at the files.
    fn look(self) {
        if self.looking.get_untracked() {
            return;
        }
        self.looking.set(true);
        spawn_local(async move {
            let VmKey { node, vmid } = self.key.get_value();
            let read = api::vm_files(&node, vmid).await;
            self.files.try_update(|files| files.take(read));
            self.looking.try_set(false);
        });
    }
}

/// The dialog.
pub(super) fn deletion_dialog(
    live: LiveData,
    key: VmKey,
    vm: Memo<Option<Arc<VmFacts>>>,
    deletion: Deletion,
) -> AnyView {
    let asked = deletion.asked;
    let is_open = Memo::new(move |_| asked.get());
    let key = StoredValue::new(key);
    let content = move || {
        let vm = asked.get().then(|| vm.get_untracked()).flatten()?;
        let open = Open {
            key,
            from_disk: RwSignal::new(false),
            files: RwSignal::new(Load::default()),
            looking: RwSignal::new(false),
            typed: RwSignal::new(String::new()),
            sending: RwSignal::new(false),
            wrong: RwSignal::new(None),
        };
        Some(form(live, open, asked, &vm))
    };
    dialog(
        is_open,
        (HEADING, FIRST),
        move || asked.set(false),
        content.into_any(),
    )
}

fn form(live: LiveData, open: Open, asked: RwSignal<bool>, vm: &VmFacts) -> AnyView {
    let texts = &text::deferred().deletion;
    let location = use_location();
    // One without a name is confirmed by its id.
    let name = vm.name.clone().unwrap_or_else(|| vm.vmid.to_string());
    let question = (texts.question)(format::vm_name(vm), &vm.node);
    let expected = name.clone();
    let is_typed = Memo::new(move |_| open.typed.with(|typed| *typed == expected));
    let can_go = Memo::new(move |_| {
        !open.from_disk.get()
            || open.files.with(|files| {
                let files = files.data();
                files.is_some_and(|files| files.obstacles.is_empty())
            })
    });
    let ready = move || is_typed.get() && can_go.get();
    let idempotency_key = StoredValue::new(api::fresh_key());
    let send = move || {
        if !untrack(ready) || open.sending.get_untracked() {
            return;
        }
        open.sending.set(true);
        open.wrong.set(None);
        let seen = open.files.with_untracked(|files| {
            let seen = files.data().map(|files| files.fingerprint.clone());
            seen.filter(|_| open.from_disk.get_untracked())
        });
        let typed = open.typed.get_untracked();
        spawn_local(async move {
            let VmKey { node, vmid } = open.key.get_value();
            let key = idempotency_key.get_value();
            match api::delete_vm(&node, vmid, &typed, seen.as_deref(), &key).await {
                Ok(task) => {
                    let page = Route::Task { id: task.id }.path();
                    live.take_task(task);
                    asked.try_set(false);
                    location.go(&page);
                }
                Err(error) => {
                    open.wrong.try_set(Some(error.to_string()));
                    idempotency_key.try_set_value(api::fresh_key());
                }
            }
            open.sending.try_set(false);
        });
    };
    let choose = move |from_disk: bool| {
        open.from_disk.set(from_disk);
        if from_disk && open.files.with_untracked(|files| files.data().is_none()) {
            open.look();
        }
    };
    let choice = move |from_disk: bool, label: &'static str, means: &'static str| {
        view! {
            <label class="option">
                <input
                    type="radio"
                    name="delete-files"
                    id=(!from_disk).then_some(FIRST)
                    prop:checked=move || open.from_disk.get() == from_disk
                    on:change=move |_| choose(from_disk)
                />
                <span>
                    <strong>{label}</strong>
                    <span class="aside">{means}</span>
                </span>
            </label>
        }
    };
    let vmx_path = StoredValue::new(vm.vmx_path.clone().unwrap_or_default());
    let about = move || match open.from_disk.get() {
        false => view! {
            <p class="aside">{texts.files_at} " " <code>{vmx_path.get_value()}</code></p>
        }
        .into_any(),
        true => what_goes(open),
    };
    let label = move || match open.from_disk.get() {
        false => texts.unregister,
        true => texts.delete,
    };
    view! {
        <form novalidate>
            <h2 id=HEADING class="danger">{icon(Icon::Close)} {question}</h2>
            <fieldset class="options">
                <legend class="sr">{texts.what}</legend>
                {choice(false, texts.unregister, texts.unregister_means)}
                {choice(true, texts.delete, texts.delete_means)}
            </fieldset>
            <div class="what-goes" aria-live="polite">{about}</div>
            <label class="field">
                <span>{texts.type_name} ": " <strong translate="no">{name}</strong></span>
                <input
                    type="text"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    prop:value=open.typed
                    on:input=move |event| open.typed.set(event_target_value(&event))
                />
            </label>
            <p class="bad" role="status">{move || open.wrong.get()}</p>
            <div class="choices">
                <button
                    type="submit"
                    class="button danger solid"
                    aria-disabled=move || (!ready() || open.sending.get()).then_some("true")
                    on:click=move |event| {
                        event.prevent_default();
                        send();
                    }
                >
                    {move || open.sending.get().then(busy)}
                    {label}
                </button>
                <button type="button" class="button last" on:click=move |_| asked.set(false)>
                    {text::deferred().parts.cancel}
                </button>
            </div>
        </form>
    }
    .into_any()
}

/// The files, once they have been looked at.
fn what_goes(open: Open) -> AnyView {
    let texts = &text::deferred().deletion;
    let shown = move || {
        open.files
            .with(|files| match (files.data(), files.error()) {
                (Some(files), _) => lists(files),
                (None, Some(error)) if !open.looking.get() => {
                    let why = (texts.not_looked_at)(&error.to_string());
                    view! {
                        <div class="notice warn">
                            {icon(Icon::Warning)}
                            <div>
                                <p>{why}</p>
                                <button
                                    type="button"
                                    class="button small"
                                    on:click=move |_| open.look()
                                >
                                    {texts.look_again}
                                </button>
                            </div>
                        </div>
                    }
                    .into_any()
                }
                (None, _) => view! { <p class="aside">{busy()} {texts.looking}</p> }.into_any(),
            })
    };
    shown.into_any()
}

fn lists(files: &VmFiles) -> AnyView {
    let texts = &text::deferred().deletion;
    let (going, staying): (Vec<_>, Vec<_>) =
        files.items.iter().partition(|file| file.stays.is_none());
    let bytes = going.iter().filter_map(|file| file.size_bytes).sum();
    let obstacles = files.obstacles.iter().map(|obstacle| {
        view! { <li>{(texts.obstacle)(obstacle)}</li> }
    });
    let obstacles: Vec<_> = obstacles.collect();
    let forbidden = (!obstacles.is_empty()).then(|| {
        view! {
            <div class="notice bad" role="alert">
                {icon(Icon::Warning)}
                <div>
                    <p>{texts.forbidden}</p>
                    <ul>{obstacles}</ul>
                </div>
            </div>
        }
    });
    let stays = match staying.is_empty() {
        true => view! { <p class="aside">{texts.nothing_stays}</p> }.into_any(),
        false => list(&(texts.stays)(staying.len()), &staying, &files.directory),
    };
    let goes = (texts.goes)(going.len(), &format::bytes(bytes));
    view! {
        {forbidden}
        <p class="aside"><code>{files.directory.clone()}</code></p>
        {list(&goes, &going, &files.directory)}
        {stays}
    }
    .into_any()
}

fn list(title: &str, files: &[&VmFile], directory: &str) -> AnyView {
    let texts = &text::deferred().deletion;
    let rows = files.iter().map(|file| {
        let below = file.path.strip_prefix(directory);
        let below = below.and_then(|below| below.strip_prefix('/'));
        let name = below.unwrap_or(&file.path).to_owned();
        let why = file.stays.map(texts.why_stays);
        let size = file.size_bytes.map(format::bytes);
        view! {
            <li>
                <code>{name}</code>
                <span class="aside">{why}</span>
                <span class="aside size">{size}</span>
            </li>
        }
    });
    let rows: Vec<_> = rows.collect();
    view! {
        <section class="file-list" aria-label=title.to_owned()>
            <h3>{title.to_owned()}</h3>
            <ul>{rows}</ul>
        </section>
    }
    .into_any()
}
