//! Which rows of a long list are drawn: arithmetic over equal row heights.

use std::ops::Range;

/// Rows that are drawn beyond either edge, so that a scroll finds them already there.
const OVERSCAN: usize = 4;

/// A scrolled view of a list of rows of equal height, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// Height of a row; more than 0.
    pub row_height: f64,
    /// Height of the part that shows rows.
    pub height: f64,
    /// How far the list is scrolled.
    pub top: f64,
}

impl Viewport {
    /// The rows to draw out of `total`.
    pub fn rows(&self, total: usize) -> Range<usize> {
        // A list that shrank is still scrolled to where it ended before.
        let first = self.first().min(total.saturating_sub(self.whole_rows()));
        let start = first.saturating_sub(OVERSCAN);
        start..(start + self.slots()).min(total)
    }

    /// How many rows are drawn at most: as many as are seen at once, and the overscan.
    pub fn slots(&self) -> usize {
        self.whole_rows() + 2 + 2 * OVERSCAN
    }

    /// How many rows fit in whole: what Page Down moves by. At least one.
    pub fn whole_rows(&self) -> usize {
        count(self.height / self.row_height).max(1)
    }

    /// The first row that is seen, in part at least.
    pub fn first(&self) -> usize {
        count(self.top / self.row_height)
    }

    /// Where to scroll to so that row `index` is seen in whole; `None`: it is already.
    pub fn reveal(&self, index: usize) -> Option<f64> {
        let top = offset(index, self.row_height);
        let bottom = top + self.row_height;
        if top < self.top {
            Some(top)
        } else if bottom > self.top + self.height {
            Some((bottom - self.height).max(0.0))
        } else {
            None
        }
    }
}

/// The row that slot `nth` of `slots` shows when the drawn rows begin at `start`. A row keeps its
/// slot for as long as it is drawn, so that a scroll by one row changes one slot.
pub fn row_in_slot(nth: usize, slots: usize, start: usize) -> usize {
    let slots = slots.max(1);
    start + (nth + slots - start % slots) % slots
}

/// Where row `index` begins.
pub fn offset(index: usize, row_height: f64) -> f64 {
    // Exact: no list has 2^53 rows.
    index as f64 * row_height
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates, and a fraction of a row is no row"
)]
fn count(rows: f64) -> usize {
    rows.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(top: f64) -> Viewport {
        Viewport {
            row_height: 10.0,
            height: 95.0,
            top,
        }
    }

    #[test]
    fn every_row_that_is_seen_is_drawn_and_few_others() {
        for top in 0..1000_usize {
            let view = at(top as f64);
            let rows = view.rows(100);
            assert!(rows.len() <= view.slots());
            assert!(rows.start * 10 <= top || rows.end == 100, "{top}: {rows:?}");
            let seen_end = (top + 95).div_ceil(10).min(100);
            assert!(rows.end >= seen_end, "{top}: {rows:?}");
        }
    }

    #[test]
    fn a_short_list_is_drawn_in_whole() {
        assert_eq!(at(0.0).rows(3), 0..3);
        assert_eq!(at(0.0).rows(0), 0..0);
    }

    #[test]
    fn a_list_that_shrank_below_the_scroll_position_still_draws_its_end() {
        assert_eq!(at(5000.0).rows(12), 0..12);
        let rows = at(5000.0).rows(40);
        assert_eq!(rows.end, 40);
        assert!(rows.contains(&31));
    }

    #[test]
    fn a_view_without_a_size_draws_little_and_does_not_fail() {
        let view = Viewport {
            row_height: 10.0,
            height: 0.0,
            top: f64::NAN,
        };
        assert!(view.rows(1000).len() <= 2 * OVERSCAN + 3);
    }

    #[test]
    fn a_row_keeps_its_slot_while_it_is_drawn() {
        for start in 0..50 {
            let mut rows: Vec<_> = (0..7).map(|nth| row_in_slot(nth, 7, start)).collect();
            for (nth, row) in rows.iter().enumerate() {
                assert_eq!(row % 7, nth);
            }
            rows.sort_unstable();
            assert_eq!(rows, (start..start + 7).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_row_is_revealed_by_the_shortest_way() {
        assert_eq!(at(50.0).reveal(4), Some(40.0));
        assert_eq!(at(50.0).reveal(5), None);
        assert_eq!(at(50.0).reveal(13), None);
        assert_eq!(at(50.0).reveal(14), Some(55.0));
    }
}
