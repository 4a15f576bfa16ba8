//! What each act declares about itself.

use crate::{Event, Permission, PowerState, Vmid};

use super::power_action::PowerAction;
use super::setting::Setting;

/// An act: a change that can be requested of a node. Page, dashboard and executor ask the act
/// itself instead of deciding by its kind.
pub trait Act {
    /// Its word in the API, the store, the metrics and the logs.
    fn kind(&self) -> &'static str;

    /// The operation of the API that requests it, as the OpenAPI document and the audit log name
    /// it; `None`: the dashboard begins it by itself, and the audit log has no entry of it.
    fn operation(&self) -> Option<&'static str>;

    /// The permission that requesting it takes.
    fn permission(&self) -> Permission;

    /// The VM that it changes; `None` where it is about none that exists already.
    fn vmid(&self) -> Option<Vmid>;

    /// Whether it can be requested now. What is unknown forbids nothing.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    fn may(&self, now: &Situation<'_>) -> Result<(), Refusal>;

    /// What no other act may change while it runs.
    fn lock(&self) -> LockName;

    /// Whether it takes one of the node's slots while it runs. An act that others wait for takes
    /// none: they hold the slots.
    fn takes_slot(&self) -> bool;

    /// Whether it can be cancelled at all, while it waits or up to the command that cannot be taken
    /// back.
    fn can_be_cancelled(&self) -> bool {
        true
    }

    /// Whether it can have done what an event of its VM says, while it ran.
    fn explains(&self, event: &Event) -> bool;

    /// What becomes of it when the executor dies before it has ended.
    fn after_crash(&self) -> AfterCrash;
}

/// What is known of the node, and of the VM if there is one, when an act is considered. The
/// default knows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation<'a> {
    /// Whether `hosts.yml` says that the node takes no changes.
    pub read_only: bool,
    /// The VM's power state.
    pub power: PowerState,
    /// State of VMware Tools: `toolsOk`, `toolsOld`, `toolsNotRunning`, `toolsNotInstalled`.
    pub tools_status: Option<&'a str>,
    /// `connected`, `disconnected`, `inaccessible`, `invalid`, `orphaned`.
    pub connection_state: Option<&'a str>,
}

/// Why an act cannot be requested now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The node takes no changes.
    ReadOnly,
    /// The node cannot use the VM's files: `inaccessible`, `orphaned`, ...
    Unusable(String),
    /// The VM's power has changed since the requester saw it.
    Changed {
        /// The state that the requester saw.
        expected: PowerState,
        /// The state now.
        now: PowerState,
    },
    /// The VM is in the wanted state already.
    Already(PowerState),
    /// The action needs a VM that is on, and this one is not.
    NotOn(PowerState, PowerAction),
    /// The VM does not run, so it has neither memory to keep nor a guest to bring to rest.
    NoMemoryToKeep(PowerState),
    /// VMware Tools, which bring the guest to rest, do not run.
    NotQuiesced {
        /// Whether they are installed.
        installed: bool,
    },
    /// The action asks the guest, and VMware Tools cannot pass it on.
    NoTools {
        /// Whether they are installed; they do not run, then.
        installed: bool,
        /// The action.
        action: PowerAction,
    },
    /// Only a VM that is off can be deleted, and it is not.
    NotOffToDelete(PowerState),
    /// The name that was typed to delete a VM is not its name.
    OtherName {
        /// What was typed.
        typed: String,
    },
    /// Another task is about this VM.
    UnderWay,
    /// The settings can be changed only while the VM is off, and it is not.
    NotOff(PowerState),
    /// A setting has changed since the requester saw it.
    SettingChanged {
        /// Which.
        setting: Setting,
        /// The value that the requester saw.
        expected: String,
        /// The value now.
        now: String,
    },
}

impl Situation<'_> {
    /// # Errors
    ///
    /// [`Refusal::ReadOnly`].
    pub(super) fn takes_changes(&self) -> Result<(), Refusal> {
        match self.read_only {
            true => Err(Refusal::ReadOnly),
            false => Ok(()),
        }
    }

    /// # Errors
    ///
    /// [`Refusal::Unusable`].
    pub(super) fn has_usable_files(&self) -> Result<(), Refusal> {
        match self.connection_state {
            None | Some("" | "connected") => Ok(()),
            Some(state) => Err(Refusal::Unusable(state.to_owned())),
        }
    }

    /// Whether the `.vmx` and the disks of the VM can be changed. A node takes a changed `.vmx` only while
    /// the VM is off: a running one is written over it.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(super) fn takes_new_hardware(&self) -> Result<(), Refusal> {
        self.takes_changes()?;
        self.has_usable_files()?;
        match self.power {
            PowerState::Off | PowerState::Unknown => Ok(()),
            power @ (PowerState::On | PowerState::Suspended) => Err(Refusal::NotOff(power)),
        }
    }

    /// # Errors
    ///
    /// [`Refusal::NotQuiesced`].
    pub(super) fn has_tools(&self) -> Result<(), Refusal> {
        match self.tools_status {
            Some("toolsNotInstalled") => Err(Refusal::NotQuiesced { installed: false }),
            Some("toolsNotRunning") => Err(Refusal::NotQuiesced { installed: true }),
            _ => Ok(()),
        }
    }
}

/// What only one act at a time may change, on one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LockName {
    /// A VM.
    Vm(Vmid),
    /// The question of a VM. Apart from the VM: a change of power waits for the answer.
    Question(Vmid),
    /// The name of a new VM, in lower case.
    Name(String),
}

/// What becomes of an act whose executor died before the act had ended. The next run of the
/// executor knows nothing of it, and the dashboard decides by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCrash {
    /// The task is `interrupted`: nobody knows how far the act came, and a second try could do it
    /// twice.
    Interrupted,
    /// The next run begins it again. It looks at the node first and does only what is still to
    /// be done, so that it may run any number of times.
    RunAgain,
    /// The next run gets its order again and follows it: the node itself continues the work and
    /// reports how it ends. The order then carries what the earlier run has reported
    /// (`Order::follows`), and the act only looks: it sends nothing a second time. Snapshots are so:
    /// hostd works on a task of its own (`vmsvc/get.tasklist`), also when the session that asked is
    /// gone.
    Followed,
}

impl AfterCrash {
    /// Whether another run of the executor continues the act, so that an interruption does not end
    /// it.
    #[must_use]
    pub fn goes_on(self) -> bool {
        match self {
            Self::RunAgain | Self::Followed => true,
            Self::Interrupted => false,
        }
    }
}
