//! The fields of the form.

use ecoman_api::Datastore;
use leptos::prelude::*;

use super::form::Form;
use crate::clock::use_clock;
use crate::state::draft::{Draft, Field};
use crate::state::format;
use crate::state::text;

pub(super) fn part(id: &'static str, title: &'static str, fields: Vec<AnyView>) -> AnyView {
    view! {
        <section class="card" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <div class="fields">{fields}</div>
        </section>
    }
    .into_any()
}

fn label_of(field: Field) -> &'static str {
    let texts = &text::deferred().new_vm;
    match field {
        "node" => texts.node,
        "name" => texts.name,
        "cpus" => texts.cpus,
        "memory_mb" => texts.memory,
        "disk_gb" => texts.disk,
        "guest_os" => texts.guest_os,
        "datastore" => texts.datastore,
        "network" => texts.network,
        "iso_path" => texts.iso_image,
        "comment" => texts.comment,
        other => other,
    }
}

/// A label, its control, and what is wrong or what to know.
fn labelled(form: Form, field: Field, hint: Signal<String>, control: AnyView) -> AnyView {
    let wrong = form.wrong(field);
    view! {
        <div class="field">
            <label for=field>{label_of(field)}</label>
            {control}
            <p class="hint" id=format!("{field}-hint") class:bad=move || wrong.with(Option::is_some)>
                {move || match wrong.get() {
                    Some(wrong) => (text::deferred().new_vm.field_wrong)(label_of(field), &wrong),
                    None => hint.get(),
                }}
            </p>
        </div>
    }
    .into_any()
}

pub(super) fn input(
    form: Form,
    field: Field,
    mode: &'static str,
    hint: &'static str,
    part: fn(&mut Draft) -> &mut String,
) -> AnyView {
    let wrong = form.wrong(field);
    let value = move || form.draft.with(|draft| part(&mut draft.clone()).clone());
    let most = move || {
        let named = form.draft.with(|draft| draft.datastore.clone());
        let limits = form.node.get()?.limits(named.as_deref());
        match field {
            "cpus" => limits.cpus.map(u64::from),
            "memory_mb" => limits.memory_mb,
            "disk_gb" => limits.disk_gb,
            _ => None,
        }
    };
    let texts = &text::deferred().new_vm;
    let hint = Signal::derive(move || match most() {
        Some(most) if hint.is_empty() => (texts.up_to)(most),
        Some(most) => (texts.hint_up_to)(hint, most),
        None => hint.to_owned(),
    });
    let control = view! {
        <input
            id=field
            type="text"
            inputmode=mode
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            aria-invalid=move || wrong.with(Option::is_some).then_some("true")
            aria-describedby=format!("{field}-hint")
            prop:value=value
            on:input=move |event| {
                let typed = event_target_value(&event);
                form.change(field, |draft| *part(draft) = typed);
            }
        />
    };
    labelled(form, field, hint, control.into_any())
}

pub(super) fn comment(form: Form) -> AnyView {
    let wrong = form.wrong("comment");
    let control = view! {
        <textarea
            id="comment"
            rows="3"
            aria-invalid=move || wrong.with(Option::is_some).then_some("true")
            aria-describedby="comment-hint"
            prop:value=move || form.draft.with(|draft| draft.comment.clone())
            on:input=move |event| {
                let typed = event_target_value(&event);
                form.change("comment", |draft| draft.comment = typed);
            }
        ></textarea>
    };
    let hint = Signal::derive(|| text::deferred().new_vm.comment_hint.to_owned());
    labelled(form, "comment", hint, control.into_any())
}

pub(super) fn presets(form: Form) -> AnyView {
    let presets = move || {
        form.live
            .config
            .with(|config| config.as_ref().map(|config| config.presets.clone()))
            .unwrap_or_default()
    };
    let texts = &text::deferred().new_vm;
    let buttons = move || {
        presets()
            .into_iter()
            .map(|preset| {
                let size = (texts.preset_size)(preset.cpus, preset.memory_mb, preset.disk_gb);
                let name = preset.name.clone();
                let like = preset.clone();
                view! {
                    <button
                        type="button"
                        class="preset"
                        aria-pressed=move || {
                            form.draft.with(|draft| draft.is_like(&like)).to_string()
                        }
                        on:click=move |_| {
                            form.change("cpus", |draft| draft.take(&preset));
                            form.change("memory_mb", |_| ());
                            form.change("disk_gb", |_| ());
                        }
                    >
                        <strong>{name}</strong>
                        <span class="small">{size}</span>
                    </button>
                }
            })
            .collect::<Vec<_>>()
    };
    view! { <div class="presets" role="group" aria-label=texts.presets>{buttons}</div> }.into_any()
}

/// A choice out of what the node has: values with their words.
fn select(
    form: Form,
    field: Field,
    hint: Signal<String>,
    options: impl Fn() -> Vec<(String, String)> + Send + 'static,
    chosen: fn(&Draft) -> String,
    choose: fn(&mut Draft, String),
) -> AnyView {
    let wrong = form.wrong(field);
    let value = Memo::new(move |_| form.draft.with(chosen));
    let items = move || {
        let mut options = options();
        let value = value.get();
        // What was chosen for another node is shown for what it is.
        if !options.iter().any(|(known, _)| *known == value) {
            let words = (text::deferred().new_vm.not_on_this_node)(&value);
            options.push((value.clone(), words));
        }
        options
            .into_iter()
            .map(|(known, words)| {
                let selected = known == value;
                view! { <option value=known selected=selected>{words}</option> }
            })
            .collect::<Vec<_>>()
    };
    let control = view! {
        <select
            id=field
            aria-invalid=move || wrong.with(Option::is_some).then_some("true")
            aria-describedby=format!("{field}-hint")
            on:change=move |event| {
                let value = event_target_value(&event);
                form.change(field, |draft| choose(draft, value));
            }
        >
            {items}
        </select>
    };
    labelled(form, field, hint, control.into_any())
}

