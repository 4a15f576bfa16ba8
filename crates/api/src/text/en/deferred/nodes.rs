//! The pages of the nodes.

use crate::text::Template;
use crate::text::deferred::NodePages;
use crate::text::en::format;
use crate::{RoundCost, Way};

pub(super) const NODES: NodePages = NodePages {
    nodes: "Nodes",
    title: format::nodes,
    title_some: |answering, nodes| format!("{answering} of {nodes} nodes"),
    some_answer: |answering, nodes| format!("{answering} of {nodes} answer"),
    loading: "Loading the nodes",
    not_loaded: "The nodes could not be loaded",
    none: "No nodes yet",
    none_why: "hosts.yml names none, or the crawler has not read it yet. Name a node \
            there, and it appears here by itself.",
    node: "Node",
    state: "State",
    vms: "VMs",
    cpu: "CPU",
    memory: "Memory",
    free_memory: "Free memory",
    provisioned_on: "Provisioned (on)",
    provisioned_all: "Provisioned (all)",
    vms_of_which_on: "VMs on / all",
    sort_by: |column| format!("Order by {column}"),
    totals: "Together",
    of_memory: |mb| format!("of {}", format::megabytes(mb)),
    ratio: |hundredths| format!("{}.{:02} : 1", hundredths / 100, hundredths % 100),
    memory_bar: |used, on, all| {
        format!("{used} used, {on} provisioned to powered-on VMs, {all} in all")
    },
    datastores: "Datastores",
    esxi: "ESXi",
    not_tried: "Not tried yet",
    not_answering: "Not answering",
    not_reported: "Not heard of",
    reachable: "Reachable",
    in_maintenance: "In maintenance mode",
    read_only: "Read only",
    seen: Template::new("seen {0}"),
    failed: |node, symptom| format!("{node} {symptom}: "),
    failed_since: Template::new(" — since {0}"),
    on: "on",
    off: "off",
    suspended: "suspended",
    unknown: "unknown",
    large: "large",
    in_all: |size| format!("{size} in all"),
    vcpus: |cpus| format!("{cpus} virtual CPUs"),
    vcpus_on_threads: |cpus, threads| {
        format!("{cpus} virtual CPUs on {}", format::threads(threads))
    },
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
    loading_one: "Loading the node",
    one_not_loaded: "The node could not be loaded",
    no_such_node: |node| format!("There is no node {node}"),
    no_such_node_why: "hosts.yml does not name it, or no longer does.",
    new_vm_here: "New VM here",
    capacity: "Capacity",
    provisioned: "Provisioned memory",
    storage_provisioned: "Provisioned storage",
    storage_to_vms: " to VMs, in use and still to grow",
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
    rounds: "Rounds of the crawler",
    last_complete: "Last complete",
    last_tried: "Last tried",
    took: "Took",
    next: "Next",
    asked_by: "Asked by",
    way: |way| match way {
        Way::Follow => "a program that stays",
        Way::Read => "one program a round",
        Way::VimCmd => "vim-cmd",
    },
    asked_since: "Asked so since",
    asked_why: "Because",
    round_costs: "Cost of the last",
    round_cost,
    for_new_vms: "For new VMs",
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
