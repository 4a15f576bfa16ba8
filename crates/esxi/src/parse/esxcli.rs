//! What esxcli prints as a list: the ruled table for eyes, and CSV.
//!
//! esxcli goes on behind what it cannot read and says so on the same stream: before, between or
//! behind the rows. Such lines are no part of the list; they become warnings. A line that looks
//! like a row and cannot be one is an error: rows are never lost unseen.

use std::rc::Rc;

use ecoman_model::{Datastore, PortGroup};
use memchr::memchr_iter;

use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, Line, digits, line_text, plausible, words};

/// More rows than any host has volumes or port groups.
const MAX_ROWS: usize = 4096;

/// More columns than any release prints.
const MAX_COLUMNS: usize = 64;

/// A list that esxcli printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The objects, in the order of the list.
    pub rows: Vec<T>,
    /// What else was printed, a line each (what could not be read, as a rule), and what could not
    /// be read of the rows: sentences for the user.
    pub warnings: Vec<String>,
}

/// A column that a list must have.
struct Column {
    label: &'static str,
    kind: Kind,
}

/// What the cells of a column hold; it separates the rows of a table from other lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Anything, even nothing.
    Text,
    /// An absolute path.
    Path,
    /// A number or a word; never nothing.
    Word,
}

const fn column(label: &'static str, kind: Kind) -> Column {
    Column { label, kind }
}

const FILESYSTEM: [Column; 6] = [
    column("Mount Point", Kind::Path),
    column("Volume Name", Kind::Text),
    column("Mounted", Kind::Word),
    column("Type", Kind::Word),
    column("Size", Kind::Word),
    column("Free", Kind::Word),
];

const PORT_GROUP: [Column; 4] = [
    column("Name", Kind::Text),
    column("Virtual Switch", Kind::Text),
    column("Active Clients", Kind::Word),
    column("VLAN ID", Kind::Word),
];

/// Reads what `esxcli storage filesystem list` printed, as a table or, with `--formatter=csv`,
/// as CSV. The size of a volume that is not mounted is not known.
///
/// CSV that is cut between two lines looks like a shorter list.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a failure and no list; [`ParseError::Truncated`]
/// where the list is seen to be cut; [`ParseError::Unexpected`] where a line looks like a row and
/// does not fit the columns, or where there are more rows than any host has.
pub fn filesystem_list(stdout: &[u8]) -> Result<Listing<Datastore>, ParseError> {
    let input = Input::with_text("filesystem.list", stdout)?;
    let mut list = List::read(&input, &FILESYSTEM)?;
    let mut rows = Vec::with_capacity(list.rows.len());
    for row in &list.rows {
        let path = row.text("Mount Point");
        let mut odd = |column: &str, should: &str| {
            let warning = row.odd(&path, column, should);
            list.warnings.push(warning);
        };
        let accessible = row.boolean("Mounted").unwrap_or_else(|| {
            odd("Mounted", "true or false");
            false
        });
        let mut size = |column| {
            let size = row.number(column);
            if size.is_none() {
                odd(column, "a whole number");
            }
            size.and_then(plausible).filter(|_| accessible)
        };
        let capacity_bytes = size("Size");
        let free_bytes = size("Free");
        rows.push(Datastore {
            name: Some(row.text("Volume Name")).filter(|name| !name.is_empty()),
            kind: row.text("Type"),
            path,
            accessible,
            capacity_bytes,
            free_bytes,
        });
    }
    Ok(Listing {
        rows,
        warnings: list.warnings,
    })
}

/// Reads what `esxcli network vswitch standard portgroup list` printed, as a table or as CSV. A
/// port group whose numbers cannot be read is left out, with a warning.
///
/// # Errors
/// As for [`filesystem_list`].
pub fn port_groups(stdout: &[u8]) -> Result<Listing<PortGroup>, ParseError> {
    let input = Input::with_text("portgroup.list", stdout)?;
    let mut list = List::read(&input, &PORT_GROUP)?;
    let mut rows = Vec::with_capacity(list.rows.len());
    for row in &list.rows {
        let name = row.text("Name");
        let numbers = (row.number("Active Clients"), row.number("VLAN ID"));
        let (Some(active_clients), Some(vlan_id)) = numbers else {
            let column = match numbers.0 {
                None => "Active Clients",
                Some(_) => "VLAN ID",
            };
            list.warnings.push(row.odd(&name, column, "a whole number"));
            continue;
        };
        rows.push(PortGroup {
            name,
            virtual_switch: row.text("Virtual Switch"),
            active_clients,
            vlan_id,
        });
    }
    Ok(Listing {
        rows,
        warnings: list.warnings,
    })
}

