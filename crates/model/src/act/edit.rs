//! Changing settings of a VM ("Edit settings", vSphere's Reconfigure).

use serde::{Deserialize, Serialize};

use super::create::{Limits, at_least_one, comment, guest_os, memory, name};
use super::declaration::{Act, AfterCrash, LockName, Refusal, Situation};
use super::field_fault::{FieldFault, broken_rules, if_given};
use super::setting::{Setting, VmSettings};
use crate::{Event, EventKind, Permission, Vmid};

impl VmSettings {
    /// The first that is known here and is another one in `now`.
    ///
    /// # Errors
    ///
    /// [`Refusal::SettingChanged`].
    pub fn still_hold(&self, now: &Self) -> Result<(), Refusal> {
        let changed = self.named().find_map(|(setting, expected)| {
            let now = now.get(setting)?;
            (now != expected).then_some(Refusal::SettingChanged {
                setting,
                expected,
                now,
            })
        });
        changed.map_or(Ok(()), Err)
    }
}

/// Change settings of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(title = "EditRequest"))]
pub struct Edit {
    /// The VM.
    pub vmid: Vmid,
    /// What is changed, and to what.
    pub settings: VmSettings,
    /// What its requester saw; where one of them is another one, the change is refused.
    #[serde(rename = "if", default)]
    pub seen: VmSettings,
}

/// What a virtual hardware version allows (VMware KB 1003746, 2053086): the version from which on,
/// CPUs, memory in MB.
const HARDWARE: [(u32, u32, u64); 8] = [
    (18, 768, 25_149_440),
    (15, 256, 6_275_072),
    (12, 128, 6_275_072),
    (11, 128, 4_177_920),
    (9, 64, 1_035_264),
    (8, 32, 1_035_264),
    (7, 8, 261_120),
    (4, 4, 65_532),
];

impl Edit {
    /// Checks the rules that hold on every node.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by field.
    pub fn check(self) -> Result<Self, Vec<FieldFault>> {
        let VmSettings {
            name: new_name,
            comment: new_comment,
            cpus,
            cores_per_socket,
            memory_mb,
            guest_os: new_guest,
        } = &self.settings;
        let count = |value: u32| at_least_one(value.into());
        let mut faults = broken_rules([
            ("name", if_given(new_name.as_deref(), name)),
            ("comment", if_given(new_comment.as_deref(), comment)),
            ("cpus", if_given(*cpus, count)),
            ("cores_per_socket", if_given(*cores_per_socket, count)),
            ("memory_mb", if_given(*memory_mb, memory)),
            ("guest_os", if_given(new_guest.as_deref(), guest_os)),
        ]);
        if faults.is_empty() {
            faults.extend(cpus.and_then(|cpus| uneven(cpus, (*cores_per_socket)?)));
        }
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(faults)
        }
    }

    /// The most CPUs and memory that a node and a virtual hardware version (`vmx-19`) allow a VM.
    #[must_use]
    pub fn most(node: &Limits, hardware: Option<&str>) -> Limits {
        let (cpus, memory_mb) = allowed_by(hardware).unzip();
        Limits {
            cpus: node.cpus.into_iter().chain(cpus).min(),
            memory_mb: node.memory_mb.into_iter().chain(memory_mb).min(),
            disk_gb: None,
        }
    }

    /// What of it is beyond a node, or beyond a virtual hardware version (`vmx-19`).
    #[must_use]
    pub fn beyond(&self, node: &Limits, hardware: Option<&str>) -> Vec<FieldFault> {
        let allowed = allowed_by(hardware);
        let hardware = hardware.unwrap_or_default();
        let mut faults = Vec::new();
        let mut check = |setting: Setting,
                         least: u64,
                         value: Option<u64>,
                         of_node: Option<u64>,
                         of_hardware: Option<u64>| {
            let of_node = of_node.map(|most| (most, "of the node".to_owned()));
            let of_hardware = of_hardware.map(|most| (most, format!("with {hardware}")));
            let most = of_node
                .into_iter()
                .chain(of_hardware)
                .min_by_key(|(most, _)| *most);
            if let (Some(value), Some((most, why))) = (value, most)
                && value > most
            {
                faults.push(FieldFault {
                    field: setting.field(),
                    rule: format!("must be from {least} to {most}, the most {why}"),
                });
            }
        };
        check(
            Setting::Cpus,
            1,
            self.settings.cpus.map(u64::from),
            node.cpus.map(u64::from),
            allowed.map(|(cpus, _)| cpus.into()),
        );
        check(
            Setting::Memory,
            4,
            self.settings.memory_mb,
            node.memory_mb,
            allowed.map(|(_, memory)| memory),
        );
        faults
    }

    /// A fault if sockets would not be equally large, in a VM that has `now`.
    #[must_use]
    pub fn uneven_sockets(&self, now: &VmSettings) -> Option<FieldFault> {
        let cpus = self.settings.cpus.or(now.cpus)?;
        let cores = self.settings.cores_per_socket.or(now.cores_per_socket)?;
        uneven(cpus, cores)
    }
}

/// CPUs and memory in MB that a virtual hardware version allows; `None`: nobody knows.
fn allowed_by(hardware: Option<&str>) -> Option<(u32, u64)> {
    let version: u32 = hardware?.strip_prefix("vmx-")?.parse().ok()?;
    let row = HARDWARE.iter().find(|(from, ..)| version >= *from)?;
    Some((row.1, row.2))
}

