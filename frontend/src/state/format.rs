//! Values as people read them. Unknown is always [`UNKNOWN`].

use chrono::{DateTime, Datelike, FixedOffset, Timelike, Utc};
use ecoman_api::{Resource, Thresholds, Vm};

/// How an unknown value is shown.
pub(crate) const UNKNOWN: &str = "–";

const MB: u64 = 1024 * 1024;
const GB: u64 = 1024 * MB;
const TB: u64 = 1024 * GB;

// Not by chrono's format strings: what interprets them would be a tenth of the page.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Bytes in MB, GB or TB of 1024, one decimal from GB on: `11.1 GB`.
pub(crate) fn bytes(bytes: u64) -> String {
    if bytes < GB {
        format!("{} MB", rounded(bytes, MB))
    } else if bytes < 1000 * GB {
        decimal(bytes, GB, "GB")
    } else {
        decimal(bytes, TB, "TB")
    }
}

/// MB as [`bytes`]: `512 MB`, `8.0 GB`.
pub(crate) fn megabytes(megabytes: u64) -> String {
    bytes(megabytes.saturating_mul(MB))
}

/// MHz in GHz, one decimal: `13.2 GHz`.
pub(crate) fn megahertz(megahertz: u64) -> String {
    if megahertz < 1000 {
        format!("{megahertz} MHz")
    } else {
        decimal(megahertz, 1000, "GHz")
    }
}

/// A whole number with its thousands apart: `11,929,387,008`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The exact value behind a rounded size: `11,929,387,008 bytes`.
pub(crate) fn exact_bytes(bytes: u64) -> String {
    format!("{} bytes", grouped(bytes))
}

/// A count and its word: `1 VM`, `12 VMs`.
pub(crate) fn plural(count: usize, one: &str, many: &str) -> String {
    let count_text = grouped(count as u64);
    format!("{count_text} {}", if count == 1 { one } else { many })
}

