//! `vim-cmd vmsvc/snapshot.get ID`: the tree of a VM's snapshots.

use chrono::{NaiveDate, NaiveDateTime};
use ecoman_model::PowerState;
use serde::Serialize;

use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, Line, block_text, digits};

const READING: &str = "snapshot.get";

/// How deep a chain may be. ESXi allows 32.
const MAX_DEPTH: usize = 256;

/// A snapshot of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// `Snapshot Id`
    pub id: u32,
    /// The id of the snapshot that this one goes on from; `None` for the first.
    pub parent: Option<u32>,
    /// `Snapshot Name`
    pub name: String,
    /// `Snapshot Desciption`, as the host spells it; an empty one is `None`.
    pub description: Option<String>,
    /// `Snapshot Created On`, by the clock of the node.
    pub created_on: NaiveDateTime,
    /// `Snapshot State`: the power state that it goes back to.
    pub power: PowerState,
}

/// Reads what `vim-cmd vmsvc/snapshot.get ID` printed: parents before their children.
///
/// Names and descriptions are printed raw, so that one of several lines may imitate a snapshot;
/// where that leaves the tree without sense it is an error, but a perfect imitation cannot be
/// distinguished. Nor can output that is cut between two snapshots from a shorter tree.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a fault instead; [`ParseError::Truncated`] where
/// a line of a snapshot is missing; [`ParseError::Unexpected`] for anything else.
pub fn snapshots(stdout: &[u8]) -> Result<Vec<Snapshot>, ParseError> {
    let input = Input::with_text(READING, stdout)?;
    let Some(head) = input
        .lines_from(0)
        .find(|line| line.text.trim_ascii() == b"Get Snapshot:")
    else {
        return Err(fault_reader::or_unexpected(
            &input,
            "no line `Get Snapshot:`",
        ));
    };
    if !input.bytes.ends_with(b"\n") {
        return Err(input.truncated("the last line has no line end"));
    }
    let mut lines = Lines {
        input: &input,
        next: head.next(),
    };
    let mut list: Vec<Snapshot> = Vec::new();
    // The ids of the snapshots that lead to the last one.
    let mut path: Vec<u32> = Vec::new();
    while let Some(line) = lines.next() {
        if line.text.trim_ascii().is_empty() {
            continue;
        }
        let dashes = line.text.iter().take_while(|&&byte| byte == b'-').count();
        let depth = dashes / 2;
        let mark = line.text.get(dashes..).unwrap_or_default().trim_ascii();
        let expected: &[u8] = if depth == 0 { b"|-ROOT" } else { b"|-CHILD" };
        if mark != expected || !dashes.is_multiple_of(2) {
            return Err(input.unexpected(line.start, "no `|-ROOT` or `|-CHILD`"));
        }
        if depth > path.len() || depth >= MAX_DEPTH || (depth == 0 && !list.is_empty()) {
            return Err(input.ambiguous(
                line.start,
                "the snapshot has no place in the tree, so a text before it has imitated it",
            ));
        }
        path.truncate(depth);
        let snapshot = lines.snapshot(depth, path.last().copied())?;
        if list.iter().any(|other| other.id == snapshot.id) {
            return Err(input.ambiguous(
                line.start,
                format!("two snapshots have the id {}", snapshot.id),
            ));
        }
        path.push(snapshot.id);
        list.push(snapshot);
    }
    Ok(list)
}

struct Lines<'i> {
    input: &'i Input<'i>,
    next: usize,
}

