//! The steps of acts.

use serde::{Deserialize, Serialize};

use super::power_action::PowerAction;
use crate::PowerState;

/// A step of a task, as a code with its parameters; the step's `title` is its sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// Look at the VM, and whether its power can be changed.
    LookAtVm,
    /// Send a change of power.
    Power {
        /// The change.
        action: PowerAction,
    },
    /// Wait until the VM has a power state.
    WaitFor {
        /// The state.
        power: PowerState,
    },
    /// See that the VM is on after a restart, which it was before too.
    SeeThatOn,
    /// Look at the question that a VM waits with.
    LookAtQuestion,
    /// Answer the question.
    Answer,
    /// Wait until the VM goes on after the answer.
    WaitForVm,
    /// Check whether a VM can be created.
    CheckNewVm,
    /// Make the directory of a new VM.
    MakeDirectory,
    /// Write the `.vmx`.
    WriteConfiguration,
    /// Create the disk, of a size in GB of 1024³ bytes.
    CreateDisk {
        /// The size.
        gb: u64,
    },
    /// Register the VM.
    Register,
    /// Compare the registered VM with the request.
    CompareVm,
    /// Read the `.vmx` of a VM and compare it with what its requester saw.
    ReadConfiguration,
    /// Write the changed `.vmx` beside the one that is there.
    WriteBeside,
    /// Put it in the place of that one.
    ReplaceConfiguration,
    /// Have the node read it.
    Reload,
    /// Compare the VM with the request.
    CompareSettings,
    /// Put the former `.vmx` back.
    PutBack,
    /// Remove what a failed creation has made.
    Undo,
    /// Look for what an interrupted creation has left.
    LookForLeftovers,
    /// Remove it.
    RemoveLeftovers,
    /// Read the snapshots of the VM.
    ReadSnapshots,
    /// Take the snapshot.
    TakeSnapshot,
    /// Go back to the snapshot.
    RevertToSnapshot,
    /// Remove so many snapshots; 0: all there are.
    RemoveSnapshots {
        /// How many.
        count: usize,
    },
    /// Compare the snapshots with what was requested.
    CompareSnapshots,
    /// Look at a disk of the VM, and whether it can be made larger.
    LookAtDisk,
    /// Make it larger, to a size in GB of 1024³ bytes.
    GrowDisk {
        /// The size.
        gb: u64,
    },
    /// Compare the disk with the request.
    CompareDisk,
    /// Look at the VM that is to be deleted, and at its files.
    LookAtFiles,
    /// Take the VM off the inventory.
    Unregister,
    /// Delete the VM with its files.
    Destroy,
    /// Look at what is left of it.
    LookWhatIsLeft,
    /// Look on the node how the work of an earlier run of the executor goes on.
    FollowOnNode,
}

impl Step {
    /// The steps of a change of power: sending it, and looking at its result.
    #[must_use]
    pub fn of_power(action: PowerAction) -> [Self; 2] {
        let result = match action {
            PowerAction::On | PowerAction::Off | PowerAction::Shutdown | PowerAction::Suspend => {
                Self::WaitFor {
                    power: action.leads_to(),
                }
            }
            // The VM is on before and after, so this shows only that nothing worse has happened.
            PowerAction::Reboot | PowerAction::Reset => Self::SeeThatOn,
        };
        [Self::Power { action }, result]
    }
}
