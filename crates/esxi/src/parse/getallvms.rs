//! `vim-cmd vmsvc/getallvms`: the table of a node's VMs.
//!
//! The table is made for eyes: six columns, three blanks apart, each as wide as its longest value
//! or its label, whichever is longer, **in bytes**; labels centred in their columns; every row,
//! and the header, padded with blanks to the full width. Notes are printed raw, line ends and all,
//! so that a note may hold lines that look like rows.
//!
//! What makes it readable all the same is the padding: a row with its note and all its line ends
//! is exactly as long as the header. So rows are cut out by length, never recognised by their
//! looks: no note can imitate one, and a table that was cut is no whole number of rows. What the
//! widths of the columns are follows from the places of the labels up to one blank each; the right
//! widths are those that fit every row and are reached by the longest value of the column, which
//! shows as well that no row is missing that was longer than the others.

use std::collections::HashSet;

use ecoman_model::{VmFacts, Vmid};
use memchr::memmem;
use serde::Serialize;

use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, Line, block_text, digits, line_text, without_padding};
use super::summary::{datastore_of, decoded_name};

const READING: &str = "getallvms";

const LABELS: [&[u8]; 6] = [
    b"Vmid",
    b"Name",
    b"File",
    b"Guest OS",
    b"Version",
    b"Annotation",
];

/// The VMs that a node lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VmList {
    /// In the order of the table: ids as text, 1, 10, 11, 2.
    pub rows: Vec<VmRow>,
    /// The VMs that are registered but cannot be read by the host (`Skipping invalid VM '8'`).
    /// They are no rows, and `get.summary` says nothing of them.
    pub invalid: Vec<Vmid>,
    /// No note is as long as its column is wide. Then the longest note ends with blanks, or the
    /// output was cut between two rows, the row with the longest note being lost; the table alone
    /// cannot say. Before a VM is taken for gone, `get.summary` should be asked for it.
    pub may_lack_rows: bool,
    /// What may be ids of VMs in a table of an unknown layout ([`proposed_vms`]). Each has to be asked
    /// for: only the node knows whether it is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proposed: Vec<Vmid>,
    /// What was read, but not without loss: sentences for the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One VM of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VmRow {
    /// `Vmid`
    pub vmid: Vmid,
    /// `Name`, with `%2f`, `%5c` and `%25` turned back. Blanks at the end are lost.
    pub name: Option<String>,
    /// `File`: `[DATASTORE] DIRECTORY/NAME.vmx`, of infrastructure VMs `[] /var/run/...`.
    pub vmx_path: Option<String>,
    /// The datastore in `vmx_path`.
    pub datastore: Option<String>,
    /// `Guest OS`: the configured id, `ubuntu64Guest`.
    pub guest_id: Option<String>,
    /// `Version`: `vmx-19`.
    pub hardware_version: Option<String>,
    /// `Annotation`: the note. Blanks at its end are lost.
    pub comment: Option<String>,
}

impl VmRow {
    /// What the row says, as far as it goes, for a VM whose summary cannot be read.
    #[must_use]
    pub fn facts(&self) -> VmFacts {
        VmFacts {
            name: self.name.clone(),
            datastore: self.datastore.clone(),
            vmx_path: self.vmx_path.clone(),
            guest_os: self.guest_id.clone(),
            hardware_version: self.hardware_version.clone(),
            comment: self.comment.clone(),
            ..VmFacts::default()
        }
    }
}

