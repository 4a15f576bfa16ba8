//! The settings of one VM.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecoman_api::{GuestOs, Limits, Permission, ProblemKind, Setting, TaskRequest, TaskState, Vm};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::dialogs::{EditDialogs, ONE};
use super::{label, value_words};
use crate::api::{self, Updated};
use crate::components::{Icon, ago, busy, focus, icon, sentence};
use crate::live::{LiveData, use_live};
use crate::state::format;
use crate::state::inventory::VmKey;
use crate::state::settings_draft::{
    Conflict, MemoryUnit, SettingsDraft, SettingsForm, exact, waits_until_off,
};
use crate::state::text;

/// What the parts of the form share.
#[derive(Clone, Copy)]
struct Open {
    live: LiveData,
    dialogs: EditDialogs,
    key: StoredValue<VmKey>,
    form: RwSignal<SettingsForm>,
    limits: Memo<Limits>,
    guests: Memo<Vec<GuestOs>>,
    /// What is wrong, by field: found here, or reported by the server for what it was sent.
    faults: Memo<BTreeMap<String, String>>,
    refused: RwSignal<BTreeMap<String, String>>,
    conflicts: Memo<Vec<Conflict>>,
    waits: Memo<bool>,
    gone: Memo<bool>,
    sending: RwSignal<bool>,
    wrong: RwSignal<Option<String>>,
}

/// The form; `None`: there is no such VM. `typed` follows whether anything is typed over.
pub(super) fn settings(
    dialogs: EditDialogs,
    key: &VmKey,
    typed: RwSignal<bool>,
) -> Option<AnyView> {
    let live = use_live();
    let row = {
        let key = key.clone();
        Memo::new_with_compare(
            move |_| live.vms.with(|vms| vms.data()?.get(&key).cloned()),
            |before, after| match (before, after) {
                (Some(Some(before)), Some(Some(after))) => !Arc::ptr_eq(before, after),
                _ => true,
            },
        )
    };
    let vm = row.with_untracked(|row| row.as_ref().map(|row| row.vm.clone()));
    let Some(vm) = vm else {
        dialogs.one.set(None);
        return None;
    };
    let name = format::vm_name(&vm).to_owned();
    let form = RwSignal::new(SettingsForm::of(&vm));
    Effect::new(move || {
        row.with(|row| {
            if let Some(row) = row.as_ref()
                && form.with_untracked(|form| *form.vm() != row.vm)
            {
                form.update(|form| form.follow(&row.vm));
            }
        });
    });
    Effect::new(move || typed.set(form.with(SettingsForm::is_dirty)));
    let node = vm.node.clone();
    let limits = Memo::new(move |_| {
        let node = live.nodes.with(|nodes| {
            let node = nodes.data().and_then(|nodes| nodes.get(&node));
            node.map_or_else(Limits::default, |node| node.limits(None))
        });
        form.with(|form| form.limits(&node))
    });
    let hardware: Option<u32> = vm
        .hardware_version
        .as_deref()
        .and_then(|version| version.strip_prefix("vmx-")?.parse().ok());
    let guests = Memo::new(move |_| {
        live.config.with(|config| {
            let guests = config.iter().flat_map(|config| &config.guest_oses);
            let known = guests.filter(|guest| hardware.is_none_or(|it| guest.hardware <= it));
            known.cloned().collect::<Vec<_>>()
        })
    });
    let faults = Memo::new(move |_| {
        let limits = limits.get();
        form.with(|form| {
            let of = VmKey::of(form.vm());
            let is_taken = |name: &str| {
                live.vms.with_untracked(|vms| {
                    let rows = vms.data().into_iter().flat_map(|table| table.rows());
                    let mut others = rows.filter(|row| row.vm.node == of.node && !row.is(&of));
                    others.any(|row| row.vm.name.as_deref() == Some(name))
                })
            };
            let faults = form.faults(&limits, is_taken).into_iter();
            faults
                .map(|fault| (fault.field.to_owned(), fault.rule))
                .collect::<BTreeMap<_, _>>()
        })
    });
    let open = Open {
        live,
        dialogs,
        key: StoredValue::new(key.clone()),
        form,
        limits,
        guests,
        faults,
        refused: RwSignal::new(BTreeMap::new()),
        conflicts: Memo::new(move |_| form.with(SettingsForm::conflicts)),
        waits: Memo::new(move |_| form.with(|form| waits_until_off(form.vm()))),
        gone: Memo::new(move |_| row.with(Option::is_none)),
        sending: RwSignal::new(false),
        wrong: RwSignal::new(None),
    };
    Some(open.draw(&name))
}

