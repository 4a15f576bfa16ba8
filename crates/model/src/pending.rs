//! Changes that wait until a VM is off.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Actor, Grant, Timestamp, VmKey, VmSettings};

/// A change of a VM that waits until the VM is off. It is no task and locks nothing; when the VM is
/// seen off it becomes a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingChange {
    /// Identifies it: another change of the same VM has another id.
    pub id: Uuid,
    /// The VM.
    #[serde(flatten)]
    pub key: VmKey,
    /// The VM's BIOS UUID, where it was known: an id may come again on a node that was installed
    /// again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// What is changed, and to what.
    pub settings: VmSettings,
    /// What its requester saw of these settings.
    #[serde(default)]
    pub seen: VmSettings,
    /// Who requested it last.
    pub actor: Actor,
    /// What they might do then: for a user whom only a proxy knows.
    pub grant: Grant,
    /// The id of that request.
    pub request_id: String,
    /// When it was requested last.
    pub at: Timestamp,
}

impl PendingChange {
    /// Whether it is of the VM of its node with this id and, where both are known, this UUID.
    #[must_use]
    pub fn is_of(&self, vmid: u32, uuid: Option<&str>) -> bool {
        let known = self.uuid.as_deref().zip(uuid);
        self.key.vmid.0 == vmid && known.is_none_or(|(one, other)| one == other)
    }
}
