//! Whether a VM runs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Power state of a VM.
// `runtime.powerState`, vim.VirtualMachine.PowerState.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    /// Running (`poweredOn`).
    On,
    /// Not running (`poweredOff`).
    Off,
    /// Frozen, its memory kept in a file (`suspended`).
    Suspended,
    /// The node did not say, or said a word that this version does not know.
    #[default]
    Unknown,
}

impl PowerState {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Suspended => "suspended",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for PowerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
