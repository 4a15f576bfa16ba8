//! Which act is asked for, with its particulars.

use serde::{Deserialize, Serialize};

use super::create::NewVm;
use super::power::PowerAction;
use crate::{TaskId, Vmid};

/// What is asked of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TaskRequest {
    /// Change a VM's power.
    #[cfg_attr(feature = "openapi", schema(title = "PowerRequest"))]
    Power {
        /// The VM.
        vmid: Vmid,
        /// The change.
        action: PowerAction,
        /// How long the guest may take to shut down, in seconds.
        guest_seconds: u32,
    },
    /// Create a VM.
    #[cfg_attr(feature = "openapi", schema(title = "CreateRequest"))]
    Create(Box<NewVm>),
    /// Answer the question that a VM waits with.
    #[cfg_attr(feature = "openapi", schema(title = "AnswerRequest"))]
    Answer {
        /// The VM.
        vmid: Vmid,
        /// The id of the question, so that no other is answered.
        question: String,
        /// The index of the choice.
        choice: u32,
    },
    /// Remove what an interrupted creation has left.
    #[cfg_attr(feature = "openapi", schema(title = "CleanUpRequest"))]
    CleanUp {
        /// The interrupted task; its files carry its id.
        task: TaskId,
        /// What it was creating.
        vm: Box<NewVm>,
        /// The directory that it is known to have asked for. Without one it had only looked at the
        /// node, as far as is known.
        #[serde(default)]
        directory: Option<String>,
    },
}

impl TaskRequest {
    /// The VM that it is about, where that is there already.
    #[must_use]
    pub fn vmid(&self) -> Option<Vmid> {
        match self {
            Self::Power { vmid, .. } | Self::Answer { vmid, .. } => Some(*vmid),
            Self::Create(_) | Self::CleanUp { .. } => None,
        }
    }

    /// The word of the API for the kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Power { .. } => "power",
            Self::Create(_) => "create",
            Self::Answer { .. } => "answer",
            Self::CleanUp { .. } => "clean_up",
        }
    }
}
