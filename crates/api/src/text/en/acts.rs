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
        on: "Powers on. A suspended VM resumes.",
        off: "Hard power off. Unsaved data in the guest is lost.",
        shutdown: "Shuts down the guest OS through VMware Tools. If it is still running after the time limit, the task fails and the VM stays on.",
        reboot: "Restarts the guest OS through VMware Tools.",
        reset: "Hard reset. Unsaved data in the guest is lost.",
        suspend: "Saves the memory to disk and stops the VM. Power on resumes it.",
    },
    refused: PowerRefusals {
        read_only: "The host is read-only (read_only: true in hosts.yml).",
        not_permitted: "Your role does not permit power operations.",
        under_way: |doing| format!("The VM is {doing} Wait for it to finish or cancel it."),
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
