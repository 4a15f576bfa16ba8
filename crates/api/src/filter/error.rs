//! Why a text is no filter.

/// The text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// Where: index of the character, counted from 0; the number of characters for the end.
    pub position: usize,
    /// What is wrong there and what would be right, as a sentence.
    pub message: String,
    /// The whole text as it may have been meant, where that can be guessed.
    pub suggestion: Option<String>,
}

/// A mistake in a text, while it is read.
#[derive(Debug)]
pub(super) struct Mistake {
    position: usize,
    message: String,
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
    pub(super) fn new(position: usize, message: impl Into<String>) -> Self {
        Self {
            position,
            message: message.into(),
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
            message,
            correction,
        } = self;
        FilterError {
            position,
            message,
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
