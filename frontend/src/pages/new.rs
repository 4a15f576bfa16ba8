//! A VM to be created: where, how large, with what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ecoman_api::{Node, Permission};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Visit, back, focus, set_title};
use crate::api;
use crate::components::{Icon, ago, busy, empty_state, failed_state, icon};
use crate::live::{Live, use_live};
use crate::location::use_location;
use crate::state::draft::{Draft, Field, Kept};
use crate::state::format;
use crate::state::placement::{ORDER, Place, Size, rank};
use crate::state::route::Page;

/// Where a draft is kept, for as long as the tab is open.
const KEY: &str = "ecoman-new-vm";
/// The fields, in the order on the page, with what they are called there.
const FIELDS: [(Field, &str); 9] = [
    ("node", "Node"),
    ("name", "Name"),
    ("cpus", "CPUs"),
    ("memory_mb", "Memory"),
    ("disk_gb", "Disk"),
    ("guest_os", "Guest OS"),
    ("network", "Network"),
    ("iso_path", "ISO image"),
    ("comment", "Comment"),
];

/// What the parts of the form share.
#[derive(Clone, Copy)]
struct Form {
    live: Live,
    draft: RwSignal<Draft>,
    /// The fields that were typed in, or all once it was to be sent: what was not touched yet is
    /// not wrong yet.
    touched: RwSignal<BTreeSet<Field>>,
    /// What is wrong, by field: found here, or told by the server for what it was sent.
    faults: Memo<BTreeMap<String, String>>,
    refused: RwSignal<BTreeMap<String, String>>,
    node: Memo<Option<Arc<Node>>>,
}

impl Form {
    fn change(self, field: Field, change: impl FnOnce(&mut Draft)) {
        self.draft.update(change);
        self.touched.update(|touched| {
            touched.insert(field);
        });
        self.refused.update(|refused| {
            refused.remove(field);
        });
    }

    /// What is wrong with a field, as far as the reader should know.
    fn wrong(self, field: Field) -> Memo<Option<String>> {
        Memo::new(move |_| {
            let refused = self.refused.with(|refused| refused.get(field).cloned());
            let touched = self.touched.with(|touched| touched.contains(field));
            refused.or_else(|| {
                let fault = self.faults.with(|faults| faults.get(field).cloned());
                fault.filter(|_| touched)
            })
        })
    }
}

