//! Disks, CD/DVD drives and network adapters: the card of a VM, its dialogs, and their tasks.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use ecoman_model::FixedDisk;

/// Disks, CD/DVD drives and network adapters: the card of a VM, its dialogs, and their tasks.
#[derive(Clone, Copy, Debug)]
pub struct DevicePages {
    pub title: &'static str,
    pub loading: &'static str,
    pub not_loaded: fn(why: &str) -> String,
    pub reload: &'static str,
    pub none: &'static str,
    pub not_off: &'static str,
    pub disk: &'static str,
    pub cdrom: &'static str,
    pub nic: &'static str,
    pub thin: &'static str,
    pub thick: &'static str,
    pub no_iso: &'static str,
    pub no_network: &'static str,
    pub disconnected: &'static str,
    pub size: &'static str,
    pub gb: fn(size: u64) -> String,
    pub fixed: fn(fixed: &FixedDisk) -> String,
    pub grow: &'static str,
    pub grow_this: fn(key: &str) -> String,
    pub grow_question: fn(key: &str, vm: &str) -> String,
    pub now: &'static str,
    pub new_size: &'static str,
    pub larger_than: fn(size: &str) -> String,
    pub at_most: fn(size: u64) -> String,
    pub grow_is_final: &'static str,
    pub guest_grows_itself: &'static str,
    pub iso: &'static str,
    pub change_cdrom: fn(key: &str) -> String,
    pub cdrom_question: fn(key: &str, vm: &str) -> String,
    pub change: &'static str,
    pub save: &'static str,
    pub port_group: &'static str,
    pub move_nic: fn(key: &str) -> String,
    pub nic_question: fn(key: &str, vm: &str) -> String,
    pub not_listed: &'static str,
}
