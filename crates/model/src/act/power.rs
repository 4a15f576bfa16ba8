//! Changing a VM's power.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::declaration::{Act, AfterCrash, LockName, Refusal, Situation};
use super::power_action::PowerAction;
use crate::{Event, EventKind, Permission, PowerState, Vmid};

/// How long the guest may take to shut down, in seconds, where the request does not say.
pub const GUEST_SECONDS: u32 = 120;

/// What a request may say.
pub const GUEST_SECONDS_RANGE: RangeInclusive<u32> = 5..=3600;

/// Change a VM's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "PowerRequest"))]
pub struct PowerChange {
    /// The VM.
    pub vmid: Vmid,
    /// The change.
    pub action: PowerAction,
    /// How long the guest may take to shut down, in seconds.
    pub guest_seconds: u32,
    /// The power state that its requester saw; in another one the change is refused.
    #[serde(default)]
    pub if_power: Option<PowerState>,
}

impl Act for PowerChange {
    fn kind(&self) -> &'static str {
        "power"
    }

    fn operation(&self) -> Option<&'static str> {
        Some("setPower")
    }

    fn permission(&self) -> Permission {
        Permission::Power
    }

    fn vmid(&self) -> Option<Vmid> {
        Some(self.vmid)
    }

    fn may(&self, now: &Situation<'_>) -> Result<(), Refusal> {
        now.takes_changes()?;
        match self.if_power {
            Some(expected) if now.power != expected && now.power != PowerState::Unknown => {
                Err(Refusal::Changed {
                    expected,
                    now: now.power,
                })
            }
            _ => self.action.may(now),
        }
    }

    fn lock(&self) -> LockName {
        LockName::Vm(self.vmid)
    }

    fn takes_slot(&self) -> bool {
        true
    }

    fn explains(&self, event: &Event) -> bool {
        match event.kind {
            EventKind::Power => {
                event.after.as_deref() == Some(self.action.leads_to().as_str())
                    // On the way to a restart.
                    || matches!(self.action, PowerAction::Reboot | PowerAction::Reset)
            }
            EventKind::Address => true,
            _ => false,
        }
    }

    fn after_crash(&self) -> AfterCrash {
        AfterCrash::Interrupted
    }
}

impl PowerAction {
    /// Whether it can be requested now: the one answer for page, dashboard and executor.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn may(self, now: &Situation<'_>) -> Result<(), Refusal> {
        now.takes_changes()?;
        now.has_usable_files()?;
        match (self, now.power) {
            (_, PowerState::Unknown) => {}
            (Self::On, PowerState::On) => return Err(Refusal::Already(PowerState::On)),
            (Self::On | Self::Off, PowerState::Suspended)
            | (Self::On, PowerState::Off)
            | (_, PowerState::On) => {}
            (Self::Off | Self::Shutdown, PowerState::Off) => {
                return Err(Refusal::Already(PowerState::Off));
            }
            (Self::Suspend, PowerState::Suspended) => {
                return Err(Refusal::Already(PowerState::Suspended));
            }
            (_, state @ (PowerState::Off | PowerState::Suspended)) => {
                return Err(Refusal::NotOn(state, self));
            }
        }
        let asks_the_guest = self.hard_counterpart().is_some();
        match now.tools_status.filter(|_| asks_the_guest) {
            Some("toolsNotInstalled") => Err(Refusal::NoTools {
                installed: false,
                action: self,
            }),
            Some("toolsNotRunning") => Err(Refusal::NoTools {
                installed: true,
                action: self,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Situation<'_> = Situation {
        power: PowerState::Unknown,
        tools_status: None,
        connection_state: Some("connected"),
        read_only: false,
    };

    fn allowed(situation: Situation<'_>) -> Vec<&'static str> {
        PowerAction::ALL
            .into_iter()
            .filter(|&action| action.may(&situation).is_ok())
            .map(PowerAction::word)
            .collect()
    }

    #[test]
    fn each_state_has_its_actions() {
        let with = |power| allowed(Situation { power, ..FREE });
        assert_eq!(with(PowerState::Off), ["on"]);
        assert_eq!(with(PowerState::Suspended), ["on", "off"]);
        let running = ["shutdown", "reboot", "suspend", "reset", "off"];
        assert_eq!(with(PowerState::On), running);
        assert_eq!(with(PowerState::Unknown).len(), 6);
    }

    #[test]
    fn a_change_in_another_state_than_was_seen_is_refused() {
        let change = |if_power| PowerChange {
            vmid: Vmid(1),
            action: PowerAction::Off,
            guest_seconds: GUEST_SECONDS,
            if_power,
        };
        let now = |power| Situation { power, ..FREE };
        let seen = change(Some(PowerState::Suspended));
        let refusal = Refusal::Changed {
            expected: PowerState::Suspended,
            now: PowerState::On,
        };
        assert_eq!(seen.may(&now(PowerState::On)), Err(refusal));
        assert_eq!(seen.may(&now(PowerState::Suspended)), Ok(()));
        assert_eq!(seen.may(&now(PowerState::Unknown)), Ok(()));
        assert_eq!(change(None).may(&now(PowerState::On)), Ok(()));
    }

    #[test]
    fn without_tools_the_guest_is_not_asked() {
        let situation = Situation {
            power: PowerState::On,
            tools_status: Some("toolsNotInstalled"),
            ..FREE
        };
        assert_eq!(allowed(situation), ["suspend", "reset", "off"]);
        let refusal = PowerAction::Shutdown.may(&situation).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::NoTools {
                installed: false,
                action: PowerAction::Shutdown
            }
        );
    }

    #[test]
    fn nothing_is_done_to_a_read_only_node_or_a_lost_vm() {
        let read_only = Situation {
            read_only: true,
            ..FREE
        };
        assert!(allowed(read_only).is_empty());
        let lost = Situation {
            connection_state: Some("inaccessible"),
            ..FREE
        };
        assert!(allowed(lost).is_empty());
        let refusal = PowerAction::On.may(&lost).unwrap_err();
        assert_eq!(refusal, Refusal::Unusable("inaccessible".to_owned()));
    }
}