/// The page.
#[component]
pub(crate) fn New() -> impl IntoView {
    let live = use_live();
    let visit: Visit = expect_context();
    let location = use_location();
    let kept = StoredValue::new(read().unwrap_or_default());
    let draft = RwSignal::new(kept.with_value(|kept| kept.draft.clone()));
    // The address may name a node: `/new?node=hoge`.
    let named = location.query.with_untracked(|query| {
        form_urlencoded::parse(query.trim_start_matches('?').as_bytes())
            .find_map(|(key, value)| (key == "node").then(|| value.into_owned()))
    });
    if named.is_some() {
        draft.update(|draft| draft.node = named);
    }
    set_title(|| String::from("New VM"));

    let size = move || {
        let wanted = draft.with(Draft::request);
        Size {
            cpus: wanted.cpus,
            memory_mb: wanted.memory_mb,
            disk_gb: wanted.disk_gb,
        }
    };
    let places = Memo::new(move |_| {
        live.nodes
            .with(|nodes| nodes.data().map(|nodes| rank(nodes, size())))
    });
    // The best one is chosen until the reader chooses another.
    Effect::new(move || {
        let best = places.with(|places| {
            let best = places.as_ref()?.first()?;
            best.blocked.is_none().then(|| best.node.clone())
        });
        if best.is_some() && draft.with_untracked(|draft| draft.node.is_none()) {
            draft.update(|draft| draft.node = best);
        }
    });
    let node = Memo::new(move |_| {
        let name = draft.with(|draft| draft.node.clone())?;
        live.nodes.with(|nodes| nodes.data()?.get(&name).cloned())
    });
    let faults = Memo::new(move |_| {
        let node = node.get();
        let config = live.config.get();
        let guests = config.as_ref().map_or(&[][..], |config| &config.guest_oses);
        let is_taken = |name: &str| {
            let Some(node) = &node else {
                return false;
            };
            live.vms.with(|vms| {
                let rows = vms.data().into_iter().flat_map(|table| table.rows());
                rows.into_iter()
                    .any(|row| row.vm.node == node.name && row.vm.name.as_deref() == Some(name))
            })
        };
        let mut faults: BTreeMap<String, String> = draft
            .with(|draft| draft.faults(node.as_deref(), guests, is_taken))
            .into_iter()
            .map(|fault| (fault.field.to_owned(), fault.rule))
            .collect();
        let blocked = places.with(|places| {
            let name = &node.as_ref()?.name;
            let place = places.as_ref()?.iter().find(|place| place.node == *name)?;
            place.blocked.clone()
        });
        // What the sizes are too large for is told at the sizes.
        if let Some(why) = blocked.filter(|_| faults.is_empty()) {
            faults.insert(String::from("node"), why);
        }
        faults
    });
    let form = Form {
        live,
        draft,
        touched: RwSignal::default(),
        faults,
        refused: RwSignal::default(),
        node,
    };
    // Kept over a reload, and over a look at another page.
    Effect::new(move || {
        let draft = draft.get();
        kept.update_value(|kept| kept.draft = draft);
        kept.with_value(keep);
    });

    let sending = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if sending.get_untracked() {
            return;
        }
        form.touched
            .update(|touched| touched.extend(FIELDS.map(|(field, _)| field)));
        form.refused.set(BTreeMap::new());
        wrong.set(None);
        if let Some(first) = first_fault(&faults.get_untracked()) {
            focus(first);
            return;
        }
        sending.set(true);
        let wanted = draft.with_untracked(Draft::request);
        let key = kept.try_update_value(|kept| {
            let key = kept.key(&wanted, fresh_key);
            keep(kept);
            key
        });
        spawn_local(async move {
            let answer = api::create(&wanted, &key.unwrap_or_default()).await;
            sending.try_set(false);
            match answer {
                Ok(task) => {
                    forget();
                    let page = Page::Task { id: task.id };
                    live.take_task(task);
                    location.go(&page.path());
                }
                Err(error) => {
                    if !error.is_open() {
                        kept.try_update_value(|kept| {
                            kept.sent = None;
                            keep(kept);
                        });
                    }
                    let fields: BTreeMap<_, _> = error.fields().into_iter().collect();
                    let first = first_fault(&fields);
                    form.refused.try_set(fields);
                    // What is told at a field is not told twice.
                    wrong.try_set(first.is_none().then(|| error.to_string()));
                    request_animation_frame(move || focus(first.unwrap_or("refused")));
                }
            }
        });
    };
    let forbidden = Memo::new(move |_| {
        live.config.with(|config| {
            config
                .as_ref()
                .is_some_and(|config| !config.identity.may.contains(&Permission::Create))
        })
    });
    let known = Memo::new(move |_| places.with(|places| places.as_ref().map(Vec::is_empty)));
    let content = move || {
        // What comes of the nodes from now on must not build the form anew under the typing.
        match known.get() {
            Some(true) => {
                return empty_state(
                    String::from("No nodes yet"),
                    String::from("A VM needs a node: name one in hosts.yml, and it appears here."),
                    ().into_any(),
                );
            }
            Some(false) => return fields(form, places, submit, sending, wrong, forbidden),
            None => {}
        }
        match live.nodes.with(|nodes| nodes.error().cloned()) {
            Some(error) if !error.is_not_ready() => {
                let retry = move || live.connect();
                failed_state("The nodes could not be loaded", &error.to_string(), retry)
            }
            _ => view! { <p class="skeleton" role="status">"Loading the nodes"</p> }.into_any(),
        }
    };
    view! {
        <div class="page">
            <div class="column">
                <nav class="heading" aria-label="Up">{back(visit.list_path(), "All VMs")}</nav>
                <header class="heading">
                    <h1>"New VM"</h1>
                </header>
                {content}
            </div>
        </div>
    }
}