/// A list of objects, and the lines around them.
struct List {
    rows: Vec<Row>,
    warnings: Vec<String>,
}

/// One object: its cells by the label of their column, less its blanks, because CSV has none
/// (`MountPoint`).
struct Row {
    labels: Rc<[String]>,
    cells: Vec<Vec<u8>>,
}

impl List {
    /// Reads a list that has these columns at least.
    fn read(input: &Input<'_>, columns: &[Column]) -> Result<Self, ParseError> {
        // Before anything is split: what is refused must cost nothing.
        if memchr_iter(b'\n', &input.bytes).count() > MAX_ROWS {
            return Err(input.unexpected(0, "the list has more lines than any host prints"));
        }
        let lines: Vec<Line<'_>> = input.lines_from(0).collect();
        for (place, line) in lines.iter().enumerate().skip(1) {
            if is_ruler(line.text)
                && let Some(header) = place.checked_sub(1).and_then(|header| lines.get(header))
                && let Some(table) = Table::of(header.text, line.text, columns)
            {
                return table.read(input, &lines, place);
            }
        }
        let wanted: Vec<String> = columns.iter().map(|column| label(column.label)).collect();
        let header = lines.iter().position(|line| {
            csv_labels(line.text).is_some_and(|labels| wanted.iter().any(|w| labels.contains(w)))
        });
        let Some(header) = header else {
            return Err(fault_reader::or_unexpected(
                input,
                "neither a table with a ruler nor CSV with these columns",
            ));
        };
        Self::of_csv(input, &lines, header, &wanted)
    }

    /// Every line ends with a comma, the header too.
    fn of_csv(
        input: &Input<'_>,
        lines: &[Line<'_>],
        header: usize,
        wanted: &[String],
    ) -> Result<Self, ParseError> {
        let line = lines.get(header).map_or(&[][..], |line| line.text);
        let start = lines.get(header).map_or(0, |line| line.start);
        let labels: Rc<[String]> = csv_labels(line).unwrap_or_default().into();
        if let Some(missing) = wanted.iter().find(|wanted| !labels.contains(wanted)) {
            return Err(input.unexpected(start, format!("the list has no column {missing}")));
        }
        if lines.last().is_some_and(|last| !last.ended) {
            return Err(input.truncated("the last line has no line end"));
        }
        let ends_with_comma = line.trim_ascii_end().ends_with(b",");
        let mut list = Self {
            rows: Vec::new(),
            warnings: Vec::new(),
        };
        for line in lines.iter().take(header) {
            list.warnings.extend(remark(line.text));
        }
        for line in lines.iter().skip(header + 1) {
            let text = line.text.trim_ascii_end();
            let cells = split_csv(text).unwrap_or_default();
            let ends_like_row = text.ends_with(b",") == ends_with_comma;
            if cells.len() == labels.len() && ends_like_row {
                list.rows.push(Row {
                    labels: Rc::clone(&labels),
                    cells,
                });
            } else if ends_like_row && ends_with_comma && cells.len() > labels.len() / 2 {
                // A row that lost or won something is no remark.
                return Err(
                    input.unexpected(line.start, "the line has not as many cells as the header")
                );
            } else {
                list.warnings.extend(remark(line.text));
            }
        }
        Ok(list)
    }
}

/// The columns of a ruled table: where the ruler's dashes are, two blanks apart; each is as wide
/// as its label or its longest value.
struct Table<'c> {
    columns: &'c [Column],
    labels: Rc<[String]>,
    places: Vec<(usize, usize)>,
    widest_labels: Vec<usize>,
}

impl<'c> Table<'c> {
    /// `None` where a column is missing: then it is another table, or none.
    fn of(header: &[u8], ruler: &[u8], columns: &'c [Column]) -> Option<Self> {
        let places = places_of(ruler);
        if places.len() > MAX_COLUMNS {
            return None;
        }
        let label_at = |&(start, end): &(usize, usize)| cell(header, start, end).trim_ascii();
        let labels: Rc<[String]> = places
            .iter()
            .map(|place| label(&String::from_utf8_lossy(label_at(place))))
            .collect();
        columns
            .iter()
            .all(|column| labels.contains(&label(column.label)))
            .then(|| Self {
                columns,
                labels,
                widest_labels: places.iter().map(|place| label_at(place).len()).collect(),
                places,
            })
    }

