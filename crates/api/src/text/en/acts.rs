//! The changes that can be asked of a node.

use ecoman_model::Setting;

use crate::text::{Acts, PerAction, PowerRefusals};

pub(super) static ACTS: Acts = Acts {
    order: PerAction {
        on: "Power on",
        off: "Power off",
        shutdown: "Shut down",
        reboot: "Reboot",
        reset: "Reset",
        suspend: "Suspend",
    },
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
        shutdown: "The guest is asked to shut down. If it does not, it is left running, and the task fails.",
        reboot: "The guest is asked to restart.",
        reset: "As by the reset button: what the guest has not written to its disks is lost.",
        suspend: "The guest stands still, its memory is kept in a file, until it is powered on again.",
    },
    refused: PowerRefusals {
        read_only: "The node is read-only: hosts.yml says read_only: true.",
        not_permitted: "You may look, but not change the power of VMs.",
        under_way: |doing| format!("The VM is {doing} One change at a time."),
    },
    setting: |setting| match setting {
        Setting::Name => "name",
        Setting::Comment => "notes",
        Setting::Cpus => "CPUs",
        Setting::CoresPerSocket => "cores per socket",
        Setting::Memory => "memory",
        Setting::GuestOs => "guest OS",
    },
};
