//! How fast output of hosts becomes facts.
//!
//! `cargo bench -p ecoman-esxi --bench parse` prints divan's table and then one line per budget
//! that a script can read: `BENCH name=parse_summary value=412.0 unit=MB/s goal=200`. MB are 10⁶
//! bytes. Goals in MB/s are least values, goals in ms greatest ones.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its figures and stops when its input is wrong"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::BytesCount;
use ecoman_esxi::parse;

const SUMMARY: &[u8] = include_bytes!("../tests/data/samples/get.summary.powered-on.7.0.txt");

const NOTE_LINES: usize = 100_000;

fn main() {
    divan::main();
    let with_note = summary_with_a_note();
    let table = table_of_vms(1000);
    throughput("parse_summary", SUMMARY, 200.0, |bytes| {
        black_box(parse::summary(bytes).unwrap());
    });
    throughput("parse_summary_large_note", &with_note, 200.0, |bytes| {
        black_box(parse::summary(bytes).unwrap());
    });
    let time = best_of(|| {
        black_box(parse::getallvms(&table, b"").unwrap());
    });
    println!(
        "BENCH name=parse_getallvms_1000 value={:.3} unit=ms goal=1",
        time.as_secs_f64() * 1e3
    );
}

#[divan::bench]
fn summary(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(SUMMARY))
        .bench(|| parse::summary(black_box(SUMMARY)).unwrap());
}

#[divan::bench]
fn summary_with_a_large_note(bencher: Bencher<'_, '_>) {
    let input = summary_with_a_note();
    bencher
        .counter(BytesCount::of_slice(&input))
        .bench(|| parse::summary(black_box(&input)).unwrap());
}

#[divan::bench(args = [10, 1000])]
fn getallvms(bencher: Bencher<'_, '_>, vms: usize) {
    let input = table_of_vms(vms);
    bencher
        .counter(BytesCount::of_slice(&input))
        .bench(|| parse::getallvms(black_box(&input), b"").unwrap());
}

fn throughput(name: &str, input: &[u8], goal: f64, read: impl Fn(&[u8])) {
    let time = best_of(|| read(black_box(input)));
    let value = input.len() as f64 / 1e6 / time.as_secs_f64();
    println!("BENCH name={name} value={value:.1} unit=MB/s goal={goal}");
}

/// The time of one call: the best of 30 rounds, which other work on the machine disturbs least.
fn best_of(call: impl Fn()) -> Duration {
    let started = Instant::now();
    call();
    let once = started.elapsed().max(Duration::from_nanos(100));
    // A round takes about 10 ms.
    let calls = (Duration::from_millis(10).as_nanos() / once.as_nanos()).clamp(1, 100_000);
    let calls = u32::try_from(calls).unwrap();
    (0..30)
        .map(|_| {
            let started = Instant::now();
            for _ in 0..calls {
                call();
            }
            started.elapsed() / calls
        })
        .min()
        .unwrap()
}

/// The sample with a note of about 5 MB, quotes and imitated members in it.
fn summary_with_a_note() -> Vec<u8> {
    let note = "Owner: ops \"blue\", \n      numCpu = 4, \nmoved\n".repeat(NOTE_LINES);
    String::from_utf8(SUMMARY.to_vec())
        .unwrap()
        .replace("annotation = \"\"", &format!("annotation = \"{note}\""))
        .into_bytes()
}

/// A table as a host prints it, with names, paths and notes of usual lengths.
fn table_of_vms(vms: usize) -> Vec<u8> {
    let mut rows: Vec<[String; 6]> = (1..=vms)
        .map(|id| {
            let name = format!("server-{id:04}-{}", "x".repeat(id % 17));
            [
                id.to_string(),
                name.clone(),
                format!("[datastore{}] {name}/{name}.vmx", id % 4),
                "ubuntu64Guest".to_owned(),
                "vmx-19".to_owned(),
                if id % 3 == 0 {
                    format!("owner: team {}\nVLAN {}", id % 7, id % 40)
                } else {
                    String::new()
                },
            ]
        })
        .collect();
    rows.sort();
    let labels = ["Vmid", "Name", "File", "Guest OS", "Version", "Annotation"];
    let widths = labels.iter().enumerate().map(|(column, label)| {
        let values = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(String::len);
        values.chain([label.len()]).max().unwrap()
    });
    let widths: Vec<usize> = widths.collect();
    let mut table = String::new();
    let header = labels.iter().zip(&widths).map(|(label, &width)| {
        let before = (width - label.len()) / 2;
        format!("{:before$}{label:<rest$}", "", rest = width - before)
    });
    table.push_str(&header.collect::<Vec<_>>().join("   "));
    for row in &rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"));
        write!(table, "\n{}", cells.collect::<Vec<_>>().join("   ")).unwrap();
    }
    table.push('\n');
    table.into_bytes()
}