fn fields(
    form: Form,
    places: Memo<Option<Vec<Place>>>,
    submit: impl Fn(leptos::ev::SubmitEvent) + 'static,
    sending: RwSignal<bool>,
    wrong: RwSignal<Option<String>>,
    forbidden: Memo<bool>,
) -> AnyView {
    view! {
        <form class="new" novalidate=true on:submit=submit>
            <div class="parts">
                {part(
                    "what",
                    "Name",
                    vec![
                        input(form, "name", "text", "Free on its node; also the name of its files", |draft| {
                            &mut draft.name
                        }),
                        comment(form),
                    ],
                )}
                {part(
                    "size",
                    "Size",
                    vec![
                        presets(form),
                        view! {
                            <div class="three">
                                {input(form, "cpus", "numeric", "", |draft| &mut draft.cpus)}
                                {input(form, "memory_mb", "numeric", "in MB", |draft| &mut draft.memory_mb)}
                                {input(form, "disk_gb", "numeric", "in GB, thin", |draft| &mut draft.disk_gb)}
                            </div>
                        }
                        .into_any(),
                    ],
                )}
                {part("where", "Node", vec![node_choice(form, places)])}
                {part(
                    "with",
                    "System",
                    vec![guest_os(form), network(form), iso(form), power_on(form)],
                )}
            </div>
            <section class="card summary" aria-labelledby="summary">
                <h2 id="summary">"Summary"</h2>
                {move || summary(form)}
                <div class="lines">
                    <button
                        type="submit"
                        class="button primary"
                        aria-disabled=move || {
                            (sending.get() || forbidden.get()).then_some("true")
                        }
                    >
                        {move || sending.get().then(busy)}
                        "Create the VM"
                    </button>
                    {move || {
                        forbidden
                            .get()
                            .then(|| view! { <p class="small">"You may look, but not create VMs."</p> })
                    }}
                    <div id="refused" tabindex="-1" role="status">
                        {move || {
                            wrong
                                .get()
                                .map(|wrong| {
                                    view! {
                                        <div class="notice bad">
                                            {icon(Icon::Warning)} <p>{wrong}</p>
                                        </div>
                                    }
                                })
                        }}
                    </div>
                </div>
            </section>
        </form>
    }
    .into_any()
}

fn part(id: &'static str, title: &'static str, fields: Vec<AnyView>) -> AnyView {
    view! {
        <section class="card" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <div class="fields">{fields}</div>
        </section>
    }
    .into_any()
}

fn label_of(field: Field) -> &'static str {
    FIELDS
        .iter()
        .find(|(known, _)| *known == field)
        .map_or(field, |(_, label)| label)
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
                    Some(wrong) => format!("{} {wrong}.", label_of(field)),
                    None => hint.get(),
                }}
            </p>
        </div>
    }
    .into_any()
}

fn input(
    form: Form,
    field: Field,
    mode: &'static str,
    hint: &'static str,
    text: fn(&mut Draft) -> &mut String,
) -> AnyView {
    let wrong = form.wrong(field);
    let value = move || form.draft.with(|draft| text(&mut draft.clone()).clone());
    let most = move || {
        let limits = form.node.get()?.limits();
        match field {
            "cpus" => limits.cpus.map(u64::from),
            "memory_mb" => limits.memory_mb,
            "disk_gb" => limits.disk_gb,
            _ => None,
        }
    };
    let hint = Signal::derive(move || match most() {
        Some(most) if hint.is_empty() => format!("up to {}", format::grouped(most)),
        Some(most) => format!("{hint}, up to {}", format::grouped(most)),
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
                form.change(field, |draft| *text(draft) = typed);
            }
        />
    };
    labelled(form, field, hint, control.into_any())
}

fn comment(form: Form) -> AnyView {
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
    let hint = Signal::derive(|| String::from("Whose it is, what for, until when"));
    labelled(form, "comment", hint, control.into_any())
}

