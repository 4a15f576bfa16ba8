//! Parts that several of these pages show.

use crate::text::Template;
use crate::text::deferred::PageParts;

pub(super) const PARTS: PageParts = PageParts {
    copied: "Copied",
    not_copied: "Not copied: select the text and press Ctrl+C",
    in_brackets: Template::new("({0})"),
    all_vms: "All VMs",
    all_nodes: "All hosts",
    all_tasks: "All tasks",
    up: "Up",
    cancel: "Cancel",
    close: "Close",
    show_only: "Show only",
    every_node: "All hosts",
    show_others: "Clear the filter to see all.",
    host_client: "Host Client",
    shell: "Shell",
    copy_ssh_line: "Copy ssh command",
    used_of: |used, total| format!("{used} of {total}"),
    vm_by_id: |vmid| format!("VM {vmid}"),
    actions: "Actions",
    task_queued: "Queued",
    task_running: "In progress",
    task_succeeded: "Completed",
    task_failed: "Failed",
    task_interrupted: "Interrupted",
    task_cancelled: "Cancelled",
    not_found: "Not found",
    no_such_page: "Unknown page",
    no_such_page_why: "Check the address, or go to the VM list.",
};
