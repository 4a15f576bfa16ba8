//! The disks, CD/DVD drives and network adapters that a `.vmx` has.

use std::collections::BTreeMap;

use ecoman_model::DeviceKey;

use super::edit::keys;

/// The devices of a `.vmx` that are present, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmxDevices {
    /// Its disks.
    pub disks: Vec<VmxDisk>,
    /// Its CD/DVD drives.
    pub cdroms: Vec<VmxCdrom>,
    /// Its network adapters.
    pub nics: Vec<VmxNic>,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmxDisk {
    /// Its slot.
    pub key: DeviceKey,
    /// `fileName`: its descriptor, mostly beside the `.vmx`.
    pub file: String,
    /// Whether several VMs may write to it (`sharing`, or `sharedBus` of its controller).
    pub is_shared: bool,
    /// Whether it stands for a device of the node.
    pub is_raw: bool,
}

/// A CD/DVD drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmxCdrom {
    /// Its slot.
    pub key: DeviceKey,
    /// `fileName` of a `cdrom-image`; `None`: there is no image in it.
    pub image: Option<String>,
    /// Whether it is connected when the VM is powered on.
    pub connected: bool,
}

/// A network adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmxNic {
    /// Its name.
    pub key: DeviceKey,
    /// `networkName`: its port group.
    pub network: Option<String>,
    /// `address` or `generatedAddress`.
    pub mac_address: Option<String>,
    /// `virtualDev`.
    pub adapter: Option<String>,
    /// Whether it is connected when the VM is powered on.
    pub connected: bool,
    /// Whether it is on a distributed or an opaque switch, which has its own lines.
    pub is_of_other_switch: bool,
}

/// Reads the devices of a `.vmx`. What cannot be read is left out.
#[must_use]
pub fn vmx_devices(file: &[u8]) -> VmxDevices {
    // The last of several lines counts.
    let values: BTreeMap<String, String> = keys(file).collect();
    let get = |device: &str, name: &str| {
        let value = values.get(&format!("{device}.{name}"))?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let says = |device: &str, name: &str, word: &str| {
        get(device, name).is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    let mut keys: Vec<DeviceKey> = values
        .keys()
        .filter_map(|key| key.split_once('.')?.0.parse().ok())
        .collect();
    keys.dedup();
    // 10 comes behind 9.
    keys.sort_by_key(|key| (key.as_str().len(), key.clone()));
    let mut devices = VmxDevices::default();
    for key in keys {
        let name = key.as_str();
        let named = get(name, "filename");
        // Disks and drives of old files have no such line.
        let is_present = match get(name, "present") {
            Some(present) => present.eq_ignore_ascii_case("true"),
            None => named.is_some(),
        };
        if !is_present {
            continue;
        }
        let connected = !says(name, "startconnected", "false");
        if key.is_nic() {
            let of_other = [format!("{name}.dvs."), format!("{name}.opaquenetwork.")];
            let mut all = values.keys();
            devices.nics.push(VmxNic {
                is_of_other_switch: all.any(|key| of_other.iter().any(|it| key.starts_with(it))),
                network: get(name, "networkname"),
                mac_address: get(name, "address").or_else(|| get(name, "generatedaddress")),
                adapter: get(name, "virtualdev"),
                connected,
                key,
            });
            continue;
        }
        let kind = get(name, "devicetype")
            .unwrap_or_default()
            .to_ascii_lowercase();
        if kind.contains("cdrom") {
            devices.cdroms.push(VmxCdrom {
                image: named.filter(|_| kind == "cdrom-image"),
                connected,
                key,
            });
        } else if let Some(file) = named.filter(|file| is_disk(&kind, file)) {
            let shares = |device: &str, line: &str| {
                get(device, line).is_some_and(|value| !value.eq_ignore_ascii_case("none"))
            };
            devices.disks.push(VmxDisk {
                is_shared: shares(name, "sharing")
                    || key.controller().is_some_and(|bus| shares(bus, "sharedbus")),
                is_raw: kind.contains("passthru") || kind.contains("rawdisk"),
                file,
                key,
            });
        }
    }
    devices
}

fn is_disk(kind: &str, file: &str) -> bool {
    kind.contains("disk") || file.to_ascii_lowercase().ends_with(".vmdk")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> DeviceKey {
        text.parse().unwrap()
    }

    #[test]
    fn devices_are_read_as_tools_and_people_write_them() {
        let devices = vmx_devices(
            b"scsi0.present = \"TRUE\"\r\nscsi0:0.fileName = \"web.vmdk\"\n\
              SCSI0:0.DeviceType = \"scsi-hardDisk\"\nscsi0:0.present = TRUE\n\
              scsi0:0.mode = \"independent-persistent\"\n\
              scsi0:10.fileName = \"/vmfs/volumes/ds (2)/a|22b.vmdk\"\n\
              scsi0:10.sharing = \"multi-writer\"\nscsi0:2.fileName = \"two.vmdk\"\n\
              scsi0:2.sharing = \"none\"\nscsi0:3.fileName = \"gone.vmdk\"\nscsi0:3.present = \"FALSE\"\n\
              scsi1.sharedBus = \"physical\"\nscsi1:0.fileName = \"quorum.vmdk\"\n\
              ide1:0.deviceType = \"cdrom-image\"\nide1:0.fileName = \"old.iso\"\n\
              ide1:0.fileName = \"/vmfs/volumes/ds/new.iso\"\nide1:0.startConnected = \"FALSE\"\n\
              sata0:1.present = \"TRUE\"\nsata0:1.deviceType = \"atapi-cdrom\"\n\
              sata0:1.fileName = \"auto detect\"\nfloppy0.fileName = \"a.flp\"\n\
              ethernet0.present = \"TRUE\"\nethernet0.networkName = \"Lab \xe6\x97\xa5\"\n\
              ethernet0.virtualDev = \"vmxnet3\"\nethernet0.generatedAddress = \"00:0c:29:00:00:01\"\n\
              ethernet1.networkName = \"not there\"\n# ethernet2.present = \"TRUE\"\n",
        );
        let disk = |text: &str, file: &str, is_shared| VmxDisk {
            key: key(text),
            file: file.to_owned(),
            is_shared,
            is_raw: false,
        };
        assert_eq!(
            devices.disks,
            [
                disk("scsi0:0", "web.vmdk", false),
                disk("scsi0:2", "two.vmdk", false),
                disk("scsi1:0", "quorum.vmdk", true),
                disk("scsi0:10", "/vmfs/volumes/ds (2)/a\"b.vmdk", true),
            ]
        );
        let cdrom = |text: &str, image: Option<&str>, connected| VmxCdrom {
            key: key(text),
            image: image.map(str::to_owned),
            connected,
        };
        assert_eq!(
            devices.cdroms,
            [
                cdrom("ide1:0", Some("/vmfs/volumes/ds/new.iso"), false),
                cdrom("sata0:1", None, true),
            ]
        );
        let nic = VmxNic {
            key: key("ethernet0"),
            network: Some("Lab 日".to_owned()),
            mac_address: Some("00:0c:29:00:00:01".to_owned()),
            adapter: Some("vmxnet3".to_owned()),
            connected: true,
            is_of_other_switch: false,
        };
        assert_eq!(devices.nics, [nic]);
        let devices = vmx_devices(b"ethernet0.present = \"TRUE\"\nethernet0.dvs.portId = \"4\"\n");
        assert!(devices.nics[0].is_of_other_switch);
        assert_eq!(vmx_devices(b"\0\xff=\"\"\n= \n."), VmxDevices::default());
    }
}
