//! Changes of power: the dialog, and the result of the last one.

use crate::text::Template;
use crate::text::deferred::PowerPages;
use crate::text::en::format;

pub(super) const POWER: PowerPages = PowerPages {
    list_not_loaded: "The list of VMs is still being loaded.",
    under_way: Template::new("{0}: {1}"),
    unsuccessful: Template::new("{0} did not succeed {1}: {2}"),
    more: "More changes of power",
    still_on: "The guest is still on",
    wait_longer: "Wait longer",
    wait_longer_tip: |time| {
        format!("Asks the guest once more, and waits up to {time} for it to shut down.")
    },
    power_off: "Power off…",
    power_off_now: "Power off now",
    stop_waiting: "Stop waiting",
    stop_waiting_tip: "The guest was asked to shut down and may still do so.",
    waits_for_answer: "The VM waits for an answer",
    type_the_number: Template::new("To confirm, type how many VMs that is: {0}"),
    seconds_to_wait: |least, most| {
        format!(
            "Wait for the guest, in seconds ({least} to {})",
            format::grouped(most.into())
        )
    },
    none_of_these: |order| format!("{order}: none of these VMs"),
    question: |order, vms| format!("{order} {vms}?"),
    heading: |order, vms| format!("{order} {vms}"),
    confirm_many: |order, vms| format!("{order} {}", format::vms(vms)),
    instead: |order| format!("{order} instead"),
    instead_for_some: |order, some, all| format!("{order} instead ({some} of {all})"),
    no_vm_left: "No VM is left.",
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
        format!("{node}: these VMs have {wanted} of memory, and {free} is free.")
    },
    changed_meanwhile: "Changed while this was open",
    was_removed: Template::new("{0} was removed from {1}."),
    is_other: Template::new("{0}: {1} ({2})"),
    is_changing: Template::new("{0} is being changed: {1}."),
    was_changed: Template::new("{0} was changed: {1}."),
    cannot_now: Template::new("{0}: {1}"),
    change: Template::new("{0}, {1}"),
    change_by: Template::new("{0} by {1}, {2}"),
    change_outside: "not by ECoMan",
    node_silent: Template::new(
        "{0} has not answered since {1}: what is shown may be old, and the change may fail.",
    ),
    review: "Review again",
    review_tip: "Asks once more, of the VMs as they are now.",
    and_more: |vms| format!("and {} more", format::grouped(vms as u64)),
    left_out_listed_last: |vms| {
        format!(
            "{} left out, listed last.",
            format::plural(vms, "VM is", "VMs are")
        )
    },
    all_left_out: |vms| format!("{} left out.", format::plural(vms, "VM is", "VMs are")),
    preview: "What happens to which VM",
    left_out: "Left out",
    sending: "asking",
    tally: |done, failed, under_way| format!("{done} done, {failed} failed, {under_way} under way"),
    results: "Results",
    goes_on: Template::new("It goes on when this is closed; see {0}."),
    is_over: Template::new("Steps and commands are in {0}."),
    tasks: "Tasks",
    vm_on_node: |vm, node| format!("{vm} on {node}"),
    vms: format::vms,
    vms_on_nodes: |vms, nodes| format!("{} on {nodes} nodes", format::vms(vms)),
};
