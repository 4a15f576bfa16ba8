//! One node with all that is known of it.

use std::sync::Arc;

use ecoman_api::Node as NodeFacts;
use leptos::{ev, prelude::*};

use super::parts::{cpu, datastore, memory, state, tally, troubles, version};
use crate::components::{
    Icon, back, card, copy_line, empty_state, fact, fact_card, failed_state, icon, is_typing, link,
    set_title, text, text_fact, when,
};
use crate::live::use_live;
use crate::location::use_location;
use crate::state::format::{self, UNKNOWN};
use crate::state::node_links;
use crate::state::route::Route;

/// The page.
#[component]
pub(crate) fn Node(name: String) -> impl IntoView {
    let live = use_live();
    let wanted = StoredValue::new(name.clone());
    let node = Memo::new(move |_| {
        live.nodes
            .with(|nodes| nodes.data()?.get(&wanted.get_value()).cloned())
    });
    let loaded = Memo::new(move |_| live.nodes.with(|nodes| nodes.data().is_some()));
    set_title(move || name.clone());

    let location = use_location();
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && !is_typing() {
            location.go(&Route::Nodes.path());
        }
    });
    on_cleanup(move || escape.remove());

    let missing = move || {
        let error = live.nodes.with(|nodes| nodes.error().cloned());
        match error.filter(|error| !loaded.get() && !error.is_not_ready()) {
            Some(error) => {
                let retry = move || live.connect();
                failed_state("The node could not be loaded", &error.to_string(), retry)
            }
            None if loaded.get() => {
                let title = format!("There is no node {}", wanted.get_value());
                view! {
                    <h1 class="sr">{title.clone()}</h1>
                    {empty_state(
                        title,
                        String::from("hosts.yml does not name it, or no longer does."),
                        link("button primary", Route::Nodes.path(), "All nodes".into_any()),
                    )}
                }
                .into_any()
            }
            None => view! {
                <p class="skeleton" role="status">
                    "Loading the node"
                </p>
            }
            .into_any(),
        }
    };
    view! {
        <div class="page">
            <div class="column">
                <nav class="heading" aria-label="Up">
                    {back(Route::Nodes.path(), "All nodes")}
                </nav>
                {move || match node.get() {
                    Some(node) => details(&node).into_any(),
                    None => missing().into_any(),
                }}
            </div>
        </div>
    }
}

fn details(node: &Arc<NodeFacts>) -> impl IntoView + use<> {
    let shell = view! {
        <div class="lines">
            {copy_line("the ssh line", node_links::ssh_line(node))}
        </div>
    };
    let cards = vec![
        capacity(node),
        machine(node),
        rounds(node),
        for_new_vms(node),
        networks(node),
        card("shell", "Shell", shell.into_any()),
    ];
    let name: String = form_urlencoded::byte_serialize(node.name.as_bytes()).collect();
    let new_vm_here = format!("{}?node={name}", Route::New.path());
    view! {
        <header class="heading">
            <h1>{node.name.clone()}</h1>
            {state(node)}
            <div class="actions">
                {link("button", new_vm_here, view! { {icon(Icon::Plus)} "New VM here" }.into_any())}
                <a
                    class="button"
                    href=node_links::host_client(node, None)
                    target="_blank"
                    rel="noopener noreferrer"
                >
                    "Host Client"
                    {icon(Icon::External)}
                </a>
            </div>
        </header>
        {troubles(node)}
        <div class="cards">
            {cards}
        </div>
    }
}

fn capacity(node: &NodeFacts) -> AnyView {
    let stores: Vec<_> = node.datastores.iter().map(datastore).collect();
    let stores = if stores.is_empty() {
        text(None)
    } else {
        stores.into_any()
    };
    let promised = view! {
        {format::bytes(node.allocated.storage_bytes)}
        <span class="aside">" to VMs, in use and still to grow"</span>
    };
    fact_card(
        "capacity",
        "Capacity",
        vec![
            fact("VMs", tally(&node.name, node.vms)),
            fact("CPU", cpu(node)),
            fact("Memory", memory(node)),
            fact("Datastores", stores),
            fact("Promised", promised.into_any()),
        ],
    )
}

fn machine(node: &NodeFacts) -> AnyView {
    let counts = [
        (node.cpu.packages, "socket", "sockets"),
        (node.cpu.cores, "core", "cores"),
        (node.cpu.threads, "thread", "threads"),
    ];
    let counts: Vec<_> = counts
        .into_iter()
        .filter_map(|(count, one, many)| {
            let count = usize::try_from(count?).ok()?;
            Some(format::plural(count, one, many))
        })
        .collect();
    let counts = (!counts.is_empty()).then(|| counts.join(", "));
    let model = match (&node.vendor, &node.model) {
        (Some(vendor), Some(model)) => Some(format!("{vendor} {model}")),
        (vendor, model) => vendor.clone().or(model.clone()),
    };
    fact_card(
        "machine",
        "Machine",
        vec![
            text_fact("ESXi", version(node)),
            text_fact("Model", model),
            text_fact("Processor", node.cpu.model.clone()),
            text_fact("Cores", counts),
            text_fact("Memory", node.memory.capacity_bytes.map(format::bytes)),
            fact("Started", time(node.booted_at)),
            text_fact(
                "Address",
                Some(format!("{}, port {}", node.address, node.port)),
            ),
            text_fact("User", Some(node.username.clone())),
        ],
    )
}

fn rounds(node: &NodeFacts) -> AnyView {
    let took = node
        .round_millis
        .map(|milliseconds| format!("{} ms", format::grouped(milliseconds)));
    fact_card(
        "rounds",
        "Rounds of the crawler",
        vec![
            fact("Last complete", time(node.observed_at)),
            fact("Last tried", time(node.attempted_at)),
            text_fact("Took", took),
            fact("Next", time(node.next_attempt_at)),
        ],
    )
}

fn time(time: Option<chrono::DateTime<chrono::Utc>>) -> AnyView {
    time.map_or_else(
        || text(None),
        |time| view! { {when(time, true)} }.into_any(),
    )
}

fn for_new_vms(node: &NodeFacts) -> AnyView {
    fact_card(
        "new-vms",
        "For new VMs",
        vec![
            text_fact("Directory", Some(node.datastore_path.clone())),
            text_fact("Installer ISO", Some(node.installer_iso_path.clone())),
            text_fact("Port group", Some(node.network_port_group.clone())),
        ],
    )
}

fn networks(node: &NodeFacts) -> AnyView {
    let groups: Vec<_> = node
        .port_groups
        .iter()
        .map(|group| {
            let vlan = match group.vlan_id {
                0 => String::new(),
                4095 => String::from(", all VLANs"),
                vlan => format!(", VLAN {vlan}"),
            };
            text_fact(
                group.name.clone(),
                Some(format!("{}{vlan}", group.virtual_switch)),
            )
        })
        .collect();
    if groups.is_empty() {
        let nothing = view! { <p class="inner">{UNKNOWN}</p> };
        card("networks", "Port groups", nothing.into_any())
    } else {
        fact_card("networks", "Port groups", groups)
    }
}
