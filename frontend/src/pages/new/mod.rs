//! A VM to be created: where, how large, with what.

mod fields;
mod form;
mod places;
mod summary;

use std::collections::BTreeMap;

use ecoman_api::Permission;
use leptos::prelude::*;
use leptos::task::spawn_local;

use self::fields::{comment, datastore, guest_os, input, iso, network, part, power_on, presets};
use self::form::{FIELDS, Form, first_fault};
use self::places::node_choice;
use self::summary::summary;
use crate::acts::create;
use crate::api;
use crate::components::{Icon, back, busy, empty_state, failed_state, focus, icon, set_title};
use crate::list_position::ListPosition;
use crate::live::use_live;
use crate::location::use_location;
use crate::state::draft::Draft;
use crate::state::placement::{Place, Wanted, rank};
use crate::state::route::Route;
use crate::state::text;

/// The page.
#[component]
pub(crate) fn New() -> impl IntoView {
    let live = use_live();
    let list_position: ListPosition = expect_context();
    let location = use_location();
    let kept = StoredValue::new(create::read().unwrap_or_default());
    let draft = RwSignal::new(kept.with_value(|kept| kept.draft.clone()));
    // The address may name a node: `/new?node=hoge`.
    let named = location.query.with_untracked(|query| {
        form_urlencoded::parse(query.trim_start_matches('?').as_bytes())
            .find_map(|(key, value)| (key == "node").then(|| value.into_owned()))
    });
    if named.is_some() {
        draft.update(|draft| draft.node = named);
    }
    set_title(|| text::deferred().new_vm.title.to_owned());

    let wanted = Memo::new(move |_| {
        let wanted = draft.with(Draft::request);
        Wanted {
            cpus: wanted.cpus,
            memory_mb: wanted.memory_mb,
            disk_gb: wanted.disk_gb,
            datastore: wanted.datastore,
        }
    });
    let places = Memo::new(move |_| {
        let wanted = wanted.get();
        live.nodes
            .with(|nodes| nodes.data().map(|nodes| rank(nodes, &wanted)))
    });
    // The best one is chosen until the reader chooses another.
    Effect::new(move || {
        let best = places.with(|places| {
            let best = places.as_ref()?.first()?;
            best.is_good().then(|| best.node.clone())
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
        // What the sizes are too large for is shown at the sizes.
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
    // SavedDraft over a reload, and over a look at another page.
    Effect::new(move || {
        let draft = draft.get();
        kept.update_value(|kept| kept.draft = draft);
        kept.with_value(create::keep);
    });

    let sending = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if sending.get_untracked() {
            return;
        }
        form.touched.update(|touched| touched.extend(FIELDS));
        form.refused.set(BTreeMap::new());
        wrong.set(None);
        if let Some(first) = first_fault(&faults.get_untracked()) {
            focus(first);
            return;
        }
        sending.set(true);
        let wanted = draft.with_untracked(Draft::request);
        let key = kept.try_update_value(|kept| {
            let key = kept.key(&wanted, api::fresh_key);
            create::keep(kept);
            key
        });
        spawn_local(async move {
            let answer = api::create(&wanted, &key.unwrap_or_default()).await;
            sending.try_set(false);
            match answer {
                Ok(task) => {
                    create::forget();
                    let page = Route::Task { id: task.id };
                    live.take_task(task);
                    location.go(&page.path());
                }
                Err(error) => {
                    if !error.is_open() {
                        kept.try_update_value(|kept| {
                            kept.sent = None;
                            create::keep(kept);
                        });
                    }
                    let fields: BTreeMap<_, _> = error.fields().into_iter().collect();
                    let first = first_fault(&fields);
                    form.refused.try_set(fields);
                    // What is shown at a field is not shown twice.
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
    let texts = &text::deferred().new_vm;
    let content = move || {
        // Changes of the nodes from now on must not rebuild the form under the typing.
        match known.get() {
            Some(true) => {
                return empty_state(
                    texts.no_nodes.to_owned(),
                    texts.no_nodes_why.to_owned(),
                    ().into_any(),
                );
            }
            Some(false) => return view(form, places, submit, sending, wrong, forbidden),
            None => {}
        }
        match live.nodes.with(|nodes| nodes.error().cloned()) {
            Some(error) if !error.is_not_ready() => {
                let retry = move || live.connect();
                failed_state(text::deferred().nodes.not_loaded, &error.to_string(), retry)
            }
            _ => view! { <p class="skeleton" role="status">{text::deferred().nodes.loading}</p> }
                .into_any(),
        }
    };
    view! {
        <div class="page">
            <div class="column">
                <nav class="heading" aria-label=text::deferred().parts.up>{back(list_position.list_path(), text::deferred().parts.all_vms)}</nav>
                <header class="heading">
                    <h1>{texts.title}</h1>
                </header>
                {content}
            </div>
        </div>
    }
}

fn view(
    form: Form,
    places: Memo<Option<Vec<Place>>>,
    submit: impl Fn(leptos::ev::SubmitEvent) + 'static,
    sending: RwSignal<bool>,
    wrong: RwSignal<Option<String>>,
    forbidden: Memo<bool>,
) -> AnyView {
    let texts = &text::deferred().new_vm;
    view! {
        <form class="new" novalidate=true on:submit=submit>
            <div class="parts">
                {part(
                    "what",
                    texts.part_name,
                    vec![
                        input(form, "name", "text", texts.name_hint, |draft| {
                            &mut draft.name
                        }),
                        comment(form),
                    ],
                )}
                {part(
                    "size",
                    texts.part_size,
                    vec![
                        presets(form),
                        view! {
                            <div class="three">
                                {input(form, "cpus", "numeric", "", |draft| &mut draft.cpus)}
                                {input(form, "memory_mb", "numeric", texts.memory_hint, |draft| &mut draft.memory_mb)}
                                {input(form, "disk_gb", "numeric", texts.disk_hint, |draft| &mut draft.disk_gb)}
                            </div>
                        }
                        .into_any(),
                    ],
                )}
                {part("where", texts.part_node, vec![node_choice(form, places)])}
                {part(
                    "with",
                    texts.part_system,
                    vec![datastore(form), guest_os(form), network(form), iso(form), power_on(form)],
                )}
            </div>
            <section class="card summary" aria-labelledby="summary">
                <h2 id="summary">{texts.summary}</h2>
                {move || summary(form, places)}
                <div class="lines">
                    <button
                        type="submit"
                        class="button primary"
                        aria-disabled=move || {
                            (sending.get() || forbidden.get()).then_some("true")
                        }
                    >
                        {move || sending.get().then(busy)}
                        {texts.create}
                    </button>
                    {move || {
                        forbidden
                            .get()
                            .then(|| view! { <p class="small">{texts.may_not_create}</p> })
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
