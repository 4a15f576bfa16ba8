//! Taking, reverting to and removing snapshots.
//!
//! hostd works on each as a task of its own, which goes on when the session that asked is gone. So
//! all are followed after a crash of the executor: another run looks for that task and at the tree,
//! and sends nothing a second time.

use serde::{Deserialize, Serialize};

use super::declaration::{Act, AfterCrash, LockName, Refusal, Situation};
use super::field_fault::{FieldFault, broken_rules};
use crate::{Event, EventKind, Permission, PowerState, Vmid};

/// Most characters of a snapshot's name, as vSphere has it.
pub const SNAPSHOT_NAME_CHARACTERS: usize = 80;
/// Most bytes of a snapshot's description.
pub const SNAPSHOT_DESCRIPTION_BYTES: usize = 2048;
/// How many snapshots may lead to one another.
pub const SNAPSHOT_DEPTH: usize = 32;

/// What a delta disk and the state of a snapshot take on the datastore at least.
const LEAST_SNAPSHOT_BYTES: u64 = 32 << 20;

/// What a snapshot takes on the datastore at least, with the memory that it holds, in MB of 1024²
/// bytes; `None`: it holds none.
#[must_use]
pub const fn least_snapshot_bytes(memory_mb: Option<u64>) -> u64 {
    match memory_mb {
        Some(mb) => LEAST_SNAPSHOT_BYTES.saturating_add(mb << 20),
        None => LEAST_SNAPSHOT_BYTES,
    }
}

/// Take a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "SnapshotCreateRequest"))]
pub struct SnapshotCreate {
    /// The VM.
    pub vmid: Vmid,
    /// The snapshot's name.
    pub name: String,
    /// Its description; may be empty.
    pub description: String,
    /// Whether it holds the memory of the running VM.
    pub memory: bool,
    /// Whether VMware Tools bring the guest's file systems to rest first.
    pub quiesce: bool,
}

/// Go back to a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "SnapshotRevertRequest"))]
pub struct SnapshotRevert {
    /// The VM.
    pub vmid: Vmid,
    /// The id of the snapshot.
    pub snapshot: u32,
    /// Whether the VM stays off, although the snapshot holds the memory of a running one.
    pub keep_off: bool,
}

/// Remove a snapshot; what has changed since then goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "SnapshotRemoveRequest"))]
pub struct SnapshotRemove {
    /// The VM.
    pub vmid: Vmid,
    /// The id of the snapshot.
    pub snapshot: u32,
    /// Whether those that are built on it go, too.
    pub children: bool,
}

/// Remove all snapshots of a VM; its disks stay as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "SnapshotRemoveAllRequest"))]
pub struct SnapshotRemoveAll {
    /// The VM.
    pub vmid: Vmid,
}

impl SnapshotCreate {
    /// Checks the rules that hold on every node.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by field.
    pub fn check(self) -> Result<Self, Vec<FieldFault>> {
        let faults = broken_rules([
            ("name", name(&self.name)),
            ("description", description(&self.description)),
        ]);
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(faults)
        }
    }
}

fn name(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("must not be empty")
    } else if text.chars().count() > SNAPSHOT_NAME_CHARACTERS {
        Err("must have at most 80 characters")
    } else if text.chars().any(char::is_control) {
        Err("must not contain line breaks or other control characters")
    } else if text.starts_with('-') {
        Err("must not begin with a hyphen: the node's own tool takes it for an option")
    } else if text.trim() != text {
        Err("must not begin or end with a blank")
    } else {
        Ok(())
    }
}

fn description(text: &str) -> Result<(), &'static str> {
    if text.len() > SNAPSHOT_DESCRIPTION_BYTES {
        Err("must have at most 2048 bytes as UTF-8")
    } else if text.starts_with('-') {
        Err("must not begin with a hyphen: the node's own tool takes it for an option")
    } else if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
    {
        Err("must not contain control characters other than line feeds and tabs")
    } else {
        Ok(())
    }
}

