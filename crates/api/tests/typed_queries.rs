//! Queries as people type them into the filter box, and what each finds among the VMs of a small
//! site.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of a test fail as the test does"
)]

use ecoman_api::{Filter, Vm};
use serde_json::{Value, json};

/// The VMs by the letter that stands for each below.
const VMS: &str = include_str!("data/typed_queries/vms.json");
/// A query, blanks, and the letters of what it finds: `-` for none, `?` and the suggestion for one
/// that is refused. The queries have no run of two blanks.
const QUERIES: &str = include_str!("data/typed_queries/queries.txt");

fn vms() -> Vec<(String, Vm)> {
    let vms: serde_json::Map<String, Value> = serde_json::from_str(VMS).expect("an object");
    vms.into_iter()
        .map(|(letter, said)| {
            let mut vm = json!({
                "vmid": 1, "large": [], "stale": false, "observed_at": "2026-11-30T11:59:30Z"
            });
            let said = said.as_object().expect("a VM").clone();
            vm.as_object_mut().expect("a VM").extend(said);
            (letter, serde_json::from_value(vm).expect("a VM"))
        })
        .collect()
}

/// What stands behind a query that does this.
fn found(query: &str, vms: &[(String, Vm)]) -> String {
    let now = "2026-11-30T12:00:00Z".parse().expect("a time");
    let filter = match Filter::parse(query) {
        Ok(filter) => filter,
        Err(error) => {
            let suggestion = error.suggestion.unwrap_or_default();
            return format!("? {suggestion}").trim_end().to_owned();
        }
    };
    let matching = vms.iter().filter(|(_, vm)| filter.matches(vm, now));
    let letters: String = matching.map(|(letter, _)| letter.as_str()).collect();
    if letters.is_empty() {
        "-".to_owned()
    } else {
        letters
    }
}

#[test]
fn every_query_finds_what_its_author_expects() {
    let vms = vms();
    let lines = QUERIES.lines().filter(|line| !line.starts_with("# "));
    let queries: Vec<_> = lines
        .filter_map(|line| line.split_once("  "))
        .map(|(query, expected)| (query, expected.trim()))
        .collect();
    assert!(queries.len() >= 60, "{} queries", queries.len());
    let wrong: Vec<_> = queries
        .into_iter()
        .map(|(query, expected)| (query, expected, found(query, &vms)))
        .filter(|(_, expected, found)| expected != found)
        .map(|(query, expected, found)| format!("{query}: {expected} expected, {found} found"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_suggestion_is_a_filter_that_finds_something() {
    let vms = vms();
    let suggestions = QUERIES.lines().filter_map(|line| line.split_once("? "));
    let mut count = 0;
    for (_, suggestion) in suggestions {
        let found = found(suggestion.trim(), &vms);
        assert!(!found.starts_with(['?', '-']), "{suggestion}: {found}");
        count += 1;
    }
    assert!(count > 0);
}
