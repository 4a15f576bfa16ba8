//! One VM with all that is known of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ecoman_api::{Config, Node, Resource, Vm as VmFacts};
use leptos::task::spawn_local;
use leptos::{ev, prelude::*};
use serde_json::Value;

use super::power::{change_of, power_bar, vm_task};
use super::{Visit, back, is_typing, set_title};
use crate::api;
use crate::components::{
    Icon, ago, card, changing_badge, copy_button, copy_line, empty_state, fact, fact_card,
    failed_state, follow, icon, link, meter, text, text_fact, when,
};
use crate::live::{Live, use_live};
use crate::location::use_location;
use crate::state::format::{self, UNKNOWN};
use crate::state::inventory::{Nodes, VmKey, seen_at};
use crate::state::list::{ListQuery, Listing, ordered};
use crate::state::load::Load;
use crate::state::node_links;
use crate::state::route::Page;

/// The page.
#[component]
pub(crate) fn Vm(node: String, vmid: u32) -> impl IntoView {
    let live = use_live();
    let visit: Visit = expect_context();
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
    let neighbours = neighbours(live, visit, key.clone());
    visit.active.set(Some(key.clone()));

    // It may go while it is being looked at.
    let last_name = StoredValue::new(None::<String>);
    Effect::new(move || {
        vm.with(|vm| {
            if let Some(vm) = vm {
                last_name.set_value(Some(format::vm_name(vm).to_owned()));
            }
        });
    });
    let title = format!("VM {} · {}", key.vmid, key.node);
    set_title(move || {
        vm.with(|vm| match vm {
            Some(vm) => format!("{} · {}", format::vm_name(vm), vm.node),
            None => title.clone(),
        })
    });

    let location = use_location();
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && !event.default_prevented() && !is_typing() {
            location.go(&visit.list_path());
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
                failed_state("The VM could not be loaded", &error.to_string(), retry)
            }
            None => view! {
                <p class="skeleton" role="status">
                    "Loading the VM"
                </p>
            }
            .into_any(),
        }
    };

    view! {
        <div class="page">
            <div class="column">
                <nav class="heading" aria-label="Place in the list">
                    {back(visit.list_path(), "All VMs")}
                    <div class="actions">
                        <Neighbour neighbours to=Side::Previous />
                        <Neighbour neighbours to=Side::Next />
                    </div>
                </nav>
                {move || if there.get() { details(live, vm) } else { missing().into_any() }}
            </div>
        </div>
    }
}

