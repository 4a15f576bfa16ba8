//! Numbers, sizes and times as a language writes them.

use chrono::{DateTime, FixedOffset, Utc};

/// How a language writes values.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// A whole number with its thousands apart: `11,929,387,008`.
    pub grouped: fn(number: u64) -> String,
    /// Bytes in MB, GB or TB of 1024, one decimal from GB on: `11.1 GB`.
    pub bytes: fn(bytes: u64) -> String,
    /// The exact value behind a rounded size: `11,929,387,008 bytes`.
    pub exact_bytes: fn(bytes: u64) -> String,
    /// The exact value behind a rounded size: `8,192 MB`.
    pub exact_megabytes: fn(mb: u64) -> String,
    /// MHz, in GHz from 1000 MHz on: `13.2 GHz`.
    pub megahertz: fn(mhz: u64) -> String,
    /// `812 ms`.
    pub milliseconds: fn(milliseconds: u64) -> String,
    /// A long span by its two greatest units: `33 d 10 h`, `2 h 5 min`, `42 s`.
    pub duration: fn(seconds: u64) -> String,
    /// How old something is, coarse enough to stay calm: `now`, `20 s`, `3 min`, `2 h`, `5 d`.
    pub age: fn(seconds: i64) -> String,
    /// The age within a sentence: `just now`, `3 min ago`.
    pub ago: fn(seconds: i64) -> String,
    /// A time on the clock of the reader: `14:02` today, `21 Nov 14:02` this year, else
    /// `2025-11-21 14:02`.
    pub clock: fn(time: DateTime<FixedOffset>, now: DateTime<FixedOffset>) -> String,
    /// A time in full on the clock of the reader: `2026-11-22 14:02:09`.
    pub timestamp: fn(time: DateTime<FixedOffset>) -> String,
    /// A time in UTC, to the second: `2026-11-22 14:02:09 UTC`.
    pub utc: fn(time: DateTime<Utc>) -> String,
    /// `1 VM`, `12 VMs`.
    pub vms: fn(count: usize) -> String,
    /// `1 node`, `12 nodes`.
    pub nodes: fn(count: usize) -> String,
    /// `1 CPU`, `12 CPUs`.
    pub cpus: fn(count: u32) -> String,
    /// Things in a row: `web, db`.
    pub list: fn(items: &[String]) -> String,
}
