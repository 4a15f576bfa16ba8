//! The changes that can be asked of a node.

use crate::text::{Acts, PerAction, PowerRefusals};

pub(super) static ACTS: Acts = Acts {
    order: ORDER,
    under_way: PerAction {
        on: "starting…",
        off: "stopping…",
        shutdown: "stopping…",
        reboot: "rebooting…",
        reset: "resetting…",
        suspend: "suspending…",
    },
    meaning: PerAction {
        on: "Powers on, or goes on where it was suspended.",
        off: "As if the plug were pulled: what the guest has not written to its disks is lost.",
        shutdown: "The guest is asked to shut down. If it does not, it is left running and you are told.",
        reboot: "The guest is asked to restart.",
        reset: "As by the reset button: what the guest has not written to its disks is lost.",
        suspend: "The guest stands still, its memory is kept in a file, until it is powered on again.",
    },
    power_title: |action, vm, node| format!("{} {vm} on {node}", ORDER.of(action)),
    create_title: |vm, node| format!("Create {vm} on {node}"),
    answer_title: |vm, node| format!("Answer the question of {vm} on {node}"),
    clean_up_title: |vm, node| format!("Clean up after the interrupted creation of {vm} on {node}"),
    vm_by_id: |vmid| format!("VM {vmid}"),
    some_vm: "a VM",
    refused: PowerRefusals {
        read_only: "The node is read-only: hosts.yml says read_only: true.",
    },
};

const ORDER: PerAction = PerAction {
    on: "Power on",
    off: "Power off",
    shutdown: "Shut down",
    reboot: "Reboot",
    reset: "Reset",
    suspend: "Suspend",
};
