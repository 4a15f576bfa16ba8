//! One node with all that is known of it.

use std::sync::Arc;

use ecoman_api::Node as NodeFacts;
use leptos::{ev, prelude::*};

use super::parts::{cpu, datastore, memory, state, tally, troubles, version};
use super::poll::poll_button;
use crate::components::{
    Icon, back, card, copy_line, empty_state, english_fact, fact, fact_card, failed_state, icon,
    is_typing, link, or_unknown, part, set_title, text_fact, when,
};
use crate::live::use_live;
use crate::location::use_location;
use crate::pages::history::history_card;
use crate::state::format::{self, UNKNOWN};
use crate::state::history_filter::HistoryFilter;
use crate::state::node_links;
use crate::state::route::Route;
use crate::state::text;

/// The page.
#[component]
pub(crate) fn Node(name: String) -> impl IntoView {
    let live = use_live();
    let wanted = StoredValue::new(name.clone());
    let node = Memo::new(move |_| {
        live.nodes
            .with(|nodes| nodes.data()?.get(&wanted.get_value()).cloned())
    });
    let is_there = Memo::new(move |_| node.with(Option::is_some));
    let loaded = Memo::new(move |_| live.nodes.with(|nodes| nodes.data().is_some()));
    set_title(move || name.clone());

    let location = use_location();
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && !is_typing() {
            location.go(&Route::Nodes.path());
        }
    });
    on_cleanup(move || escape.remove());

    let (texts, parts) = (&text::deferred().nodes, &text::deferred().parts);
    let missing = move || {
        let error = live.nodes.with(|nodes| nodes.error().cloned());
        match error.filter(|error| !loaded.get() && !error.is_not_ready()) {
            Some(error) => {
                let retry = move || live.connect();
                failed_state(texts.one_not_loaded, &error.to_string(), retry)
            }
            None if loaded.get() => {
                let title = (texts.no_such_node)(&wanted.get_value());
                view! {
                    <h1 class="sr">{title.clone()}</h1>
                    {empty_state(
                        title,
                        texts.no_such_node_why.to_owned(),
                        link("button primary", Route::Nodes.path(), parts.all_nodes.into_any()),
                    )}
                }
                .into_any()
            }
            None => view! {
                <p class="skeleton" role="status">
                    {texts.loading_one}
                </p>
            }
            .into_any(),
        }
    };
    view! {
        <div class="page">
            <div class="column">
                <nav class="heading" aria-label=parts.up>
                    {back(Route::Nodes.path(), parts.all_nodes)}
                </nav>
                {move || {
                    if is_there.get() { details(&wanted.get_value(), node) } else { missing().into_any() }
                }}
                {move || is_there.get().then(|| history(wanted.get_value(), node))}
            </div>
        </div>
    }
}

/// The newest of what happened to it and its VMs.
fn history(name: String, node: Memo<Option<Arc<NodeFacts>>>) -> AnyView {
    let card = history_card(&HistoryFilter::of_node(name), move || node.track());
    view! { <div class="cards">{card}</div> }.into_any()
}

/// Built once, and each part again when what it shows has changed: focus and selection outlive a round.
fn details(name: &str, node: Memo<Option<Arc<NodeFacts>>>) -> AnyView {
    let (texts, parts) = (&text::deferred().nodes, &text::deferred().parts);
    let lasting = Memo::new(move |_| node.with(|node| node.as_deref().map(lasting).map(Arc::new)));
    let encoded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let new_vm_here = format!("{}?node={encoded}", Route::New.path());
    let host_client =
        move || node.with(|node| node.as_ref().map(|it| node_links::host_client(it, None)));
    let shell = |line| {
        card(
            "shell",
            parts.shell,
            view! { <div class="lines">{copy_line(parts.copy_ssh_line, line)}</div> }.into_any(),
        )
    };
    view! {
        <header class="heading">
            <h1>{name.to_owned()}</h1>
            {part(move || node.get(), |node| state(&node))}
            <div class="actions">
                {poll_button(name, node)}
                {link("button", new_vm_here, view! { {icon(Icon::Plus)} {texts.new_vm_here} }.into_any())}
                <a class="button" href=host_client target="_blank" rel="noopener noreferrer">
                    {parts.host_client}
                    {icon(Icon::External)}
                </a>
            </div>
        </header>
        {part(move || lasting.get(), |node| troubles(&node).into_any())}
        <div class="cards">
            {capacity(node)}
            {part(move || lasting.get(), |node| machine(&node))}
            {part(move || node.get(), |node| rounds(&node))}
            {part(move || lasting.get(), |node| for_new_vms(&node))}
            {part(move || lasting.get(), |node| networks(&node))}
            {part(move || lasting.get().map(|node| node_links::ssh_line(&node)), shell)}
        </div>
    }
    .into_any()
}

/// The node without what moves from round to round.
fn lasting(node: &NodeFacts) -> NodeFacts {
    NodeFacts {
        observed_at: None,
        vms_read_at: Vec::new(),
        attempted_at: None,
        next_attempt_at: None,
        round_millis: None,
        collecting: None,
        ..node.clone()
    }
}