    fn read(
        &self,
        input: &Input<'_>,
        lines: &[Line<'_>],
        ruler: usize,
    ) -> Result<List, ParseError> {
        if lines.last().is_some_and(|last| !last.ended) {
            return Err(input.truncated("the last line has no line end"));
        }
        let body = lines.get(ruler + 1..).unwrap_or_default();
        // Columns are padded by characters or by bytes, depending on the release: the right one
        // is that which finds more rows.
        let by = |cut: Cut| -> Vec<Option<Vec<&[u8]>>> {
            body.iter()
                .map(|line| cut(line.text, &self.places).filter(|cells| self.is_row(cells)))
                .collect()
        };
        let found = |cuts: &[Option<_>]| cuts.iter().flatten().count();
        let mut cuts = by(cut_by_bytes);
        if !body.iter().all(|line| line.text.is_ascii()) {
            let by_characters = by(cut_by_characters);
            if found(&by_characters) > found(&cuts) {
                cuts = by_characters;
            }
        }
        // Where there are none, half of them may be meant for the other padding.
        if let Some((misfit, _)) = body
            .iter()
            .zip(&cuts)
            .find(|(line, cells)| cells.is_none() && self.resembles_row(line.text))
        {
            return Err(input.unexpected(misfit.start, "the row does not fit the ruler"));
        }
        self.refuse_lost_rows(input, &cuts)?;
        let around = lines.iter().take(ruler.saturating_sub(1));
        let between = body
            .iter()
            .zip(&cuts)
            .filter_map(|(line, cells)| cells.is_none().then_some(line));
        Ok(List {
            warnings: around
                .chain(between)
                .filter_map(|line| remark(line.text))
                .collect(),
            rows: cuts
                .into_iter()
                .flatten()
                .map(|cells| Row {
                    labels: Rc::clone(&self.labels),
                    cells: cells
                        .into_iter()
                        .map(|cell| cell.trim_ascii().to_vec())
                        .collect(),
                })
                .collect(),
        })
    }

    /// Whether the cells are those of a row, by what the columns hold.
    fn is_row(&self, cells: &[&[u8]]) -> bool {
        self.columns.iter().all(|column| {
            let wanted = label(column.label);
            let place = self.labels.iter().position(|label| *label == wanted);
            let cell = place.and_then(|place| cells.get(place));
            let cell = cell.map_or(&[][..], |cell| cell.trim_ascii());
            match column.kind {
                Kind::Text => true,
                Kind::Path => cell.starts_with(b"/"),
                Kind::Word => !cell.is_empty() && !cell.contains(&b' '),
            }
        })
    }

    /// Whether a line that is no row was rather meant for one: it ends with the words of the last
    /// columns as a row does, and begins where the first column may.
    fn resembles_row(&self, line: &[u8]) -> bool {
        let words = self
            .columns
            .iter()
            .rev()
            .take_while(|column| column.kind == Kind::Word)
            .count();
        let mut parts = line
            .rsplit(|&byte| byte == b' ')
            .filter(|part| !part.is_empty());
        let numbers = parts
            .by_ref()
            .take(2)
            .filter(|part| digits::<u64>(part).is_some())
            .count();
        let begins = match self.columns.first().map(|column| column.kind) {
            Some(Kind::Path) => line.starts_with(b"/"),
            _ => true,
        };
        numbers == 2 && begins && parts.count() >= words.saturating_sub(2)
    }

    fn refuse_lost_rows(
        &self,
        input: &Input<'_>,
        cuts: &[Option<Vec<&[u8]>>],
    ) -> Result<(), ParseError> {
        let rows = || cuts.iter().flatten();
        if !rows().flatten().all(|cell| cell.is_ascii()) {
            return Ok(());
        }
        for (place, &(start, end)) in self.places.iter().enumerate() {
            let longest = rows()
                .filter_map(|cells| cells.get(place))
                .map(|cell| cell.trim_ascii().len())
                .chain(self.widest_labels.get(place).copied())
                .max();
            if longest.unwrap_or(0) < end - start {
                let label = self.labels.get(place).map_or("", String::as_str);
                return Err(input.truncated(format!(
                    "the column {label} is wider than all its values, so a row is missing"
                )));
            }
        }
        Ok(())
    }
}

impl Row {
    fn cell(&self, column: &str) -> &[u8] {
        let wanted = label(column);
        let place = self.labels.iter().position(|label| *label == wanted);
        place
            .and_then(|place| self.cells.get(place))
            .map_or(&[], Vec::as_slice)
    }

    fn text(&self, column: &str) -> String {
        line_text(self.cell(column), column, &mut Vec::new())
    }

