//! The pages of the nodes.

use crate::text::Template;
use crate::text::deferred::NodePages;
use crate::text::en::format;
use crate::{RoundCost, Way};

pub(super) const NODES: NodePages = NodePages {
    nodes: "Hosts",
    title: format::nodes,
    title_some: |answering, nodes| format!("{answering} of {nodes} hosts"),
    some_answer: |answering, nodes| format!("{answering} of {nodes} hosts responding"),
    loading: "Loading hosts",
    not_loaded: "Could not load the hosts",
    none: "No hosts yet",
    none_why: "Add a host to hosts.yml; it appears here once the crawler has read the file.",
    node: "Host",
    state: "State",
    vms: "VMs",
    cpu: "CPU",
    memory: "Memory",
    free_memory: "Free memory",
    provisioned_on: "Provisioned (on)",
    provisioned_all: "Provisioned (all)",
    vms_of_which_on: "VMs on / all",
    sort_by: |column| format!("Sort by {column}"),
    totals: "Total",
    of_memory: |mb| format!("of {}", format::megabytes(mb)),
    ratio: |hundredths| format!("{}.{:02} : 1", hundredths / 100, hundredths % 100),
    memory_bar: |used, on, all| {
        format!("{used} used, {on} provisioned to powered-on VMs, {all} in total")
    },
    datastores: "Datastores",
    esxi: "ESXi",
    not_tried: "Not contacted yet",
    not_answering: "Not responding",
    not_reported: "No recent data",
    reachable: "Responding",
    in_maintenance: "In maintenance mode",
    read_only: "Read-only",
    seen: Template::new("seen {0}"),
    failed: |node, symptom| format!("{node} {symptom}: "),
    failed_since: Template::new(" (since {0})"),
    on: "on",
    off: "off",
    suspended: "suspended",
    unknown: "unknown",
    large: "large",
    in_all: |size| format!("{size} total"),
    vcpus: |cpus| format!("{cpus} vCPUs"),
    vcpus_on_threads: |cpus, threads| format!("{cpus} vCPUs on {}", format::threads(threads)),
    vcpus_to_threads: |cpus, threads| {
        format!(
            "{} vCPU : {}",
            format::grouped(cpus),
            format::threads(threads)
        )
    },
    cpu_of: |node| format!("CPU of {node}"),
    memory_of: |node| format!("Memory of {node}"),
    datastore_named: |name| format!("Datastore {name}"),
    not_accessible: "not accessible",
    free: |bytes| format!("{} free", format::bytes(bytes)),
    version: |version, build| format!("{version} ({build})"),
    loading_one: "Loading host",
    one_not_loaded: "Could not load the host",
    no_such_node: |node| format!("Unknown host {node}"),
    no_such_node_why: "It is not in hosts.yml, or no longer.",
    new_vm_here: "New VM here",
    capacity: "Capacity",
    provisioned: "Provisioned memory",
    storage_provisioned: "Provisioned storage",
    storage_to_vms: " to VMs, used and still to grow",
    memory_provisioned: |on, all| {
        format!(
            "{} to powered-on VMs, {} to all",
            format::megabytes(on),
            format::megabytes(all)
        )
    },
    machine: "Machine",
    model: "Model",
    processor: "Processor",
    cores: "Cores",
    sockets_cores_threads,
    started: "Started",
    address: "Address",
    address_and_port: |address, port| format!("{address}, port {port}"),
    user: "User",
    rounds: "Inventory polling",
    last_complete: "Last success",
    last_tried: "Last attempt",
    took: "Duration",
    next: "Next",
    asked_by: "Method",
    way: |way| match way {
        Way::Follow => "follow: one program that stays",
        Way::Read => "read: one program per poll",
        Way::VimCmd => "vim-cmd",
    },
    asked_since: "Method since",
    asked_why: "Reason",
    round_costs: "Cost of the last poll",
    round_cost,
    poll: "Poll now",
    poll_tip: "Reads the host, its datastores and networks again, and verifies the polling method.",
    poll_paused: "Logins are paused after a refused login: ESXi locks accounts. See the next attempt below.",
    poll_not_begun: "No poll for 60 s. Check that the crawler is running.",
    for_new_vms: "Defaults for new VMs",
    directory: "Directory",
    installer_iso: "Installer ISO",
    port_group: "Port group",
    port_groups: "Port groups",
    all_vlans: |switch| format!("{switch}, all VLANs"),
    vlan: |switch, vlan| format!("{switch}, VLAN {vlan}"),
};

/// `2 commands, 1 sign-in, 40 ms of CPU, 18 MB of memory`, as far as it is known.
fn round_cost(cost: &RoundCost) -> String {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts = vec![
        format::plural(count(cost.commands), "command", "commands"),
        format::plural(count(cost.sign_ins), "sign-in", "sign-ins"),
    ];
    let millis = cost.cpu_millis.map(format::grouped);
    parts.extend(millis.map(|millis| format!("{millis} ms of CPU")));
    let mb = cost.memory_kib.map(|kib| format::megabytes(kib >> 10));
    parts.extend(mb.map(|mb| format!("{mb} of memory")));
    parts.join(", ")
}

/// `2 sockets, 16 cores, 32 threads`, as far as they are known.
fn sockets_cores_threads(sockets: Option<u32>, cores: Option<u32>, threads: Option<u32>) -> String {
    [
        (sockets, "socket", "sockets"),
        (cores, "core", "cores"),
        (threads, "thread", "threads"),
    ]
    .into_iter()
    .filter_map(|(count, one, many)| Some(format::plural(count? as usize, one, many)))
    .collect::<Vec<_>>()
    .join(", ")
}
