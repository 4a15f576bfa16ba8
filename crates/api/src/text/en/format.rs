//! Numbers, sizes and times.

use chrono::{DateTime, Datelike, FixedOffset, Timelike, Utc};

use crate::text::Format;

pub(super) static FORMAT: Format = Format {
    grouped,
    bytes,
    exact_bytes,
    exact_megabytes: |mb| format!("{} MB", grouped(mb)),
    megahertz,
    milliseconds: |milliseconds| format!("{} ms", grouped(milliseconds)),
    duration,
    age,
    ago,
    clock,
    timestamp: |time| full(&time),
    utc: |time: DateTime<Utc>| format!("{} UTC", full(&time)),
    vms,
    nodes,
    cpus,
    list: |items| items.join(", "),
};

const MB: u64 = 1024 * 1024;
const GB: u64 = 1024 * MB;
const TB: u64 = 1024 * GB;

// Not by chrono's format strings: what interprets them would be a tenth of the page.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

pub(super) fn grouped(number: u64) -> String {
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

pub(super) fn bytes(bytes: u64) -> String {
    if bytes < GB {
        format!("{} MB", rounded(bytes, MB))
    } else if bytes < 1000 * GB {
        gigabytes(bytes)
    } else {
        decimal(bytes, TB, "TB")
    }
}

pub(super) fn megabytes(mb: u64) -> String {
    bytes(mb.saturating_mul(MB))
}

pub(super) fn gigabytes(bytes: u64) -> String {
    decimal(bytes, GB, "GB")
}

pub(super) fn exact_bytes(bytes: u64) -> String {
    format!("{} bytes", grouped(bytes))
}

fn megahertz(mhz: u64) -> String {
    if mhz < 1000 {
        format!("{mhz} MHz")
    } else {
        decimal(mhz, 1000, "GHz")
    }
}

pub(super) fn plural(count: usize, one: &str, many: &str) -> String {
    let word = if count == 1 { one } else { many };
    format!("{} {word}", grouped(count as u64))
}

pub(super) fn vms(count: usize) -> String {
    plural(count, "VM", "VMs")
}

pub(super) fn nodes(count: usize) -> String {
    plural(count, "host", "hosts")
}

pub(super) fn cpus(count: u32) -> String {
    plural(count as usize, "CPU", "CPUs")
}

pub(super) fn threads(count: u32) -> String {
    plural(count as usize, "thread", "threads")
}

fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

fn age(seconds: i64) -> String {
    match seconds {
        ..10 => String::from("now"),
        10..60 => format!("{} s", seconds / 10 * 10),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn ago(seconds: i64) -> String {
    if seconds < 10 {
        String::from("just now")
    } else {
        format!("{} ago", age(seconds))
    }
}

fn clock(time: DateTime<FixedOffset>, now: DateTime<FixedOffset>) -> String {
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