/// Asks for this VM alone, for as long as the list has not come.
fn load_alone(live: Live, key: VmKey) -> RwSignal<Load<Arc<VmFacts>>> {
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

#[derive(Clone, Debug, Default, PartialEq)]
struct Neighbours {
    previous: Option<VmKey>,
    next: Option<VmKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Previous,
    Next,
}

/// The VMs before and after this one in the list that the reader came from.
fn neighbours(live: Live, visit: Visit, key: VmKey) -> Memo<Neighbours> {
    let loaded = Memo::new(move |_| live.vms.with(|vms| vms.data().is_some()));
    Memo::new(move |_| {
        // The order of the moment it was opened: one that moved would be of no use here.
        if !loaded.get() {
            return Neighbours::default();
        }
        let query = visit.query.with_untracked(|query| ListQuery::parse(query));
        let none = Nodes::new();
        live.nodes.with_untracked(|nodes| {
            live.vms.with_untracked(|vms| {
                let Some(table) = vms.data() else {
                    return Neighbours::default();
                };
                let all = ordered(table, &query.sort, nodes.data().unwrap_or(&none));
                let filter = ecoman_api::Filter::parse(&query.filter).unwrap_or_default();
                let listed = Listing::select(&all, &filter, query.chips).rows;
                around(&listed, &key)
                    // It was opened past the filter.
                    .or_else(|| around(&all, &key))
                    .unwrap_or_default()
            })
        })
    })
}

fn around(rows: &[Arc<crate::state::inventory::Row>], key: &VmKey) -> Option<Neighbours> {
    let place = rows.iter().position(|row| row.is(key))?;
    let at = |place: Option<usize>| rows.get(place?).map(|row| VmKey::of(&row.vm));
    Some(Neighbours {
        previous: at(place.checked_sub(1)),
        next: at(Some(place + 1)),
    })
}

#[component]
fn Neighbour(neighbours: Memo<Neighbours>, to: Side) -> impl IntoView {
    let (label, sign) = match to {
        Side::Previous => ("Previous VM", Icon::Previous),
        Side::Next => ("Next VM", Icon::Next),
    };
    move || {
        let key = neighbours.with(|neighbours| match to {
            Side::Previous => neighbours.previous.clone(),
            Side::Next => neighbours.next.clone(),
        });
        match key {
            Some(VmKey { node, vmid }) => view! {
                <a
                    class="button quiet"
                    href=Page::Vm { node, vmid }.path()
                    aria-label=label
                    on:click=follow()
                >
                    {icon(sign)}
                </a>
            }
            .into_any(),
            None => view! {
                <span class="button quiet" role="link" aria-disabled="true" aria-label=label>
                    {icon(sign)}
                </span>
            }
            .into_any(),
        }
    }
}

#[component]
fn Gone(key: VmKey, name: Option<String>) -> impl IntoView {
    let visit: Visit = expect_context();
    let what = match name {
        Some(name) => format!("{name} (VM {})", key.vmid),
        None => format!("VM {}", key.vmid),
    };
    let title = format!("{what} is not on {}", key.node);
    let sentence = format!(
        "{} lists no VM with this id. It was removed there, or registered again under another id.",
        key.node
    );
    view! {
        <h1 class="sr">{title.clone()}</h1>
        {empty_state(title, sentence, link("button primary", visit.list_path(), "All VMs".into_any()))}
    }
}

/// All of the page that is about the VM: built once, and each part again when what it shows has
/// changed. A reader's selection, and the word that something was copied, outlive a round.
fn details(live: Live, vm: Memo<Option<Arc<VmFacts>>>) -> AnyView {
    // While it is going, what was shown last.
    let vm = Memo::new(move |last: Option<&Option<Arc<VmFacts>>>| {
        vm.get().or_else(|| last.cloned().flatten())
    });
    let lasting = Memo::new(move |_| vm.get().map(|vm| Arc::new(lasting(&vm))));
    let place = Memo::new(move |_| {
        vm.with(|vm| {
            let vm = vm.as_ref()?;
            live.nodes
                .with(|nodes| Some(Place::of(nodes.data()?.get(&vm.node)?, vm.vmid)))
        })
    });
    view! {
        {part(
            move || Some((lasting.get()?, place.get())),
            move |(shown, place)| heading(live, vm, &shown, place.as_ref()),
        )}
        {power_bar(vm)}
        {vm_task(vm)}
        {part(
            move || vm.get().filter(|vm| vm.stale).map(|vm| (vm.stale_reason.clone(), vm.observed_at)),
            |(reason, seen)| stale(reason, seen),
        )}
        <div class="cards">
            {part(move || lasting.get(), move |lasting| overview(live, vm, &lasting))}
            {part(
                move || Some((still(&*vm.get()?), live.config.get())),
                |(vm, config)| hardware(&vm, config.as_ref()),
            )}
            {part(
                move || {
                    let seen = Arc::unwrap_or_clone(vm.get()?);
                    let mhz = place.with(|place| place.as_ref()?.mhz);
                    Some((VmFacts { observed_at: DateTime::UNIX_EPOCH, uptime_seconds: None, ..seen }, mhz))
                },
                |(vm, mhz)| usage(&vm, mhz),
            )}
            {part(move || lasting.get(), |vm| files(&vm))}
            {part(move || place.get(), |place| shell(&place))}
            {raw(vm)}
        </div>
    }
    .into_any()
}

/// A part of the page, built again when what it shows has changed; nothing where there is nothing.
fn part<T: Clone + PartialEq + Send + Sync + 'static>(
    shown: impl Fn() -> Option<T> + Send + Sync + 'static,
    build: impl Fn(T) -> AnyView + Send + 'static,
) -> AnyView {
    let shown = Memo::new(move |_| shown());
    (move || shown.get().map(&build)).into_any()
}

/// The VM without what moves from round to round.
fn lasting(vm: &VmFacts) -> VmFacts {
    VmFacts {
        storage_bytes: None,
        storage_uncommitted_bytes: None,
        ..still(vm)
    }
}

/// The VM without what moves while it runs.
fn still(vm: &VmFacts) -> VmFacts {
    VmFacts {
        uptime_seconds: None,
        cpu_usage_mhz: None,
        guest_memory_mb: None,
        host_memory_mb: None,
        observed_at: DateTime::UNIX_EPOCH,
        stale: false,
        stale_reason: None,
        ..vm.clone()
    }
}

/// How the VM's node is reached.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    node: String,
    host_client: String,
    ssh: String,
    summary: String,
    /// Clock of a core.
    mhz: Option<u64>,
}

impl Place {
    fn of(node: &Node, vmid: u32) -> Self {
        Self {
            node: node.name.clone(),
            host_client: node_links::host_client(node, Some(vmid)),
            ssh: node_links::ssh_line(node),
            summary: node_links::summary_line(node, vmid),
            mhz: node.cpu.mhz,
        }
    }
}

