//! Removing what an interrupted create task left on the node.

use serde::{Deserialize, Serialize};

use super::create::NewVm;
use super::declaration::{Act, AfterCrash, LockName, Refusal, Situation};
use crate::{Event, EventKind, Permission, TaskId, Vmid};

/// Remove what an interrupted creation has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "CleanUpRequest"))]
pub struct CleanUp {
    /// The interrupted task; its files carry its id.
    pub task: TaskId,
    /// What it was creating.
    pub vm: Box<NewVm>,
    /// The directory that it is known to have asked for. Without one it had only looked at the
    /// node, as far as is known.
    #[serde(default)]
    pub directory: Option<String>,
}

impl Act for CleanUp {
    fn kind(&self) -> &'static str {
        "clean_up"
    }

    fn operation(&self) -> Option<&'static str> {
        None
    }

    fn permission(&self) -> Permission {
        Permission::Create
    }

    fn vmid(&self) -> Option<Vmid> {
        None
    }

    fn may(&self, now: &Situation<'_>) -> Result<(), Refusal> {
        now.takes_changes()
    }

    fn lock(&self) -> LockName {
        self.vm.lock()
    }

    fn takes_slot(&self) -> bool {
        true
    }

    /// Cancelling it would leave a half on the node.
    fn can_be_cancelled(&self) -> bool {
        false
    }

    fn explains(&self, event: &Event) -> bool {
        event.kind == EventKind::VmGone
    }

    fn after_crash(&self) -> AfterCrash {
        AfterCrash::RunAgain
    }
}
