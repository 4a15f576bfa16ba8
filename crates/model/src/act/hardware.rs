//! Changing the virtual hardware of a VM: its disks, CD/DVD drives and network adapters.

use serde::{Deserialize, Serialize};

use super::create::{iso_path, network};
use super::declaration::{Act, AfterCrash, LockName, Refusal, Situation};
use super::field_fault::{FieldFault, broken_rules, if_given};
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

/// Put an ISO image into a CD/DVD drive of a VM, or take it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "CdromChangeRequest"))]
pub struct CdromChange {
    /// The VM.
    pub vmid: Vmid,
    /// Which of its drives; `null`: the first.
    pub drive: Option<DeviceKey>,
    /// Where the image is on the node; `null`: none.
    pub iso_path: Option<String>,
    /// What its requester saw in the drive, an empty text for nothing; where it is something else, nothing is
    /// done.
    #[serde(default)]
    pub if_iso_path: Option<String>,
}

impl CdromChange {
    /// Checks the rules that hold on every node.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by field.
    pub fn check(self) -> Result<Self, Vec<FieldFault>> {
        let iso = if_given(self.iso_path.as_deref(), iso_path);
        let drive = match self.drive.as_ref().is_some_and(DeviceKey::is_nic) {
            true => Err("must be a CD/DVD drive, such as sata0:0"),
            false => Ok(()),
        };
        let faults = broken_rules([("iso_path", iso), ("key", drive)]);
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(faults)
        }
    }
}

impl Act for CdromChange {
    fn kind(&self) -> &'static str {
        "cdrom_change"
    }

    fn operation(&self) -> Option<&'static str> {
        Some("changeCdrom")
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

    /// It compares the `.vmx` with the request first, so that it may run any number of times.
    fn after_crash(&self) -> AfterCrash {
        AfterCrash::RunAgain
    }
}

/// Move a network adapter of a VM to another port group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "NicMoveRequest"))]
pub struct NicMove {
    /// The VM.
    pub vmid: Vmid,
    /// Which of its network adapters.
    pub nic: DeviceKey,
    /// The port group.
    pub network: String,
    /// The port group that its requester saw, an empty text for none; where it is another one, nothing is
    /// done.
    #[serde(default)]
    pub if_network: Option<String>,
}

impl NicMove {
    /// Checks the rules that hold on every node.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by field.
    pub fn check(self) -> Result<Self, Vec<FieldFault>> {
        let faults = broken_rules([("network", network(&self.network))]);
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(faults)
        }
    }
}

impl Act for NicMove {
    fn kind(&self) -> &'static str {
        "nic_move"
    }

    fn operation(&self) -> Option<&'static str> {
        Some("moveNic")
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

    /// It compares the `.vmx` with the request first, so that it may run any number of times.
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

    #[test]
    fn images_and_port_groups_have_rules() {
        let cdrom = |iso: Option<&str>, drive: &str| CdromChange {
            vmid: Vmid(1),
            drive: Some(drive.parse().unwrap()),
            iso_path: iso.map(str::to_owned),
            if_iso_path: None,
        };
        assert!(cdrom(None, "ide1:0").check().is_ok());
        assert!(
            cdrom(Some("/vmfs/volumes/a/b.iso"), "sata0:0")
                .check()
                .is_ok()
        );
        assert!(
            cdrom(Some("/vmfs/volumes/a/../b.iso"), "sata0:0")
                .check()
                .is_err()
        );
        assert!(cdrom(None, "ethernet0").check().is_err());
        let nic = |network: &str| NicMove {
            vmid: Vmid(1),
            nic: "ethernet0".parse().unwrap(),
            network: network.to_owned(),
            if_network: None,
        };
        assert!(nic("Lab (trunk)").check().is_ok());
        assert!(nic("").check().is_err());
        assert!(nic("a\nb").check().is_err());
    }
}
