//! The lines of the history that the page has loaded.

use chrono::NaiveDate;
use ecoman_api::{HistoryItem, HistoryPage};

/// Lines that were loaded, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The lines.
    pub items: Vec<HistoryItem>,
    /// Where the older ones begin; `None`: all are here.
    pub older: Option<String>,
}

impl History {
    /// Takes the newest lines, loaded again. The older ones stay, unless there may be others between
    /// them and these.
    pub fn take_newest(&mut self, page: HistoryPage) {
        let Some(oldest) = page.items.last().map(|item| item.id) else {
            if page.next_page.is_none() {
                *self = Self::default();
            }
            return;
        };
        let overlap = self.items.first().is_some_and(|item| item.id >= oldest);
        if page.next_page.is_none() || !overlap {
            self.items = page.items;
            self.older = page.next_page;
            return;
        }
        // A line may have gone from among them: that of an address that has changed once more.
        self.items.retain(|item| item.id < oldest);
        self.items.splice(0..0, page.items);
    }

    /// Takes a page of older ones.
    pub fn take_older(&mut self, page: HistoryPage) {
        let oldest = self.items.last().map(|item| item.id);
        let is_older = |item: &HistoryItem| oldest.is_none_or(|oldest| item.id < oldest);
        self.items.extend(page.items.into_iter().filter(is_older));
        self.older = page.next_page;
    }

    /// How many lines of a page are newer than all that are here.
    pub fn count_newer(&self, page: &HistoryPage) -> usize {
        let newest = self.items.first().map(|item| item.id);
        let newer = page.items.iter().filter(|item| Some(item.id) > newest);
        newer.count()
    }

    /// The lines, and before the first one of each day the day. `day`: on which one a line is.
    pub fn by_day(&self, day: impl Fn(&HistoryItem) -> NaiveDate) -> Vec<Line<'_>> {
        let mut lines = Vec::with_capacity(self.items.len() + 8);
        let mut last = None;
        for item in &self.items {
            let day = day(item);
            if last.replace(day) != Some(day) {
                lines.push(Line::Day(day));
            }
            lines.push(Line::Item(item));
        }
        lines
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line<'a> {
    /// A day begins.
    Day(NaiveDate),
    /// A line of the history.
    Item(&'a HistoryItem),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: u128) -> HistoryItem {
        serde_json::from_value(serde_json::json!({
            "id": format!("{number:032x}"), "at": format!("2026-11-{:02}T12:00:00Z", number / 2 + 1),
            "kind": "power", "text": "Powered on", "node": "hoge", "vm": null, "before": null,
            "after": null, "times": 1, "initiator": "outside", "user": null, "task": null,
        }))
        .expect("a line")
    }

    fn page(numbers: &[u128], next: Option<&str>) -> HistoryPage {
        HistoryPage {
            items: numbers.iter().copied().map(item).collect(),
            next_page: next.map(str::to_owned),
        }
    }

    fn numbers(history: &History) -> Vec<u128> {
        history.items.iter().map(|item| item.id.as_u128()).collect()
    }

    #[test]
    fn new_lines_come_on_top_and_older_ones_stay() {
        let mut history = History::default();
        history.take_newest(page(&[9, 8, 7], Some("6")));
        history.take_older(page(&[6, 5, 4], Some("3")));
        assert_eq!(history.count_newer(&page(&[11, 10, 9], Some("8"))), 2);
        history.take_newest(page(&[11, 10, 9], Some("8")));
        assert_eq!(numbers(&history), [11, 10, 9, 8, 7, 6, 5, 4]);
        assert_eq!(history.older.as_deref(), Some("3"));
        // 10 is another one by now.
        history.take_newest(page(&[12, 11, 9], Some("8")));
        assert_eq!(numbers(&history), [12, 11, 9, 8, 7, 6, 5, 4]);
        // What came twice stands there once.
        history.take_older(page(&[4, 3], None));
        assert_eq!(numbers(&history), [12, 11, 9, 8, 7, 6, 5, 4, 3]);
        assert_eq!(history.older, None);
    }

    #[test]
    fn nothing_is_left_out_between_new_and_old_ones() {
        let mut history = History::default();
        history.take_newest(page(&[3, 2, 1], None));
        history.take_newest(page(&[9, 8, 7], Some("6")));
        assert_eq!(numbers(&history), [9, 8, 7]);
        assert_eq!(history.older.as_deref(), Some("6"));
        // A search that has found nothing so far says nothing of what is here.
        history.take_newest(page(&[], Some("2")));
        assert_eq!(numbers(&history), [9, 8, 7]);
        history.take_newest(page(&[], None));
        assert_eq!(history, History::default());
    }

    #[test]
    fn each_day_stands_above_its_lines() {
        let mut history = History::default();
        history.take_newest(page(&[3, 2, 1], None));
        let days: Vec<_> = history
            .by_day(|item| item.at.date_naive())
            .into_iter()
            .map(|line| match line {
                Line::Day(day) => crate::history_filter::written(day),
                Line::Item(item) => item.id.as_u128().to_string(),
            })
            .collect();
        assert_eq!(days, ["2026-11-02", "3", "2", "2026-11-01", "1"]);
    }
}