fn heading(
    live: Live,
    now: Memo<Option<Arc<VmFacts>>>,
    vm: &VmFacts,
    place: Option<&Place>,
) -> AnyView {
    let power = vm.power;
    let change = Memo::new(move |_| change_of(live, &*now.get()?));
    let host_client = place.map(|place| {
        view! {
            <a
                class="button"
                href=place.host_client.clone()
                target="_blank"
                rel="noopener noreferrer"
            >
                "Host Client"
                {icon(Icon::External)}
            </a>
        }
    });
    view! {
        <header class="heading">
            <h1>{format::vm_name(vm).to_owned()}</h1>
            <span class="state" role="status">
                {move || changing_badge(power, change.get())}
            </span>
            {(!vm.large.is_empty())
                .then(|| view! { <span class="state large-size">{icon(Icon::Large)} "Large"</span> })}
            <div class="actions">{host_client}</div>
        </header>
    }
    .into_any()
}

fn stale(reason: Option<String>, seen: DateTime<Utc>) -> AnyView {
    let reason = reason.unwrap_or_else(|| String::from("It was not seen again."));
    view! {
        <div class="notice warn">
            {icon(Icon::Stale)}
            <p>
                <strong>"What is shown is old: seen " {ago(seen)} ". "</strong>
                {reason}
            </p>
        </div>
    }
    .into_any()
}

fn overview(live: Live, now: Memo<Option<Arc<VmFacts>>>, vm: &VmFacts) -> AnyView {
    let node = vm.node.clone();
    let page = Page::Node { name: node.clone() };
    let uptime = part(
        move || {
            now.with(|vm| {
                Some(
                    vm.as_ref()
                        .and_then(|vm| Some((vm.uptime_seconds?, vm.booted_at))),
                )
            })
        },
        |uptime| {
            match uptime {
            None => text(None),
            Some((seconds, booted_at)) => view! {
                {format::duration(seconds)}
                {booted_at.map(|time| view! { <span class="aside">" since " {when(time, true)}</span> })}
            }
            .into_any(),
        }
        },
    );
    let seen = part(
        move || {
            let vm = now.get()?;
            live.nodes.with(|nodes| {
                Some(
                    nodes
                        .data()
                        .map_or(vm.observed_at, |nodes| seen_at(&vm, nodes)),
                )
            })
        },
        |seen| {
            view! {
                {when(seen, true)}
                <span class="aside">" (" {ago(seen)} ")"</span>
            }
            .into_any()
        },
    );
    let comment = vm.comment.clone();
    fact_card(
        "overview",
        "Overview",
        vec![
            fact("Node", link("", page.path(), node.into_any())),
            text_fact("VM id", Some(vm.vmid.to_string())),
            text_fact("Guest OS", vm.guest_os.clone()),
            text_fact("Host name", vm.hostname.clone()),
            fact(
                "IP address",
                copied(vm.ip_address.clone(), "the IP address"),
            ),
            fact("Uptime", uptime),
            text_fact("VMware Tools", vm.tools_status.as_deref().map(tools)),
            text_fact("Status", status(vm)),
            fact("Last seen", seen),
            fact(
                "Comment",
                view! { <div class="comment">{text(comment)}</div> }.into_any(),
            ),
        ],
    )
}

fn hardware(vm: &VmFacts, config: Option<&Config>) -> AnyView {
    let thresholds = config.map(|config| config.thresholds);
    let sized = |name: &str, resource, value: Option<String>| {
        let why = format::large_reason(vm, resource, thresholds);
        let large = vm.large.contains(&resource);
        let value = view! {
            <span class:large-size=large>{large.then(|| icon(Icon::Large))} {text(value)}</span>
            {why.map(|why| view! { <span class="why">"Large: " {why}</span> })}
        };
        fact(name, value.into_any())
    };
    let count = |count: Option<u32>| count.map(|count| count.to_string());
    let cpus = vm
        .cpus
        .map(|cpus| format::plural(usize::try_from(cpus).unwrap_or_default(), "CPU", "CPUs"));
    let memory = vm
        .memory_mb
        .map(|mb| format!("{} ({} MB)", format::megabytes(mb), format::grouped(mb)));
    let storage = vm
        .storage_bytes
        .map(|bytes| format!("{} ({})", format::bytes(bytes), format::exact_bytes(bytes)));
    fact_card(
        "hardware",
        "Hardware",
        vec![
            sized("CPU", Resource::Cpu, cpus),
            sized("RAM", Resource::Memory, memory),
            sized("Storage in use", Resource::Storage, storage),
            text_fact(
                "May grow by",
                vm.storage_uncommitted_bytes.map(format::bytes),
            ),
            text_fact("Disks", count(vm.disk_count)),
            text_fact("Network cards", count(vm.nic_count)),
            text_fact("Hardware version", vm.hardware_version.clone()),
        ],
    )
}

