//! What esxcli prints as a list: the ruled table for eyes, and CSV.

use std::rc::Rc;

use ecoman_model::{Datastore, PortGroup};
use memchr::memchr;

use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, digits, plausible, text};

/// Reads what `esxcli storage filesystem list` printed, as a table or, with `--formatter=csv`,
/// as CSV. The size of a volume that is not mounted is not known.
///
/// CSV that is cut between two lines cannot be told from a shorter list.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a failure instead; [`ParseError::Truncated`]
/// where the list is seen to be cut; [`ParseError::Value`] where a cell is not of its kind.
pub fn filesystem_list(stdout: &[u8]) -> Result<Vec<Datastore>, ParseError> {
    let input = Input::with_text("filesystem.list", stdout)?;
    let columns = [
        "Mount Point",
        "Volume Name",
        "Mounted",
        "Type",
        "Size",
        "Free",
    ];
    let list = List::read(&input, &columns)?;
    list.rows
        .iter()
        .map(|row| {
            let mounted = row.boolean("Mounted")?;
            let size = |column| {
                let size = row.number(column)?;
                Ok::<_, ParseError>(plausible(size).filter(|_| mounted))
            };
            Ok(Datastore {
                name: Some(row.text("Volume Name")?).filter(|name| !name.is_empty()),
                path: row.text("Mount Point")?,
                kind: row.text("Type")?,
                accessible: mounted,
                capacity_bytes: size("Size")?,
                free_bytes: size("Free")?,
            })
        })
        .collect()
}

/// Reads what `esxcli network vswitch standard portgroup list` printed, as a table or as CSV.
///
/// # Errors
/// As for [`filesystem_list`].
pub fn port_groups(stdout: &[u8]) -> Result<Vec<PortGroup>, ParseError> {
    let input = Input::with_text("portgroup.list", stdout)?;
    let columns = ["Name", "Virtual Switch", "Active Clients", "VLAN ID"];
    let list = List::read(&input, &columns)?;
    list.rows
        .iter()
        .map(|row| {
            Ok(PortGroup {
                name: row.text("Name")?,
                virtual_switch: row.text("Virtual Switch")?,
                active_clients: row.number("Active Clients")?,
                vlan_id: row.number("VLAN ID")?,
            })
        })
        .collect()
}

/// A list of objects.
struct List<'i> {
    /// The labels of the columns, less their blanks.
    labels: Vec<Rc<str>>,
    rows: Vec<Row<'i>>,
}

/// One object: its cells by the label of their column, less its blanks, because CSV has none
/// (`MountPoint`).
struct Row<'i> {
    input: &'i Input<'i>,
    start: usize,
    cells: Vec<(Rc<str>, Vec<u8>)>,
}

impl<'i> List<'i> {
    /// Reads a list that has these columns at least.
    fn read(input: &'i Input<'i>, columns: &[&str]) -> Result<Self, ParseError> {
        let list = Self::of_either(input)?;
        let missing = columns
            .iter()
            .find(|column| !list.labels.contains(&label(column.as_bytes())));
        match missing {
            Some(column) => Err(input.unexpected(0, format!("the list has no column {column}"))),
            None => Ok(list),
        }
    }

    fn of_either(input: &'i Input<'i>) -> Result<Self, ParseError> {
        let lines: Vec<_> = input.lines_from(0).collect();
        let is_ruler = |text: &[u8]| {
            let text = text.trim_ascii();
            text.starts_with(b"--") && text.iter().all(|byte| matches!(byte, b'-' | b' '))
        };
        match lines.iter().position(|line| is_ruler(line.text)) {
            Some(ruler) if ruler > 0 => Self::of_table(input, &lines, ruler),
            _ => Self::of_csv(input),
        }
    }

