//! Which VMs of the list are chosen for something to be done to them.

use std::collections::HashSet;
use std::sync::Arc;

use crate::inventory::{Row, VmKey};

/// The chosen VMs. They stay chosen while a filter hides them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    chosen: HashSet<VmKey>,
    /// The one that was chosen last: where a range begins.
    anchor: Option<VmKey>,
}

impl Selection {
    /// Whether a VM is chosen.
    pub fn has(&self, key: &VmKey) -> bool {
        self.chosen.contains(key)
    }

    /// Whether the VM of a row is chosen.
    pub fn has_row(&self, row: &Row) -> bool {
        self.has(&VmKey::of(&row.vm))
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// Turns the VM at `place` of `rows` over.
    pub fn toggle(&mut self, rows: &[Arc<Row>], place: usize) {
        let Some(key) = rows.get(place).map(|row| VmKey::of(&row.vm)) else {
            return;
        };
        if !self.chosen.remove(&key) {
            self.chosen.insert(key.clone());
        }
        self.anchor = Some(key);
    }

    /// Chooses a VM no more.
    pub fn remove(&mut self, key: &VmKey) {
        self.chosen.remove(key);
    }

    /// Makes all from the one that was turned over last to that at `place` like the former.
    pub fn extend(&mut self, rows: &[Arc<Row>], place: usize) {
        let anchor = self.anchor.as_ref();
        let from = anchor.and_then(|anchor| rows.iter().position(|row| row.is(anchor)));
        let Some((anchor, from)) = anchor.zip(from) else {
            return self.toggle(rows, place);
        };
        let chosen = self.has(anchor);
        for row in rows.iter().take(from.max(place) + 1).skip(from.min(place)) {
            let key = VmKey::of(&row.vm);
            if chosen {
                self.chosen.insert(key);
            } else {
                self.chosen.remove(&key);
            }
        }
    }

    /// Chooses all of `rows` on top or, if they are chosen already, none of them.
    pub fn toggle_all(&mut self, rows: &[Arc<Row>]) {
        let keys: Vec<_> = rows.iter().map(|row| VmKey::of(&row.vm)).collect();
        if self.has_all(rows) {
            for key in keys {
                self.chosen.remove(&key);
            }
        } else {
            self.chosen.extend(keys);
        }
    }

    /// Whether all of `rows` are chosen, of which there is one at least.
    pub fn has_all(&self, rows: &[Arc<Row>]) -> bool {
        // As a rule the first one is not.
        !rows.is_empty() && rows.iter().all(|row| self.has_row(row))
    }

    /// Chooses none.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::vm;
    use crate::inventory::VmTable;

    fn rows() -> Vec<Arc<Row>> {
        let table = VmTable::new((0..10).map(|vmid| vm("hoge", vmid)).collect());
        table.rows().to_vec()
    }

    fn chosen(selection: &Selection) -> Vec<u32> {
        let mut chosen: Vec<_> = selection.chosen.iter().map(|key| key.vmid).collect();
        chosen.sort_unstable();
        chosen
    }

    #[test]
    fn a_range_goes_from_the_last_one_to_this_one_in_either_direction() {
        let mut selection = Selection::default();
        selection.toggle(&rows(), 5);
        selection.extend(&rows(), 3);
        assert_eq!(chosen(&selection), [3, 4, 5]);
        selection.extend(&rows(), 7);
        assert_eq!(chosen(&selection), [3, 4, 5, 6, 7]);
        selection.toggle(&rows(), 4);
        selection.extend(&rows(), 6);
        assert_eq!(chosen(&selection), [3, 7]);
    }

    #[test]
    fn a_range_without_a_beginning_is_a_single_one() {
        let mut selection = Selection::default();
        selection.extend(&rows(), 3);
        assert_eq!(chosen(&selection), [3]);
        selection.extend(&rows()[4..], 1);
        assert_eq!(chosen(&selection), [3, 5]);
    }

    #[test]
    fn all_that_match_are_chosen_on_top_of_what_a_filter_hides() {
        let mut selection = Selection::default();
        selection.toggle(&rows(), 0);
        selection.toggle_all(&rows()[7..]);
        assert_eq!(chosen(&selection), [0, 7, 8, 9]);
        selection.toggle_all(&rows()[7..]);
        assert_eq!(chosen(&selection), [0]);
        assert!(!selection.has_all(&[]));
    }
}
