//! The guest operating systems that are offered for new VMs.

use ecoman_api::GuestOs;

/// A line of the table: the `guestOS` of a `.vmx` (Broadcom KB 321876), its name, and the virtual
/// hardware version of the release whose API has it first (vSphere Web Services API,
/// `VirtualMachineGuestOsIdentifier`, "since").
struct Line(&'static str, &'static str, u32);

/// What people install, the usual ones first; any other id of the KB may be typed.
const TABLE: [Line; 46] = [
    Line("ubuntu-64", "Ubuntu Linux (64-bit)", 7),
    Line("debian12-64", "Debian GNU/Linux 12 (64-bit)", 20),
    Line("debian11-64", "Debian GNU/Linux 11 (64-bit)", 17),
    Line("debian10-64", "Debian GNU/Linux 10 (64-bit)", 13),
    Line("debian9-64", "Debian GNU/Linux 9 (64-bit)", 13),
    Line("debian8-64", "Debian GNU/Linux 8 (64-bit)", 11),
    Line("rhel9-64", "Red Hat Enterprise Linux 9 (64-bit)", 18),
    Line("rhel8-64", "Red Hat Enterprise Linux 8 (64-bit)", 14),
    Line("rhel7-64", "Red Hat Enterprise Linux 7 (64-bit)", 10),
    Line("rockylinux-64", "Rocky Linux (64-bit)", 20),
    Line("almalinux-64", "AlmaLinux (64-bit)", 20),
    Line("centos9-64", "CentOS 9 (64-bit)", 18),
    Line("centos8-64", "CentOS 8 (64-bit)", 14),
    Line("centos7-64", "CentOS 7 (64-bit)", 13),
    Line("oraclelinux9-64", "Oracle Linux 9 (64-bit)", 18),
    Line("oraclelinux8-64", "Oracle Linux 8 (64-bit)", 14),
    Line("oraclelinux7-64", "Oracle Linux 7 (64-bit)", 13),
    Line("sles16-64", "SUSE Linux Enterprise 16 (64-bit)", 18),
    Line("sles15-64", "SUSE Linux Enterprise 15 (64-bit)", 14),
    Line("sles12-64", "SUSE Linux Enterprise 12 (64-bit)", 10),
    Line("opensuse-64", "openSUSE (64-bit)", 9),
    Line("fedora-64", "Red Hat Fedora (64-bit)", 9),
    Line("amazonlinux3-64", "Amazon Linux 3 (64-bit)", 18),
    Line("amazonlinux2-64", "Amazon Linux 2 (64-bit)", 14),
    Line("vmware-photon-64", "VMware Photon OS (64-bit)", 13),
    Line("other6xlinux-64", "Other 6.x or later Linux (64-bit)", 20),
    Line("other5xlinux-64", "Other 5.x Linux (64-bit)", 18),
    Line("other4xlinux-64", "Other 4.x Linux (64-bit)", 14),
    Line("other3xlinux-64", "Other 3.x Linux (64-bit)", 10),
    Line("otherlinux-64", "Other Linux (64-bit)", 7),
    Line("ubuntu", "Ubuntu Linux (32-bit)", 7),
    Line("otherlinux", "Other Linux (32-bit)", 7),
    Line("freebsd14-64", "FreeBSD 14 (64-bit)", 20),
    Line("freebsd13-64", "FreeBSD 13 (64-bit)", 18),
    Line("freebsd12-64", "FreeBSD 12 (64-bit)", 14),
    Line("freebsd-64", "FreeBSD (64-bit)", 7),
    Line(
        "windows2022srvnext-64",
        "Microsoft Windows Server 2025 (64-bit)",
        20,
    ),
    Line(
        "windows2019srvnext-64",
        "Microsoft Windows Server 2022 (64-bit)",
        18,
    ),
    Line(
        "windows2019srv-64",
        "Microsoft Windows Server 2019 (64-bit)",
        17,
    ),
    Line(
        "windows9srv-64",
        "Microsoft Windows Server 2016 (64-bit)",
        11,
    ),
    Line(
        "windows8srv-64",
        "Microsoft Windows Server 2012 (64-bit)",
        8,
    ),
    Line("windows11-64", "Microsoft Windows 11 (64-bit)", 20),
    Line("windows9-64", "Microsoft Windows 10 (64-bit)", 11),
    Line("solaris11-64", "Oracle Solaris 11 (64-bit)", 8),
    Line("other-64", "Other (64-bit)", 7),
    Line("other", "Other (32-bit)", 7),
];

/// All of them.
pub(crate) fn all() -> Vec<GuestOs> {
    let guest_os = |Line(id, name, hardware): &Line| GuestOs {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        hardware: *hardware,
    };
    TABLE.iter().map(guest_os).collect()
}

/// The virtual hardware version that a system asks for, where it is known.
pub(crate) fn least_hardware(id: &str) -> Option<u32> {
    TABLE
        .iter()
        .find(|Line(known, ..)| *known == id)
        .map(|Line(_, _, hardware)| *hardware)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_id_is_there_once_and_is_what_a_vmx_takes() {
        let ids: BTreeSet<String> = all().into_iter().map(|guest_os| guest_os.id).collect();
        assert_eq!(ids.len(), TABLE.len());
        for id in ids {
            let vm = ecoman_api::NewVm {
                name: "web".to_owned(),
                cpus: 1,
                memory_mb: 1024,
                disk_gb: 30,
                comment: String::new(),
                guest_os: id.clone(),
                datastore: None,
                network: None,
                iso_path: None,
                power_on: true,
            };
            assert_eq!(vm.check().err(), None, "{id}");
        }
        assert_eq!(least_hardware(ecoman_api::DEFAULT_GUEST_OS), Some(7));
    }
}
