//! Values as people read them. Unknown is always [`UNKNOWN`].

use chrono::{DateTime, Datelike, FixedOffset, Timelike, Utc};
use ecoman_api::{PowerState, Resource, Thresholds, Unit, Value, Vm, VmField, vm_field};

use crate::text;

/// How an unknown value is shown.
pub const UNKNOWN: &str = "–";

/// The value of a field of a VM, by its unit; `None`: unknown.
pub fn value(vm: &Vm, field: &VmField) -> Option<String> {
    // Some hosts go on reporting 0 for a VM that does not run.
    let runs = !matches!(vm.power, PowerState::Off | PowerState::Suspended);
    if field == vm_field::uptime_seconds && !runs {
        return None;
    }
    Some(match field.of(vm) {
        Value::Unknown => return None,
        Value::Text(text) => text.to_owned(),
        Value::Number(number) => match field.unit {
            Unit::Megabytes => megabytes(number),
            Unit::Bytes => bytes(number),
            Unit::Megahertz => megahertz(number),
            Unit::Seconds => duration(number),
            _ => number.to_string(),
        },
        Value::Time(time) => machine(time),
        Value::Date(day) => day.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Power(power) => power.as_str().to_owned(),
        Value::Question(question) => question.text.clone(),
        Value::Pending(pending) => pending.to_string(),
        Value::Resources(resources) => {
            let words: Vec<_> = resources.iter().map(|resource| resource.as_str()).collect();
            words.join(" ")
        }
    })
}

/// The same to the last digit, where [`value`] is rounded.
pub fn exact_value(vm: &Vm, field: &VmField) -> Option<String> {
    match (field.of(vm), field.unit) {
        (Value::Number(mb), Unit::Megabytes) => Some((text::format().exact_megabytes)(mb)),
        (Value::Number(bytes), Unit::Bytes) => Some((text::format().exact_bytes)(bytes)),
        _ => None,
    }
}

/// Bytes in MB, GB or TB of 1024, one decimal from GB on: `11.1 GB`.
pub fn bytes(bytes: u64) -> String {
    (text::format().bytes)(bytes)
}

/// MB as [`bytes`]: `512 MB`, `8.0 GB`.
pub fn megabytes(megabytes: u64) -> String {
    bytes(megabytes.saturating_mul(1024 * 1024))
}

/// MHz, in GHz from 1000 MHz on: `13.2 GHz`.
pub fn megahertz(megahertz: u64) -> String {
    (text::format().megahertz)(megahertz)
}

/// A whole number with its thousands apart: `11,929,387,008`.
pub fn grouped(number: u64) -> String {
    (text::format().grouped)(number)
}

/// A long span by its two greatest units: `33 d 10 h`, `2 h 5 min`, `42 s`.
pub fn duration(seconds: u64) -> String {
    (text::format().duration)(seconds)
}

/// How old something is, coarse enough to stay calm: `now`, `20 s`, `3 min`, `2 h`, `5 d`.
pub fn age(seconds: i64) -> String {
    (text::format().age)(seconds)
}

/// [`age`] within a sentence: `just now`, `3 min ago`.
pub fn ago(seconds: i64) -> String {
    (text::format().ago)(seconds)
}

/// A time on the clock of the reader: `14:02` today, `21 Nov 14:02` this year, else
/// `2025-11-21 14:02`.
pub fn clock(time: DateTime<Utc>, now: DateTime<Utc>, zone: FixedOffset) -> String {
    (text::format().clock)(time.with_timezone(&zone), now.with_timezone(&zone))
}

/// A time in full on the clock of the reader: `2026-11-22 14:02:09`.
pub fn timestamp(time: DateTime<Utc>, zone: FixedOffset) -> String {
    (text::format().timestamp)(time.with_timezone(&zone))
}

/// A time in UTC, to the second: `2026-11-22 14:02:09 UTC`.
pub fn utc(time: DateTime<Utc>) -> String {
    (text::format().utc)(time)
}

/// A time for programs: `2026-11-22T14:02:09Z`.
pub fn machine(time: DateTime<Utc>) -> String {
    // Not by chrono's format strings: what interprets them would be a tenth of the page.
    let (year, month, day) = (time.year(), time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A share in percent, 0 to 100; `None` where there is nothing to share.
pub fn percent(part: u64, whole: u64) -> Option<u64> {
    (whole > 0).then(|| {
        let percent = (u128::from(part) * 200 / u128::from(whole)).div_ceil(2);
        u64::try_from(percent.min(100)).unwrap_or(100)
    })
}

/// Why a VM is large by `resource`: `8192 MB ≥ 8192 MB`. `None`: it is not, or the threshold is
/// not known yet.
pub fn large_reason(vm: &Vm, resource: Resource, thresholds: Option<Thresholds>) -> Option<String> {
    if !vm.large.contains(&resource) {
        return None;
    }
    let limits = thresholds?;
    let list = &text::first_load().list;
    Some(match resource {
        Resource::Cpu => (list.large_cpus)(vm.cpus?, limits.cpus),
        Resource::Memory => (list.large_memory)(vm.memory_mb?, limits.memory_mb),
        Resource::Storage => (list.large_storage)(vm.storage_bytes?, limits.storage_gb),
    })
}

/// All that makes a VM large, in one line; `None`: it is not large.
pub fn large_reasons(vm: &Vm, thresholds: Option<Thresholds>) -> Option<String> {
    if vm.large.is_empty() {
        return None;
    }
    let list = &text::first_load().list;
    let reasons: Vec<String> = [
        (list.by_cpu, Resource::Cpu),
        (list.by_memory, Resource::Memory),
        (list.by_storage, Resource::Storage),
    ]
    .into_iter()
    .filter_map(|(by, resource)| Some(by(&large_reason(vm, resource, thresholds)?)))
    .collect();
    Some(if reasons.is_empty() {
        list.large.to_owned()
    } else {
        (list.large_because)(&(text::format().list)(&reasons))
    })
}

/// The name of a VM, or what stands for it.
pub fn vm_name(vm: &Vm) -> &str {
    vm.name.as_deref().unwrap_or(UNKNOWN)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const MB: u64 = 1024 * 1024;
    const GB: u64 = 1024 * MB;

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
    fn a_vm_that_does_not_run_has_no_uptime() {
        let shown = |power| {
            let vm = Vm {
                power,
                uptime_seconds: Some(0),
                ..vm("hoge", 1)
            };
            value(&vm, vm_field::uptime_seconds)
        };
        assert_eq!(shown(PowerState::On).as_deref(), Some("0 s"));
        assert_eq!(shown(PowerState::Off), None);
        assert_eq!(shown(PowerState::Suspended), None);
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
    fn clock_rates_are_reported_in_gigahertz() {
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
    fn a_span_is_reported_by_its_two_greatest_units() {
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
    fn times_are_reported_on_the_clock_of_the_reader() {
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
            Some("Large: CPU 6 CPUs ≥ 5 CPUs, memory 8192 MB ≥ 8192 MB, storage 80.0 GB ≥ 50 GB")
        );
        assert_eq!(
            large_reason(&large, Resource::Memory, thresholds).as_deref(),
            Some("8192 MB ≥ 8192 MB")
        );
        assert_eq!(large_reasons(&large, None).as_deref(), Some("Large"));
        assert_eq!(large_reasons(&vm("hoge", 1), thresholds), None);
    }
}
