//! Words and references of the API that several dumps contain.

use ecoman_model::{PowerState, Vmid};

/// The power state of this word of the API (`poweredOn`).
pub(super) fn power_word(word: &str) -> PowerState {
    match word {
        "poweredOn" => PowerState::On,
        "poweredOff" => PowerState::Off,
        "suspended" => PowerState::Suspended,
        _ => PowerState::Unknown,
    }
}

/// The VM that a reference such as `vim.VirtualMachine:14` leads to.
pub(super) fn vmid_of_reference(reference: &str) -> Option<Vmid> {
    reference.strip_prefix("vim.VirtualMachine:")?.parse().ok()
}
