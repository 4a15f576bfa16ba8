//! The virtual machine: its identity and what a node says of it.

mod facts;
mod last_known;
mod power;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NodeName;

pub use facts::VmFacts;
pub use last_known::{LastKnown, LastValue};
pub use power::PowerState;

/// The number that a node's hostd gives a VM (`Vmid` of `vim-cmd vmsvc/getallvms`).
///
/// Unique on its node only, and not used again there after the VM is unregistered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Vmid(pub u32);

impl fmt::Display for Vmid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is no VM id: a VM id is a decimal number from 0 to 4294967295, digits only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a VM id is a whole number of digits only, at most 4294967295")]
pub struct InvalidVmid;

impl FromStr for Vmid {
    type Err = InvalidVmid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `u32::from_str` takes a leading `+`, which no node prints.
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse().map(Self).map_err(|_| InvalidVmid)
        } else {
            Err(InvalidVmid)
        }
    }
}

/// One VM among all nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VmKey {
    /// The node that the VM is registered on.
    pub node: NodeName,
    /// Its id there.
    pub vmid: Vmid,
}

impl fmt::Display for VmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.vmid)
    }
}

/// Datastore and path on it of a node's own path, such as `[datastore1 (1)] web/web.vmx`. `None`:
/// it is on no datastore, as that of an infrastructure VM (`[] /var/run/…`).
#[must_use]
pub fn split_datastore_path(path: &str) -> Option<(&str, &str)> {
    let (datastore, below) = path.strip_prefix('[')?.split_once("] ")?;
    (!datastore.is_empty() && !below.is_empty()).then_some((datastore, below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_on_a_datastore_is_split_at_the_first_bracket_before_a_blank() {
        assert_eq!(
            split_datastore_path("[ds (1)] a] b/it's.vmx"),
            Some(("ds (1)", "a] b/it's.vmx"))
        );
        for path in ["", "[a]", "[a] ", "[] /var/a.vmx", "/vmfs/volumes/a/b.vmx"] {
            assert_eq!(split_datastore_path(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_vm_id_is_digits_only() {
        assert_eq!("14".parse(), Ok(Vmid(14)));
        for text in ["", "+14", "-1", " 14", "1_4", "4294967296", "١٤"] {
            assert_eq!(text.parse::<Vmid>(), Err(InvalidVmid), "{text:?}");
        }
    }
}
