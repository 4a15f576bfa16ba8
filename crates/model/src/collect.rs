//! How a node is asked: what the configuration wants, and what is done.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Which way of asking a node is wanted (`collect` in `hosts.yml`, `CRAWLER_COLLECT`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Collect {
    /// The cheapest way that has proven itself on the node.
    #[default]
    Auto,
    /// One program that reads everything from hostd at once. Where it cannot be used the node is
    /// asked with `vim-cmd`, and a warning says why.
    Read,
    /// `vim-cmd`, once for each VM.
    VimCmd,
}

/// The text is no way of asking; the message says which there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidCollect(String);

impl Collect {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Auto, "auto"),
        (Self::Read, "read"),
        (Self::VimCmd, "vim-cmd"),
    ];
}

impl FromStr for Collect {
    type Err = InvalidCollect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|(_, word)| *word == text);
        found
            .map(|(collect, _)| collect)
            .ok_or_else(|| InvalidCollect(format!("{text} must be one of auto, read and vim-cmd")))
    }
}

impl fmt::Display for Collect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.into_iter().find(|(collect, _)| collect == self);
        f.write_str(found.map_or("", |(_, word)| word))
    }
}

/// A way of asking a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// One program that reads everything from hostd at once.
    Read,
    /// `vim-cmd`, once for each VM.
    VimCmd,
}

/// How a node is asked, since when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collecting {
    /// The way.
    pub way: Way,
    /// Since when.
    // As the crawler's process knows it.
    pub since: DateTime<Utc>,
    /// Why, as a sentence.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "the node has no Python that can run the reading program")
    )]
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_written_as_it_is_read() {
        for (collect, word) in Collect::ALL {
            assert_eq!(word.parse(), Ok(collect));
            assert_eq!(collect.to_string(), word);
        }
        for text in ["", "Auto", "vim_cmd", "follow"] {
            assert!(text.parse::<Collect>().is_err(), "{text}");
        }
    }
}
