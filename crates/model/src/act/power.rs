//! Changes of power, and whether one can be asked for.

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

/// What is known of a VM when a change of power is thought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerSituation<'a> {
    /// Its power state; unknown forbids nothing.
    pub power: PowerState,
    /// State of VMware Tools (`toolsOk`, `toolsOld`, `toolsNotRunning`, `toolsNotInstalled`);
    /// `None` forbids nothing.
    pub tools_status: Option<&'a str>,
    /// `connected`, `disconnected`, `inaccessible`, `invalid`, `orphaned`; `None` forbids nothing.
    pub connection_state: Option<&'a str>,
    /// Whether `hosts.yml` says that the node takes no changes.
    pub read_only: bool,
}

/// Why a change of power cannot be asked for now. The text is a sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PowerRefusal {
    /// The node takes no changes.
    #[error("The node is read-only: hosts.yml says read_only: true.")]
    ReadOnly,
    /// The node cannot reach the VM's files.
    #[error("The node reports the VM as {0}; it takes no change until that is mended.")]
    Unusable(String),
    /// It is there already.
    #[error("The VM is {0} already.")]
    Already(&'static str),
    /// The action makes sense only for a VM that runs.
    #[error("The VM is {0}; only one that is on can be {1}.")]
    NotRunning(&'static str, &'static str),
    /// The guest cannot be asked.
    #[error(
        "VMware Tools {0} in the guest, so it cannot be asked to {1}; {2} does it without asking."
    )]
    NoTools(&'static str, &'static str, PowerAction),
}

impl PowerAction {
    /// All of them, the gentle ones before those that cut.
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
    pub fn cuts(self) -> bool {
        matches!(self, Self::Off | Self::Reset)
    }

    /// What does the same by asking the guest.
    #[must_use]
    pub fn gentle(self) -> Option<Self> {
        match self {
            Self::Off => Some(Self::Shutdown),
            Self::Reset => Some(Self::Reboot),
            _ => None,
        }
    }

    /// What does the same without asking the guest.
    #[must_use]
    pub fn forced(self) -> Option<Self> {
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

    fn participle(self) -> &'static str {
        match self {
            Self::On => "powered on",
            Self::Off => "powered off",
            Self::Shutdown => "shut down",
            Self::Reboot => "rebooted",
            Self::Reset => "reset",
            Self::Suspend => "suspended",
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

impl PowerSituation<'_> {
    /// Whether `action` can be asked for: the one answer for page, backend and executor.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn may(&self, action: PowerAction) -> Result<(), PowerRefusal> {
        if self.read_only {
            return Err(PowerRefusal::ReadOnly);
        }
        if let Some(state) = self
            .connection_state
            .filter(|state| !state.is_empty() && *state != "connected")
        {
            return Err(PowerRefusal::Unusable(state.to_owned()));
        }
        match (action, self.power) {
            (_, PowerState::Unknown) => {}
            (PowerAction::On, PowerState::On) => return Err(PowerRefusal::Already("on")),
            (PowerAction::On | PowerAction::Off, PowerState::Suspended)
            | (PowerAction::On, PowerState::Off)
            | (_, PowerState::On) => {}
            (PowerAction::Off | PowerAction::Shutdown, PowerState::Off) => {
                return Err(PowerRefusal::Already("off"));
            }
            (PowerAction::Suspend, PowerState::Suspended) => {
                return Err(PowerRefusal::Already("suspended"));
            }
            (_, PowerState::Off) => {
                return Err(PowerRefusal::NotRunning("off", action.participle()));
            }
            (_, PowerState::Suspended) => {
                return Err(PowerRefusal::NotRunning("suspended", action.participle()));
            }
        }
        let Some(forced) = action.forced() else {
            return Ok(());
        };
        let asked = match action {
            PowerAction::Reboot => "restart",
            _ => "shut down",
        };
        match self.tools_status {
            Some("toolsNotInstalled") => {
                Err(PowerRefusal::NoTools("is not installed", asked, forced))
            }
            Some("toolsNotRunning") => Err(PowerRefusal::NoTools("is not running", asked, forced)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: PowerSituation<'_> = PowerSituation {
        power: PowerState::Unknown,
        tools_status: None,
        connection_state: Some("connected"),
        read_only: false,
    };

    fn allowed(situation: PowerSituation<'_>) -> Vec<&'static str> {
        PowerAction::ALL
            .into_iter()
            .filter(|&action| situation.may(action).is_ok())
            .map(PowerAction::word)
            .collect()
    }

    #[test]
    fn each_state_has_its_actions() {
        let with = |power| allowed(PowerSituation { power, ..FREE });
        assert_eq!(with(PowerState::Off), ["on"]);
        assert_eq!(with(PowerState::Suspended), ["on", "off"]);
        let running = ["shutdown", "reboot", "suspend", "reset", "off"];
        assert_eq!(with(PowerState::On), running);
        assert_eq!(with(PowerState::Unknown).len(), 6);
    }

    #[test]
    fn without_tools_the_guest_is_not_asked() {
        let situation = PowerSituation {
            power: PowerState::On,
            tools_status: Some("toolsNotInstalled"),
            ..FREE
        };
        assert_eq!(allowed(situation), ["suspend", "reset", "off"]);
        let refusal = situation.may(PowerAction::Shutdown).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "VMware Tools is not installed in the guest, so it cannot be asked to shut down; \
             power off does it without asking."
        );
    }

    #[test]
    fn nothing_is_done_to_a_read_only_node_or_a_lost_vm() {
        let read_only = PowerSituation {
            read_only: true,
            ..FREE
        };
        assert!(allowed(read_only).is_empty());
        let lost = PowerSituation {
            connection_state: Some("inaccessible"),
            ..FREE
        };
        assert!(allowed(lost).is_empty());
        let refusal = lost.may(PowerAction::On).unwrap_err();
        assert!(refusal.to_string().contains("inaccessible"));
    }
}
