//! Changing the virtual hardware of a VM: its disks.

use serde::{Deserialize, Serialize};

use super::declaration::{Act, AfterCrash, LockName, Refusal, Situation};
use super::field_fault::{FieldFault, broken_rules};
use crate::{DISK_GB, DeviceKey, Event, Permission, Vmid};

/// Make a disk of a VM larger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "DiskGrowRequest"))]
pub struct DiskGrow {
    /// The VM.
    pub vmid: Vmid,
    /// Which of its disks.
    pub disk: DeviceKey,
    /// The size that it gets, in GB of 1024³ bytes.
    pub size_gb: u64,
    /// The size that its requester saw, in whole GB; where it is another one, nothing is done.
    #[serde(default)]
    pub if_size_gb: Option<u64>,
}

impl DiskGrow {
    /// Checks the rules that hold on every node.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by field.
    pub fn check(self) -> Result<Self, Vec<FieldFault>> {
        let in_range = (1..=DISK_GB).contains(&self.size_gb);
        let size = match in_range {
            true => Ok(()),
            false => Err("must be from 1 to 63488, which is the most that a disk can have"),
        };
        let faults = broken_rules([("size_gb", size)]);
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(faults)
        }
    }
}

impl Act for DiskGrow {
    fn kind(&self) -> &'static str {
        "disk_grow"
    }

    fn operation(&self) -> Option<&'static str> {
        Some("growDisk")
    }

    fn permission(&self) -> Permission {
        Permission::Hardware
    }

    fn vmid(&self) -> Option<Vmid> {
        Some(self.vmid)
    }

    fn may(&self, now: &Situation<'_>) -> Result<(), Refusal> {
        now.takes_new_hardware()
    }

    fn lock(&self) -> LockName {
        LockName::Vm(self.vmid)
    }

    fn takes_slot(&self) -> bool {
        true
    }

    fn explains(&self, _: &Event) -> bool {
        false
    }

    /// It compares the disk with the request first, and never makes one smaller.
    fn after_crash(&self) -> AfterCrash {
        AfterCrash::RunAgain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PowerState;

    fn grow(size_gb: u64) -> DiskGrow {
        DiskGrow {
            vmid: Vmid(1),
            disk: "scsi0:0".parse().unwrap(),
            size_gb,
            if_size_gb: None,
        }
    }

    #[test]
    fn a_size_has_a_range() {
        assert!(grow(1).check().is_ok());
        assert!(grow(DISK_GB).check().is_ok());
        for size in [0, DISK_GB + 1, u64::MAX] {
            let faults = grow(size).check().unwrap_err();
            let rule = "size_gb must be from 1 to 63488, which is the most that a disk can have";
            assert_eq!(faults[0].to_string(), rule);
        }
    }

    #[test]
    fn only_the_hardware_of_a_vm_that_is_off_is_changed() {
        let in_state = |power| Situation {
            power,
            ..Situation::default()
        };
        let act = grow(40);
        assert_eq!(act.permission(), Permission::Hardware);
        assert_eq!(act.may(&in_state(PowerState::Off)), Ok(()));
        for power in [PowerState::On, PowerState::Suspended] {
            assert_eq!(act.may(&in_state(power)), Err(Refusal::NotOff(power)));
        }
        let gone = Situation {
            connection_state: Some("inaccessible"),
            ..in_state(PowerState::Off)
        };
        let refusal = Refusal::Unusable("inaccessible".to_owned());
        assert_eq!(act.may(&gone), Err(refusal));
    }
}
