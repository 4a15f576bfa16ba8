//! The form for a new VM.

use crate::text::Template;
use crate::text::deferred::NewVmPage;
use crate::text::en::format;

pub(super) const NEW_VM: NewVmPage = NewVmPage {
    title: "New VM",
    no_nodes: "No hosts yet",
    no_nodes_why: "Add a host to hosts.yml; it appears here within a minute.",
    part_name: "Name",
    part_size: "Size",
    part_node: "Host",
    part_system: "System",
    node: "Host",
    name: "Name",
    cpus: "CPUs",
    memory: "Memory",
    disk: "Disk",
    guest_os: "Guest OS",
    datastore: "Datastore",
    network: "Network",
    iso_image: "ISO image",
    comment: "Notes",
    name_hint: "Must be unique on the host. Also used as folder and file name.",
    comment_hint: "Owner, purpose, expiry date",
    memory_hint: "in MB",
    disk_hint: "in GB, thin provisioned",
    up_to: |most| format!("up to {}", format::grouped(most)),
    hint_up_to: |hint, most| format!("{hint}, up to {}", format::grouped(most)),
    field_wrong: |field, rule| format!("{field} {rule}."),
    presets: "Presets",
    suggested: "Suggested",
    blocked: |why| format!("{why} · "),
    not_on_this_node: |value| format!("{value} (not on this host)"),
    guests_of_node: |node, hardware| {
        format!("Guest systems supported by {node} (hardware version {hardware})")
    },
    by_hosts_yml: |value| format!("{value} (default)"),
    datastore_free: |name, free, all| {
        format!(
            "{name}: {} free of {}",
            format::bytes(free),
            format::bytes(all)
        )
    },
    datastore_not_accessible: |name| format!("{name}: not accessible"),
    missing: |words| format!("{words}: missing on this host"),
    port_group: |name, switch| format!("{name} ({switch})"),
    port_group_vlan: |name, switch, vlan| format!("{name} ({switch}, VLAN {vlan})"),
    no_iso: "None (empty CD/DVD drive)",
    iso_sized: |path, bytes| format!("{path} ({})", format::bytes(bytes)),
    read_from: |node, ago| format!("Inventory of {node}, read {ago}"),
    not_read_yet: |node| format!("No inventory of {node} yet"),
    power_on: "Power on after creation",
    summary: "Summary",
    create: "Create VM",
    may_not_create: "Your role cannot create VMs. Ask an administrator.",
    no_name_yet: "(no name)",
    on_no_node: "(no host)",
    on_node: |node| format!("on {node}"),
    size: |cpus, memory_mb, disk_gb| {
        format!(
            "{}, {} memory, {} GB disk, thin provisioned",
            format::cpus(cpus),
            format::megabytes(memory_mb),
            format::grouped(disk_gb)
        )
    },
    preset_size: |cpus, memory_mb, disk_gb| {
        format!(
            "{cpus} CPU · {} · {disk_gb} GB",
            format::megabytes(memory_mb)
        )
    },
    on_network: |network| format!("network {network}"),
    empty_drive: "empty CD/DVD drive",
    in_drive: |file| format!("{file} in the CD/DVD drive"),
    powered_on: "power on after creation",
    left_off: "stays powered off",
    as_of: Template::new("Host data from {0}."),
    errors_to_fix: |faults| {
        format!(
            "Fix {} before you can create this VM.",
            format::plural(faults, "error", "errors")
        )
    },
    order: "Ranked by free memory (50 %), free datastore space (30 %) and memory \
            over-commitment (20 %), with this VM counted in. Hosts without enough free \
            memory come last and are never suggested.",
    memory_free: |free, all| {
        format!(
            "{} of {} memory free",
            format::megabytes(free),
            format::megabytes(all)
        )
    },
    memory_unknown: "free memory unknown",
    free_on: |bytes, datastore| format!("{} free on {datastore}", format::bytes(bytes)),
    datastore_unknown: "datastore unknown",
    provisioned: ratio,
    over_committed: |hundredths| format!("{}, over-committed", ratio(hundredths)),
    does_not_fit: |short_mb| format!("does not fit: {} short", format::megabytes(short_mb)),
    free_memory: "Free memory",
    then_free: "Free afterwards",
    free_disk: "Free disk",
    provisioned_then: "Provisioned",
    memory_after: |mb, node| format!("{} memory free on {node} afterwards", format::megabytes(mb)),
    disk_after: |bytes, datastore| {
        format!("{} free on {datastore} afterwards", format::bytes(bytes))
    },
    read_only: "is read-only (read_only: true in hosts.yml)",
    no_answer: "is not responding",
    in_maintenance: "is in maintenance mode",
    few_threads: |threads| format!("has only {}", format::threads(threads)),
    little_memory: |mb| format!("has only {} memory", format::megabytes(mb)),
    little_disk: |gb, datastore| format!("has only {gb} GB free on {datastore}"),
    not_a_number: "must be a whole number",
    not_chosen: "must be chosen",
    name_taken: |node| format!("is taken: {node} has a VM of this name"),
    guest_unknown: |node| format!("is not supported by {node} (version too old)"),
    no_port_group: |node| format!("must be a port group of {node}"),
    no_datastore: |node| format!("must be a datastore of {node}"),
    datastore_away: |node| format!("is not accessible on {node}: choose another one"),
};

/// `1.31 : 1`, as vSphere writes over-commitment.
fn ratio(hundredths: u64) -> String {
    format!("{}.{:02} : 1", hundredths / 100, hundredths % 100)
}