/// Reads what `vim-cmd vmsvc/getallvms` printed.
///
/// `Skipping invalid VM '8'` is accepted on either stream and, where they are merged, in front of
/// the header, between rows and after them. Anything may stand before the header. Where the row
/// and `get.summary` differ, the summary is right: rows lose blanks at the end of a name or note.
///
/// A cut between two rows shows only where a longest value is lost with it
/// (see [`VmList::may_lack_rows`] too): the caller must also see that the command ended by itself
/// and with exit code 0.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a failure instead (hostd down);
/// [`ParseError::Truncated`] where the table does not end with a whole row, or a column is wider
/// than all its values; [`ParseError::Unexpected`] where a row does not fit the header.
pub fn getallvms(stdout: &[u8], stderr: &[u8]) -> Result<VmList, ParseError> {
    let input = Input::new(READING, stdout)?;
    let errors = Input::new(READING, stderr)?;
    let mut list = VmList::default();
    for line in errors.lines_from(0) {
        list.invalid.extend(invalid_vm(line.text));
    }
    let mut header = None;
    for line in input.lines_from(0) {
        if let Some(places) = label_places(line.text) {
            header = Some((line, places));
            break;
        }
        list.invalid.extend(invalid_vm(line.text));
    }
    let Some((header, places)) = header else {
        if input.bytes.trim_ascii().is_empty() && !errors.bytes.trim_ascii().is_empty() {
            return Err(fault_reader::or_unexpected(
                &errors,
                "no header line of a table",
            ));
        }
        return Err(fault_reader::or_unexpected(
            &input,
            "no header line `Vmid Name File Guest OS Version Annotation`",
        ));
    };
    let rows = rows_in_bytes(&input, header, &places)
        .or_else(|error| rows_in_characters(&input, header, &places).ok_or(error))?;
    list.invalid.extend(&rows.invalid);
    list.invalid.sort_unstable();
    list.invalid.dedup();
    list.may_lack_rows = rows.may_lack_rows;
    list.rows.reserve(rows.cells.len());
    for cells in &rows.cells {
        list.rows.push(row(&input, cells, &mut list.warnings)?);
    }
    let mut seen = HashSet::with_capacity(list.rows.len());
    let rows_with_places = list.rows.iter().zip(&rows.cells);
    for (row, [(start, _), ..]) in rows_with_places {
        if !seen.insert(row.vmid) {
            let reason = format!("a row before has the id {} already", row.vmid);
            return Err(input.unexpected(*start, reason));
        }
    }
    Ok(list)
}

/// The ids that a table of `vim-cmd vmsvc/getallvms` proposes whose layout [`getallvms`] does not know:
/// every number at the beginning of a line, of those with a `.vmx` in them where there are such lines. One
/// may be a line of a note. `None`: there are none, or more than a host can have VMs.
#[must_use]
pub fn proposed_vms(stdout: &[u8], stderr: &[u8]) -> Option<VmList> {
    let mut list = VmList {
        may_lack_rows: true,
        ..VmList::default()
    };
    let mut with_path = Vec::new();
    for line in stdout.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if list.proposed.is_empty() {
            // Below a row it may be a line of a note.
            list.invalid.extend(invalid_vm(line));
        }
        list.proposed.extend(leading_id(line));
        if memmem::find(line, b".vmx").is_some() {
            with_path.extend(leading_id(line));
        }
    }
    if !with_path.is_empty() {
        list.proposed = with_path;
    }
    let errors = stderr.split(|byte| *byte == b'\n');
    list.invalid.extend(errors.filter_map(invalid_vm));
    for ids in [&mut list.invalid, &mut list.proposed] {
        ids.sort_unstable();
        ids.dedup();
    }
    list.proposed
        .retain(|id| list.invalid.binary_search(id).is_err());
    (1..=MAX_ROWS)
        .contains(&list.proposed.len())
        .then_some(list)
}

/// The id of `14  web ...`.
fn leading_id(line: &[u8]) -> Option<Vmid> {
    let end = line.iter().position(u8::is_ascii_whitespace)?;
    digits(line.get(..end)?).map(Vmid)
}

/// Most rows of a table. A host has 1,024 VMs at most (VMware's configuration maximums, 5.5 to
/// 8.0); a few more may be registered.
const MAX_ROWS: usize = 4096;

/// How many bytes a table may have that begins so: each row is as long as the header, in characters
/// of up to four bytes. `None`: there is no header in it.
pub(crate) fn largest_table(begun: &[u8]) -> Option<usize> {
    let mut end = 0;
    for line in begun.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        let text = line.trim_ascii_end();
        // Its padding counts, so it must be whole.
        if line.ends_with(b"\n") && label_places(text).is_some() {
            return Some(end.saturating_add(line.len().saturating_mul(4 * MAX_ROWS)));
        }
    }
    None
}

/// The largest table whose columns are looked for by characters, which takes several times its
/// memory.
const MAX_TABLE_IN_CHARACTERS: usize = 2 * 1024 * 1024;

/// From where to where the values of a row are.
type Cells = [(usize, usize); 6];

#[derive(Debug, Default)]
struct Rows {
    cells: Vec<Cells>,
    invalid: Vec<Vmid>,
    may_lack_rows: bool,
}