/// A long span by its two greatest units: `33 d 10 h`, `2 h 5 min`, `42 s`.
pub(crate) fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// How old something is, coarse enough to stay calm: `now`, `20 s`, `3 min`, `2 h`, `5 d`.
pub(crate) fn age(seconds: i64) -> String {
    match seconds {
        ..10 => String::from("now"),
        10..60 => format!("{} s", seconds / 10 * 10),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// [`age`] within a sentence: `just now`, `3 min ago`.
pub(crate) fn ago(seconds: i64) -> String {
    if seconds < 10 {
        String::from("just now")
    } else {
        format!("{} ago", age(seconds))
    }
}

/// A time on the clock of the reader: `14:02` today, `21 Nov 14:02` this year, else
/// `2025-11-21 14:02`.
pub(crate) fn clock(time: DateTime<Utc>, now: DateTime<Utc>, zone: FixedOffset) -> String {
    let (time, now) = (time.with_timezone(&zone), now.with_timezone(&zone));
    let (hour, minute) = (time.hour(), time.minute());
    if time.date_naive() == now.date_naive() {
        format!("{hour:02}:{minute:02}")
    } else if time.year() == now.year() {
        let month = MONTHS
            .get(time.month0() as usize)
            .copied()
            .unwrap_or_default();
        format!("{} {month} {hour:02}:{minute:02}", time.day())
    } else {
        format!("{} {hour:02}:{minute:02}", date(&time))
    }
}

/// A time in full on the clock of the reader: `2026-11-22 14:02:09`.
pub(crate) fn timestamp(time: DateTime<Utc>, zone: FixedOffset) -> String {
    full(&time.with_timezone(&zone))
}

/// A time in UTC, to the second: `2026-11-22 14:02:09 UTC`.
pub(crate) fn utc(time: DateTime<Utc>) -> String {
    format!("{} UTC", full(&time))
}

/// A time for programs: `2026-11-22T14:02:09Z`.
pub(crate) fn machine(time: DateTime<Utc>) -> String {
    format!("{}Z", full(&time).replace(' ', "T"))
}

/// A share in percent, 0 to 100; `None` where there is nothing to share.
pub(crate) fn percent(part: u64, whole: u64) -> Option<u64> {
    (whole > 0).then(|| {
        let percent = (u128::from(part) * 200 / u128::from(whole)).div_ceil(2);
        u64::try_from(percent.min(100)).unwrap_or(100)
    })
}

/// Why a VM is large by `resource`: `8192 MB ≥ 8192 MB`. `None`: it is not, or the threshold is
/// not known yet.
pub(crate) fn large_reason(
    vm: &Vm,
    resource: Resource,
    thresholds: Option<Thresholds>,
) -> Option<String> {
    if !vm.large.contains(&resource) {
        return None;
    }
    let limits = thresholds?;
    Some(match resource {
        Resource::Cpu => {
            format!("{} CPUs ≥ {} CPUs", vm.cpus?, limits.cpus)
        }
        Resource::Memory => format!("{} MB ≥ {} MB", vm.memory_mb?, limits.memory_mb),
        Resource::Storage => {
            let size = decimal(vm.storage_bytes?, GB, "GB");
            format!("{size} ≥ {} GB", limits.storage_gb)
        }
    })
}

/// All that makes a VM large, in one line; `None`: it is not large.
pub(crate) fn large_reasons(vm: &Vm, thresholds: Option<Thresholds>) -> Option<String> {
    if vm.large.is_empty() {
        return None;
    }
    let reasons: Vec<String> = [
        ("CPU", Resource::Cpu),
        ("RAM", Resource::Memory),
        ("storage", Resource::Storage),
    ]
    .into_iter()
    .filter_map(|(word, resource)| {
        let reason = large_reason(vm, resource, thresholds)?;
        Some(format!("{word} {reason}"))
    })
    .collect();
    Some(if reasons.is_empty() {
        String::from("Large")
    } else {
        format!("Large: {}", reasons.join(", "))
    })
}

/// The name of a VM, or what stands for it.
pub(crate) fn vm_name(vm: &Vm) -> &str {
    vm.name.as_deref().unwrap_or(UNKNOWN)
}

fn date(time: &impl Datelike) -> String {
    format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.day())
}

fn full(time: &(impl Datelike + Timelike)) -> String {
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{} {hour:02}:{minute:02}:{second:02}", date(time))
}

fn rounded(value: u64, unit: u64) -> u64 {
    value.saturating_add(unit / 2) / unit
}

/// One decimal, rounded down: what is shown as 50.0 GB has really reached 50 GB.
fn decimal(value: u64, unit: u64, name: &str) -> String {
    let tenths = u128::from(value) * 10 / u128::from(unit);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A VM of which only the identity is known.
    pub(crate) fn vm(node: &str, vmid: u32) -> Vm {
        serde_json::from_value(serde_json::json!({
            "node": node, "vmid": vmid, "power": "unknown", "large": [], "stale": false,
            "observed_at": "2026-11-22T12:00:00Z",
        }))
        .expect("a VM needs no more than this")
    }

    /// A node of which only the way to it is known.
    pub(crate) fn node(name: &str) -> ecoman_api::Node {
        serde_json::from_value(serde_json::json!({
            "name": name, "address": format!("{name}.example.org"), "port": 22,
            "username": "root", "read_only": false,
            "datastore_path": "/vmfs/volumes/datastore1",
            "installer_iso_path": "/vmfs/volumes/datastore1/ubuntu2004.iso",
            "network_port_group": "VM Network", "warnings": [], "stale": false,
            "cpu": {}, "memory": {}, "datastores": [], "port_groups": [], "iso_images": [],
            "allocated": { "cpus": 0, "memory_mb": 0, "storage_bytes": 0 },
            "vms": { "total": 0, "on": 0, "off": 0, "suspended": 0, "unknown": 0, "large": 0 },
        }))
        .expect("a node needs no more than this")
    }

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("an RFC 3339 time")
    }

    #[test]
    fn sizes_have_one_decimal_from_a_gigabyte_on() {
        for (value, text) in [
            (0, "0 MB"),
            (512 * MB, "512 MB"),
            (GB, "1.0 GB"),
            (11_929_387_008, "11.1 GB"),
            (50 * GB - 1, "49.9 GB"),
            (50 * GB, "50.0 GB"),
            (1000 * GB, "0.9 TB"),
            (u64::MAX, "16777215.9 TB"),
        ] {
            assert_eq!(bytes(value), text);
        }
        assert_eq!(megabytes(8192), "8.0 GB");
        assert_eq!(megabytes(512), "512 MB");
    }

    #[test]
    fn clock_rates_are_told_in_gigahertz() {
        assert_eq!(megahertz(999), "999 MHz");
        assert_eq!(megahertz(13_212), "13.2 GHz");
    }

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_span_is_told_by_its_two_greatest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (7500, "2 h 5 min"),
            (2_889_844, "33 d 10 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn an_age_moves_in_calm_steps() {
        for (seconds, text) in [
            (-5, "now"),
            (9, "now"),
            (19, "10 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (7200, "2 h"),
            (90_000, "1 d"),
        ] {
            assert_eq!(age(seconds), text);
        }
    }

    #[test]
    fn times_are_told_on_the_clock_of_the_reader() {
        let zone = FixedOffset::east_opt(9 * 3600).expect("nine hours");
        let now = time("2026-11-22T16:00:00Z");
        for (moment, text) in [
            ("2026-11-22T15:02:09Z", "00:02"),
            ("2026-11-22T14:02:09Z", "22 Nov 23:02"),
            ("2025-11-22T14:02:09Z", "2025-11-22 23:02"),
        ] {
            assert_eq!(clock(time(moment), now, zone), text);
        }
        assert_eq!(
            timestamp(time("2026-11-22T15:02:09Z"), zone),
            "2026-11-23 00:02:09"
        );
        assert_eq!(utc(time("2026-11-22T15:02:09Z")), "2026-11-22 15:02:09 UTC");
        assert_eq!(
            machine(time("2026-11-22T15:02:09.5Z")),
            "2026-11-22T15:02:09Z"
        );
    }

    #[test]
    fn a_share_stays_between_nothing_and_all() {
        for (part, whole, share) in [
            (1, 0, None),
            (0, 10, Some(0)),
            (1, 3, Some(33)),
            (2, 3, Some(67)),
            (11, 10, Some(100)),
            (u64::MAX, u64::MAX, Some(100)),
        ] {
            assert_eq!(percent(part, whole), share, "{part} of {whole}");
        }
    }

    #[test]
    fn a_large_vm_says_why() {
        let thresholds = Some(Thresholds {
            cpus: 5,
            memory_mb: 8192,
            storage_gb: 50,
        });
        let large = Vm {
            cpus: Some(6),
            memory_mb: Some(8192),
            storage_bytes: Some(80 * GB),
            large: vec![Resource::Cpu, Resource::Memory, Resource::Storage],
            ..vm("hoge", 1)
        };
        assert_eq!(
            large_reasons(&large, thresholds).as_deref(),
            Some("Large: CPU 6 CPUs ≥ 5 CPUs, RAM 8192 MB ≥ 8192 MB, storage 80.0 GB ≥ 50 GB")
        );
        assert_eq!(
            large_reason(&large, Resource::Memory, thresholds).as_deref(),
            Some("8192 MB ≥ 8192 MB")
        );
        assert_eq!(large_reasons(&large, None).as_deref(), Some("Large"));
        assert_eq!(large_reasons(&vm("hoge", 1), thresholds), None);
    }
}