pub(super) fn guest_os(form: Form) -> AnyView {
    let options = move || {
        let newest = form.node.get().and_then(|node| node.newest_hardware);
        form.live.config.with(|config| {
            let guests = config.iter().flat_map(|config| &config.guest_oses);
            guests
                .filter(|guest| newest.is_none_or(|newest| guest.hardware <= newest))
                .map(|guest| (guest.id.clone(), guest.name.clone()))
                .collect()
        })
    };
    let hint = Signal::derive(move || {
        let node = form.node.get();
        let newest = node.as_ref().and_then(|node| node.newest_hardware);
        match (node, newest) {
            (Some(node), Some(newest)) => {
                (text::deferred().new_vm.guests_of_node)(&node.name, newest)
            }
            _ => String::new(),
        }
    });
    select(
        form,
        "guest_os",
        hint,
        options,
        |draft| draft.guest_os.clone(),
        |draft, value| draft.guest_os = value,
    )
}

/// The value of a choice that leaves it to hosts.yml. No port group and no path has this name.
const DEFAULT: &str = "\u{0}";

pub(super) fn datastore(form: Form) -> AnyView {
    let texts = &text::deferred().new_vm;
    let words = |store: &Datastore| {
        let name = store.name.as_deref().unwrap_or(&store.path);
        match (store.accessible, store.free_bytes.zip(store.capacity_bytes)) {
            (false, _) => (texts.datastore_not_accessible)(name),
            (true, Some((free, all))) => (texts.datastore_free)(name, free, all),
            (true, None) => name.to_owned(),
        }
    };
    let options = move || {
        let Some(node) = form.node.get() else {
            return Vec::new();
        };
        let default = node.datastore(None);
        let default = default.map_or_else(|| node.datastore_path.clone(), words);
        let default = (DEFAULT.to_owned(), (texts.by_hosts_yml)(&default));
        let stores = node.datastores.iter().filter_map(|store| {
            let name = store.name.clone()?;
            Some((name, words(store)))
        });
        std::iter::once(default).chain(stores).collect()
    };
    let hint = Signal::derive(move || {
        let node = form.node.get();
        let named = form.draft.with(|draft| draft.datastore.is_some());
        node.filter(|_| !named)
            .map(|node| node.datastore_path.clone())
            .unwrap_or_default()
    });
    select(
        form,
        "datastore",
        hint,
        options,
        |draft| {
            draft
                .datastore
                .clone()
                .unwrap_or_else(|| DEFAULT.to_owned())
        },
        |draft, value| draft.datastore = (value != DEFAULT).then_some(value),
    )
}

pub(super) fn network(form: Form) -> AnyView {
    let texts = &text::deferred().new_vm;
    let options = move || {
        let Some(node) = form.node.get() else {
            return Vec::new();
        };
        let default = (
            DEFAULT.to_owned(),
            (texts.by_hosts_yml)(&node.network_port_group),
        );
        let groups = node.port_groups.iter().map(|group| {
            let words = match group.vlan_id {
                0 => (texts.port_group)(&group.name, &group.virtual_switch),
                vlan => (texts.port_group_vlan)(&group.name, &group.virtual_switch, vlan),
            };
            (group.name.clone(), words)
        });
        std::iter::once(default).chain(groups).collect()
    };
    select(
        form,
        "network",
        read_from_node(form),
        options,
        |draft| draft.network.clone().unwrap_or_else(|| DEFAULT.to_owned()),
        |draft, value| draft.network = (value != DEFAULT).then_some(value),
    )
}

pub(super) fn iso(form: Form) -> AnyView {
    let texts = &text::deferred().new_vm;
    let options = move || {
        let Some(node) = form.node.get() else {
            return Vec::new();
        };
        let file = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let mut default = (texts.by_hosts_yml)(&file(&node.installer_iso_path));
        if node.lacks_iso(&node.installer_iso_path) {
            default = (texts.missing)(&default);
        }
        let default = (DEFAULT.to_owned(), default);
        let none = (String::new(), texts.no_iso.to_owned());
        let images = node.iso_images.iter().map(|image| {
            let path = image.path.trim_start_matches("/vmfs/volumes/");
            let words = match image.bytes {
                Some(bytes) => (texts.iso_sized)(path, bytes),
                None => path.to_owned(),
            };
            (image.path.clone(), words)
        });
        [default, none].into_iter().chain(images).collect()
    };
    select(
        form,
        "iso_path",
        read_from_node(form),
        options,
        |draft| draft.iso_path.clone().unwrap_or_else(|| DEFAULT.to_owned()),
        |draft, value| draft.iso_path = (value != DEFAULT).then_some(value),
    )
}

/// How old the knowledge of a node's networks and images is.
fn read_from_node(form: Form) -> Signal<String> {
    let texts = &text::deferred().new_vm;
    let clock = use_clock();
    Signal::derive(move || {
        let Some(node) = form.node.get() else {
            return String::new();
        };
        match node.setup_read_at {
            Some(time) => (texts.read_from)(&node.name, &format::ago(clock.seconds_since(time))),
            None => (texts.not_read_yet)(&node.name),
        }
    })
}

pub(super) fn power_on(form: Form) -> AnyView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=move || form.draft.with(|draft| draft.power_on)
                on:change=move |event| {
                    let checked = event_target_checked(&event);
                    form.change("power_on", |draft| draft.power_on = checked);
                }
            />
            {text::deferred().new_vm.power_on}
        </label>
    }
    .into_any()
}