/// Where the columns are in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    starts: [usize; 6],
    widths: [usize; 6],
}

fn row(input: &Input<'_>, cells: &Cells, warnings: &mut Vec<String>) -> Result<VmRow, ParseError> {
    let [vmid, name, path, guest, version, note] =
        cells.map(|(start, end)| without_padding(input.slice(start, end)));
    let id: Vmid = digits(vmid).map(Vmid).ok_or_else(|| {
        input.value(
            cells.first().map_or(0, |(start, _)| *start),
            "Vmid",
            "a whole number of at most 4294967295",
            vmid,
        )
    })?;
    let mut cell = |bytes: &[u8], column: &str| {
        let field = format_args!("the {column} of VM {id}");
        (!bytes.is_empty()).then(|| line_text(bytes, field, warnings))
    };
    let vmx_path = cell(path, "path");
    Ok(VmRow {
        vmid: id,
        name: cell(name, "name").map(|name| decoded_name(&name)),
        datastore: vmx_path
            .as_deref()
            .and_then(datastore_of)
            .map(str::to_owned),
        vmx_path,
        guest_id: cell(guest, "guest OS"),
        hardware_version: cell(version, "hardware version"),
        comment: (!note.is_empty())
            .then(|| block_text(note, format_args!("the note of VM {id}"), warnings)),
    })
}

/// `Skipping invalid VM '8'`
fn invalid_vm(line: &[u8]) -> Option<Vmid> {
    let id = line
        .trim_ascii()
        .strip_prefix(b"Skipping invalid VM '")?
        .strip_suffix(b"'")?;
    digits(id).map(Vmid)
}

/// Where the labels stand, if `line` is the header: the six labels and blanks.
fn label_places(line: &[u8]) -> Option<[usize; 6]> {
    let mut places = [0; 6];
    let mut end = 0;
    for (place, label) in places.iter_mut().zip(LABELS) {
        let rest = line.get(end..)?;
        let blanks = rest.iter().take_while(|&&byte| byte == b' ').count();
        if end > 0 && blanks < 2 {
            return None;
        }
        *place = end + blanks;
        end = *place + label.len();
        if line.get(*place..end)? != label {
            return None;
        }
    }
    let only_blanks = line.get(end..)?.iter().all(|&byte| byte == b' ');
    only_blanks.then_some(places)
}

fn rows_in_bytes(
    input: &Input<'_>,
    header: Line<'_>,
    places: &[usize; 6],
) -> Result<Rows, ParseError> {
    rows(input, &input.bytes, header, places)
}

/// The same, were the columns padded by characters. No host is known to do so, but then no table
/// with a name that is not ASCII could be read.
///
/// Where characters and bytes differ by one in the whole table, a table padded by bytes with one
/// byte too many looks the same: that is left an error.
fn rows_in_characters(input: &Input<'_>, header: Line<'_>, places: &[usize; 6]) -> Option<Rows> {
    let text = std::str::from_utf8(&input.bytes).ok()?;
    if text.len() > MAX_TABLE_IN_CHARACTERS
        || text.is_ascii()
        || !input.slice(0, header.next()).is_ascii()
    {
        return None;
    }
    // One byte for each character, and where each character starts.
    let mut places_of_characters = Vec::with_capacity(text.len());
    let mut shadow = Vec::with_capacity(text.len());
    for (place, character) in text.char_indices() {
        places_of_characters.push(place);
        shadow.push(
            u8::try_from(character)
                .ok()
                .filter(u8::is_ascii)
                .unwrap_or(0xff),
        );
    }
    places_of_characters.push(text.len());
    if text.len() - shadow.len() < 2 {
        return None;
    }
    let mut rows = rows(input, &shadow, header, places).ok()?;
    for (start, end) in rows.cells.iter_mut().flatten() {
        *start = *places_of_characters.get(*start)?;
        *end = *places_of_characters.get(*end)?;
    }
    Some(rows)
}

