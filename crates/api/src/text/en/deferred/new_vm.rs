//! The form for a new VM.

use crate::text::Template;
use crate::text::deferred::NewVmPage;
use crate::text::en::format;

pub(super) const NEW_VM: NewVmPage = NewVmPage {
    title: "New VM",
    no_nodes: "No nodes yet",
    no_nodes_why: "A VM needs a node: name one in hosts.yml, and it appears here.",
    part_name: "Name",
    part_size: "Size",
    part_node: "Node",
    part_system: "System",
    node: "Node",
    name: "Name",
    cpus: "CPUs",
    memory: "Memory",
    disk: "Disk",
    guest_os: "Guest OS",
    datastore: "Datastore",
    network: "Network",
    iso_image: "ISO image",
    comment: "Comment",
    name_hint: "Free on its node; also the name of its files",
    comment_hint: "Whose it is, what for, until when",
    memory_hint: "in MB",
    disk_hint: "in GB, thin",
    up_to: |most| format!("up to {}", format::grouped(most)),
    hint_up_to: |hint, most| format!("{hint}, up to {}", format::grouped(most)),
    field_wrong: |field, rule| format!("{field} {rule}."),
    presets: "Presets",
    suggested: "Suggested",
    blocked: |why| format!("{why} · "),
    not_on_this_node: |value| format!("{value} (not on this node)"),
    guests_of_node: |node, hardware| {
        format!("Those that {node} knows: hardware version {hardware}")
    },
    by_hosts_yml: |value| format!("{value} (hosts.yml)"),
    datastore_free: |name, free, all| {
        format!(
            "{name}: {} free of {}",
            format::bytes(free),
            format::bytes(all)
        )
    },
    datastore_not_accessible: |name| format!("{name}: not accessible"),
    missing: |words| format!("{words}: missing on this node"),
    port_group: |name, switch| format!("{name} ({switch})"),
    port_group_vlan: |name, switch, vlan| format!("{name} ({switch}, VLAN {vlan})"),
    no_iso: "None: an empty drive",
    iso_sized: |path, bytes| format!("{path} ({})", format::bytes(bytes)),
    read_from: |node, ago| format!("Read from {node} {ago}"),
    not_read_yet: |node| format!("{node} has not listed what it has yet"),
    power_on: "Power it on when it is there",
    summary: "Summary",
    create: "Create the VM",
    may_not_create: "You may look, but not create VMs.",
    no_name_yet: "A VM without a name yet",
    on_no_node: "on no node yet",
    on_node: |node| format!("on {node}"),
    size: |cpus, memory_mb, disk_gb| {
        format!(
            "{}, {} of memory, a disk of up to {} GB",
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
    on_network: |network| format!("on the network {network}"),
    empty_drive: "an empty CD drive",
    in_drive: |file| format!("{file} in the CD drive"),
    powered_on: "powered on at the end",
    left_off: "left powered off",
    as_of: Template::new("By what the node said {0}."),
    errors_to_fix: |faults| {
        format!(
            "{} to be mended first.",
            format::plural(faults, "thing is", "things are")
        )
    },
    order: "Best first: by the share of memory that is free (half the score), of the \
            datastore that is free (three tenths), and by how little memory is \
            provisioned to powered-on VMs (two tenths), each with this VM counted in. \
            Nodes with too little free memory for it come last and are never suggested.",
    memory_free: |free, all| {
        format!(
            "{} of {} memory free",
            format::megabytes(free),
            format::megabytes(all)
        )
    },
    memory_unknown: "free memory not known",
    free_on: |bytes, datastore| format!("{} free on {datastore}", format::bytes(bytes)),
    datastore_unknown: "datastore not known",
    provisioned: ratio,
    over_committed: |hundredths| format!("{}, over-committed", ratio(hundredths)),
    does_not_fit: |short_mb| format!("does not fit: {} short", format::megabytes(short_mb)),
    free_memory: "Free memory",
    then_free: "Then free",
    free_disk: "Free disk",
    provisioned_then: "Provisioned",
    memory_after: |mb, node| format!("{} of memory then free on {node}", format::megabytes(mb)),
    disk_after: |bytes, datastore| format!("{} then free on {datastore}", format::bytes(bytes)),
    read_only: "read-only: hosts.yml says read_only: true",
    no_answer: "does not answer",
    in_maintenance: "is in maintenance mode",
    few_threads: |threads| format!("has only {}", format::threads(threads)),
    little_memory: |mb| format!("has only {} of memory", format::megabytes(mb)),
    little_disk: |gb, datastore| format!("has only {gb} GB free on {datastore}"),
    not_a_number: "must be a whole number",
    not_chosen: "must be chosen",
    name_taken: |node| format!("is taken: {node} has a VM of this name"),
    guest_unknown: |node| format!("is not known to {node}, which is too old for it"),
    no_port_group: |node| format!("must be a port group of {node}"),
    no_datastore: |node| format!("must be a datastore of {node}"),
    datastore_away: |node| format!("is not accessible on {node}: choose another one"),
};

/// `1.31 : 1`, as vSphere writes over-commitment.
fn ratio(hundredths: u64) -> String {
    format!("{}.{:02} : 1", hundredths / 100, hundredths % 100)
}
