//! The reference of the filter language is true: its examples are run here.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail as the test does"
)]

use ecoman_api::{Filter, Vm, filter_table};
use serde_json::{Value, json};

const REFERENCE: &str = include_str!("../../../docs/filter.md");

/// The text under a heading.
fn section(heading: &str) -> &'static str {
    let begin = format!("\n## {heading}\n");
    let (_, rest) = REFERENCE
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no section {heading}"));
    rest.split("\n## ").next().unwrap_or(rest)
}

/// The cells of the table with this header.
fn table(section: &'static str, header: &str) -> Vec<Vec<&'static str>> {
    let (_, rest) = section
        .split_once(&format!("{header}\n"))
        .unwrap_or_else(|| panic!("no table {header}"));
    rest.lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("| ")?.strip_suffix('|'))
        .map(|line| line.split(" | ").map(str::trim).collect())
        .collect()
}

fn code(cell: &'static str) -> &'static str {
    cell.strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'))
        .unwrap_or_else(|| panic!("{cell} is no code"))
}

/// The VMs that the examples are about.
fn vms() -> Vec<Vm> {
    let text = section("Examples").split("```json\n").nth(1);
    let text = text.and_then(|text| text.split("```").next());
    let vms: Vec<Value> = serde_json::from_str(text.expect("JSON")).expect("a list");
    vms.into_iter()
        .map(|said| {
            let mut vm = json!({
                "large": [], "observed_at": "2026-11-22T20:00:50Z", "stale": false
            });
            let said = said.as_object().expect("a VM").clone();
            vm.as_object_mut().expect("a VM").extend(said);
            serde_json::from_value(vm).expect("a VM")
        })
        .collect()
}

#[test]
fn every_example_finds_what_the_reference_says() {
    let vms = vms();
    let now = "2026-11-22T20:01:00Z".parse().expect("a time");
    let examples = table(section("Examples"), "| filter | finds |");
    assert!(examples.len() > 30, "{} examples", examples.len());
    for example in examples {
        let filter = code(example[0]);
        let expected = example.get(1).copied().unwrap_or_default();
        let found: Vec<_> = vms
            .iter()
            .filter(|vm| Filter::parse(filter).expect(filter).matches(vm, now))
            .map(|vm| format!("{}/{}", vm.node, vm.vmid))
            .collect();
        assert_eq!(found.join(", "), expected, "{filter}");
    }
}

#[test]
fn every_term_of_the_reference_is_one() {
    for term in table(section("Terms"), "| term | matches |") {
        Filter::parse(code(term[0])).expect(term[0]);
    }
}

/// With `UPDATE_DOCS` in the environment it writes the table instead.
#[test]
fn the_reference_lists_every_field() {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/filter.md");
    let table = filter_table();
    let (before, rest) = REFERENCE.split_once("\n## Fields\n\n").expect("a section");
    let (listed, behind) = rest.split_once("\n\n").expect("text behind the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = format!("{before}\n## Fields\n\n{table}\n{behind}");
        std::fs::write(FILE, text).expect("written");
    } else {
        assert_eq!(
            listed,
            table.trim_end(),
            "docs/filter.md is not up to date: UPDATE_DOCS=1 cargo test -p ecoman-api --test \
             filter_reference"
        );
    }
}

#[test]
fn every_mistake_is_reported_as_the_reference_says() {
    let mistakes = table(section("Mistakes"), "| filter | says |");
    assert!(mistakes.len() > 10, "{} mistakes", mistakes.len());
    for mistake in mistakes {
        let filter = code(mistake[0]);
        let error = Filter::parse(filter).expect_err(filter);
        let said = format!("character {}: {error}", error.position + 1);
        assert_eq!(said, mistake[1], "{filter}");
    }
}
