//! The bytes of one output, made ready to be read, and the errors that point into them.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, Utc};
use ecoman_model::marks;
use memchr::{memchr, memchr_iter, memrchr};

use super::error::{Excerpt, MAX_INPUT_BYTES, ParseError};

/// One output with the name of its command.
#[derive(Debug)]
pub(super) struct Input<'a> {
    /// The command, for error messages.
    pub(super) reading: &'static str,
    /// The output, with LF line ends.
    pub(super) bytes: Cow<'a, [u8]>,
}

/// A line without its line end, and where it starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'i> {
    pub(super) start: usize,
    pub(super) text: &'i [u8],
    /// Whether a line end follows: the last line of a cut output has none.
    pub(super) ended: bool,
}

impl<'a> Input<'a> {
    /// Takes `bytes` unless they are too many. A terminal in between turns every LF into CR LF;
    /// where the first line ends so, this is undone, which restores the very bytes that the host
    /// printed, CRs of its own included.
    pub(super) fn new(reading: &'static str, bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_INPUT_BYTES {
            return Err(ParseError::TooLong {
                reading,
                bytes: bytes.len(),
            });
        }
        // Of an editor in which somebody has kept what a host printed.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let converted = memchr(b'\n', bytes)
            .and_then(|end| bytes.get(..end))
            .is_some_and(|first| first.ends_with(b"\r"));
        let bytes = if converted {
            Cow::Owned(without_carriage_returns(bytes))
        } else {
            Cow::Borrowed(bytes)
        };
        Ok(Self { reading, bytes })
    }

    /// The same, with an error for an output without any text.
    pub(super) fn with_text(reading: &'static str, bytes: &'a [u8]) -> Result<Self, ParseError> {
        let input = Self::new(reading, bytes)?;
        if input.bytes.trim_ascii().is_empty() {
            return Err(ParseError::Empty { reading });
        }
        Ok(input)
    }

    /// The bytes from `start` to `end`; empty where there are none.
    pub(super) fn slice(&self, start: usize, end: usize) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The bytes from `start` on.
    pub(super) fn rest(&self, start: usize) -> &[u8] {
        self.bytes.get(start..).unwrap_or_default()
    }

    /// The line that starts at `start`; `None` at the end of the output.
    pub(super) fn line_at(&self, start: usize) -> Option<Line<'_>> {
        let rest = self.rest(start);
        if rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', rest);
        Some(Line {
            start,
            text: rest.get(..end.unwrap_or(rest.len())).unwrap_or_default(),
            ended: end.is_some(),
        })
    }

    /// The lines from `start` on.
    pub(super) fn lines_from(&self, start: usize) -> impl Iterator<Item = Line<'_>> {
        let mut next = start;
        std::iter::from_fn(move || {
            let line = self.line_at(next)?;
            next = line.next();
            Some(line)
        })
    }

    /// The number of the line that `offset` lies in, from 1.
    pub(super) fn line_number(&self, offset: usize) -> usize {
        1 + memchr_iter(b'\n', self.slice(0, offset.min(self.bytes.len()))).count()
    }

    /// The number of the last line.
    fn last_line_number(&self) -> usize {
        self.line_number(self.bytes.len().saturating_sub(1))
    }

    /// The output stops too early.
    pub(super) fn truncated(&self, missing: impl Into<Cow<'static, str>>) -> ParseError {
        ParseError::Truncated {
            reading: self.reading,
            line: self.last_line_number(),
            missing: missing.into(),
        }
    }

    /// The line at `offset` is not what it should be.
    pub(super) fn unexpected(
        &self,
        offset: usize,
        reason: impl Into<Cow<'static, str>>,
    ) -> ParseError {
        let start = memrchr(b'\n', self.slice(0, offset)).map_or(0, |end| end + 1);
        ParseError::Unexpected {
            reading: self.reading,
            line: self.line_number(offset),
            reason: reason.into(),
            excerpt: Excerpt::new(self.line_at(start).map_or(&[][..], |line| line.text)),
        }
    }

    /// The same; but a last line without its end was rather cut.
    pub(super) fn unexpected_or_cut(
        &self,
        line: Line<'_>,
        reason: impl Into<Cow<'static, str>>,
    ) -> ParseError {
        if line.ended {
            self.unexpected(line.start, reason)
        } else {
            self.truncated("the last line has no line end")
        }
    }

    /// From `offset` on there are two readings.
    pub(super) fn ambiguous(
        &self,
        offset: usize,
        reason: impl Into<Cow<'static, str>>,
    ) -> ParseError {
        ParseError::Ambiguous {
            reading: self.reading,
            line: self.line_number(offset),
            reason: reason.into(),
        }
    }

    /// The value at `offset` is no `expected`.
    pub(super) fn value(
        &self,
        offset: usize,
        field: impl Into<String>,
        expected: &'static str,
        found: &[u8],
    ) -> ParseError {
        ParseError::Value {
            reading: self.reading,
            line: self.line_number(offset),
            field: field.into(),
            expected,
            excerpt: Excerpt::new(found),
        }
    }
}