    fn number<T: std::str::FromStr>(&self, column: &str) -> Option<T> {
        digits(self.cell(column))
    }

    fn boolean(&self, column: &str) -> Option<bool> {
        match self.cell(column) {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// That a cell of the row of `name` is not what it should be.
    fn odd(&self, name: &str, column: &str, should: &str) -> String {
        let found = super::error::Excerpt::new(self.cell(column));
        format!("{name}: {column} should be {should}, but is {found}")
    }
}

/// A line that is no part of a list, as it is shown. `Errors:` alone says nothing.
fn remark(line: &[u8]) -> Option<String> {
    let text = line.trim_ascii();
    let is_heading = text.ends_with(b":") && !text.contains(&b' ');
    (!text.is_empty() && !is_heading).then(|| words(text))
}

fn is_ruler(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    text.starts_with(b"--") && text.iter().all(|byte| matches!(byte, b'-' | b' '))
}

/// From where to where the dashes of a ruler go.
fn places_of(ruler: &[u8]) -> Vec<(usize, usize)> {
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (place, &byte) in ruler.iter().enumerate() {
        if byte != b'-' {
            continue;
        }
        if let Some((_, end)) = places.last_mut().filter(|(_, end)| *end == place) {
            *end = place + 1;
        } else if places.len() > MAX_COLUMNS {
            // One more than is taken shows that there are too many.
            break;
        } else {
            places.push((place, place + 1));
        }
    }
    places
}

fn cell(line: &[u8], start: usize, end: usize) -> &[u8] {
    line.get(start..end.min(line.len())).unwrap_or_default()
}

/// A label less its blanks.
fn label(words: &str) -> String {
    words.replace(' ', "")
}

/// The labels of a line of CSV, if it may be a header.
fn csv_labels(line: &[u8]) -> Option<Vec<String>> {
    let cells = split_csv(line.trim_ascii_end())?;
    (cells.len() > 1).then(|| {
        cells
            .iter()
            .map(|cell| label(&String::from_utf8_lossy(cell)))
            .collect()
    })
}

/// The cells of a line of CSV, the empty one behind the last comma included; `None` where a quote
/// is not closed or there are more cells than columns can be.
fn split_csv(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let mut cell = Vec::new();
        if let Some(mut quoted) = rest.strip_prefix(b"\"") {
            loop {
                let quote = memchr::memchr(b'"', quoted)?;
                cell.extend_from_slice(quoted.get(..quote)?);
                quoted = quoted.get(quote + 1..)?;
                match quoted.strip_prefix(b"\"") {
                    Some(after) => {
                        cell.push(b'"');
                        quoted = after;
                    }
                    None => break,
                }
            }
            rest = quoted;
        }
        let comma = memchr::memchr(b',', rest);
        cell.extend_from_slice(rest.get(..comma.unwrap_or(rest.len()))?);
        cells.push(cell);
        match comma {
            Some(_) if cells.len() > MAX_COLUMNS => return None,
            Some(comma) => rest = rest.get(comma + 1..)?,
            None => return Some(cells),
        }
    }
}

/// A way to cut a line of a table into its cells.
type Cut = for<'l> fn(&'l [u8], &[(usize, usize)]) -> Option<Vec<&'l [u8]>>;

/// The cells of `line`; `None` where something stands between the columns or behind them.
fn cut_by_bytes<'l>(line: &'l [u8], places: &[(usize, usize)]) -> Option<Vec<&'l [u8]>> {
    let mut covered = 0;
    let mut cells = Vec::with_capacity(places.len());
    for &(start, end) in places {
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

fn cut_by_characters<'l>(line: &'l [u8], places: &[(usize, usize)]) -> Option<Vec<&'l [u8]>> {
    let text = std::str::from_utf8(line).ok()?;
    let mut starts: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
    starts.push(line.len());
    let place = |character: usize| starts.get(character).copied().unwrap_or(line.len());
    let places: Vec<_> = places
        .iter()
        .map(|&(start, end)| (place(start), place(end)))
        .collect();
    cut_by_bytes(line, &places)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "Free,MountPoint,Mounted,Size,Type,UUID,VolumeName,\n\
        50,/vmfs/volumes/a1,true,100,VMFS-6,a1,store A,\n\
        7,/vmfs/volumes/b1,true,9,NFS,b1,\"b, \"\"two\"\"\",\n";
    const TABLE: &str = "\
        Mount Point       Volume Name  UUID  Mounted  Type    Size  Free\n\
        ----------------  -----------  ----  -------  ------  ----  ----\n\
        /vmfs/volumes/a1  store A      a1       true  VMFS-6   100    50\n\
        /vmfs/volumes/b1  b, \"two\"     b1       true  NFS        9     7\n";
    const CHATTER: [&str; 5] = [
        "Errors: \n",
        "Error getting data for filesystem on '/vmfs/volumes/5f0a': Cannot open volume, skipping.\n",
        "/bin/esxcli:12: DeprecationWarning: a, b, c\n",
        "\n",
        "  File \"/bin/esxcli\", line 40\n",
    ];

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
            assert_eq!(list.warnings, Vec::<String>::new());
            let [unnamed, shared] = list.rows.as_slice() else {
                panic!("{list:?}");
            };
            assert_eq!(unnamed.name, None);
            assert_eq!(unnamed.free_bytes, Some(50));
            assert_eq!(shared.name.as_deref(), Some("共有ス"));
            assert_eq!(shared.capacity_bytes, None, "unknown while not mounted");
        }
    }

    #[test]
    fn lines_before_between_and_behind_the_rows_are_warnings() {
        for list in [CSV, TABLE] {
            let quiet = filesystem_list(list.as_bytes()).unwrap();
            assert_eq!(quiet.rows.len(), 2);
            assert_eq!(quiet.rows[1].name.as_deref(), Some("b, \"two\""));
            assert_eq!(quiet.warnings, Vec::<String>::new());
            let lines: Vec<&str> = list.split_inclusive('\n').collect();
            let head = lines.len() - 2;
            for place in [0, head, head + 1, head + 2] {
                let mut noisy: Vec<&str> = lines.clone();
                noisy.splice(place..place, CHATTER);
                let read = filesystem_list(noisy.concat().as_bytes()).unwrap();
                assert_eq!(read.rows, quiet.rows, "{noisy:?}");
                assert_eq!(read.warnings.len(), 3, "{:?}", read.warnings);
                assert!(read.warnings[0].ends_with("Cannot open volume, skipping."));
            }
        }
    }

    #[test]
    fn one_odd_cell_costs_no_row() {
        let odd = CSV.replace("50,/vmfs", "n/a,/vmfs");
        let list = filesystem_list(odd.as_bytes()).unwrap();
        assert_eq!(list.rows.len(), 2);
        assert_eq!(list.rows[0].free_bytes, None);
        assert_eq!(list.rows[0].capacity_bytes, Some(100));
        assert_eq!(
            list.warnings,
            ["/vmfs/volumes/a1: Free should be a whole number, but is \"n/a\""]
        );
        let groups =
            "Active Clients,Name,VLANID,VirtualSwitch,\n1,A,trunk,vSwitch0,\n0,B,7,vSwitch0,\n"
                .replace("Active Clients", "ActiveClients");
        let list = port_groups(groups.as_bytes()).unwrap();
        assert_eq!(list.rows.len(), 1);
        assert_eq!(
            list.warnings,
            ["A: VLAN ID should be a whole number, but is \"trunk\""]
        );
    }

    #[test]
    fn a_row_that_lost_a_cell_is_an_error_and_no_remark() {
        for broken in [
            CSV.replace("true,100,", "true,"),
            TABLE.replace("a1       true", "a1 true"),
        ] {
            let error = filesystem_list(broken.as_bytes()).unwrap_err();
            assert!(matches!(error, ParseError::Unexpected { .. }), "{error}");
        }
    }

    #[test]
    fn nothing_but_errors_is_a_failure_with_their_words() {
        let error = filesystem_list(CHATTER.concat().as_bytes()).unwrap_err();
        let fault = error.fault().expect("a fault");
        assert!(fault.sentence().ends_with("Cannot open volume, skipping."));
    }

    #[test]
    fn what_no_host_prints_is_refused_before_it_is_split() {
        let commas = format!("{}\n{}\n", ",".repeat(1_000_000), ",".repeat(1_000_000));
        assert!(filesystem_list(commas.as_bytes()).is_err());
        let rows = format!(
            "{CSV}{}",
            "1,/vmfs/volumes/x,true,2,NFS,x,x,\n".repeat(5000)
        );
        assert!(filesystem_list(rows.as_bytes()).is_err());
    }

    #[test]
    fn a_lost_row_shows_by_its_column() {
        let table = b"Name     Virtual Switch  Active Clients  VLAN ID\n\
            -------  --------------  --------------  -------\n";
        assert!(matches!(
            port_groups(table),
            Err(ParseError::Truncated { .. })
        ));
    }
}
