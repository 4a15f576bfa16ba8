//! The guest systems that the simulated inventories use, as ESXi names them.

/// Ids of the API with their full names.
const NAMES: [(&str, &str); 30] = [
    ("centos64Guest", "CentOS 4/5/6 (64-bit)"),
    ("centos7_64Guest", "CentOS 7 (64-bit)"),
    ("centos9_64Guest", "CentOS 9 (64-bit)"),
    ("crxSys1Guest", "CRX System 1"),
    ("darwin18_64Guest", "Apple macOS 10.14 (64-bit)"),
    ("debian10_64Guest", "Debian GNU/Linux 10 (64-bit)"),
    ("debian11_64Guest", "Debian GNU/Linux 11 (64-bit)"),
    ("debian12_64Guest", "Debian GNU/Linux 12 (64-bit)"),
    ("debian9_64Guest", "Debian GNU/Linux 9 (64-bit)"),
    ("fedora64Guest", "Red Hat Fedora (64-bit)"),
    ("freebsd11_64Guest", "FreeBSD 11 (64-bit)"),
    ("freebsd13_64Guest", "FreeBSD 13 (64-bit)"),
    ("oracleLinux8_64Guest", "Oracle Linux 8 (64-bit)"),
    ("other", "Other (32-bit)"),
    ("other3xLinux64Guest", "Other 3.x or later Linux (64-bit)"),
    ("other4xLinux64Guest", "Other 4.x or later Linux (64-bit)"),
    ("other5xLinux64Guest", "Other 5.x or later Linux (64-bit)"),
    ("otherGuest", "Other (32-bit)"),
    ("otherGuest64", "Other (64-bit)"),
    ("otherLinux64Guest", "Other Linux (64-bit)"),
    ("rhel7_64Guest", "Red Hat Enterprise Linux 7 (64-bit)"),
    ("rhel9_64Guest", "Red Hat Enterprise Linux 9 (64-bit)"),
    ("rockylinux_64Guest", "Rocky Linux (64-bit)"),
    ("sles15_64Guest", "SUSE Linux Enterprise 15 (64-bit)"),
    ("ubuntu64Guest", "Ubuntu Linux (64-bit)"),
    ("vmkernel7Guest", "VMware ESXi 7.x"),
    ("vmwarePhoton64Guest", "VMware Photon OS (64-bit)"),
    (
        "windows2019srv_64Guest",
        "Microsoft Windows Server 2019 (64-bit)",
    ),
    (
        "windows2019srvNext_64Guest",
        "Microsoft Windows Server 2022 (64-bit)",
    ),
    ("windows9_64Guest", "Microsoft Windows 10 (64-bit)"),
];

/// What ESXi calls the system; ids that are not known are `Other (32-bit)`.
pub(crate) fn full_name(id: &str) -> String {
    NAMES
        .iter()
        .find(|(known, _)| *known == id)
        .map_or("Other (32-bit)", |(_, name)| name)
        .to_owned()
}

/// `linuxGuest`, `windowsGuest` or `otherGuestFamily`.
pub(crate) fn family(id: &str) -> &'static str {
    if id.starts_with("windows") {
        "windowsGuest"
    } else if id.starts_with("other") && !id.contains("Linux") || id.starts_with("freebsd") {
        "otherGuestFamily"
    } else {
        "linuxGuest"
    }
}

/// The API's id of what a `.vmx` calls `debian11-64`: without "Guest" and with a hyphen there.
pub(crate) fn from_vmx(short: &str) -> String {
    let api = |id: &str| {
        let name = id.strip_suffix("Guest").unwrap_or(id);
        let spelled = if let Some(stem) = name.strip_suffix("_64") {
            format!("{stem}-64")
        } else if let Some(stem) = name.strip_suffix("64") {
            format!("{stem}-64")
        } else {
            name.to_owned()
        };
        spelled.eq_ignore_ascii_case(short)
    };
    NAMES
        .iter()
        .find(|(id, _)| id.ends_with("Guest") && api(id))
        .map_or_else(
            || match short.strip_suffix("-64") {
                Some(stem) => format!("{stem}_64Guest"),
                None => format!("{short}Guest"),
            },
            |(id, _)| (*id).to_owned(),
        )
}

/// What a `.vmx` calls the API's id.
pub(crate) fn to_vmx(id: &str) -> String {
    let name = id.strip_suffix("Guest").unwrap_or(id);
    let stem = name.strip_suffix("_64").or_else(|| name.strip_suffix("64"));
    match stem {
        Some(stem) => format!("{}-64", stem.to_ascii_lowercase()),
        None => name.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_spellings_of_a_guest_system_turn_into_each_other() {
        for (short, id) in [
            ("ubuntu-64", "ubuntu64Guest"),
            ("debian11-64", "debian11_64Guest"),
            ("windows9-64", "windows9_64Guest"),
            ("otherlinux-64", "otherLinux64Guest"),
            ("other", "otherGuest"),
            ("asianux8-64", "asianux8_64Guest"),
        ] {
            assert_eq!(from_vmx(short), id);
            assert_eq!(to_vmx(id), short);
        }
    }
}
