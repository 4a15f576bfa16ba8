//! Disks, CD/DVD drives and network adapters: the card of a VM, its dialogs, and their tasks.

use crate::text::deferred::DevicePages;
use crate::text::en::tasks;

pub(super) const DEVICES: DevicePages = DevicePages {
    title: "Hardware devices",
    loading: "Reading the devices from the host…",
    not_loaded: |why| format!("The devices could not be read: {why}"),
    reload: "Read the devices again",
    none: "The VM has neither disk nor CD/DVD drive nor network adapter.",
    not_off: "Hardware can be changed only while the VM is powered off.",
    disk: "Disk",
    cdrom: "CD/DVD drive",
    nic: "Network adapter",
    thin: "thin provisioned",
    thick: "thick provisioned",
    no_iso: "No ISO image",
    no_network: "No port group",
    disconnected: "not connected at power on",
    size: "Size",
    gb: |size| format!("{size} GB"),
    fixed: tasks::fixed_disk,
    grow: "Expand",
    grow_this: |key| format!("Expand disk {key}"),
    grow_question: |key, vm| format!("Expand disk {key} of {vm}"),
    now: "Now",
    new_size: "New size in GB",
    larger_than: |size| format!("Must be more than {size}."),
    at_most: |size| format!("Must be at most {size} GB."),
    grow_is_final: "A disk never gets smaller: this cannot be undone.",
    guest_grows_itself: "Partitions and file systems stay as they are. Extend them in the guest.",
};
