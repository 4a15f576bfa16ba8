//! Tasks: their titles.

use super::acts::ACTS;
use crate::text::Tasks;

pub(super) static TASKS: Tasks = Tasks {
    power_title: |action, vm, node| format!("{} {vm} on {node}", ACTS.order.of(action)),
    create_title: |vm, node| format!("Create {vm} on {node}"),
    answer_title: |vm, node| format!("Answer the question of {vm} on {node}"),
    clean_up_title: |vm, node| format!("Clean up after the interrupted creation of {vm} on {node}"),
    vm_by_id: |vmid| format!("VM {vmid}"),
    some_vm: "a VM",
};
