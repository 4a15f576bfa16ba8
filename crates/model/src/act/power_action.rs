//! The ways to change a VM's power.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::PowerState;

/// A change of a VM's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    /// Power on, or resume what is suspended.
    On,
    /// Cut the power, as if the plug were pulled.
    Off,
    /// Ask the guest to shut down; needs VMware Tools.
    Shutdown,
    /// Ask the guest to restart; needs VMware Tools.
    Reboot,
    /// Restart at once, as by the reset button.
    Reset,
    /// Freeze, with the memory in a file.
    Suspend,
}

impl PowerAction {
    /// All of them, those that ask the guest before the hard ones.
    pub const ALL: [Self; 6] = [
        Self::On,
        Self::Shutdown,
        Self::Reboot,
        Self::Suspend,
        Self::Reset,
        Self::Off,
    ];

    /// The state that the VM is in when it has worked.
    #[must_use]
    pub fn leads_to(self) -> PowerState {
        match self {
            Self::On | Self::Reboot | Self::Reset => PowerState::On,
            Self::Off | Self::Shutdown => PowerState::Off,
            Self::Suspend => PowerState::Suspended,
        }
    }

    /// Whether the guest may lose what it has not written to disk.
    #[must_use]
    pub fn is_hard(self) -> bool {
        matches!(self, Self::Off | Self::Reset)
    }

    /// The action that does the same by asking the guest.
    #[must_use]
    pub fn guest_counterpart(self) -> Option<Self> {
        match self {
            Self::Off => Some(Self::Shutdown),
            Self::Reset => Some(Self::Reboot),
            _ => None,
        }
    }

    /// The action that does the same without asking the guest.
    #[must_use]
    pub fn hard_counterpart(self) -> Option<Self> {
        match self {
            Self::Shutdown => Some(Self::Off),
            Self::Reboot => Some(Self::Reset),
            _ => None,
        }
    }

    /// The word of the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Shutdown => "shutdown",
            Self::Reboot => "reboot",
            Self::Reset => "reset",
            Self::Suspend => "suspend",
        }
    }
}

impl fmt::Display for PowerAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "power on",
            Self::Off => "power off",
            Self::Shutdown => "shut down",
            Self::Reboot => "reboot",
            Self::Reset => "reset",
            Self::Suspend => "suspend",
        })
    }
}