/// Cuts `table` into rows of the header's length and those into cells.
fn rows(
    input: &Input<'_>,
    table: &[u8],
    header: Line<'_>,
    places: &[usize; 6],
) -> Result<Rows, ParseError> {
    let length = header.text.len();
    if !table.ends_with(b"\n") {
        return Err(input.truncated("the last line has no line end"));
    }
    let mut rows = Rows::default();
    let mut starts = Vec::new();
    let mut position = header.next();
    while let Some(rest) = table.get(position..).filter(|rest| !rest.is_empty()) {
        let line_end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..line_end).unwrap_or_default();
        if let Some(id) = invalid_vm(line) {
            rows.invalid.push(id);
            position += line_end + 1;
            continue;
        }
        if !line.first().is_some_and(u8::is_ascii_digit) {
            return Err(row_error(
                input,
                position,
                "a row begins with the id of a VM",
            ));
        }
        if starts.len() == MAX_ROWS {
            return Err(row_error(input, position, "no host has so many VMs"));
        }
        match rest.get(length) {
            Some(b'\n') => {}
            Some(_) => {
                return Err(row_error(
                    input,
                    position,
                    "the row is not as long as the header",
                ));
            }
            None => {
                return Err(input.truncated(format!(
                    "the last row has {} of {length} bytes, or the blanks at its end were removed",
                    rest.len() - 1
                )));
            }
        }
        starts.push(position);
        position += length + 1;
    }
    if starts.is_empty() {
        // A host without VMs: every column is as wide as its label.
        let widths = LABELS.iter().map(|label| label.len()).sum::<usize>() + 5 * 3;
        if length > widths {
            return Err(input.truncated("the header is made for rows, and none came"));
        }
        return Ok(rows);
    }

    let row = |start: &usize| table.get(*start..start + length).unwrap_or_default();
    let mut found: Option<(Layout, Reached)> = None;
    let mut nearest = Misfit::default();
    for layout in layouts(places, length) {
        let mut longest = [0; 6];
        let misfit = starts.iter().enumerate().find_map(|(place, start)| {
            fits(row(start), &layout, &mut longest)
                .err()
                .map(|reason| Misfit {
                    row: place,
                    start: *start,
                    reason,
                })
        });
        if let Some(misfit) = misfit {
            if misfit.row >= nearest.row {
                nearest = misfit;
            }
            continue;
        }
        let reached = reached(&layout, &longest, || {
            starts
                .iter()
                .any(|start| has_padded_name(row(start), &layout))
        });
        match &found {
            Some((_, better)) if *better > reached => {}
            Some((other, same)) if *same == reached => {
                let values = |start: &usize, layout: &Layout| {
                    cells(row(start), 0, layout).map(|(from, to)| {
                        without_padding(row(start).get(from..to).unwrap_or_default())
                    })
                };
                let differs = starts
                    .iter()
                    .any(|start| values(start, other) != values(start, &layout));
                if differs {
                    return Err(input.ambiguous(
                        header.start,
                        "the rows fit more than one set of column widths",
                    ));
                }
            }
            _ => found = Some((layout, reached)),
        }
    }
    match found {
        Some((layout, reached @ (Reached::All | Reached::AllButNotes))) => {
            rows.may_lack_rows = reached == Reached::AllButNotes;
            rows.cells = starts
                .iter()
                .map(|start| cells(row(start), *start, &layout))
                .collect();
            Ok(rows)
        }
        Some((_, Reached::Not)) => Err(input.truncated(
            "a column is wider than all its values, so the row with its longest value is missing",
        )),
        None => Err(row_error(input, nearest.start, nearest.reason)),
    }
}

/// An error about a row; where the row is the end of the output, it was rather cut.
fn row_error(input: &Input<'_>, start: usize, reason: &'static str) -> ParseError {
    match input.line_at(start) {
        Some(line) => input.unexpected_or_cut(line, reason),
        None => input.truncated(reason),
    }
}

/// The row that keeps a layout from fitting.
#[derive(Debug, Default)]
struct Misfit {
    row: usize,
    start: usize,
    reason: &'static str,
}

/// Which columns have a value as long as they are wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Not,
    AllButNotes,
    All,
}

/// The layouts that agree with the places of the labels: centred, with the odd blank on either
/// side, or aligned to the left.
fn layouts(places: &[usize; 6], length: usize) -> Vec<Layout> {
    let mut layouts = Vec::new();
    // Each column's odd blank is one digit of a number to base 3: before the label, none, after.
    for odd_blanks in 0..3_usize.pow(5) {
        layouts.extend(centred(places, length, odd_blanks));
    }
    // Some widths come about in two ways.
    layouts.sort_unstable_by_key(|layout| layout.starts);
    layouts.dedup();
    let left = Layout {
        starts: *places,
        widths: widths(places, length),
    };
    if !layouts.contains(&left) {
        layouts.push(left);
    }
    layouts
}