/// What all acts on snapshots have in common.
macro_rules! snapshot_act {
    ($act:ident, $kind:literal, $operation:literal, $permission:ident, may: $may:expr) => {
        impl Act for $act {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn operation(&self) -> Option<&'static str> {
                Some($operation)
            }

            fn permission(&self) -> Permission {
                Permission::$permission
            }

            fn vmid(&self) -> Option<Vmid> {
                Some(self.vmid)
            }

            fn may(&self, now: &Situation<'_>) -> Result<(), Refusal> {
                now.takes_changes()?;
                now.has_usable_files()?;
                let may: fn(&Self, &Situation<'_>) -> Result<(), Refusal> = $may;
                may(self, now)
            }

            fn lock(&self) -> LockName {
                LockName::Vm(self.vmid)
            }

            fn takes_slot(&self) -> bool {
                true
            }

            fn explains(&self, event: &Event) -> bool {
                // A revert brings back what the VM was: its power, its size, its notes.
                matches!(
                    event.kind,
                    EventKind::Power
                        | EventKind::Cpus
                        | EventKind::Memory
                        | EventKind::Address
                        | EventKind::Notes
                        | EventKind::Name
                ) && $kind == "snapshot_revert"
            }

            fn after_crash(&self) -> AfterCrash {
                AfterCrash::Followed
            }
        }
    };
}

snapshot_act!(SnapshotCreate, "snapshot_create", "createSnapshot", Power, may: |this, now| {
    let runs = !matches!(now.power, PowerState::Off | PowerState::Suspended);
    if this.quiesce && now.power == PowerState::On {
        now.has_tools()?;
    }
    if (this.memory || this.quiesce) && !runs {
        return Err(Refusal::NoMemoryToKeep(now.power));
    }
    Ok(())
});
snapshot_act!(SnapshotRevert, "snapshot_revert", "revertToSnapshot", Delete, may: |_, _| Ok(()));
snapshot_act!(SnapshotRemove, "snapshot_remove", "removeSnapshot", Delete, may: |_, _| Ok(()));
snapshot_act!(SnapshotRemoveAll, "snapshot_remove_all", "removeAllSnapshots", Delete, may: |_, _| Ok(()));

#[cfg(test)]
mod tests {
    use super::*;

    fn create(name: &str, description: &str) -> SnapshotCreate {
        SnapshotCreate {
            vmid: Vmid(1),
            name: name.to_owned(),
            description: description.to_owned(),
            memory: false,
            quiesce: false,
        }
    }

    #[test]
    fn a_name_is_one_line_that_no_tool_takes_for_an_option() {
        for name in [
            "before upgrade",
            "更新前",
            "100 % / \\ $(reboot) 'x'",
            "a\"b",
        ] {
            assert!(create(name, "").check().is_ok(), "{name}");
        }
        let long = "x".repeat(81);
        for name in ["", "-rf", "a\nb", " a", "a ", "a\0", &long] {
            let faults = create(name, "").check().unwrap_err();
            assert_eq!(faults[0].field, "name", "{name:?}");
        }
        assert!(create("a", "two\n\tlines").check().is_ok());
        for text in ["-x", "a\rb", &"x".repeat(2049)] {
            let faults = create("a", text).check().unwrap_err();
            assert_eq!(faults[0].field, "description", "{text:?}");
        }
    }

    #[test]
    fn only_a_running_vm_has_memory_to_keep_and_a_guest_to_bring_to_rest() {
        let with = |memory, quiesce| SnapshotCreate {
            memory,
            quiesce,
            ..create("a", "")
        };
        let at = |power| Situation {
            power,
            tools_status: Some("toolsNotRunning"),
            ..Situation::default()
        };
        for power in [PowerState::Off, PowerState::Suspended] {
            assert_eq!(with(false, false).may(&at(power)), Ok(()));
            let refused = Err(Refusal::NoMemoryToKeep(power));
            assert_eq!(with(true, false).may(&at(power)), refused);
            assert_eq!(with(false, true).may(&at(power)), refused);
        }
        assert_eq!(with(true, false).may(&at(PowerState::On)), Ok(()));
        assert_eq!(
            with(false, true).may(&at(PowerState::On)),
            Err(Refusal::NotQuiesced { installed: true })
        );
        assert_eq!(with(true, true).may(&at(PowerState::Unknown)), Ok(()));
    }

    #[test]
    fn all_of_them_are_followed_after_a_crash() {
        let acts: [&dyn Act; 2] = [&create("a", ""), &SnapshotRemoveAll { vmid: Vmid(1) }];
        for act in acts {
            assert_eq!(act.after_crash(), AfterCrash::Followed);
            assert_eq!(act.lock(), LockName::Vm(Vmid(1)));
        }
        assert_eq!(create("a", "").permission(), Permission::Power);
        assert_eq!(
            SnapshotRemoveAll { vmid: Vmid(1) }.permission(),
            Permission::Delete
        );
    }
}
