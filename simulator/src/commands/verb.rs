//! How a tool says that a change has begun, and that it failed.

use crate::dump::VimFault;
use crate::{Generation, Power};

use super::Output;

/// How the tool begins its line and how it says that it failed.
#[derive(Clone, Copy)]
pub(super) struct Verb {
    pub(super) begins: &'static str,
    pub(super) fails: &'static str,
}

impl Verb {
    /// The line that is printed in any case, and why it did not work in the generation's own
    /// form: the bare dump in 5.x, no reason in 6.5, verb and dump from 6.7 on.
    pub(super) fn failure(self, generation: Generation, fault: &VimFault) -> Output {
        let reason = match generation {
            Generation::V5_5 => fault.print(generation),
            Generation::V6_5 => format!("{}\n", self.fails),
            _ => format!("{}: {}", self.fails, fault.print(generation)),
        };
        Output {
            stdout: self.begins.into(),
            stderr: reason.into_bytes(),
            code: 1,
        }
    }
}

fn state_name(power: Power) -> &'static str {
    match power {
        Power::On => "poweredOn",
        Power::Off => "poweredOff",
        Power::Suspended => "suspended",
    }
}

pub(super) fn invalid_power_state(
    generation: Generation,
    requested: Power,
    existing: Power,
) -> VimFault {
    let existing_words = match (existing, generation) {
        (Power::On, Generation::V5_5) => "Powered On",
        (Power::Off, Generation::V5_5) => "Powered Off",
        (Power::On, _) => "Powered on",
        (Power::Off, _) => "Powered off",
        (Power::Suspended, _) => "Suspended",
    };
    VimFault::new(
        "vim.fault.InvalidPowerState",
        &format!(
            "The attempted operation cannot be performed in the current state ({existing_words})."
        ),
    )
    .with("requestedState", state_name(requested))
    .with("existingState", state_name(existing))
}