fn uneven(cpus: u32, cores: u32) -> Option<FieldFault> {
    (cores == 0 || !cpus.is_multiple_of(cores)).then(|| FieldFault {
        field: Setting::CoresPerSocket.field(),
        rule: format!("must divide the number of CPUs, {cpus}, and is {cores}"),
    })
}

impl Act for Edit {
    fn kind(&self) -> &'static str {
        "edit"
    }

    fn operation(&self) -> Option<&'static str> {
        Some("updateVm")
    }

    fn permission(&self) -> Permission {
        if self.settings.is_labels() {
            Permission::Notes
        } else {
            Permission::Hardware
        }
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

    fn explains(&self, event: &Event) -> bool {
        matches!(
            event.kind,
            EventKind::Notes | EventKind::Name | EventKind::Cpus | EventKind::Memory
        )
    }

    /// It compares each setting with the node first, so that it may run any number of times.
    fn after_crash(&self) -> AfterCrash {
        AfterCrash::RunAgain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PowerState;

    fn edit(settings: VmSettings) -> Edit {
        Edit {
            vmid: Vmid(1),
            settings,
            seen: VmSettings::default(),
        }
    }

    fn sized(cpus: u32, memory_mb: u64) -> Edit {
        edit(VmSettings {
            cpus: Some(cpus),
            memory_mb: Some(memory_mb),
            ..VmSettings::default()
        })
    }

    fn rules(faults: &[FieldFault]) -> Vec<String> {
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_out_of_range_is_refused_with_the_range() {
        let node = Limits {
            cpus: Some(32),
            memory_mb: Some(65_536),
            disk_gb: None,
        };
        let faults = sized(33, 131_072).beyond(&node, Some("vmx-19"));
        assert_eq!(
            rules(&faults),
            [
                "cpus must be from 1 to 32, the most of the node",
                "memory_mb must be from 4 to 65536, the most of the node",
            ]
        );
        let faults = sized(9, 4).beyond(&node, Some("vmx-07"));
        assert_eq!(
            rules(&faults),
            ["cpus must be from 1 to 8, the most with vmx-07"]
        );
        assert!(sized(8, 4096).beyond(&node, Some("vmx-07")).is_empty());
        let most = Edit::most(&node, Some("vmx-07"));
        assert_eq!((most.cpus, most.memory_mb), (Some(8), Some(65_536)));
        let most = Edit::most(&node, None);
        assert_eq!((most.cpus, most.memory_mb), (Some(32), Some(65_536)));
        assert!(sized(999, 4).beyond(&Limits::default(), None).is_empty());
        let faults = sized(0, 7).check().unwrap_err();
        assert_eq!(
            rules(&faults),
            [
                "cpus must be at least 1",
                "memory_mb must be a multiple of 4"
            ]
        );
    }

    #[test]
    fn sockets_are_equally_large() {
        let mut edit = sized(6, 4096);
        edit.settings.cores_per_socket = Some(4);
        assert!(edit.clone().check().is_err());
        edit.settings.cores_per_socket = Some(3);
        assert!(edit.clone().check().is_ok());
        edit.settings.cores_per_socket = None;
        let now = VmSettings {
            cores_per_socket: Some(4),
            ..VmSettings::default()
        };
        let fault = edit.uneven_sockets(&now).unwrap().to_string();
        let expected = "cores_per_socket must divide the number of CPUs, 6, and is 4";
        assert_eq!(fault, expected);
        assert_eq!(edit.uneven_sockets(&VmSettings::default()), None);
    }

    #[test]
    fn notes_take_less_permission_than_hardware() {
        let notes = edit(VmSettings {
            comment: Some("x".to_owned()),
            ..VmSettings::default()
        });
        assert_eq!(notes.permission(), Permission::Notes);
        assert_eq!(sized(1, 4).permission(), Permission::Hardware);
    }

    #[test]
    fn only_a_vm_that_is_off_is_edited() {
        let in_state = |power| Situation {
            power,
            ..Situation::default()
        };
        let act = sized(1, 4);
        assert_eq!(act.may(&in_state(PowerState::Off)), Ok(()));
        assert_eq!(act.may(&in_state(PowerState::Unknown)), Ok(()));
        for power in [PowerState::On, PowerState::Suspended] {
            assert_eq!(act.may(&in_state(power)), Err(Refusal::NotOff(power)));
        }
    }

    #[test]
    fn what_has_changed_since_it_was_seen_is_named() {
        let seen = VmSettings {
            comment: Some("a".to_owned()),
            guest_os: Some("debian12-64".to_owned()),
            ..VmSettings::default()
        };
        let now = |comment: &str| VmSettings {
            comment: Some(comment.to_owned()),
            cpus: Some(2),
            ..VmSettings::default()
        };
        assert_eq!(seen.still_hold(&now("a")), Ok(()));
        let refusal = Refusal::SettingChanged {
            setting: Setting::Comment,
            expected: "a".to_owned(),
            now: "b".to_owned(),
        };
        assert_eq!(seen.still_hold(&now("b")), Err(refusal));
    }
}