    /// Columns are where the ruler's dashes are, two blanks apart; each is as wide as its label
    /// or its longest value.
    fn of_table(
        input: &'i Input<'i>,
        lines: &[super::input::Line<'i>],
        ruler: usize,
    ) -> Result<Self, ParseError> {
        if lines.last().is_some_and(|last| !last.ended) {
            return Err(input.truncated("the last line has no line end"));
        }
        let columns = columns_of(lines.get(ruler).map_or(&[][..], |line| line.text));
        let header = ruler
            .checked_sub(1)
            .and_then(|header| lines.get(header))
            .map_or(&[][..], |line| line.text);
        let labels: Vec<Rc<str>> = columns
            .iter()
            .map(|&(start, end)| label(cell(header, start, end)))
            .collect();
        let body = lines.get(ruler + 1..).unwrap_or_default();
        let body: Vec<_> = body
            .iter()
            .filter(|line| !line.text.trim_ascii().is_empty())
            .collect();
        // Columns are padded by characters or by bytes, depending on the release: what does not
        // put blanks between the columns of every row is the wrong one.
        let cuts = body
            .iter()
            .map(|line| cut_by_bytes(line.text, &columns))
            .collect::<Option<Vec<_>>>()
            .or_else(|| {
                body.iter()
                    .map(|line| cut_by_characters(line.text, &columns))
                    .collect()
            });
        let Some(cuts) = cuts else {
            let misfit = body
                .iter()
                .find(|line| cut_by_bytes(line.text, &columns).is_none())
                .map_or(0, |line| line.start);
            return Err(input.unexpected(misfit, "the row does not fit the ruler"));
        };
        let ascii = body.iter().all(|line| line.text.is_ascii());
        for (column, (&(start, end), label)) in columns.iter().zip(&labels).enumerate() {
            let longest = cuts
                .iter()
                .filter_map(|cells| cells.get(column))
                .map(|cell| cell.trim_ascii().len())
                .max()
                .unwrap_or(0);
            if ascii && longest.max(cell(header, start, end).trim_ascii().len()) < end - start {
                return Err(input.truncated(format!(
                    "the column {label} is wider than all its values, so a row is missing"
                )));
            }
        }
        let rows = body
            .iter()
            .zip(cuts)
            .map(|(line, cells)| Row {
                input,
                start: line.start,
                cells: labels
                    .iter()
                    .cloned()
                    .zip(cells.into_iter().map(|cell| cell.trim_ascii().to_vec()))
                    .collect(),
            })
            .collect();
        Ok(Self { labels, rows })
    }

    /// Every line ends with a comma, the header too.
    fn of_csv(input: &'i Input<'i>) -> Result<Self, ParseError> {
        let header_end = memchr(b'\n', &input.bytes).unwrap_or(input.bytes.len());
        if !input.slice(0, header_end).ends_with(b",") {
            return Err(fault_reader::or_unexpected(
                input,
                "neither a table with a ruler nor CSV with a comma at each line end",
            ));
        }
        if !input.bytes.ends_with(b"\n") {
            return Err(input.truncated("the last line has no line end"));
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(input.bytes.as_ref());
        let mut labels: Option<Vec<Rc<str>>> = None;
        let mut rows = Vec::new();
        for record in reader.byte_records() {
            let record = record.map_err(|error| {
                let at = error.position().map_or(0, csv::Position::byte);
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                input.unexpected(at, "the line has not as many cells as the header")
            })?;
            let start = record.position().map_or(0, csv::Position::byte);
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            match &labels {
                None => labels = Some(record.iter().map(label).collect()),
                Some(labels) => {
                    if record
                        .iter()
                        .next_back()
                        .is_some_and(|last| !last.is_empty())
                    {
                        return Err(input.unexpected(start, "the line does not end with a comma"));
                    }
                    rows.push(Row {
                        input,
                        start,
                        cells: labels
                            .iter()
                            .cloned()
                            .zip(record.iter().map(<[u8]>::to_vec))
                            .collect(),
                    });
                }
            }
        }
        Ok(Self {
            labels: labels.unwrap_or_default(),
            rows,
        })
    }
}

impl Row<'_> {
    fn cell(&self, column: &str) -> Result<&[u8], ParseError> {
        let wanted = column.replace(' ', "");
        self.cells
            .iter()
            .find(|(label, _)| **label == *wanted)
            .map(|(_, cell)| cell.as_slice())
            .ok_or_else(|| {
                self.input
                    .unexpected(0, format!("the list has no column {column}"))
            })
    }

    fn text(&self, column: &str) -> Result<String, ParseError> {
        Ok(text(self.cell(column)?, column, &mut Vec::new()))
    }

    fn number<T: std::str::FromStr>(&self, column: &str) -> Result<T, ParseError> {
        let cell = self.cell(column)?;
        digits(cell).ok_or_else(|| {
            self.input.value(
                self.start,
                column,
                "a whole number that is neither negative nor huge",
                cell,
            )
        })
    }

    fn boolean(&self, column: &str) -> Result<bool, ParseError> {
        match self.cell(column)? {
            b"true" => Ok(true),
            b"false" => Ok(false),
            cell => Err(self.input.value(self.start, column, "true or false", cell)),
        }
    }
}

/// From where to where the dashes of a ruler go.
fn columns_of(ruler: &[u8]) -> Vec<(usize, usize)> {
    let mut columns: Vec<(usize, usize)> = Vec::new();
    for (place, &byte) in ruler.iter().enumerate() {
        if byte != b'-' {
            continue;
        }
        match columns.last_mut() {
            Some((_, end)) if *end == place => *end = place + 1,
            _ => columns.push((place, place + 1)),
        }
    }
    columns
}

fn cell(line: &[u8], start: usize, end: usize) -> &[u8] {
    line.get(start..end.min(line.len())).unwrap_or_default()
}

/// A label less its blanks.
fn label(words: &[u8]) -> Rc<str> {
    String::from_utf8_lossy(words).replace(' ', "").into()
}

/// The cells of `line`; `None` where something stands between the columns or behind them.
fn cut_by_bytes<'l>(line: &'l [u8], columns: &[(usize, usize)]) -> Option<Vec<&'l [u8]>> {
    let mut covered = 0;
    let mut cells = Vec::with_capacity(columns.len());
    for &(start, end) in columns {
        if !cell(line, covered, start).iter().all(|&byte| byte == b' ') {
            return None;
        }
        cells.push(cell(line, start, end));
        covered = end;
    }
    cell(line, covered, line.len())
        .trim_ascii()
        .is_empty()
        .then_some(cells)
}

