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
    /// A program that stays on the node and reads what changes when it does. Where it cannot be used
    /// the node is read once a round, else asked with `vim-cmd`, and a warning says why.
    Follow,
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
    const ALL: [(Self, &'static str); 4] = [
        (Self::Auto, "auto"),
        (Self::Follow, "follow"),
        (Self::Read, "read"),
        (Self::VimCmd, "vim-cmd"),
    ];
}

impl FromStr for Collect {
    type Err = InvalidCollect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|(_, word)| *word == text);
        found.map(|(collect, _)| collect).ok_or_else(|| {
            InvalidCollect(format!(
                "{text} must be one of auto, follow, read and vim-cmd"
            ))
        })
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
    /// A program that stays on the node, reads what changes when it does, and everything each round.
    Follow,
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
    /// What the last round cost the node; `null`: not counted.
    #[serde(default)]
    pub cost: Option<RoundCost>,
}

/// What a round cost the node, less what the node itself does to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoundCost {
    /// Commands that were run on it.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1))]
    pub commands: u64,
    /// Sign-ins to hostd among them: the host keeps two events of each.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1))]
    pub sign_ins: u64,
    /// Processor time of the reading program, in milliseconds, as far as it is known.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 40))]
    pub cpu_millis: Option<u64>,
    /// The most memory that it had at once, in KiB, likewise.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 18432))]
    pub memory_kib: Option<u64>,
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
        for text in ["", "Auto", "vim_cmd", "Follow"] {
            assert!(text.parse::<Collect>().is_err(), "{text}");
        }
    }
}
