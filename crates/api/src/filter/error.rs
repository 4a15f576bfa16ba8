//! Why a text is no filter.

/// The text is no filter. `Display` is a sentence of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Where: index of the character, counted from 0; the number of characters for the end.
    pub position: usize,
    /// What is wrong there.
    pub fault: FilterFault,
    /// The whole text as it may have been meant, where that can be guessed.
    pub suggestion: Option<String>,
}

/// What is wrong with a text that is no filter. Its sentence, with what would be right, is a text
/// ([`crate::text::FilterFaults`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterFault {
    /// A term is missing at a place.
    TermMissing(TermPlace),
    /// A term is negated twice.
    DoubleNegation,
    /// A bracket closes that none has opened.
    NoOpenBracket,
    /// A bracket is never closed.
    OpenBracket,
    /// Nothing stands between two brackets.
    EmptyBrackets,
    /// More brackets within each other than are read.
    TooManyBrackets,
    /// Something follows a closing bracket at once.
    NoBlankAfterBracket,
    /// A quote is never closed.
    OpenQuote,
    /// Nothing stands between two quotes.
    EmptyQuotes,
    /// Something follows a closing quote at once.
    NoBlankAfterQuote,
    /// The same in a list of values.
    NoCommaAfterQuote,
    /// No value stands behind a field.
    ValueMissing {
        /// The field, as it was typed.
        field: String,
    },
    /// No value stands behind a comma.
    ValueMissingAfterComma,
    /// No field has this name.
    UnknownField {
        /// What was typed.
        typed: String,
        /// The field or term that was meant, where that can be guessed.
        meant: Option<&'static str>,
    },
    /// The value is none of a closed list.
    UnknownWord {
        /// The list.
        words: Vec<&'static str>,
    },
    /// The network has no whole address.
    NoNetwork,
    /// The length of a network's prefix is none.
    NoPrefixLength {
        /// The longest.
        most: u8,
    },
    /// No number stands there.
    NumberMissing {
        /// A whole term.
        example: &'static str,
    },
    /// Something follows the digits.
    NotOnlyDigits {
        /// A whole term.
        example: &'static str,
    },
    /// No unit stands behind a number.
    UnitMissing {
        /// The units.
        units: Vec<&'static str>,
    },
    /// The unit is none of these.
    UnknownUnit {
        /// The units.
        units: Vec<&'static str>,
    },
    /// What stands there is no number.
    NoNumber {
        /// What stands there.
        typed: String,
        /// Only a whole one is a number here.
        whole: bool,
    },
    /// The number is larger than any.
    TooLarge,
    /// No day stands there.
    NoDay,
}

/// Where a term is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermPlace {
    /// Before this word.
    Before(&'static str),
    /// After this word or sign.
    After(&'static str),
}

/// A mistake in a text, while it is read.
#[derive(Debug)]
pub(super) struct Mistake {
    position: usize,
    fault: FilterFault,
    correction: Option<Correction>,
}

/// What may have been meant by the characters from `start` to before `end`.
#[derive(Debug)]
pub(super) struct Correction {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
}

impl Mistake {
    pub(super) fn new(position: usize, fault: FilterFault) -> Self {
        Self {
            position,
            fault,
            correction: None,
        }
    }

    pub(super) fn corrected(self, correction: Option<Correction>) -> Self {
        Self { correction, ..self }
    }

    /// The error of the text that it was found in.
    pub(super) fn within(self, text: &str) -> FilterError {
        let Self {
            position,
            fault,
            correction,
        } = self;
        FilterError {
            position,
            fault,
            suggestion: correction.map(|correction| correction.of(text)),
        }
    }
}

impl Correction {
    fn of(&self, text: &str) -> String {
        let before = text.chars().take(self.start);
        let behind = text.chars().skip(self.end);
        before.chain(self.text.chars()).chain(behind).collect()
    }
}
