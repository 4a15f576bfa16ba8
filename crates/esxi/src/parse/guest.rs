//! `vim-cmd vmsvc/get.guest ID`: what VMware Tools reports of the guest.

use serde::Serialize;

use super::dump::{Item, Trailing};
use super::error::ParseError;
use super::fault_reader;
use super::input::Input;

/// What VMware Tools reports (vim.vm.GuestInfo). `None` and empty lists: Tools does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Guest {
    /// `hostName`
    pub hostname: Option<String>,
    /// `ipAddress`, the primary one.
    pub ip_address: Option<String>,
    /// `toolsStatus`: `toolsOk`, `toolsOld`, `toolsNotRunning`, `toolsNotInstalled`.
    pub tools_status: Option<String>,
    /// `toolsRunningStatus`: `guestToolsRunning`, `guestToolsNotRunning`, ...
    pub tools_running_status: Option<String>,
    /// `toolsVersion`: `12352`
    pub tools_version: Option<String>,
    /// `guestId`
    pub guest_id: Option<String>,
    /// `guestFamily`: `linuxGuest`
    pub guest_family: Option<String>,
    /// `guestFullName`
    pub guest_os: Option<String>,
    /// `guestState`: `running`, `notRunning`, `shuttingDown`, ...
    pub state: Option<String>,
    /// `net`
    pub nics: Vec<GuestNic>,
    /// `disk`
    pub disks: Vec<GuestDisk>,
}

/// A network card of the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GuestNic {
    /// The port group that it is connected to.
    pub network: Option<String>,
    /// `00:0c:29:3a:71:d4`
    pub mac_address: Option<String>,
    /// Whether it is connected.
    pub connected: Option<bool>,
    /// IPv4 and IPv6.
    pub ip_addresses: Vec<String>,
}

/// A file system of the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GuestDisk {
    /// Where it is mounted: `/`, `C:\`.
    pub path: Option<String>,
    /// Size.
    pub capacity_bytes: Option<u64>,
    /// Free space.
    pub free_bytes: Option<u64>,
}

/// Reads what `vim-cmd vmsvc/get.guest ID` printed.
///
/// # Errors
/// As for [`summary`](super::summary()).
pub fn guest(stdout: &[u8]) -> Result<Guest, ParseError> {
    let input = Input::with_text("get.guest", stdout)?;
    let dump = fault_reader::expect_dump(&input, &["vim.vm.GuestInfo"], Trailing::Refused)?;
    let Some(root) = dump.root() else {
        return Err(input.truncated("the dump is empty"));
    };
    let warnings = &mut Vec::new();
    Ok(Guest {
        hostname: root.some_text("hostName", warnings)?,
        ip_address: root.some_text("ipAddress", warnings)?,
        tools_status: root.some_text("toolsStatus", warnings)?,
        tools_running_status: root.some_text("toolsRunningStatus", warnings)?,
        tools_version: root.some_text("toolsVersion", warnings)?,
        guest_id: root.some_text("guestId", warnings)?,
        guest_family: root.some_text("guestFamily", warnings)?,
        guest_os: root.some_text("guestFullName", warnings)?,
        state: root.some_text("guestState", warnings)?,
        nics: root
            .elements("net")?
            .into_iter()
            .map(|card| nic(card, warnings))
            .collect::<Result<_, _>>()?,
        disks: root
            .elements("disk")?
            .into_iter()
            .map(|disk| {
                Ok(GuestDisk {
                    path: disk.some_text("diskPath", warnings)?,
                    capacity_bytes: disk.number("capacity")?,
                    free_bytes: disk.number("freeSpace")?,
                })
            })
            .collect::<Result<_, _>>()?,
    })
}

fn nic(card: Item<'_>, warnings: &mut Vec<String>) -> Result<GuestNic, ParseError> {
    Ok(GuestNic {
        network: card.some_text("network", warnings)?,
        mac_address: card.some_text("macAddress", warnings)?,
        connected: card.boolean("connected")?,
        ip_addresses: card
            .elements("ipAddress")?
            .into_iter()
            .map(|address| address.as_text(warnings))
            .collect::<Result<_, _>>()?,
    })
}