fn usage(vm: &VmFacts, mhz: Option<u64>) -> AnyView {
    let cpu_total = vm.cpus.zip(mhz).map(|(cpus, mhz)| u64::from(cpus) * mhz);
    let storage_total = vm
        .storage_bytes
        .zip(vm.storage_uncommitted_bytes)
        .map(|(used, free)| used.saturating_add(free));
    fact_card(
        "usage",
        "Usage",
        vec![
            used("CPU", vm.cpu_usage_mhz, cpu_total, format::megahertz),
            used(
                "Guest memory",
                vm.guest_memory_mb,
                vm.memory_mb,
                format::megabytes,
            ),
            used(
                "Host memory",
                vm.host_memory_mb,
                vm.memory_mb,
                format::megabytes,
            ),
            used("Storage", vm.storage_bytes, storage_total, format::bytes),
        ],
    )
}

/// A use with its bar where the whole is known.
fn used(
    label: &'static str,
    used: Option<u64>,
    total: Option<u64>,
    format: fn(u64) -> String,
) -> AnyView {
    let value = used.map(|used| match total {
        Some(total) => format!("{} of {}", format(used), format(total)),
        None => format(used),
    });
    let bar = used
        .zip(total)
        .map(|(used, total)| view! { {meter(label.to_owned(), used, total, true)} });
    fact(label, view! { {text(value)} {bar} }.into_any())
}

fn files(vm: &VmFacts) -> AnyView {
    fact_card(
        "files",
        "Files",
        vec![
            text_fact("Datastore", vm.datastore.clone()),
            fact("Configuration", copied(vm.vmx_path.clone(), "the path")),
            fact("BIOS UUID", copied(vm.uuid.clone(), "the UUID")),
        ],
    )
}

/// A text with a button to copy it.
fn copied(value: Option<String>, what: &'static str) -> AnyView {
    match value {
        Some(value) => view! {
            {value.clone()}
            " "
            {copy_button(value, what, false)}
        }
        .into_any(),
        None => text(None),
    }
}

fn shell(place: &Place) -> AnyView {
    let lines = view! {
        <div class="lines">
            <div>
                <p class="label">"Log in to " {place.node.clone()}</p>
                {copy_line("the ssh line", place.ssh.clone())}
            </div>
            <div>
                <p class="label">"Ask it for this VM"</p>
                {copy_line("the vim-cmd line", place.summary.clone())}
            </div>
        </div>
    };
    card("shell", "Shell", lines.into_any())
}

fn raw(vm: Memo<Option<Arc<VmFacts>>>) -> impl IntoView {
    // Plain data: nothing in it can fail to become JSON.
    let json = Memo::new(move |_| {
        vm.with(|vm| {
            vm.as_deref()
                .and_then(|vm| serde_json::to_value(vm).ok())
                .unwrap_or_default()
        })
    });
    let text = Signal::derive(move || {
        json.with(|json| serde_json::to_string_pretty(json).unwrap_or_default())
    });
    // Every VM has the same members.
    let names: Vec<String> = json.with_untracked(|json| {
        let members = json.as_object().into_iter().flatten();
        members.map(|(name, _)| name.clone()).collect()
    });
    let rows: Vec<_> = names
        .into_iter()
        .map(|name| {
            let member = name.clone();
            let value = Memo::new(move |_| {
                json.with(|json| match json.get(&member) {
                    None | Some(Value::Null) => UNKNOWN.to_owned(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                })
            });
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td>{value}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="card wide" aria-labelledby="raw">
            <h2 id="raw">
                "Raw facts"
                {copy_button(text, "as JSON", true)}
            </h2>
            <table class="raw">
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

/// vSphere's word for the state of VMware Tools in words.
fn tools(status: &str) -> String {
    match status {
        "toolsOk" => "running",
        "toolsOld" => "running, an old version",
        "toolsNotRunning" => "installed, not running",
        "toolsNotInstalled" => "not installed",
        other => other,
    }
    .to_owned()
}

/// What vSphere thinks of the VM, and whether its files are there.
fn status(vm: &VmFacts) -> Option<String> {
    match (vm.overall_status.as_deref(), vm.connection_state.as_deref()) {
        (Some(overall), Some("connected") | None) => Some(overall.to_owned()),
        (Some(overall), Some(connection)) => Some(format!("{overall}, files {connection}")),
        (None, connection) => connection.map(str::to_owned),
    }
}
