//! Values of a term: patterns, words, networks and numbers.

use std::net::IpAddr;

use chrono::{Datelike as _, NaiveDate};

use super::compare::{Comparison, IpPattern, OPERATORS, Operator, TextPattern, Units};
use super::error::{Correction, FilterFault, Mistake};
use super::fold::fold;
use crate::Word;

/// A value as it was typed.
pub(super) struct Value {
    /// Its first character.
    pub(super) start: usize,
    /// The character behind it.
    pub(super) end: usize,
    /// It has to be the whole field: a `=` stood before it.
    is_whole: bool,
    /// It began with a quote.
    is_quoted: bool,
    /// A part of it stood in quotes.
    has_quotes: bool,
    /// As it was typed, but for quotes and `=`.
    text: String,
    /// The parts between the wildcards.
    pieces: Vec<String>,
}

impl Value {
    pub(super) fn new(start: usize, is_whole: bool) -> Self {
        Self {
            start,
            end: start,
            is_whole,
            is_quoted: false,
            has_quotes: false,
            text: String::new(),
            pieces: vec![String::new()],
        }
    }

    pub(super) fn push(&mut self, character: char) {
        self.text.push(character);
        if let Some(piece) = self.pieces.last_mut() {
            piece.push(character);
        }
    }

    pub(super) fn push_quoted(&mut self, text: &str) {
        self.is_quoted |= self.text.is_empty();
        self.has_quotes = true;
        self.text.push_str(text);
        if let Some(piece) = self.pieces.last_mut() {
            piece.push_str(text);
        }
    }

    pub(super) fn push_wildcard(&mut self) {
        self.text.push('*');
        self.pieces.push(String::new());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// As text to compare with.
    pub(super) fn pattern(&self) -> TextPattern {
        match self.pieces.as_slice() {
            [text] if self.is_whole => TextPattern::Whole(fold(text)),
            [text] => TextPattern::Part(fold(text)),
            pieces => TextPattern::Wildcard(pieces.iter().map(|piece| fold(piece)).collect()),
        }
    }

    /// The network that it is, where nothing about it says that it is a text.
    pub(super) fn network(&self) -> Option<IpPattern> {
        let is_plain = !self.has_quotes && self.text.contains('/');
        is_plain.then(|| ip_pattern(self).ok()).flatten()
    }

    /// Whether a unit can still follow.
    pub(super) fn ends_with_digit(&self) -> bool {
        !self.has_quotes && self.text.ends_with(|c| narrow(c).is_ascii_digit())
    }

    fn mistake(&self, offset: usize, fault: FilterFault) -> Mistake {
        let signs = usize::from(self.is_quoted) + usize::from(self.is_whole);
        Mistake::new(self.start + signs + offset, fault)
    }
}

pub(super) fn one_of(words: &'static [Word], value: &Value) -> Result<&'static Word, Mistake> {
    let typed = fold(&value.text);
    words
        .iter()
        .find(|word| word.is_called(&typed))
        .ok_or_else(|| {
            let words = words.iter().map(|word| word.text).collect();
            value.mistake(0, FilterFault::UnknownWord { words })
        })
}

pub(super) fn ip_pattern(value: &Value) -> Result<IpPattern, Mistake> {
    let Some((address, length)) = value.text.split_once('/') else {
        return Ok(IpPattern::Text(value.pattern()));
    };
    let no_network = |_| value.mistake(0, FilterFault::NoNetwork);
    let address: IpAddr = address.parse().map_err(no_network)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length
        .parse()
        .ok()
        .filter(|&length| length <= most)
        .ok_or_else(|| {
            let slash = value.text.chars().take_while(|&c| c != '/').count();
            value.mistake(slash + 1, FilterFault::NoPrefixLength { most })
        })?;
    Ok(IpPattern::Network(address, length))
}

pub(super) fn comparison(
    units: Units,
    example: &'static str,
    value: &Value,
) -> Result<Comparison, Mistake> {
    let text: String = value.text.chars().map(narrow).collect();
    let (operator, rest) = operator(&text);
    // Operators are ASCII, so that bytes are characters up to here.
    let number_at = text.len() - rest.len();
    let number: &str = rest
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()
        .unwrap_or_default();
    let unit = rest.strip_prefix(number).unwrap_or_default();
    if number.is_empty() {
        return Err(value.mistake(number_at, FilterFault::NumberMissing { example }));
    }
    let Some((_, size)) = units.iter().find(|(name, _)| is_unit(name, unit)) else {
        let names = units.iter().map(|(name, _)| *name).collect();
        let fault = match (units, unit) {
            ([_], _) => FilterFault::NotOnlyDigits { example },
            (_, "") => FilterFault::UnitMissing { units: names },
            _ => FilterFault::UnknownUnit { units: names },
        };
        let forgotten = unit.is_empty() && !value.has_quotes;
        let unit = usual_unit(units, number).filter(|_| forgotten);
        let correction = unit.map(|unit| Correction {
            start: value.end,
            end: value.end,
            text: unit.to_owned(),
        });
        let mistake = value.mistake(number_at + number.len(), fault);
        return Err(mistake.corrected(correction));
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_decimal = number.contains('.');
    if whole.is_empty() || is_decimal && (fraction.is_empty() || units.len() == 1) {
        let typed = number.to_owned();
        let whole = units.len() == 1;
        return Err(value.mistake(number_at, FilterFault::NoNumber { typed, whole }));
    }
    if fraction.contains('.') {
        let typed = number.to_owned();
        let whole = false;
        return Err(value.mistake(number_at, FilterFault::NoNumber { typed, whole }));
    }
    let value = scaled(whole, fraction, *size)
        .ok_or_else(|| value.mistake(number_at, FilterFault::TooLarge))?;
    Ok(Comparison {
        operator,
        value,
        from_today: false,
    })
}

/// The day that a comparison with days can name without its date.
pub(super) const TODAY: &str = "today";

pub(super) fn date_comparison(value: &Value) -> Result<Comparison, Mistake> {
    let text: String = value.text.chars().map(narrow).collect();
    let (operator, rest) = operator(&text);
    let ahead = match rest.eq_ignore_ascii_case(TODAY) {
        true => Some(0),
        false => days_ahead(rest),
    };
    let day = || {
        let day = NaiveDate::parse_from_str(&rest.replace('/', "-"), "%Y-%m-%d").ok()?;
        u64::try_from(day.num_days_from_ce()).ok()
    };
    let place = text.len() - rest.len();
    let days = ahead.or_else(day);
    let days = days.ok_or_else(|| value.mistake(place, FilterFault::NoDay))?;
    Ok(Comparison {
        operator,
        value: days,
        from_today: ahead.is_some(),
    })
}

/// `30d` or `2w` in days.
fn days_ahead(text: &str) -> Option<u64> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let (_, size) = DAYS.iter().find(|(name, _)| is_unit(name, unit))?;
    number.checked_mul(*size)
}

/// Units of days.
pub(super) const DAYS: Units = &[("d", 1), ("w", 7)];

/// A sign or letter of double width as that of ASCII.
pub(super) fn narrow(character: char) -> char {
    match u32::from(character) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(character),
        _ => character,
    }
}

/// The operator that a value begins with, and what stands behind it.
fn operator(text: &str) -> (Operator, &str) {
    OPERATORS
        .iter()
        .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)))
        .unwrap_or((Operator::Equal, text))
}