impl<'i> Lines<'i> {
    fn next(&mut self) -> Option<Line<'i>> {
        let line = self.input.line_at(self.next)?;
        self.next = line.next();
        Some(line)
    }

    fn snapshot(&mut self, depth: usize, parent: Option<u32>) -> Result<Snapshot, ParseError> {
        let dashes = "-".repeat(2 * (depth + 1));
        let name = self.text_until(&dashes, "Name", "Id")?;
        let id = self.field(&dashes, "Id")?;
        let id = digits(id.1).ok_or_else(|| {
            self.input
                .value(id.0, "Snapshot Id", "a whole number", id.1)
        })?;
        let description = self.text_until(&dashes, "Desciption", "Created On")?;
        let created = self.field(&dashes, "Created On")?;
        let created_on = time(created.1).ok_or_else(|| {
            let expected = "a time such as 3/7/2024 9:41:6";
            self.input
                .value(created.0, "Snapshot Created On", expected, created.1)
        })?;
        let (_, state) = self.field(&dashes, "State")?;
        let power = match state.to_ascii_lowercase().as_slice() {
            b"powered on" => PowerState::On,
            b"powered off" => PowerState::Off,
            b"suspended" => PowerState::Suspended,
            _ => PowerState::Unknown,
        };
        Ok(Snapshot {
            id,
            parent,
            name,
            description: Some(description).filter(|text| !text.is_empty()),
            created_on,
            power,
        })
    }

    /// The value of a field of one line, and where it starts.
    fn field(&mut self, dashes: &str, name: &str) -> Result<(usize, &'i [u8]), ParseError> {
        let line = self.need(name)?;
        value_of(line.text, dashes, name)
            .map(|value| (line.start, value.trim_ascii()))
            .ok_or_else(|| {
                self.input
                    .unexpected(line.start, format!("not the line `Snapshot {name}`"))
            })
    }

    /// The value of a field that may have several lines, up to the line of the field `until`.
    fn text_until(&mut self, dashes: &str, name: &str, until: &str) -> Result<String, ParseError> {
        let line = self.need(name)?;
        let first = value_of(line.text, dashes, name)
            // `Description`, should the host ever spell it right.
            .or_else(|| {
                (name == "Desciption").then(|| value_of(line.text, dashes, "Description"))?
            });
        let Some(first) = first else {
            return Err(self
                .input
                .unexpected(line.start, format!("not the line `Snapshot {name}`")));
        };
        let mut end = line.start + line.text.len();
        let start = end - first.len();
        loop {
            let Some(line) = self.input.line_at(self.next) else {
                return Err(self
                    .input
                    .truncated(format!("the line `Snapshot {until}` is missing")));
            };
            if value_of(line.text, dashes, until).is_some() {
                break;
            }
            end = line.start + line.text.len();
            self.next = line.next();
        }
        let words = block_text(self.input.slice(start, end), name, &mut Vec::new());
        Ok(words)
    }

    fn need(&mut self, name: &str) -> Result<Line<'i>, ParseError> {
        self.next().ok_or_else(|| {
            self.input
                .truncated(format!("the line `Snapshot {name}` is missing"))
        })
    }
}

/// The value of `--Snapshot NAME   : VALUE`.
fn value_of<'l>(line: &'l [u8], dashes: &str, name: &str) -> Option<&'l [u8]> {
    let rest = line
        .strip_prefix(dashes.as_bytes())?
        .strip_prefix(b"Snapshot ")?
        .strip_prefix(name.as_bytes())?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}

/// `3/7/2024 9:41:6`: month, day, year; nothing is padded.
fn time(words: &[u8]) -> Option<NaiveDateTime> {
    let words = std::str::from_utf8(words).ok()?;
    let (date, clock) = words.split_once(' ')?;
    let numbers = |words: &str, separator| {
        let mut parts = words.split(separator).map(|part| digits(part.as_bytes()));
        let three = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(three)
    };
    let [month, day, year]: [u32; 3] = numbers(date, '/')?;
    let [hour, minute, second]: [u32; 3] = numbers(clock, ':')?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?
        .and_hms_opt(hour, minute, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_as_many_lines_as_it_likes() {
        let output =
            b"Get Snapshot:\n|-ROOT\n--Snapshot Name        : a\n--Snapshot Id        : 1\n\
            --Snapshot Desciption  : one\n\n--|-CHILD\nthree\n\
            --Snapshot Created On  : 12/31/2023 23:59:9\n--Snapshot State       : powered off\n";
        let list = snapshots(output).unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(
            list[0].description.as_deref(),
            Some("one\n\n--|-CHILD\nthree")
        );
        assert_eq!(list[0].created_on.to_string(), "2023-12-31 23:59:09");
    }
}
