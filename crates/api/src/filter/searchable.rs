//! The texts of a VM, made ready for filters.

use super::fold::{SEPARATOR, fold};
use crate::{Unit, VM_FIELDS, Value, Vm, VmField, vm_field};

/// The texts of a VM that filters look into, made ready once for many filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searchable {
    /// The folded texts one after the other, each with a [`SEPARATOR`] behind it.
    text: Box<str>,
    /// Where each of [`TextField::ALL`] ends in `text`, its separator not included.
    ends: [usize; COUNT],
}

impl Searchable {
    /// Makes the texts of a VM ready.
    #[must_use]
    pub fn new(vm: &Vm) -> Self {
        let mut text = String::with_capacity(128);
        let ends = TextField::ALL.map(|field| {
            let start = text.len();
            // Nearly all texts are ASCII, which folds in place.
            let raw = match vm.known(field) {
                Value::Text(text) => text,
                _ => "",
            };
            if raw.is_ascii() {
                text.push_str(raw);
                if let Some(added) = text.get_mut(start..) {
                    added.make_ascii_lowercase();
                }
            } else {
                text.push_str(&fold(raw));
            }
            let end = text.len();
            text.push(SEPARATOR);
            end
        });
        Self {
            text: text.into_boxed_str(),
            ends,
        }
    }

    /// One field, folded; empty where the node did not say.
    pub(super) fn field(&self, field: TextField) -> &str {
        let TextField(place) = field;
        let end = self.ends.get(place).copied();
        let start = match place.checked_sub(1) {
            None => Some(0),
            Some(previous) => self
                .ends
                .get(previous)
                .map(|end| end + SEPARATOR.len_utf8()),
        };
        start
            .zip(end)
            .and_then(|(start, end)| self.text.get(start..end))
            .unwrap_or_default()
    }

    /// The fields that a mere word is looked for in, one by one.
    pub(super) fn word_fields(&self) -> impl Iterator<Item = &str> {
        self.words().split(SEPARATOR)
    }

    /// The fields that a mere word is looked for in.
    pub(super) fn words(&self) -> &str {
        self.ends
            .get(TextField::IN_WORDS - 1)
            .and_then(|&end| self.text.get(..end))
            .unwrap_or_default()
    }
}

/// A field with text, by its place in a [`Searchable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TextField(usize);

impl TextField {
    /// Those with `in_words` first.
    #[expect(clippy::indexing_slicing, reason = "by the compiler")]
    const ALL: [&VmField; COUNT] = {
        let mut all = [vm_field::node; COUNT];
        let mut place = 0;
        let mut in_words = true;
        loop {
            let mut rest = VM_FIELDS;
            while let [field, others @ ..] = rest {
                if is_searched(field) && field.in_words == in_words {
                    all[place] = *field;
                    place += 1;
                }
                rest = others;
            }
            if !in_words {
                break all;
            }
            in_words = false;
        }
    };
    /// How many of them have `in_words`.
    const IN_WORDS: usize = count(true);

    /// The text field that this is.
    pub(super) fn of(field: &'static VmField) -> Option<Self> {
        Self::ALL.iter().position(|known| *known == field).map(Self)
    }

    pub(super) fn name(self) -> &'static str {
        let filter = Self::ALL.get(self.0).and_then(|field| field.filter);
        filter.map_or("", |filter| filter.name)
    }
}

const COUNT: usize = count(false);

/// How many fields filters look into as text.
const fn count(only_in_words: bool) -> usize {
    let mut count = 0;
    let mut rest = VM_FIELDS;
    while let [field, others @ ..] = rest {
        if is_searched(field) && (field.in_words || !only_in_words) {
            count += 1;
        }
        rest = others;
    }
    count
}

const fn is_searched(field: &VmField) -> bool {
    field.filter.is_some() && matches!(field.unit, Unit::Text | Unit::Node | Unit::Ip)
}
