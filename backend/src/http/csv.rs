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
use ecoman_api::{AuditEntry, Vm};

/// Media type of what is made here.
pub(crate) const TEXT_CSV: &str = "text/csv; charset=utf-8; header=present";

/// How much is put together at once; as for the chunks of a list as JSON, this bounds what a slow
/// client costs.
const CHUNK_BYTES: usize = 16 * 1024;

/// A column of a table: its name, and what stands in it.
pub(crate) struct Column<T> {
    name: &'static str,
    cell: fn(&T) -> Cell<'_>,
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// Unknown.
    Empty,
    /// Written by people or by what they run, so it may look like a formula.
    Text(&'a str),
    /// A number, a time or a word of ours.
    Plain(String),
}

/// The table of VMs, with the fields of a VM in their order.
pub(crate) const VM_COLUMNS: &[Column<Vm>] = &[
    column("node", |vm| vm.node.as_str().into()),
    column("vmid", |vm| vm.vmid.into()),
    column("uuid", |vm| vm.uuid.as_deref().into()),
    column("name", |vm| vm.name.as_deref().into()),
    column("power", |vm| vm.power.as_str().into()),
    column("hostname", |vm| vm.hostname.as_deref().into()),
    column("ip_address", |vm| vm.ip_address.as_deref().into()),
    column("cpus", |vm| vm.cpus.into()),
    column("memory_mb", |vm| vm.memory_mb.into()),
    column("storage_bytes", |vm| vm.storage_bytes.into()),
    column("storage_uncommitted_bytes", |vm| {
        vm.storage_uncommitted_bytes.into()
    }),
    column("guest_os", |vm| vm.guest_os.as_deref().into()),
    column("tools_status", |vm| vm.tools_status.as_deref().into()),
    column("overall_status", |vm| vm.overall_status.as_deref().into()),
    column("connection_state", |vm| {
        vm.connection_state.as_deref().into()
    }),
    column("uptime_seconds", |vm| vm.uptime_seconds.into()),
    column("booted_at", |vm| vm.booted_at.into()),
    column("cpu_usage_mhz", |vm| vm.cpu_usage_mhz.into()),
    column("guest_memory_mb", |vm| vm.guest_memory_mb.into()),
    column("host_memory_mb", |vm| vm.host_memory_mb.into()),
    column("nic_count", |vm| vm.nic_count.into()),
    column("disk_count", |vm| vm.disk_count.into()),
    column("datastore", |vm| vm.datastore.as_deref().into()),
    column("vmx_path", |vm| vm.vmx_path.as_deref().into()),
    column("hardware_version", |vm| {
        vm.hardware_version.as_deref().into()
    }),
    column("comment", |vm| vm.comment.as_deref().into()),
    column("large", |vm| {
        let words: Vec<_> = vm.large.iter().map(|resource| resource.as_str()).collect();
        Cell::Plain(words.join(" "))
    }),
    column("observed_at", |vm| vm.observed_at.into()),
    column("stale", |vm| Cell::Plain(vm.stale.to_string())),
    column("stale_reason", |vm| vm.stale_reason.as_deref().into()),
];

/// The table of the audit log, with the fields of an entry in their order.
pub(crate) const AUDIT_COLUMNS: &[Column<AuditEntry>] = &[
    column("id", |entry| Cell::Plain(entry.id.to_string())),
    column("at", |entry| entry.at.into()),
    column("actor", |entry| entry.actor.as_deref().into()),
    column("by", |entry| entry.by.as_str().into()),
    column("token", |entry| entry.token.as_deref().into()),
    column("address", |entry| entry.address.as_deref().into()),
    column("operation", |entry| entry.operation.as_str().into()),
    column("summary", |entry| entry.summary.as_str().into()),
    column("node", |entry| entry.node.as_deref().into()),
    column("vmid", |entry| entry.vmid.into()),
    column("name", |entry| entry.name.as_deref().into()),
    column("task", |entry| match entry.task {
        Some(task) => Cell::Plain(task.to_string()),
        None => Cell::Empty,
    }),
    column("outcome", |entry| entry.outcome.as_str().into()),
    column("detail", |entry| entry.detail.as_deref().into()),
    column("request_id", |entry| entry.request_id.as_str().into()),
];

/// A part of a table, the first one with its header.
///
/// # Errors
///
/// None: it is written into memory.
pub(crate) fn part<T>(columns: &[Column<T>], first: bool, records: &[T]) -> io::Result<Bytes> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    if first {
        writer.write_record(columns.iter().map(|column| column.name))?;
    }
    for record in records {
        write_record(columns, record, &mut writer)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(bytes.into())
}

/// The table, piece by piece.
pub(crate) fn chunks<T: 'static, R: Deref<Target: AsRef<T>>>(
    columns: &'static [Column<T>],
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
    columns: &[Column<T>],
    records: &mut impl Iterator<Item = R>,
    header: &mut bool,
    writer: &mut Writer<Vec<u8>>,
) -> io::Result<()> {
    if std::mem::take(header) {
        writer.write_record(columns.iter().map(|column| column.name))?;
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
    columns: &[Column<T>],
    record: &T,
    writer: &mut Writer<Vec<u8>>,
) -> io::Result<()> {
    for column in columns {
        write_cell(writer, &(column.cell)(record))?;
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

const fn column<T>(name: &'static str, cell: fn(&T) -> Cell<'_>) -> Column<T> {
    Column { name, cell }
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
        // A number of ours may be negative.
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
