//! Changes of a VM's settings: the dialogs, and what waits until a VM is off.

use crate::text::Template;
use crate::text::deferred::EditPages;
use crate::text::en::format;

pub(super) const EDIT: EditPages = EditPages {
    edit: "Edit settings",
    edit_tip: "Name, notes, CPUs, memory and guest OS. Key: E",
    heading: |vm| format!("Edit settings of {vm}"),
    name: "Name",
    notes: "Notes",
    cpus: "CPUs",
    cores_per_socket: "Cores per socket",
    memory: "Memory",
    memory_unit: "Unit of memory",
    guest_os: "Guest OS",
    as_it_is: "As it is",
    as_it_is_now: |value| format!("As it is: {value}"),
    up_to: |most| format!("Up to {most}"),
    not_off: "The VM is not off. Name and notes wait until it is; the rest can be changed only then.",
    only_off: "Only while the VM is off.",
    hardware_not_permitted: "Your role does not permit changing the hardware of VMs.",
    not_permitted: "Your role does not permit changing settings of VMs.",
    save: "Save",
    save_for_later: "Save for when it is off",
    save_keys: "Ctrl+Enter",
    is_other: Template::new("{0}: {1} ({2})"),
    by: Template::new("by {0}, {1}"),
    take_theirs: "Take the new values",
    keep_mine: "Keep mine",
    gone: "The VM was removed from its host.",
    not_a_number: "must be a whole number from 1",
    not_a_multiple: "must be a multiple of 4 MB",
    at_most: |most| format!("at most {most}"),
    uneven: |cpus| format!("must divide the {}", format::cpus(cpus)),
    name_taken: "is taken by another VM of this host",
    too_long: |bytes, most| {
        format!(
            "The notes would have {} bytes; {} is the most.",
            format::grouped(bytes as u64),
            format::grouped(most as u64)
        )
    },
    waits: Template::new("Waits until the VM is off (requested {0})"),
    waits_by: Template::new("Waits until the VM is off (requested by {0}, {1})"),
    discard: "Discard",
    discard_tip: "Nothing is changed when the VM is off.",
    edit_notes: "Edit notes…",
    edit_notes_tip: "Sets, extends or replaces the notes of the selected VMs.",
    notes_of: |vms| format!("Edit notes of {vms}"),
    what_to_do: "What to do",
    set: "Set",
    append: "Append",
    replace: "Find and replace",
    text_to_append: "Text to append",
    append_hint: "In a line of its own, below the notes that are there.",
    find: "Find",
    find_hint: "Exactly this text, wherever it stands.",
    replace_with: "Replace with",
    set_hint: "Replaces all notes of these VMs. An empty text removes them.",
    counts: |change, stay| match stay {
        0 => format!("{} change.", format::vms(change)),
        stay => format!("{} change, {stay} stay as they are.", format::vms(change)),
    },
    some_wait: |vms| {
        format!(
            "{} not off: the change waits until then.",
            format::plural(vms, "VM is", "VMs are")
        )
    },
    change_many: |vms| format!("Change notes of {}", format::vms(vms)),
    stays: "Stays as it is",
    waits_until_off: "Waits until the VM is off",
    only_failed: |vms| format!("Only the failed ({vms})"),
};
