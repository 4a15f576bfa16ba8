//! The changes that can be asked of a node: their names, what they mean, why one is refused.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use ecoman_model::{PowerAction, Setting};

/// The texts of acts.
#[derive(Clone, Copy, Debug)]
pub struct Acts {
    /// A change of power as an order: `Power on`.
    pub order: PerAction,
    /// While it is under way: `starting…`.
    pub under_way: PerAction,
    /// What it does to the guest, in a sentence or two.
    pub meaning: PerAction,
    pub refused: PowerRefusals,
    /// A setting of a VM, in the middle of a sentence.
    pub setting: fn(Setting) -> &'static str,
}

/// Why a change of power is refused, as a sentence.
#[derive(Clone, Copy, Debug)]
pub struct PowerRefusals {
    pub read_only: &'static str,
    /// The person's role does not permit it.
    pub not_permitted: &'static str,
    /// Another change is under way: `stopping…`.
    pub under_way: fn(doing: &str) -> String,
}

/// A text per change of power.
#[derive(Clone, Copy, Debug)]
pub struct PerAction {
    pub on: &'static str,
    pub off: &'static str,
    pub shutdown: &'static str,
    pub reboot: &'static str,
    pub reset: &'static str,
    pub suspend: &'static str,
}

impl PerAction {
    /// The text of one change.
    #[must_use]
    pub fn of(&self, action: PowerAction) -> &'static str {
        match action {
            PowerAction::On => self.on,
            PowerAction::Off => self.off,
            PowerAction::Shutdown => self.shutdown,
            PowerAction::Reboot => self.reboot,
            PowerAction::Reset => self.reset,
            PowerAction::Suspend => self.suspend,
        }
    }
}
