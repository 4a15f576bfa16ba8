//! The history.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use chrono::NaiveDate;

/// The history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryPage {
    pub history: &'static str,
    pub title_of: fn(what: &str) -> String,
    pub save_csv: &'static str,
    pub loading: &'static str,
    pub not_loaded: &'static str,
    pub none: &'static str,
    pub none_why: &'static str,
    pub no_such_line: &'static str,
    pub no_such_line_why: &'static str,
    pub whole: &'static str,
    pub older: &'static str,
    pub search_on: &'static str,
    /// Lines that have come and are not shown yet.
    pub show_new: fn(count: usize) -> String,
    /// The reader's zone, `UTC+1`, and for how long lines are kept.
    pub times_in: fn(minutes_east: i32) -> String,
    /// A day, and beside it what it is called otherwise.
    pub day: fn(day: NaiveDate, today: NaiveDate) -> (String, String),
    pub time: &'static str,
    pub vm: &'static str,
    pub node: &'static str,
    pub what: &'static str,
    pub initiator: &'static str,
    pub result: &'static str,
    pub took: &'static str,
    pub outside: &'static str,
    pub ecoman: &'static str,
    pub every_node: &'static str,
    pub search: &'static str,
    pub user: &'static str,
    pub date: &'static str,
    pub only_vm: fn(vm: &str) -> String,
    pub without_vm: &'static str,
    pub group_tasks: &'static str,
    pub group_power: &'static str,
    pub group_presence: &'static str,
    pub group_size: &'static str,
    pub group_address: &'static str,
    pub group_names: &'static str,
    pub group_nodes: &'static str,
    pub card: &'static str,
    pub card_none: &'static str,
    pub card_all: &'static str,
}
