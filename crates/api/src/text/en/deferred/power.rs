//! Changes of power: the dialog, and the result of the last one.

use crate::text::Template;
use crate::text::deferred::PowerPages;
use crate::text::en::format;

pub(super) const POWER: PowerPages = PowerPages {
    list_not_loaded: "The list of VMs is still loading.",
    under_way: Template::new("{0}: {1}"),
    unsuccessful: Template::new("{0} failed {1}: {2}"),
    more: "More power operations",
    still_on: "The guest is still running",
    wait_longer: "Wait longer",
    wait_longer_tip: |time| format!("Sends the shutdown again and waits up to {time}."),
    power_off: "Power off…",
    power_off_now: "Power off now",
    stop_waiting: "Stop waiting",
    stop_waiting_tip: "The shutdown was sent to the guest, which may still complete it.",
    waits_for_answer: "This VM needs an answer",
    type_the_number: Template::new("Type {0} to confirm"),
    seconds_to_wait: |least, most| {
        format!(
            "Time limit for the guest (seconds, {least}–{})",
            format::grouped(most.into())
        )
    },
    none_of_these: |order| format!("{order}: none of these VMs"),
    question: |order, vms| format!("{order} {vms}?"),
    heading: |order, vms| format!("{order} {vms}"),
    confirm_many: |order, vms| format!("{order} {}", format::vms(vms)),
    instead: |order| format!("{order} instead"),
    instead_for_some: |order, some, all| format!("{order} instead ({some} of {all})"),
    no_vm_left: "No VMs left.",
    from_to: |from, to| format!("{from} → {to}"),
    loses_memory: "It is suspended: its saved memory is lost.",
    many_lose_memory: |vms| match vms {
        1 => "1 suspended VM loses its saved memory.".to_owned(),
        vms => format!(
            "{} suspended VMs lose their saved memory.",
            format::grouped(vms as u64)
        ),
    },
    short_of_memory: |node, wanted, free| {
        format!("{node}: these VMs need {wanted} memory; {free} is free.")
    },
    changed_meanwhile: "Changed while this was open",
    was_removed: Template::new("{0} was removed from {1}."),
    is_other: Template::new("{0}: {1} ({2})"),
    is_changing: Template::new("{0} is being changed: {1}."),
    was_changed: Template::new("{0} was changed: {1}."),
    cannot_now: Template::new("{0}: {1}"),
    change: Template::new("{0}, {1}"),
    change_by: Template::new("{0} by {1}, {2}"),
    change_outside: "outside ECoMan",
    node_silent: Template::new(
        "{0} has not responded since {1}. Data may be outdated, and the operation may fail.",
    ),
    review: "Review again",
    review_tip: "Shows this dialog again with the current state.",
    and_more: |vms| format!("and {} more", format::grouped(vms as u64)),
    left_out_listed_last: |vms| {
        format!(
            "{} skipped (see end of the list).",
            format::plural(vms, "VM is", "VMs are")
        )
    },
    all_left_out: |vms| format!("{} skipped.", format::plural(vms, "VM is", "VMs are")),
    preview: "Preview",
    left_out: "Skipped",
    sending: "sending",
    tally: |done, failed, under_way| {
        format!("{done} completed, {failed} failed, {under_way} in progress")
    },
    results: "Results",
    goes_on: Template::new("You can close this dialog. Progress continues in {0}."),
    is_over: Template::new("For steps and commands, see {0}."),
    tasks: "Tasks",
    vm_on_node: |vm, node| format!("{vm} on {node}"),
    vms: format::vms,
    vms_on_nodes: |vms, nodes| format!("{} on {nodes} hosts", format::vms(vms)),
};