fn cut_by_characters<'l>(line: &'l [u8], columns: &[(usize, usize)]) -> Option<Vec<&'l [u8]>> {
    let text = std::str::from_utf8(line).ok()?;
    let mut places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
    places.push(line.len());
    let place = |character: usize| places.get(character).copied().unwrap_or(line.len());
    let columns: Vec<_> = columns
        .iter()
        .map(|&(start, end)| (place(start), place(end)))
        .collect();
    cut_by_bytes(line, &columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_padded_by_bytes_or_by_characters() {
        // Three characters of three bytes each in a column of 11.
        for padding in [2, 8] {
            let table = format!(
                "Mount Point  Volume Name  UUID  Mounted  Type    Size  Free\n\
                 -----------  -----------  ----  -------  ------  ----  ----\n\
                 /vmfs/vo/a1               a1       true  VMFS-6   100    50\n\
                 /vmfs/vo/b1  共有ス{}  b1      false  NFS        0     0\n",
                " ".repeat(padding)
            );
            let list = filesystem_list(table.as_bytes()).unwrap();
            let [unnamed, shared] = list.as_slice() else {
                panic!("{list:?}");
            };
            assert_eq!(unnamed.name, None);
            assert_eq!(unnamed.free_bytes, Some(50));
            assert_eq!(shared.name.as_deref(), Some("共有ス"));
            assert_eq!(shared.capacity_bytes, None, "unknown while not mounted");
        }
    }

    #[test]
    fn a_lost_row_shows_by_its_column() {
        let table = b"Name  Virtual Switch  Active Clients  VLAN ID\n\
            -------  --------------  --------------  -------\n";
        assert!(matches!(
            port_groups(table),
            Err(ParseError::Truncated { .. })
        ));
    }
}