/// The unit that people leave out: who thinks in MB writes thousands.
fn usual_unit(units: Units, number: &str) -> Option<&'static str> {
    let thousands = number.parse::<u64>().is_ok_and(|number| number >= 1024);
    [if thousands { "MB" } else { "GB" }, "d"]
        .into_iter()
        .find(|usual| units.iter().any(|(name, _)| name == usual))
}

/// What people write for a unit of time, with or without an `s` behind it.
const LONG_UNITS: [(&str, &[&str]); 5] = [
    ("s", &["sec", "second", "秒"]),
    ("m", &["min", "minute", "分"]),
    ("h", &["hr", "hour", "時間"]),
    ("d", &["day", "日"]),
    ("w", &["wk", "week", "週", "週間"]),
];

/// Whether a unit was typed. A size may do without its `B`, or have the `iB` of the units that
/// always count by 1024; a time may be written out.
pub(super) fn is_unit(name: &str, typed: &str) -> bool {
    let one = typed.strip_suffix('s').unwrap_or(typed);
    let is_long = LONG_UNITS.iter().any(|(unit, long)| {
        *unit == name && long.iter().any(|long| long.eq_ignore_ascii_case(one))
    });
    if is_long {
        return true;
    }
    let prefix = name.strip_suffix('B').filter(|prefix| !prefix.is_empty());
    name.eq_ignore_ascii_case(typed)
        || prefix.is_some_and(|prefix| {
            typed.eq_ignore_ascii_case(prefix)
                || typed
                    .to_ascii_lowercase()
                    .strip_suffix("ib")
                    .is_some_and(|typed| prefix.eq_ignore_ascii_case(typed))
        })
}

/// `whole.fraction × size`, rounded down; `None` when it does not fit. Both parts are digits.
fn scaled(whole: &str, fraction: &str, size: u64) -> Option<u64> {
    let whole: u64 = whole.parse().ok()?;
    // Twelve digits resolve a byte of a terabyte.
    let digits: String = fraction.chars().take(12).collect();
    let part = if digits.is_empty() {
        0
    } else {
        let power = 10_u128.checked_pow(u32::try_from(digits.len()).ok()?)?;
        digits.parse::<u128>().ok()? * u128::from(size) / power
    };
    whole
        .checked_mul(size)?
        .checked_add(u64::try_from(part).ok()?)
}
