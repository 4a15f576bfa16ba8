//! Tables as CSV (RFC 4180), for scripts and spreadsheets: written as they are sent, some
//! kilobytes at a time.
//!
//! Lines end in CR LF, the first one names the columns, and what is unknown is an empty cell.
//! Texts that a spreadsheet would take for a formula get a `'` in front.

use std::io;
use std::ops::Deref;

use ::csv::{Terminator, Writer, WriterBuilder};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};

/// Media type of what is made here.
pub(crate) const TEXT_CSV: &str = "text/csv; charset=utf-8; header=present";

/// `Content-Disposition` of a table of `what`, which browsers save under this name.
pub(crate) fn attachment(what: &str, day: DateTime<Utc>) -> String {
    format!(
        "attachment; filename=\"ecoman-{what}-{}.csv\"",
        day.format("%Y-%m-%d")
    )
}

/// How much is put together at once; as for the chunks of a list as JSON, this bounds what a slow
/// client costs.
const CHUNK_BYTES: usize = 16 * 1024;

/// A column of a table of `T`s.
pub(crate) trait Column<T> {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What stands in it.
    fn cell<'a>(&self, record: &'a T) -> Cell<'a>;
}

/// A column: its name, and what stands in it.
pub(crate) type NamedColumn<T> = (&'static str, fn(&T) -> Cell<'_>);

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// Unknown.
    Empty,
    /// Written by people or by what they run, so it may look like a formula.
    Text(&'a str),
    /// A number, a time or one of our words.
    Plain(String),
}

/// A part of a table, the first one with its header.
///
/// # Errors
///
/// None: it is written into memory.
pub(crate) fn part<T>(columns: &[impl Column<T>], first: bool, records: &[T]) -> io::Result<Bytes> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    if first {
        writer.write_record(columns.iter().map(Column::name))?;
    }
    for record in records {
        write_record(columns, record, &mut writer)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(bytes.into())
}

/// The table, piece by piece.
pub(crate) fn chunks<T: 'static, R: Deref<Target: AsRef<T>>>(
    columns: &'static [impl Column<T> + Sync],
    records: impl Iterator<Item = R> + Send + 'static,
) -> impl Iterator<Item = io::Result<Bytes>> + Send + 'static {
    let mut records = records.fuse();
    let mut header = true;
    std::iter::from_fn(move || {
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .from_writer(Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4));
        let written = fill(columns, &mut records, &mut header, &mut writer);
        let chunk = written.and_then(|()| writer.into_inner().map_err(|error| error.into_error()));
        match chunk {
            Ok(chunk) if chunk.is_empty() => None,
            chunk => Some(chunk.map(Bytes::from)),
        }
    })
}

/// Writes records until there is enough for a chunk.
fn fill<T, R: Deref<Target: AsRef<T>>>(
    columns: &[impl Column<T>],
    records: &mut impl Iterator<Item = R>,
    header: &mut bool,
    writer: &mut Writer<Vec<u8>>,
) -> io::Result<()> {
    if std::mem::take(header) {
        writer.write_record(columns.iter().map(Column::name))?;
    }
    loop {
        writer.flush()?;
        if writer.get_ref().len() >= CHUNK_BYTES {
            return Ok(());
        }
        let Some(record) = records.next() else {
            return Ok(());
        };
        write_record(columns, (*record).as_ref(), writer)?;
    }
}

fn write_record<T>(
    columns: &[impl Column<T>],
    record: &T,
    writer: &mut Writer<Vec<u8>>,
) -> io::Result<()> {
    for column in columns {
        write_cell(writer, &column.cell(record))?;
    }
    writer.write_record(None::<&[u8]>)?;
    Ok(())
}

fn write_cell(writer: &mut Writer<Vec<u8>>, cell: &Cell<'_>) -> io::Result<()> {
    match cell {
        Cell::Empty => writer.write_field("")?,
        Cell::Plain(text) => writer.write_field(text)?,
        Cell::Text(text) if is_formula(text) => writer.write_field(format!("'{text}"))?,
        Cell::Text(text) => writer.write_field(text)?,
    }
    Ok(())
}

/// Whether a spreadsheet may take a text for a formula or for more than one cell: those of East
/// Asia read the wide signs likewise.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

impl<T> Column<T> for NamedColumn<T> {
    fn name(&self) -> &'static str {
        self.0
    }

    fn cell<'a>(&self, record: &'a T) -> Cell<'a> {
        (self.1)(record)
    }
}

impl From<u32> for Cell<'_> {
    fn from(number: u32) -> Self {
        Self::Plain(number.to_string())
    }
}

impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        Self::Plain(number.to_string())
    }
}

impl From<DateTime<Utc>> for Cell<'_> {
    /// As in JSON.
    fn from(time: DateTime<Utc>) -> Self {
        Self::Plain(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_reckon_with_is_text() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("'quoted", "'quoted"),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("two\nlines", "\"two\nlines\""),
            ("", ""),
        ] {
            assert_eq!(
                line(&[Cell::Text(text), "x".into()]),
                format!("{expected},x\r\n")
            );
        }
        // Our own numbers may be negative.
        assert_eq!(line(&[Cell::Plain("-1".to_owned())]), "-1\r\n");
        assert_eq!(line(&[Cell::Empty, Cell::Empty]), ",\r\n");
    }

    fn line(cells: &[Cell<'_>]) -> String {
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .from_writer(Vec::new());
        for cell in cells {
            write_cell(&mut writer, cell).expect("written");
        }
        writer.write_record(None::<&[u8]>).expect("written");
        String::from_utf8(writer.into_inner().expect("written")).expect("text")
    }
}
