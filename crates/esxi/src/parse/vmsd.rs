//! `NAME.vmsd`: the list of a VM's snapshots in its directory, in the syntax of a `.vmx`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ecoman_model::PowerState;

use super::error::ParseError;
use super::input::{Input, digits};
use super::snapshot_info::{SnapshotInfo, SnapshotNode};

/// How many snapshots may be in it.
const MAX_SNAPSHOTS: usize = 1024;

/// Reads the content of a `.vmsd`. Unlike what `vim-cmd` prints it is unambiguous: what would end a
/// value or a line is escaped. It does not say in which power state a snapshot was taken.
///
/// # Errors
/// Where it is no such file, or lacks a snapshot that it counts.
pub fn vmsd(content: &[u8]) -> Result<SnapshotInfo, ParseError> {
    if content.is_empty() {
        return Ok(SnapshotInfo::default());
    }
    let input = Input::with_text("vmsd", content)?;
    let mut keys: HashMap<String, (usize, String)> = HashMap::new();
    for line in input.lines_from(0) {
        let text = line.text.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        let pair = pair(text);
        let (key, value) =
            pair.ok_or_else(|| input.unexpected(line.start, "not `key = \"value\"`"))?;
        keys.insert(key, (line.start, value));
    }
    let text = |key: &str| keys.get(key).map(|(_, value)| value.as_str());
    let number = |key: &str| -> Result<Option<u32>, ParseError> {
        let Some((start, value)) = keys.get(key) else {
            return Ok(None);
        };
        let bytes = value.as_bytes();
        let number = digits(bytes)
            .ok_or_else(|| input.value(*start, "a key of the .vmsd", "a whole number", bytes))?;
        Ok(Some(number))
    };
    let count = number("snapshot.numsnapshots")?.unwrap_or(0);
    let mut unsorted = Vec::new();
    // The number in a key is a place, and places may be left out.
    for place in 0..MAX_SNAPSHOTS {
        if unsorted.len() == count as usize {
            break;
        }
        let key = |name: &str| format!("snapshot{place}.{name}");
        let Some(id) = number(&key("uid"))? else {
            continue;
        };
        let high = text(&key("createtimehigh"));
        unsorted.push(SnapshotNode {
            id,
            parent: number(&key("parent"))?,
            name: text(&key("displayname")).unwrap_or_default().to_owned(),
            description: text(&key("description"))
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            created_at: high.zip(text(&key("createtimelow"))).and_then(time),
            power: PowerState::Unknown,
            quiesced: None,
        });
    }
    if unsorted.len() != count as usize {
        return Err(input.truncated("a snapshot that it counts is missing"));
    }
    let known: Vec<u32> = unsorted.iter().map(|snapshot| snapshot.id).collect();
    for snapshot in &mut unsorted {
        snapshot.parent = snapshot.parent.filter(|parent| known.contains(parent));
    }
    let mut snapshots: Vec<SnapshotNode> = Vec::new();
    while !unsorted.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) = unsorted.into_iter().partition(|snapshot| {
            let parent = snapshot.parent;
            parent.is_none_or(|parent| snapshots.iter().any(|known| known.id == parent))
        });
        if ready.is_empty() {
            return Err(input.unexpected(0, "snapshots that are each other's parents"));
        }
        snapshots.extend(ready);
        unsorted = waiting;
    }
    let current = number("snapshot.current")?.filter(|id| known.contains(id));
    Ok(SnapshotInfo { current, snapshots })
}

/// The key in lower case and the value without quotes and escapes.
fn pair(line: &[u8]) -> Option<(String, String)> {
    let line = std::str::from_utf8(line).ok()?;
    let (key, value) = line.split_once('=')?;
    let value = value.trim();
    let value = value
        .strip_prefix('"')
        .map_or(Some(value), |rest| rest.strip_suffix('"'))?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| byte == b'|');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    let value = String::from_utf8_lossy(&bytes).into_owned();
    Some((key.trim().to_ascii_lowercase(), value))
}

/// Microseconds since 1970 in two halves, of which the lower may be written as a negative number.
fn time((high, low): (&str, &str)) -> Option<DateTime<Utc>> {
    let high: i64 = high.parse().ok()?;
    let low: i64 = low.parse().ok()?;
    let low = if low < 0 { low + (1 << 32) } else { low };
    DateTime::from_timestamp_micros(high.checked_mul(1 << 32)?.checked_add(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_read_with_its_times() {
        let info = vmsd(include_bytes!("../../tests/data/files/chain.vmsd")).unwrap();
        assert_eq!(info.current, Some(15));
        let [first, second] = &info.snapshots[..] else {
            panic!("two snapshots");
        };
        assert_eq!((first.id, first.parent), (14, None));
        assert_eq!((second.id, second.parent), (15, Some(14)));
        assert_eq!(second.description.as_deref(), Some("manual"));
        let at = |snapshot: &SnapshotNode| snapshot.created_at.map(|at| at.to_rfc3339());
        assert_eq!(
            at(first).as_deref(),
            Some("2024-03-07T09:41:06.220171+00:00")
        );
        assert_eq!(
            at(second).as_deref(),
            Some("2024-03-21T18:05:30.004518+00:00")
        );
    }

    #[test]
    fn none_is_none_and_an_empty_file_too() {
        let none = include_bytes!("../../tests/data/files/none.vmsd");
        assert_eq!(vmsd(none).unwrap(), SnapshotInfo::default());
        assert_eq!(vmsd(b"").unwrap(), SnapshotInfo::default());
    }

    #[test]
    fn what_imitates_a_line_is_escaped_and_what_is_cut_is_an_error() {
        let file = "snapshot0.uid = \"3\"\nsnapshot0.displayName = \"a|0Asnapshot0.uid = |2299|22\"\n\
                    snapshot.numSnapshots = \"1\"\n";
        let info = vmsd(file.as_bytes()).unwrap();
        assert_eq!(info.snapshots[0].name, "a\nsnapshot0.uid = \"99\"");
        let cut = "snapshot0.uid = \"3\"\nsnapshot.numSnapshots = \"2\"\n";
        assert!(vmsd(cut.as_bytes()).is_err());
        let circle = "snapshot0.uid = \"1\"\nsnapshot0.parent = \"2\"\nsnapshot1.uid = \"2\"\n\
                      snapshot1.parent = \"1\"\nsnapshot.numSnapshots = \"2\"\n";
        assert!(vmsd(circle.as_bytes()).is_err());
    }
}
