//! A data object of the API, whichever way it came: as a dump of `vim-cmd` or as XML of hostd.

use chrono::{DateTime, Utc};

use super::dump::Item;
use super::error::ParseError;

/// A structure whose members are asked for by name. A member that is missing, `<unset>` or null
/// is `None`; one of another kind is an error.
pub(crate) trait DataObject: Copy {
    /// The structure of this name.
    fn structure(self, name: &str) -> Result<Option<Self>, ParseError>;

    /// The elements of the array of this name; none if it is not set.
    fn elements(self, name: &str) -> Result<Vec<Self>, ParseError>;

    /// The text of this name, in one line.
    fn text(self, name: &str, warnings: &mut Vec<String>) -> Result<Option<String>, ParseError>;

    /// The text of this name, which may have several lines.
    fn block(self, name: &str, warnings: &mut Vec<String>) -> Result<Option<String>, ParseError>;

    /// The number of this name; `None` too where it is one that no node means.
    fn number<T: TryFrom<u64>>(self, name: &str) -> Result<Option<T>, ParseError>;

    /// `true` or `false`.
    fn boolean(self, name: &str) -> Result<Option<bool>, ParseError>;

    /// The time of this name; `None` too in years in which no host has run.
    fn time(self, name: &str) -> Result<Option<DateTime<Utc>>, ParseError>;

    /// The text of this name; an empty text says nothing.
    fn some_text(
        self,
        name: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Option<String>, ParseError> {
        Ok(self
            .text(name, warnings)?
            .filter(|text| !text.trim().is_empty()))
    }
}

impl DataObject for Item<'_> {
    fn structure(self, name: &str) -> Result<Option<Self>, ParseError> {
        Item::structure(self, name)
    }

    fn elements(self, name: &str) -> Result<Vec<Self>, ParseError> {
        Item::elements(self, name)
    }

    fn text(self, name: &str, warnings: &mut Vec<String>) -> Result<Option<String>, ParseError> {
        Item::text(self, name, warnings)
    }

    fn block(self, name: &str, warnings: &mut Vec<String>) -> Result<Option<String>, ParseError> {
        Item::block(self, name, warnings)
    }

    fn number<T: TryFrom<u64>>(self, name: &str) -> Result<Option<T>, ParseError> {
        Item::number(self, name)
    }

    fn boolean(self, name: &str) -> Result<Option<bool>, ParseError> {
        Item::boolean(self, name)
    }

    fn time(self, name: &str) -> Result<Option<DateTime<Utc>>, ParseError> {
        Item::time(self, name)
    }
}
