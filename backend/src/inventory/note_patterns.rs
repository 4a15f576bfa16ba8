//! Whose a VM is and when it ends, as its comment says: ESXi has no fields for either.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use regex::{Regex, RegexBuilder};

/// `owner: alice`, `担当者：山田`, at the beginning of a line or behind a comma.
pub(crate) const OWNER: &str = concat!(
    r"(?im)(?:^|[\s,;(、（])(?:owner|contact|所有者|担当者?|管理者)[^\S\n]*[:：=][^\S\n]*",
    r"([^\s,;、)）][^\n,;、)）]*?)\s*(?:[,;、)）]|$)"
);

/// `until: 2027-03-31`, `expires on 2027/3/31`, `期限：2027年3月31日`.
pub(crate) const EXPIRY: &str = concat!(
    r"(?im)(?:^|[\s,;(、（])",
    r"(?:until|expires?(?:\s+on)?|expiry(?:\s+date)?|有効期限|利用期限|期限|終了日?)\s*[:：=]?\s*",
    r"(\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2})"
);

/// The most memory that a pattern may take when it is compiled.
const MOST_BYTES: usize = 1 << 20;

/// The most characters of an owner.
const MOST_CHARACTERS: usize = 100;

/// A regular expression whose first group is what it finds in a comment.
#[derive(Clone, Debug)]
pub struct NotePattern(Regex);

/// Why a text is no [`NotePattern`].
#[derive(Debug, thiserror::Error)]
pub enum NotePatternError {
    /// It is no regular expression.
    #[error("must be a regular expression: {0}")]
    Regex(#[from] regex::Error),
    /// It finds nothing to take.
    #[error("must be a regular expression with a group in brackets around the result")]
    NoGroup,
}

/// What is read out of comments, and how.
#[derive(Clone, Debug)]
pub(crate) struct NotePatterns {
    pub(crate) owner: NotePattern,
    pub(crate) expiry: NotePattern,
}

impl NotePatterns {
    /// Whose the VM with this comment is.
    pub(crate) fn owner(&self, comment: &str) -> Option<String> {
        let found = self.owner.find(comment)?;
        Some(found.chars().take(MOST_CHARACTERS).collect())
    }

    /// The last day of the VM with this comment.
    pub(crate) fn expires_on(&self, comment: &str) -> Option<NaiveDate> {
        date(self.expiry.find(comment)?)
    }
}

impl NotePattern {
    fn find<'a>(&self, comment: &'a str) -> Option<&'a str> {
        let found = self.0.captures(comment)?.get(1)?.as_str().trim();
        (!found.is_empty()).then_some(found)
    }
}

/// Year, month and day, whatever stands between them.
fn date(text: &str) -> Option<NaiveDate> {
    let mut numbers = text
        .split(|character: char| !character.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    let year = numbers.next()?.parse().ok()?;
    let month = numbers.next()?.parse().ok()?;
    let day = numbers.next()?.parse().ok()?;
    NaiveDate::from_ymd_opt(year, month, day)
}

impl FromStr for NotePattern {
    type Err = NotePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let regex = RegexBuilder::new(text).size_limit(MOST_BYTES).build()?;
        match regex.captures_len() {
            0 | 1 => Err(NotePatternError::NoGroup),
            _ => Ok(Self(regex)),
        }
    }
}

impl fmt::Display for NotePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl PartialEq for NotePattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for NotePattern {}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> NotePatterns {
        NotePatterns {
            owner: OWNER.parse().unwrap(),
            expiry: EXPIRY.parse().unwrap(),
        }
    }

    #[test]
    fn the_owner_is_read_as_people_write_it() {
        for (comment, owner) in [
            ("owner: alice", Some("alice")),
            ("Web\nOwner : Alice Smith\nsince 2020", Some("Alice Smith")),
            ("GitLab, owner: ops, until 2027-03-31", Some("ops")),
            ("test (owner=bob)", Some("bob")),
            ("担当：山田 太郎\r\n用途：試験", Some("山田 太郎")),
            ("所有者: 情報課、期限：2027年3月31日", Some("情報課")),
            ("CONTACT: ops@example.org", Some("ops@example.org")),
            ("the owner is unknown", None),
            ("co-owner: carol", None),
            ("owner:", None),
            ("owner:  \nnext line", None),
            ("", None),
        ] {
            let found = usual().owner(comment);
            assert_eq!(found.as_deref(), owner, "{comment:?}");
        }
        assert_eq!(
            usual().owner(&format!("owner: {}", "x".repeat(1000))),
            Some("x".repeat(100))
        );
    }

    #[test]
    fn the_last_day_is_read_as_people_write_it() {
        for (comment, day) in [
            ("until: 2027-03-31", Some("2027-03-31")),
            ("x, Until 2027/3/1", Some("2027-03-01")),
            ("expires on 2027.12.24", Some("2027-12-24")),
            ("有効期限：2027年3月31日まで", Some("2027-03-31")),
            ("期限 2027-3-31", Some("2027-03-31")),
            ("until: 2027-02-30", None),
            ("until: tomorrow", None),
            ("installed 2020-01-01", None),
        ] {
            let found = usual().expires_on(comment).map(|day| day.to_string());
            assert_eq!(found.as_deref(), day, "{comment:?}");
        }
    }

    #[test]
    fn a_pattern_has_a_group() {
        assert!("team (\\w+)".parse::<NotePattern>().is_ok());
        for bad in ["", "owner", "(", "(?:a)"] {
            assert!(bad.parse::<NotePattern>().is_err(), "{bad}");
        }
    }
}