fn centred(places: &[usize; 6], length: usize, mut odd_blanks: usize) -> Option<Layout> {
    let mut starts = [0; 6];
    let mut start = 0;
    let last = LABELS.len() - 1;
    for (column, ((label, place), slot)) in LABELS.iter().zip(places).zip(&mut starts).enumerate() {
        *slot = start;
        let before = place.checked_sub(start)?;
        if column < last {
            let width = (label.len() + 2 * before + odd_blanks % 3).checked_sub(1)?;
            if width < label.len() + before {
                return None;
            }
            start += width + 3;
            odd_blanks /= 3;
        } else {
            let after = length.checked_sub(place + label.len())?;
            if after.abs_diff(before) > 1 {
                return None;
            }
        }
    }
    Some(Layout {
        starts,
        widths: widths(&starts, length),
    })
}

fn widths(starts: &[usize; 6], length: usize) -> [usize; 6] {
    let ends = starts
        .iter()
        .skip(1)
        .map(|next| next.saturating_sub(3))
        .chain([length]);
    let mut widths = [0; 6];
    for ((width, start), end) in widths.iter_mut().zip(starts).zip(ends) {
        *width = end.saturating_sub(*start);
    }
    widths
}

/// Whether `row` fits; notes the lengths of its values in `longest`.
fn fits(row: &[u8], layout: &Layout, longest: &mut [usize; 6]) -> Result<(), &'static str> {
    for (column, (&start, &width)) in layout.starts.iter().zip(&layout.widths).enumerate() {
        let between = row.get(start.saturating_sub(3)..start).unwrap_or_default();
        if !between.iter().all(|&byte| byte == b' ') {
            return Err("the columns are not three blanks apart where the header puts them");
        }
        let cell = row.get(start..start + width).unwrap_or_default();
        let value = without_padding(cell);
        match column {
            0 if value.is_empty() || !value.iter().all(u8::is_ascii_digit) => {
                return Err("the first column is no VM id");
            }
            2 if !value.is_empty() && !matches!(value.first(), Some(b'[' | b'/')) => {
                return Err("the File column does not begin with [ or /");
            }
            3 | 4 if value.contains(&b' ') || value.contains(&b'\n') => {
                return Err("the Guest OS or Version column is no single word");
            }
            4 if !value.is_empty() && !value.starts_with(b"vmx-") => {
                return Err("the Version column is no vmx-N");
            }
            _ => {}
        }
        if let Some(longest) = longest.get_mut(column) {
            *longest = value.len().max(*longest);
        }
    }
    Ok(())
}

/// Which columns are as wide as their longest value or their label. A name that ends with blanks
/// counts with them where the path of its VM has them too (`has_padded_name`).
fn reached(layout: &Layout, longest: &[usize; 6], has_padded_name: impl Fn() -> bool) -> Reached {
    let mut reached = Reached::All;
    for (column, ((label, &width), &longest)) in
        LABELS.iter().zip(&layout.widths).zip(longest).enumerate()
    {
        if width == longest.max(label.len()) {
            continue;
        }
        match column {
            1 if has_padded_name() => {}
            5 => reached = Reached::AllButNotes,
            _ => return Reached::Not,
        }
    }
    reached
}

/// Whether the name of `row` with its padding is the name of its directory or its file as well:
/// then the padding belongs to the name.
fn has_padded_name(row: &[u8], layout: &Layout) -> bool {
    let cell = |column: usize| {
        let start = layout.starts.get(column).copied().unwrap_or(0);
        let width = layout.widths.get(column).copied().unwrap_or(0);
        row.get(start..start + width).unwrap_or_default()
    };
    let name = cell(1);
    name.ends_with(b" ")
        && [b"/".as_slice(), b".vmx"]
            .iter()
            .any(|after| memmem::find(cell(2), &[name, *after].concat()).is_some())
}

fn cells(row: &[u8], start: usize, layout: &Layout) -> Cells {
    let mut cells = [(0, 0); 6];
    for ((cell, column), width) in cells.iter_mut().zip(&layout.starts).zip(&layout.widths) {
        let from = start + column;
        *cell = (from, from + width.min(&row.len()));
    }
    cells
}