fn presets(form: Form) -> AnyView {
    let presets = move || {
        form.live
            .config
            .with(|config| config.as_ref().map(|config| config.presets.clone()))
            .unwrap_or_default()
    };
    let buttons = move || {
        presets()
            .into_iter()
            .map(|preset| {
                let size = format!(
                    "{} CPU · {} · {} GB",
                    preset.cpus,
                    format::megabytes(preset.memory_mb),
                    preset.disk_gb
                );
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
    view! { <div class="presets" role="group" aria-label="Presets">{buttons}</div> }.into_any()
}

fn node_choice(form: Form, places: Memo<Option<Vec<Place>>>) -> AnyView {
    let wrong = form.wrong("node");
    let choices = move || {
        let mut places = places.get().unwrap_or_default().into_iter().enumerate();
        let mut views = Vec::new();
        places.by_ref().for_each(|(nth, place)| {
            let Place {
                node,
                reason,
                blocked,
                too_small,
                ..
            } = place;
            let is_blocked = blocked.is_some();
            // One that is too small may be chosen first, and a size for it then.
            let disabled = is_blocked && !too_small;
            let suggested = nth == 0 && !is_blocked;
            let id = format!("node-{nth}");
            let (chosen, value) = (node.clone(), node.clone());
            views.push(
                view! {
                    <label class="place" class:blocked=is_blocked>
                        <input
                            type="radio"
                            name="node"
                            id=if nth == 0 { String::from("node") } else { id.clone() }
                            value=value.clone()
                            disabled=disabled
                            aria-describedby=format!("{id}-why")
                            prop:checked=move || {
                                form.draft.with(|draft| draft.node.as_ref() == Some(&chosen))
                            }
                            on:change=move |_| {
                                form.change("node", |draft| draft.node = Some(value.clone()));
                            }
                        />
                        <span>
                            <strong>{node}</strong>
                            {suggested.then(|| view! { " " <span class="tag">"Suggested"</span> })}
                            <span class="small" id=format!("{id}-why")>
                                {blocked.map(|why| format!("{why} · "))} {reason}
                            </span>
                        </span>
                    </label>
                }
                .into_any(),
            );
        });
        views
    };
    view! {
        <fieldset class="places" aria-describedby="node-hint">
            <legend class="sr">"Node"</legend>
            {choices}
        </fieldset>
        <p class="hint" id="node-hint" class:bad=move || wrong.with(Option::is_some)>
            {move || match wrong.get() {
                Some(wrong) => format!("Node {wrong}."),
                None => ORDER.to_owned(),
            }}
        </p>
    }
    .into_any()
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
            options.push((value.clone(), format!("{value} (not on this node)")));
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

fn guest_os(form: Form) -> AnyView {
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
                format!("Those that {} knows: hardware version {newest}", node.name)
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

fn network(form: Form) -> AnyView {
    let options = move || {
        let Some(node) = form.node.get() else {
            return Vec::new();
        };
        let default = (
            DEFAULT.to_owned(),
            format!("{} (hosts.yml)", node.network_port_group),
        );
        let groups = node.port_groups.iter().map(|group| {
            let vlan = match group.vlan_id {
                0 => String::new(),
                vlan => format!(", VLAN {vlan}"),
            };
            let words = format!("{} ({}{vlan})", group.name, group.virtual_switch);
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

fn iso(form: Form) -> AnyView {
    let options = move || {
        let Some(node) = form.node.get() else {
            return Vec::new();
        };
        let file = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let default = (
            DEFAULT.to_owned(),
            format!("{} (hosts.yml)", file(&node.installer_iso_path)),
        );
        let none = (String::new(), String::from("None: an empty drive"));
        let images = node.iso_images.iter().map(|image| {
            let path = image.path.trim_start_matches("/vmfs/volumes/");
            let words = match image.bytes {
                Some(bytes) => format!("{path} ({})", format::bytes(bytes)),
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
    let clock = crate::clock::use_clock();
    Signal::derive(move || {
        let Some(node) = form.node.get() else {
            return String::new();
        };
        match node.setup_read_at {
            Some(time) => format!(
                "Read from {} {}",
                node.name,
                format::ago(clock.seconds_since(time))
            ),
            None => format!("{} has not told what it has yet", node.name),
        }
    })
}

fn power_on(form: Form) -> AnyView {
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
            "Power it on when it is there"
        </label>
    }
    .into_any()
}

/// What is about to be made, in words.
fn summary(form: Form) -> AnyView {
    let draft = form.draft.get();
    let node = form.node.get();
    let wanted = draft.request();
    let faults = form.faults.with(BTreeMap::len);
    let name = if draft.name.is_empty() {
        String::from("A VM without a name yet")
    } else {
        draft.name.clone()
    };
    let on = node.as_ref().map_or_else(
        || String::from("on no node yet"),
        |node| format!("on {}", node.name),
    );
    let size = format!(
        "{}, {} of memory, a disk of up to {} GB",
        format::plural(wanted.cpus as usize, "CPU", "CPUs"),
        format::megabytes(wanted.memory_mb),
        format::grouped(wanted.disk_gb),
    );
    let guest = form.live.config.with(|config| {
        let guests = config.iter().flat_map(|config| &config.guest_oses);
        guests
            .into_iter()
            .find(|guest| guest.id == draft.guest_os)
            .map_or_else(|| draft.guest_os.clone(), |guest| guest.name.clone())
    });
    let settings = node.as_ref();
    let network = draft
        .network
        .clone()
        .or_else(|| settings.map(|node| node.network_port_group.clone()));
    let iso = draft
        .iso_path
        .clone()
        .or_else(|| settings.map(|node| node.installer_iso_path.clone()));
    let iso = match iso.as_deref() {
        None => String::new(),
        Some("") => String::from("an empty CD drive"),
        Some(path) => format!(
            "{} in the CD drive",
            path.rsplit('/').next().unwrap_or(path)
        ),
    };
    let directory = settings.map(|node| format!("{}/{}", node.datastore_path, draft.name));
    let read = settings.and_then(|node| node.observed_at);
    view! {
        <div class="lines">
            <p>
                <strong class="wrap">{name}</strong>
                " "
                {on}
            </p>
            <ul class="plain">
                <li>{size}</li>
                <li>{guest}</li>
                <li>"on the network " {network}</li>
                <li>{iso}</li>
                <li>{if draft.power_on { "powered on at the end" } else { "left powered off" }}</li>
            </ul>
            {directory.map(|directory| view! { <p class="small wrap">{directory}</p> })}
            {read.map(|read| view! { <p class="small">"By what the node told " {ago(read)} "."</p> })}
            {(faults > 0)
                .then(|| {
                    view! {
                        <p class="small">{format::plural(faults, "thing is", "things are")} " to be mended first."</p>
                    }
                })}
        </div>
    }
    .into_any()
}

/// The first field on the page with a fault.
fn first_fault(faults: &BTreeMap<String, String>) -> Option<Field> {
    FIELDS
        .iter()
        .find(|(field, _)| faults.contains_key(*field))
        .map(|(field, _)| *field)
}

/// Keeps a draft for the next time that the page is opened.
pub(crate) fn keep(kept: &Kept) {
    let text = serde_json::to_string(kept).unwrap_or_default();
    if let Some(storage) = storage() {
        // A browser that keeps nothing forgets it with the page.
        let _ = storage.set_item(KEY, &text);
    }
}

/// A key for one attempt, unlike every other.
pub(crate) fn fresh_key() -> String {
    let random = || js_sys::Math::random().to_bits();
    format!(
        "{:x}-{:x}-{:x}",
        js_sys::Date::now().to_bits(),
        random(),
        random()
    )
}

fn read() -> Option<Kept> {
    let text = storage()?.get_item(KEY).ok()??;
    serde_json::from_str(&text).ok()
}

fn forget() {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(KEY);
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}
