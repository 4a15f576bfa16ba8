//! The list of VMs.

use crate::text::Template;
use crate::text::en::format;
use crate::text::first_load::{Chips, Columns, List};

pub(super) const LIST: List = List {
    heading: "Virtual machines",
    title: "VMs",
    title_counted: |counted| format!("{counted} VMs"),
    some_of_all: |some, all| format!("{some} of {all}"),
    counted: Template::new("{0} VMs"),
    loading: "Loading the VMs",
    server_starting: "The server has just started and is reading its database.",
    not_loaded: "The VMs could not be loaded",
    no_nodes: "No hosts yet",
    no_nodes_why: "ECoMan polls the ESXi hosts in hosts.yml. Add one there; its VMs appear here \
            within a minute.",
    no_nodes_next: Template::new("Then pin its host key with {0}, and check it with {1}."),
    no_vms: "No VMs",
    no_node_listed: |nodes| format!("None of {} has listed its VMs yet.", format::nodes(nodes)),
    some_nodes_empty: |answered, nodes| {
        format!(
            "{answered} of {} have responded; they have no VMs.",
            format::nodes(nodes)
        )
    },
    all_nodes_empty: |nodes| {
        format!(
            "{} responded; no VM is registered there.",
            format::nodes(nodes)
        )
    },
    to_nodes: "Show hosts",
    no_match: "No matching VMs",
    no_match_chips: |vms| format!("None of {} matches the active chips.", format::vms(vms)),
    no_match_filter: |vms, filter| format!("None of {} matches “{filter}”.", format::vms(vms)),
    no_match_both: |vms, filter| {
        format!(
            "None of {} matches “{filter}” and the active chips.",
            format::vms(vms)
        )
    },
    clear_filter: "Clear filter",
    search: "VMs",
    show_only: "Show only",
    filter: "Filter",
    filter_help: "Filter help",
    at_character: |place| format!("At character {place}: "),
    use_suggestion: |filter| format!("Use {filter}"),
    order: "Order",
    save_csv: "Download this list as CSV",
    csv_needs_filter: "The filter has a mistake.",
    new_vm: "New VM",
    no_new_vm: "Your role cannot create VMs. Ask an administrator.",
    chips: Chips {
        running: "Running",
        off: "Off",
        large: "Large",
        stale: "Outdated",
        question: "Needs an answer",
        pending: "Waiting until off",
    },
    columns: Columns {
        power: "Power",
        node: "Host",
        vmid: "VM ID",
        name: "Name",
        ip: "IP address",
        uptime: "Uptime",
        cpus: "CPU",
        memory: "Memory",
        storage: "Storage",
        guest_os: "Guest OS",
        comment: "Notes",
        age: "Updated",
    },
    failed_change: |order, why| format!("{order} failed: {why}"),
    edit_vm: |name| format!("Edit {name}"),
    pending: "A change waits until the VM is off",
    answer_vm: |name| format!("Answer the question of {name}"),
    select_all: "Select all that match",
    select_vm: |name| format!("Select {name}"),
    stale_spoken: |reason| format!(", outdated: {reason}"),
    not_seen_again: "not seen in the last poll",
    large: "Large",
    large_because: |reason| format!("Large: {reason}"),
    large_spoken: ", large",
    large_spoken_because: |reason| format!(", large: {reason}"),
    last_known: |time| format!("Last known, reported until {time}"),
    last_known_spoken: ", last known",
    large_cpus: |cpus, limit| format!("{cpus} CPUs ≥ {limit} CPUs"),
    large_memory: |mb, limit| format!("{mb} MB ≥ {limit} MB"),
    large_storage: |bytes, limit| format!("{} ≥ {limit} GB", format::gigabytes(bytes)),
    by_cpu: |reason| format!("CPU {reason}"),
    by_memory: |reason| format!("memory {reason}"),
    by_storage: |reason| format!("storage {reason}"),
    selected_vms: "Selected VMs",
    selected: Template::new("{0} selected"),
    selected_hidden: Template::new("{0} selected, {1} not shown"),
    none_can: |vms, why| format!("Not possible for any of the {vms}: {why}"),
    order_for_some: |order, vms| format!("{order} {vms}"),
    power: "Power",
    select_none: "Clear selection",
};