fn capacity(node: Memo<Option<Arc<NodeFacts>>>) -> AnyView {
    let texts = &text::deferred().nodes;
    let shown =
        move |build: fn(&NodeFacts) -> AnyView| part(move || node.get(), move |node| build(&node));
    let vms = part(
        move || node.with(|node| node.as_ref().map(|node| (node.name.clone(), node.vms))),
        |(name, vms)| tally(&name, vms),
    );
    fact_card(
        "capacity",
        texts.capacity,
        vec![
            fact(texts.vms, vms),
            fact(texts.cpu, shown(cpu)),
            fact(texts.memory, shown(memory)),
            fact(texts.provisioned, shown(provisioned)),
            fact(texts.datastores, shown(datastores)),
            fact(texts.storage_provisioned, shown(storage)),
        ],
    )
}

fn provisioned(node: &NodeFacts) -> AnyView {
    let given = text::deferred().nodes.memory_provisioned;
    given(node.allocated_on.memory_mb, node.allocated.memory_mb).into_any()
}

fn datastores(node: &NodeFacts) -> AnyView {
    let stores: Vec<_> = node.datastores.iter().map(datastore).collect();
    if stores.is_empty() {
        or_unknown(None)
    } else {
        stores.into_any()
    }
}

fn storage(node: &NodeFacts) -> AnyView {
    view! {
        {format::bytes(node.allocated.storage_bytes)}
        <span class="aside">{text::deferred().nodes.storage_to_vms}</span>
    }
    .into_any()
}

fn machine(node: &NodeFacts) -> AnyView {
    let texts = &text::deferred().nodes;
    let counts = [node.cpu.packages, node.cpu.cores, node.cpu.threads];
    let [sockets, cores, threads] = counts;
    let counts = counts
        .iter()
        .any(Option::is_some)
        .then(|| (texts.sockets_cores_threads)(sockets, cores, threads));
    let model = match (&node.vendor, &node.model) {
        (Some(vendor), Some(model)) => Some(format!("{vendor} {model}")),
        (vendor, model) => vendor.clone().or(model.clone()),
    };
    fact_card(
        "machine",
        texts.machine,
        vec![
            text_fact(texts.esxi, version(node)),
            text_fact(texts.model, model),
            text_fact(texts.processor, node.cpu.model.clone()),
            text_fact(texts.cores, counts),
            text_fact(texts.memory, node.memory.capacity_bytes.map(format::bytes)),
            fact(texts.started, time(node.booted_at)),
            text_fact(
                texts.address,
                Some((texts.address_and_port)(&node.address, node.port)),
            ),
            text_fact(texts.user, Some(node.username.clone())),
        ],
    )
}

fn rounds(node: &NodeFacts) -> AnyView {
    let texts = &text::deferred().nodes;
    let took = node.round_millis.map(text::format().milliseconds);
    let used = node.collecting.as_ref();
    let way = used.map(|used| (texts.way)(used.way).to_owned());
    let cost = used.and_then(|used| used.cost.as_ref());
    fact_card(
        "rounds",
        texts.rounds,
        vec![
            fact(texts.last_complete, time(node.observed_at)),
            fact(texts.last_tried, time(node.attempted_at)),
            text_fact(texts.took, took),
            fact(texts.next, time(node.next_attempt_at)),
            text_fact(texts.asked_by, way),
            fact(texts.asked_since, time(used.map(|used| used.since))),
            english_fact(texts.asked_why, used.map(|used| used.reason.clone())),
            text_fact(texts.round_costs, cost.map(texts.round_cost)),
        ],
    )
}

fn time(time: Option<chrono::DateTime<chrono::Utc>>) -> AnyView {
    time.map_or_else(
        || or_unknown(None),
        |time| view! { {when(time, true)} }.into_any(),
    )
}

fn for_new_vms(node: &NodeFacts) -> AnyView {
    let texts = &text::deferred().nodes;
    fact_card(
        "new-vms",
        texts.for_new_vms,
        vec![
            text_fact(texts.directory, Some(node.datastore_path.clone())),
            text_fact(texts.installer_iso, Some(node.installer_iso_path.clone())),
            text_fact(texts.port_group, Some(node.network_port_group.clone())),
        ],
    )
}

fn networks(node: &NodeFacts) -> AnyView {
    let texts = &text::deferred().nodes;
    let groups: Vec<_> = node
        .port_groups
        .iter()
        .map(|group| {
            let switch = &group.virtual_switch;
            let switch = match group.vlan_id {
                0 => switch.clone(),
                4095 => (texts.all_vlans)(switch),
                vlan => (texts.vlan)(switch, vlan),
            };
            text_fact(group.name.clone(), Some(switch))
        })
        .collect();
    if groups.is_empty() {
        let nothing = view! { <p class="inner">{UNKNOWN}</p> };
        card("networks", texts.port_groups, nothing.into_any())
    } else {
        fact_card("networks", texts.port_groups, groups)
    }
}
