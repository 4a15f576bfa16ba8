//! Answering the question that a VM waits with.

use serde::{Deserialize, Serialize};

use super::declaration::{Act, AfterCrash, LockName, Refusal, Situation};
use crate::{Event, EventKind, Permission, Vmid};

/// Answer the question that a VM waits with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "AnswerRequest"))]
pub struct Answer {
    /// The VM.
    pub vmid: Vmid,
    /// The id of the question, so that no other is answered.
    pub question: String,
    /// The index of the choice.
    pub choice: u32,
}

impl Act for Answer {
    fn kind(&self) -> &'static str {
        "answer"
    }

    fn operation(&self) -> Option<&'static str> {
        Some("answerQuestion")
    }

    fn permission(&self) -> Permission {
        Permission::Power
    }

    fn vmid(&self) -> Option<Vmid> {
        Some(self.vmid)
    }

    fn may(&self, now: &Situation<'_>) -> Result<(), Refusal> {
        now.takes_changes()
    }

    fn lock(&self) -> LockName {
        LockName::Question(self.vmid)
    }

    fn takes_slot(&self) -> bool {
        false
    }

    fn explains(&self, event: &Event) -> bool {
        event.kind == EventKind::Power
    }

    fn after_crash(&self) -> AfterCrash {
        AfterCrash::Interrupted
    }
}
