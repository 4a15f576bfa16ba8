//! The cards with the facts of a VM.

use std::sync::Arc;

use ecoman_api::{Config, Node, Resource, Vm as VmFacts};
use leptos::prelude::*;
use serde_json::Value;

use crate::components::{
    Icon, ago, card, copy_button, copy_line, fact, fact_card, icon, link, meter, text, text_fact,
    when,
};
use crate::live::LiveData;
use crate::state::format::{self, UNKNOWN};
use crate::state::inventory::seen_at;
use crate::state::node_links;
use crate::state::route::Route;

/// A part of the page, built again when what it shows has changed; nothing where there is nothing.
pub(super) fn part<T: Clone + PartialEq + Send + Sync + 'static>(
    shown: impl Fn() -> Option<T> + Send + Sync + 'static,
    build: impl Fn(T) -> AnyView + Send + 'static,
) -> AnyView {
    let shown = Memo::new(move |_| shown());
    (move || shown.get().map(&build)).into_any()
}

/// How the VM's node is reached.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    node: String,
    pub(super) host_client: String,
    ssh: String,
    summary: String,
    /// Clock of a core.
    pub(super) mhz: Option<u64>,
}

impl Place {
    pub(super) fn of(node: &Node, vmid: u32) -> Self {
        Self {
            node: node.name.clone(),
            host_client: node_links::host_client(node, Some(vmid)),
            ssh: node_links::ssh_line(node),
            summary: node_links::summary_line(node, vmid),
            mhz: node.cpu.mhz,
        }
    }
}

pub(super) fn overview(live: LiveData, now: Memo<Option<Arc<VmFacts>>>, vm: &VmFacts) -> AnyView {
    let node = vm.node.clone();
    let page = Route::Node { name: node.clone() };
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

pub(super) fn hardware(vm: &VmFacts, config: Option<&Config>) -> AnyView {
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

pub(super) fn usage(vm: &VmFacts, mhz: Option<u64>) -> AnyView {
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

pub(super) fn files(vm: &VmFacts) -> AnyView {
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

pub(super) fn shell(place: &Place) -> AnyView {
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

pub(super) fn raw(vm: Memo<Option<Arc<VmFacts>>>) -> impl IntoView {
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
