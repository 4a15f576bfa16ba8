//! The history.

use chrono::{Datelike as _, NaiveDate, Weekday};

use crate::text::deferred::HistoryPage;
use crate::text::en::format;

pub(super) const HISTORY: HistoryPage = HistoryPage {
    history: "History",
    title_of: |what| format!("{what} · History"),
    save_csv: "Download this history as CSV",
    loading: "Loading the history",
    not_loaded: "The history could not be loaded",
    none: "No entries yet",
    none_why: "Tasks and changes on the hosts outside ECoMan are recorded here.",
    no_such_line: "No matching entries",
    no_such_line_why: "Older entries have been deleted.",
    whole: "Clear filter",
    older: "Older",
    search_on: "Nothing found yet. Continue search",
    show_new: |count| format!("Show {} new", format::grouped(count as u64)),
    times_in,
    day,
    time: "Time",
    vm: "VM",
    node: "Host",
    what: "Event",
    initiator: "Initiator",
    result: "Result",
    took: "Duration",
    outside: "outside ECoMan",
    ecoman: "ECoMan",
    every_node: "All hosts",
    search: "VM, host, user or text",
    user: "User",
    date: "Day",
    only_vm: |vm| format!("VM {vm}"),
    without_vm: "Show all VMs",
    group_tasks: "Tasks",
    group_power: "Power",
    group_presence: "Appeared or removed",
    group_size: "Size",
    group_address: "Address",
    group_names: "Name or notes",
    group_nodes: "Hosts",
    card: "Tasks and events",
    card_none: "No tasks or events.",
    card_all: "All",
};

fn times_in(minutes_east: i32) -> String {
    let sign = if minutes_east < 0 { '−' } else { '+' };
    let (hours, minutes) = (minutes_east.abs() / 60, minutes_east.abs() % 60);
    match (hours, minutes) {
        (0, 0) => "Times in UTC".to_owned(),
        (_, 0) => format!("Times in UTC{sign}{hours}"),
        _ => format!("Times in UTC{sign}{hours}:{minutes:02}"),
    }
}

fn day(day: NaiveDate, today: NaiveDate) -> (String, String) {
    let date = format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
    let weekday = match day.weekday() {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    };
    if day == today {
        ("Today".to_owned(), format!("{weekday} {date}"))
    } else if Some(day) == today.pred_opt() {
        ("Yesterday".to_owned(), format!("{weekday} {date}"))
    } else {
        (weekday.to_owned(), date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_says_when_it_was() {
        let date = |day| NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
        for (number, lead, rest) in [
            (28, "Today", "Saturday 2026-11-28"),
            (27, "Yesterday", "Friday 2026-11-27"),
            (26, "Thursday", "2026-11-26"),
            // The clock of the server may be ahead.
            (29, "Sunday", "2026-11-29"),
        ] {
            let expected = (lead.to_owned(), rest.to_owned());
            assert_eq!(day(date(number), date(28)), expected);
        }
    }

    #[test]
    fn a_zone_is_written_short() {
        for (minutes, text) in [
            (0, "Times in UTC"),
            (60, "Times in UTC+1"),
            (-210, "Times in UTC−3:30"),
            (345, "Times in UTC+5:45"),
        ] {
            assert_eq!(times_in(minutes), text);
        }
    }
}
