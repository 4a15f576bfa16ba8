//! Which language a person reads.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

use super::{EN, JA, Texts};
use crate::FilterError;

/// A language that all texts are there in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

/// The text names no language that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be en or ja, or empty for that of the browser")]
pub struct LanguageError;

/// The cookie in which a browser keeps the language that its user has chosen.
pub const LANGUAGE_COOKIE: &str = "ecoman_language";

thread_local! {
    static SPOKEN: Cell<Texts> = const { Cell::new(EN) };
}

/// The texts in which errors are written: English, but within [`Language::speak`].
#[must_use]
pub fn spoken() -> Texts {
    SPOKEN.get()
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// Its tag (RFC 5646).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// Its own name for itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Japanese => "日本語",
        }
    }

    /// The texts.
    #[must_use]
    pub const fn texts(self) -> Texts {
        match self {
            Self::English => EN,
            Self::Japanese => JA,
        }
    }

    /// Runs `write`, in which errors print their texts in this language: `Display` takes no argument.
    pub fn speak<T>(self, write: impl FnOnce() -> T) -> T {
        struct Before(Texts);
        impl Drop for Before {
            fn drop(&mut self) {
                SPOKEN.set(self.0);
            }
        }
        let _before = Before(SPOKEN.replace(self.texts()));
        write()
    }

    /// The one that an `Accept-Language` header (RFC 9110, 12.5.4) likes best, the first of equals.
    /// `None`: it names no known one.
    #[must_use]
    pub fn accepted(header: &str) -> Option<Self> {
        header
            .split(',')
            .filter_map(|range| {
                let mut parts = range.split(';');
                let language = parts.next()?.trim().split('-').next()?.parse().ok()?;
                let weight = parts.find_map(|part| part.trim().strip_prefix("q="));
                let weight: f32 = weight.map_or(Some(1.0), |weight| weight.trim().parse().ok())?;
                (weight > 0.0).then_some((language, weight))
            })
            .reduce(|best, other| if other.1 > best.1 { other } else { best })
            .map(|(language, _)| language)
    }
}

// Here, since the language of filters lies below the texts about it.
impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&(spoken().filter_faults.sentence)(&self.fault))
    }
}

impl std::error::Error for FilterError {}

impl FromStr for Language {
    type Err = LanguageError;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|language| language.tag().eq_ignore_ascii_case(tag))
            .ok_or(LanguageError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best_is_taken() {
        use Language::{English, Japanese};
        for (header, expected) in [
            ("ja,en-US;q=0.9,en;q=0.8", Some(Japanese)),
            ("ja-JP", Some(Japanese)),
            ("JA", Some(Japanese)),
            ("en-US,en;q=0.9,ja;q=0.8", Some(English)),
            ("de,ja;q=0.5,en;q=0.4", Some(Japanese)),
            ("en;q=0.1, ja ; q=0.2", Some(Japanese)),
            ("ja;q=0,en;q=0.1", Some(English)),
            ("ja;q=much", None),
            ("de-DE,de", None),
            ("*", None),
            ("", None),
            ("jam", None),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }

    #[test]
    fn errors_are_written_in_the_language_of_the_reader_and_in_english_otherwise() {
        let title = || (spoken().problems.title)(crate::ProblemKind::NotFound);
        let english = title();
        let japanese = Language::Japanese.speak(|| {
            assert_eq!(Language::English.speak(title), english);
            title()
        });
        assert_eq!(japanese, "見つかりません");
        assert_eq!(title(), english);
        let panicked = std::panic::catch_unwind(|| Language::Japanese.speak(|| panic!("so")));
        assert!(panicked.is_err());
        assert_eq!(title(), english);
    }
}
