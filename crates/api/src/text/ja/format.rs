//! Numbers, sizes and times.

use chrono::{DateTime, Datelike, FixedOffset, Timelike, Utc};

use crate::text::{EN, Format};

pub(super) static FORMAT: Format = Format {
    // Digits and units are those of English.
    grouped: EN.format.grouped,
    bytes: EN.format.bytes,
    exact_megabytes: EN.format.exact_megabytes,
    megahertz: EN.format.megahertz,
    milliseconds: |milliseconds| counted(milliseconds, "ミリ秒"),
    exact_bytes: |bytes| counted(bytes, "バイト"),
    duration,
    age,
    ago,
    clock,
    timestamp: |time| full(&time),
    utc: |time: DateTime<Utc>| full(&time) + " UTC",
    vms,
    nodes: hosts,
    cpus: |count| "CPU ".to_owned() + &counted(count.into(), "個"),
    list: |items| items.join("、"),
};

pub(super) fn grouped(number: u64) -> String {
    (EN.format.grouped)(number)
}

pub(super) fn bytes(bytes: u64) -> String {
    (EN.format.bytes)(bytes)
}

pub(super) fn megabytes(mb: u64) -> String {
    bytes(mb.saturating_mul(1024 * 1024))
}

/// A number and its counter, which no line break parts: `8 台`.
pub(super) fn counted(number: u64, counter: &str) -> String {
    let mut text = (EN.format.grouped)(number);
    text.push('\u{a0}');
    text.push_str(counter);
    text
}

/// Of VMs and hosts.
pub(super) fn units(number: usize) -> String {
    counted(number as u64, "台")
}

/// Of tasks, events, errors and matches.
pub(super) fn cases(number: usize) -> String {
    counted(number as u64, "件")
}

pub(super) fn vms(count: usize) -> String {
    "仮想マシン ".to_owned() + &units(count)
}

pub(super) fn hosts(count: usize) -> String {
    "ホスト ".to_owned() + &units(count)
}

fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let both = |more: u64, counter, less: u64, smaller| {
        counted(more, counter) + " " + &counted(less, smaller)
    };
    match (days, hours, minutes) {
        (0, 0, 0) => counted(seconds, "秒"),
        (0, 0, _) => counted(minutes, "分"),
        (0, _, _) => both(hours, "時間", minutes, "分"),
        _ => both(days, "日", hours, "時間"),
    }
}

fn age(seconds: i64) -> String {
    let (number, counter) = match seconds {
        ..10 => return "たった今".to_owned(),
        10..60 => (seconds / 10 * 10, "秒"),
        60..3600 => (seconds / 60, "分"),
        3600..86_400 => (seconds / 3600, "時間"),
        _ => (seconds / 86_400, "日"),
    };
    counted(number.unsigned_abs(), counter)
}

fn ago(seconds: i64) -> String {
    let age = age(seconds);
    if seconds < 10 { age } else { age + "前" }
}

fn clock(time: DateTime<FixedOffset>, now: DateTime<FixedOffset>) -> String {
    let (hour, minute) = (time.hour(), time.minute());
    if time.date_naive() == now.date_naive() {
        format!("{hour:02}:{minute:02}")
    } else if time.year() == now.year() {
        format!("{}/{} {hour:02}:{minute:02}", time.month(), time.day())
    } else {
        format!("{} {hour:02}:{minute:02}", date(&time))
    }
}

pub(super) fn date(time: &impl Datelike) -> String {
    format!("{:04}/{:02}/{:02}", time.year(), time.month(), time.day())
}

fn full(time: &(impl Datelike + Timelike)) -> String {
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{} {hour:02}:{minute:02}:{second:02}", date(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_counters() {
        for (text, expected) in [
            (vms(1234), "仮想マシン 1,234\u{a0}台"),
            ((FORMAT.cpus)(4), "CPU 4\u{a0}個"),
            (duration(42), "42\u{a0}秒"),
            (duration(7500), "2\u{a0}時間 5\u{a0}分"),
            (duration(2_887_200), "33\u{a0}日 10\u{a0}時間"),
            (ago(3), "たった今"),
            (ago(47), "40\u{a0}秒前"),
            (ago(3 * 86_400), "3\u{a0}日前"),
            (bytes(68 << 30), "68.0 GB"),
        ] {
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_time_says_no_more_than_it_has_to() {
        let time = |text| DateTime::parse_from_rfc3339(text).expect("a time");
        let now = time("2026-11-28T16:09:03+09:00");
        for (at, expected) in [
            ("2026-11-28T06:09:03+09:00", "06:09"),
            ("2026-03-05T06:09:03+09:00", "3/5 06:09"),
            ("2025-03-05T06:09:03+09:00", "2025/03/05 06:09"),
        ] {
            assert_eq!(clock(time(at), now), expected);
        }
        assert_eq!(full(&now), "2026/11/28 16:09:03");
    }
}
