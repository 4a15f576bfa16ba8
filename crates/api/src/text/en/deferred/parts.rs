//! Parts that several of these pages show.

use crate::text::Template;
use crate::text::deferred::PageParts;

pub(super) const PARTS: PageParts = PageParts {
    copied: "Copied",
    not_copied: "Not copied: select the text and press Ctrl+C",
    in_brackets: Template::new("({0})"),
    all_vms: "All VMs",
    all_nodes: "All nodes",
    all_tasks: "All tasks",
    up: "Up",
    cancel: "Cancel",
    close: "Close",
    show_only: "Show only",
    every_node: "Every node",
    show_others: "Show others, or all of them.",
    host_client: "Host Client",
    shell: "Shell",
    copy_ssh_line: "Copy the ssh line",
    used_of: |used, total| format!("{used} of {total}"),
    vm_by_id: |vmid| format!("VM {vmid}"),
    actions: "Actions",
    task_queued: "Waiting",
    task_running: "Running",
    task_succeeded: "Done",
    task_failed: "Failed",
    task_interrupted: "Interrupted",
    task_cancelled: "Cancelled",
    not_found: "Not found",
    no_such_page: "There is no such page",
    no_such_page_why: "The address may have been typed wrongly, or come from another version.",
};
