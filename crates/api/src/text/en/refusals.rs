//! Why an act is refused.

use ecoman_model::{PowerAction, Refusal};

use super::acts::ACTS;
use crate::text::Refusals;

pub(super) static REFUSALS: Refusals = Refusals { sentence };

fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::ReadOnly => "The host is read-only (read_only: true in hosts.yml).".to_owned(),
        Refusal::Unusable(state) => {
            format!("The host reports the VM as {state}. Repair that first.")
        }
        Refusal::Changed { expected, now } => {
            format!("The VM is {now} now; it was {expected} when this was requested.")
        }
        Refusal::Already(state) => format!("The VM is {state} already."),
        Refusal::NotOn(state, action) => {
            let done = match action {
                PowerAction::On => "powered on",
                PowerAction::Off => "powered off",
                PowerAction::Shutdown => "shut down",
                PowerAction::Reboot => "rebooted",
                PowerAction::Reset => "reset",
                PowerAction::Suspend => "suspended",
            };
            format!("The VM is {state}; it must be on to be {done}.")
        }
        Refusal::NoMemoryToKeep(state) => {
            format!("The VM is {state}; saving memory and quiescing need a VM that is on.")
        }
        Refusal::NotQuiesced { installed } => {
            let tools = match installed {
                true => "is not running",
                false => "is not installed",
            };
            format!(
                "VMware Tools {tools} in the guest, so its file systems cannot be quiesced. A \
                 snapshot without quiescing is only crash-consistent."
            )
        }
        Refusal::NotOff(state) => {
            format!("The VM is {state}; its settings can be changed only while it is off.")
        }
        Refusal::NotOffToDelete(state) => {
            format!("The VM is {state}; it can be deleted only while it is off.")
        }
        Refusal::OtherName { typed } => {
            format!("“{typed}” is not the name of this VM. Nothing was changed.")
        }
        Refusal::UnderWay => "Another task of this VM is in progress. Wait for it to finish or \
                              cancel it."
            .to_owned(),
        Refusal::SettingChanged {
            setting,
            expected,
            now,
        } => {
            let setting = (ACTS.setting)(*setting);
            format!(
                "Now {setting}: {now:?}; when this was requested: {expected:?}. Nothing was changed."
            )
        }
        Refusal::NoTools { installed, action } => {
            let tools = match installed {
                true => "is not running",
                false => "is not installed",
            };
            let (asked, instead) = match action {
                PowerAction::Reboot => ("restart", PowerAction::Reset),
                _ => ("shut down", PowerAction::Off),
            };
            format!("VMware Tools {tools} in the guest; {asked} needs it. Use {instead} instead.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_lack_of_tools_says_what_is_possible_without() {
        let refusal = Refusal::NoTools {
            installed: false,
            action: PowerAction::Shutdown,
        };
        assert_eq!(
            sentence(&refusal),
            "VMware Tools is not installed in the guest; shut down needs it. Use power off instead."
        );
    }
}