impl Line<'_> {
    /// Where the next line starts.
    pub(super) fn next(&self) -> usize {
        self.start + self.text.len() + usize::from(self.ended)
    }
}

/// Most characters of a text in one line. ESXi keeps less: 80 of a VM's name, 255 of a file's.
pub(super) const LINE_CHARACTERS: usize = 1024;

/// Most characters of a text of several lines, such as the note of a VM. vSphere's own clients
/// take 4096 at most; a `.vmx` that people edit may hold more.
pub(super) const BLOCK_CHARACTERS: usize = 16 * 1024;

/// Most characters of a host's own words in a message.
const WORDS_CHARACTERS: usize = 500;

/// A text in one line out of bytes, such as a name. What cannot be shown as it is (see
/// [`ecoman_model::marks`]) is marked, bytes that are not UTF-8 (an old host keeps names and notes in
/// another encoding) become U+FFFD, and what is longer than any host keeps is cut; `warnings` says
/// of which field.
pub(crate) fn line_text(
    bytes: &[u8],
    field: impl fmt::Display,
    warnings: &mut Vec<String>,
) -> String {
    shown(bytes, field, warnings, LINE_CHARACTERS, marks::in_line)
}

/// The same for a text of several lines, such as a note.
pub(crate) fn block_text(
    bytes: &[u8],
    field: impl fmt::Display,
    warnings: &mut Vec<String>,
) -> String {
    shown(bytes, field, warnings, BLOCK_CHARACTERS, marks::in_block)
}

/// A line of a host's output as part of a message.
pub(super) fn words(bytes: &[u8]) -> String {
    let bytes = bytes.trim_ascii();
    shown(
        bytes,
        "",
        &mut Vec::new(),
        WORDS_CHARACTERS,
        marks::plain_line,
    )
}

fn shown(
    bytes: &[u8],
    field: impl fmt::Display,
    warnings: &mut Vec<String>,
    most: usize,
    mark: fn(&str) -> Cow<'_, str>,
) -> String {
    // No more is looked at than can be shown: a character has four bytes at most.
    let head = bytes.get(..most * 4).unwrap_or(bytes);
    let text = match std::str::from_utf8(head) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => {
            // Where it was cut within a character, nothing is wrong with it.
            if error.error_len().is_some() || head.len() == bytes.len() {
                warnings.push(format!(
                    "{field} is not UTF-8: unreadable bytes are shown as \u{fffd}"
                ));
            }
            String::from_utf8_lossy(head)
        }
    };
    let end = text.char_indices().nth(most).map(|(end, _)| end);
    let kept = end.and_then(|end| text.get(..end)).unwrap_or(&text);
    let shown = mark(kept);
    if shown.len() != kept.len() {
        warnings.push(format!(
            "{field} contains control characters, shown as marks such as <U+001B>"
        ));
    }
    if end.is_none() && head.len() == bytes.len() {
        return shown.into_owned();
    }
    warnings.push(format!("{field} is too long: cut to {most} characters"));
    format!("{shown}…")
}

/// A number of digits only, without a sign; `None` where it is none or does not fit.
pub(crate) fn digits<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// A number that a node can mean. Above 2⁵³ it has said nothing: there is not so much of anything,
/// and JavaScript's numbers are exact up to there.
pub(crate) fn plausible(number: u64) -> Option<u64> {
    (number <= 1 << 53).then_some(number)
}

/// The years in which a host can have run: ESX is of 2001.
const PLAUSIBLE_YEARS: RangeInclusive<i32> = 2000..=2199;

/// A time: with 0 to 9 digits after the second. In years in which no host has run, as those of a
/// wrong clock (1970, 9999), nothing is said; the outer `None`: it is no time.
pub(crate) fn instant(bytes: &[u8]) -> Option<Option<DateTime<Utc>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let time = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    Some(Some(time).filter(|time| PLAUSIBLE_YEARS.contains(&time.year())))
}

/// `text` less its blanks at the end. (Blanks only: a note may well end with another white
/// space.)
pub(super) fn without_padding(text: &[u8]) -> &[u8] {
    let kept = text
        .iter()
        .rposition(|&byte| byte != b' ')
        .map_or(0, |last| last + 1);
    text.get(..kept).unwrap_or_default()
}

fn without_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(end) = memchr(b'\n', rest) {
        let (line, next) = rest.split_at(end);
        clean.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        clean.push(b'\n');
        rest = next.get(1..).unwrap_or_default();
    }
    // The CR of a line end that was cut in two.
    clean.extend_from_slice(rest.strip_suffix(b"\r").unwrap_or(rest));
    clean
}
