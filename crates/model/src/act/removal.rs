//! Taking a VM off its node: unregistered ("Unregister"), or deleted with its files ("Delete from
//! disk").

use serde::{Deserialize, Serialize};

use super::declaration::{Act, AfterCrash, LockName, Refusal, Situation};
use crate::{Event, EventKind, Permission, PowerState, Vmid};

/// Take a VM off the node's inventory; its files stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "UnregisterRequest"))]
pub struct Unregister {
    /// The VM.
    pub vmid: Vmid,
    /// Its name, as its requester typed it.
    pub name: String,
}

/// Delete a VM with its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "DestroyRequest"))]
pub struct Destroy {
    /// The VM.
    pub vmid: Vmid,
    /// Its name, as its requester typed it.
    pub name: String,
    /// The fingerprint of the files that its requester saw; with another one it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// A name that stands for a VM: its own, or its id where it has none.
fn is_called(typed: &str, name: Option<&str>, vmid: Vmid) -> Result<(), Refusal> {
    let is_it = match name {
        Some(name) => typed == name,
        None => typed == vmid.to_string(),
    };
    match is_it {
        true => Ok(()),
        false => Err(Refusal::OtherName {
            typed: typed.to_owned(),
        }),
    }
}

/// What both acts have in common.
macro_rules! removal {
    ($act:ident, $kind:literal, may: $may:expr) => {
        impl $act {
            /// Whether the name that was typed is that of the VM.
            ///
            /// # Errors
            ///
            /// [`Refusal::OtherName`].
            pub fn is_of(&self, name: Option<&str>) -> Result<(), Refusal> {
                is_called(&self.name, name, self.vmid)
            }
        }

        impl Act for $act {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn operation(&self) -> Option<&'static str> {
                Some("deleteVm")
            }

            fn permission(&self) -> Permission {
                Permission::Delete
            }

            fn vmid(&self) -> Option<Vmid> {
                Some(self.vmid)
            }

            fn may(&self, now: &Situation<'_>) -> Result<(), Refusal> {
                now.takes_changes()?;
                let may: fn(&Situation<'_>) -> Result<(), Refusal> = $may;
                may(now)?;
                match now.power {
                    PowerState::Off | PowerState::Unknown => Ok(()),
                    power => Err(Refusal::NotOffToDelete(power)),
                }
            }

            fn lock(&self) -> LockName {
                LockName::Vm(self.vmid)
            }

            fn takes_slot(&self) -> bool {
                true
            }

            fn explains(&self, event: &Event) -> bool {
                event.kind == EventKind::VmGone
            }

            /// The next run looks whether the VM is gone, and sends nothing.
            fn after_crash(&self) -> AfterCrash {
                AfterCrash::Followed
            }
        }
    };
}

// What cannot be used any more can still be taken off the inventory.
removal!(Unregister, "unregister", may: |_| Ok(()));
removal!(Destroy, "destroy", may: |now| now.has_usable_files());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_vm_that_is_off_is_deleted_and_only_one_with_files_from_disk() {
        let unregister = Unregister {
            vmid: Vmid(7),
            name: "web".to_owned(),
        };
        let destroy = Destroy {
            vmid: Vmid(7),
            name: "web".to_owned(),
            fingerprint: None,
        };
        let acts: [&dyn Act; 2] = [&unregister, &destroy];
        for act in acts {
            for (power, may) in [
                (PowerState::Off, true),
                (PowerState::Unknown, true),
                (PowerState::On, false),
                (PowerState::Suspended, false),
            ] {
                let now = Situation {
                    power,
                    ..Situation::default()
                };
                assert_eq!(act.may(&now).is_ok(), may, "{} {power}", act.kind());
            }
            assert_eq!(act.permission(), Permission::Delete);
        }
        let orphan = Situation {
            power: PowerState::Off,
            connection_state: Some("orphaned"),
            ..Situation::default()
        };
        assert_eq!(unregister.may(&orphan), Ok(()));
        assert!(matches!(destroy.may(&orphan), Err(Refusal::Unusable(_))));
        assert_eq!(destroy.is_of(Some("web")), Ok(()));
        assert!(destroy.is_of(Some("Web")).is_err());
        assert!(destroy.is_of(None).is_err());
    }
}