impl Open {
    fn draw(self, name: &str) -> AnyView {
        let texts = &text::deferred().edit;
        let notice = move || {
            self.waits.get().then(|| {
                view! {
                    <div class="notice">{icon(Icon::Stale)} <p>{texts.not_off}</p></div>
                }
            })
        };
        let submit = move |event: web_sys::SubmitEvent| {
            event.prevent_default();
            self.save();
        };
        let keydown = move |event: web_sys::KeyboardEvent| {
            if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
                event.prevent_default();
                self.save();
            }
        };
        let save = move || match self.waits.get() {
            true => texts.save_for_later,
            false => texts.save,
        };
        view! {
            <form novalidate class="edit" on:submit=submit on:keydown=keydown>
                <h2 id=ONE.0>{icon(Icon::Edit)} {(texts.heading)(name)}</h2>
                {notice}
                {self.meanwhile()}
                {self.name()}
                {self.notes()}
                <div class="three">{self.cpus()} {self.cores()} {self.memory()}</div>
                {self.guest_os()}
                <p class="bad" role="status">{move || self.wrong.get()}</p>
                <div class="choices">
                    <button
                        type="submit"
                        class="button primary"
                        aria-keyshortcuts="Control+Enter"
                        aria-disabled=move || (!self.is_ready()).then_some("true")
                    >
                        {move || self.sending.get().then(busy)}
                        {save}
                    </button>
                    <kbd class="aside" aria-hidden="true">{texts.save_keys}</kbd>
                    <button
                        type="button"
                        class="button last"
                        on:click=move |_| self.dialogs.one.set(None)
                    >
                        {text::deferred().parts.cancel}
                    </button>
                </div>
            </form>
        }
        .into_any()
    }

    /// Whether it can be sent, by tracked reads.
    fn is_ready(self) -> bool {
        self.form.with(SettingsForm::is_dirty)
            && self.faults.with(BTreeMap::is_empty)
            && self.conflicts.with(Vec::is_empty)
            && !self.gone.get()
            && !self.sending.get()
    }

    fn save(self) {
        if !untrack(|| self.is_ready()) {
            return;
        }
        self.sending.set(true);
        self.wrong.set(None);
        self.refused.set(BTreeMap::new());
        let wanted = self.form.with_untracked(SettingsForm::request);
        let VmKey { node, vmid } = self.key.get_value();
        spawn_local(async move {
            let key = api::fresh_key();
            match api::update_vm(&node, vmid, &wanted, &key).await {
                Ok(Updated::Task(task)) => {
                    self.live.take_task(*task);
                    self.close();
                }
                Ok(Updated::Waits(vm)) => {
                    self.live.take_vm(*vm);
                    self.close();
                }
                Err(error) => {
                    // The event with what has changed may come later than the refusal.
                    if error.is(ProblemKind::VmChanged)
                        && let Ok(vm) = api::vm(&node, vmid).await
                    {
                        self.form.try_update(|form| form.follow(&vm));
                        self.live.take_vm(vm);
                    }
                    let explained = self.conflicts.try_get_untracked();
                    let explained = explained.is_some_and(|conflicts| !conflicts.is_empty());
                    let fields: BTreeMap<_, _> = error.fields().into_iter().collect();
                    if !explained && fields.is_empty() {
                        self.wrong.try_set(Some(error.to_string()));
                    }
                    self.refused.try_set(fields);
                }
            }
            self.sending.try_set(false);
        });
    }

    /// Unless another VM's settings are shown by now.
    fn close(self) {
        let mine = self.key.try_get_value();
        if self.dialogs.one.get_untracked() == mine {
            self.dialogs.one.set(None);
        }
    }

    /// What somebody else has changed while it was being changed here.
    fn meanwhile(self) -> AnyView {
        let texts = &text::deferred().edit;
        let choose = move |choice: fn(&mut SettingsForm)| {
            self.form.update(choice);
            self.wrong.set(None);
            request_animation_frame(|| focus(ONE.1));
        };
        let changed = move || {
            let conflicts = self.conflicts.get();
            (!conflicts.is_empty()).then(|| {
                let lines: Vec<_> = conflicts.into_iter().map(|it| self.conflict(it)).collect();
                view! {
                    <div class="notice warn">
                        {icon(Icon::Warning)}
                        <div>
                            <strong>{text::deferred().power.changed_meanwhile}</strong>
                            <ul class="plain">{lines}</ul>
                            <div class="choices">
                                <button
                                    type="button"
                                    class="button small"
                                    on:click=move |_| choose(SettingsForm::take_theirs)
                                >
                                    {texts.take_theirs}
                                </button>
                                <button
                                    type="button"
                                    class="button small"
                                    on:click=move |_| choose(SettingsForm::keep_mine)
                                >
                                    {texts.keep_mine}
                                </button>
                            </div>
                        </div>
                    </div>
                }
            })
        };
        let gone = move || {
            self.gone.get().then(|| {
                view! { <div class="notice bad">{icon(Icon::Warning)} <p>{texts.gone}</p></div> }
            })
        };
        view! { <div class="meanwhile" role="status">{changed} {gone}</div> }.into_any()
    }

    /// What it is now, and by whom.
    fn conflict(self, conflict: Conflict) -> AnyView {
        let Conflict { setting, now, .. } = conflict;
        let cause = self.live.tasks.with_untracked(|tasks| {
            let mut tasks = tasks.data()?.of(&self.key.get_value());
            let task = tasks.find(|task| match &task.request {
                TaskRequest::Edit(edit) => edit.settings.get(setting).as_ref() == Some(&now),
                _ => false,
            });
            let task = task.filter(|task| task.state != TaskState::Failed)?;
            Some((
                task.actor.clone(),
                task.finished_at.unwrap_or(task.created_at),
            ))
        });
        let texts = &text::deferred().edit;
        let by = match cause {
            Some((Some(actor), at)) => sentence(texts.by, [actor.into_any(), ago(at)]),
            Some((None, at)) => ago(at),
            None => text::deferred().power.change_outside.into_any(),
        };
        let name = view! { <strong>{label(setting)}</strong> }.into_any();
        let now = value_words(setting, &now).into_any();
        view! { <li>{sentence(texts.is_other, [name, now, by])}</li> }.into_any()
    }

    /// Why a setting cannot be changed now.
    fn why_not(self, setting: Setting) -> Memo<Option<&'static str>> {
        let texts = &text::deferred().edit;
        Memo::new(move |_| {
            if !self.live.may(Permission::Notes) {
                return Some(texts.not_permitted);
            }
            if setting.is_label() {
                return None;
            }
            if !self.live.may(Permission::Hardware) {
                return Some(texts.hardware_not_permitted);
            }
            self.waits.get().then_some(texts.only_off)
        })
    }

    fn wrong(self, setting: Setting) -> Memo<Option<String>> {
        Memo::new(move |_| {
            let field = setting.field();
            let fault = self.faults.with(|faults| faults.get(field).cloned());
            fault.or_else(|| self.refused.with(|refused| refused.get(field).cloned()))
        })
    }

    fn change(self, setting: Setting, change: impl FnOnce(&mut SettingsDraft)) {
        self.form.update(|form| change(&mut form.draft));
        self.refused.update(|refused| {
            refused.remove(setting.field());
        });
    }

    /// A label, its control, and below it what is wrong, what changes, or what to know.
    fn labelled(self, setting: Setting, hint: Signal<String>, control: AnyView) -> AnyView {
        let wrong = self.wrong(setting);
        let why_not = self.why_not(setting);
        let change = Memo::new(move |_| {
            let guests = self.guests.get();
            self.form
                .with(|form| form.before_after(setting, &guests))
                .map(|(before, after)| (text::deferred().power.from_to)(&before, &after))
        });
        let below = move || {
            wrong
                .get()
                .or_else(|| change.get())
                .or_else(|| {
                    why_not
                        .get()
                        .filter(|_| !self.waits.get())
                        .map(str::to_owned)
                })
                .unwrap_or_else(|| hint.get())
        };
        let changes = move || wrong.with(Option::is_none) && change.with(Option::is_some);
        view! {
            <div class="field">
                <label for=id(setting)>{label(setting)}</label>
                {control}
                <p
                    class="hint"
                    class:bad=move || wrong.with(Option::is_some)
                    class:changes=changes
                    id=hint_id(setting)
                    data-tip=move || change.get().filter(|_| changes())
                >
                    {below}
                </p>
            </div>
        }
        .into_any()
    }

    fn input(self, setting: Setting, part: fn(&mut SettingsDraft) -> &mut String) -> AnyView {
        let (wrong, why_not) = (self.wrong(setting), self.why_not(setting));
        let value =
            Memo::new(move |_| self.form.with(|form| part(&mut form.draft.clone()).clone()));
        let mode = match setting {
            Setting::Cpus => "numeric",
            Setting::Memory => "decimal",
            _ => "text",
        };
        view! {
            <input
                id=id(setting)
                type="text"
                inputmode=mode
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                disabled=move || why_not.with(Option::is_some)
                aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                aria-describedby=hint_id(setting)
                prop:value=value
                on:input=move |event| {
                    let typed = event_target_value(&event);
                    self.change(setting, |draft| *part(draft) = typed);
                }
            />
        }
        .into_any()
    }

    fn name(self) -> AnyView {
        let input = self.input(Setting::Name, |draft| &mut draft.name);
        self.labelled(Setting::Name, no_hint(), input)
    }

    fn notes(self) -> AnyView {
        let setting = Setting::Comment;
        let (wrong, why_not) = (self.wrong(setting), self.why_not(setting));
        let value = Memo::new(move |_| self.form.with(|form| form.draft.comment.clone()));
        let area = view! {
            <textarea
                id=id(setting)
                rows="4"
                disabled=move || why_not.with(Option::is_some)
                aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                aria-describedby=hint_id(setting)
                prop:value=value
                on:input=move |event| {
                    let typed = event_target_value(&event);
                    self.change(setting, |draft| draft.comment = typed);
                }
            ></textarea>
        };
        let hint = text::deferred().new_vm.comment_hint;
        self.labelled(setting, Signal::derive(|| hint.to_owned()), area.into_any())
    }

    fn cpus(self) -> AnyView {
        let hint = Signal::derive(move || {
            let most = self.limits.with(|limits| limits.cpus);
            most.map(|most| (text::deferred().edit.up_to)(&format::grouped(most.into())))
                .unwrap_or_default()
        });
        let input = self.input(Setting::Cpus, |draft| &mut draft.cpus);
        self.labelled(Setting::Cpus, hint, input)
    }

    fn cores(self) -> AnyView {
        let setting = Setting::CoresPerSocket;
        let choices = Memo::new(move |_| self.form.with(SettingsForm::cores_choices));
        let options = move || {
            let choices = choices.get().into_iter();
            choices
                .map(|cores| (cores.to_string(), cores.to_string()))
                .collect()
        };
        let chosen = move || {
            let cores = self.form.with(|form| form.draft.cores_per_socket);
            cores.map(|cores| cores.to_string()).unwrap_or_default()
        };
        let take = move |value: String| {
            self.change(setting, |draft| draft.cores_per_socket = value.parse().ok());
        };
        let as_it_is = || text::deferred().edit.as_it_is.to_owned();
        let control = self.select(setting, as_it_is, options, chosen, take);
        self.labelled(setting, no_hint(), control)
    }

    fn memory(self) -> AnyView {
        let setting = Setting::Memory;
        let hint = Signal::derive(move || {
            let most = self.limits.with(|limits| limits.memory_mb);
            most.map(|most| (text::deferred().edit.up_to)(&exact(most)))
                .unwrap_or_default()
        });
        let input = self.input(setting, |draft| &mut draft.memory);
        let why_not = self.why_not(setting);
        let unit = Memo::new(move |_| self.form.with(|form| form.draft.memory_unit));
        let units = MemoryUnit::ALL.map(|it| {
            view! {
                <option value=it.symbol() selected=move || unit.get() == it>{it.symbol()}</option>
            }
        });
        let choose = move |event| {
            let value = event_target_value(&event);
            let unit = MemoryUnit::ALL.into_iter().find(|it| it.symbol() == value);
            if let Some(unit) = unit {
                self.change(setting, |draft| draft.convert(unit));
            }
        };
        let control = view! {
            <div class="with-unit">
                {input}
                <select
                    aria-label=text::deferred().edit.memory_unit
                    disabled=move || why_not.with(Option::is_some)
                    on:change=choose
                >
                    {units.into_iter().collect::<Vec<_>>()}
                </select>
            </div>
        };
        self.labelled(setting, hint, control.into_any())
    }

    fn guest_os(self) -> AnyView {
        let setting = Setting::GuestOs;
        let options = move || {
            let guests = self.guests.get().into_iter();
            guests.map(|guest| (guest.id, guest.name)).collect()
        };
        let chosen = move || {
            let id = self.form.with(|form| form.draft.guest_os.clone());
            id.unwrap_or_default()
        };
        let take = move |value: String| {
            let id = Some(value).filter(|id| !id.is_empty());
            self.change(setting, |draft| draft.guest_os = id);
        };
        let now = Memo::new(move |_| self.form.with(|form| guest_of(form.vm())));
        let as_it_is = move || {
            let texts = &text::deferred().edit;
            now.get()
                .map_or_else(|| texts.as_it_is.to_owned(), |it| (texts.as_it_is_now)(&it))
        };
        let control = self.select(setting, as_it_is, options, chosen, take);
        self.labelled(setting, no_hint(), control)
    }

    /// A choice, whose first one, with an empty value, is that it stays as it is.
    fn select(
        self,
        setting: Setting,
        as_it_is: impl Fn() -> String + Send + 'static,
        options: impl Fn() -> Vec<(String, String)> + Send + 'static,
        chosen: impl Fn() -> String + Send + Sync + 'static,
        take: impl Fn(String) + 'static,
    ) -> AnyView {
        let (wrong, why_not) = (self.wrong(setting), self.why_not(setting));
        let chosen = Memo::new(move |_| chosen());
        let items = move || {
            let options = options();
            let value = chosen.get();
            // One that became impossible is shown for what it is.
            let lost = !value.is_empty() && !options.iter().any(|(known, _)| *known == value);
            let lost = lost.then(|| (value.clone(), value.clone()));
            let first = (String::new(), as_it_is());
            let all = std::iter::once(first).chain(lost).chain(options);
            all.map(|(known, words)| {
                let selected = known == value;
                view! { <option value=known selected=selected>{words}</option> }
            })
            .collect::<Vec<_>>()
        };
        view! {
            <select
                id=id(setting)
                disabled=move || why_not.with(Option::is_some)
                aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                aria-describedby=hint_id(setting)
                on:change=move |event| take(event_target_value(&event))
            >
                {items}
            </select>
        }
        .into_any()
    }
}

fn guest_of(vm: &Vm) -> Option<String> {
    vm.guest_os.clone()
}

fn no_hint() -> Signal<String> {
    Signal::derive(String::new)
}

/// The id of the control of a setting.
fn id(setting: Setting) -> &'static str {
    match setting {
        Setting::Name => "edit-name",
        Setting::Comment => ONE.1,
        Setting::Cpus => "edit-cpus",
        Setting::CoresPerSocket => "edit-cores",
        Setting::Memory => "edit-memory",
        Setting::GuestOs => "edit-guest",
    }
}

fn hint_id(setting: Setting) -> String {
    format!("{}-hint", id(setting))
}
