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

    fn mistake(&self, offset: usize, fault: FilterFault) -> Mistake {
        let signs = usize::from(self.is_quoted) + usize::from(self.is_whole);
        Mistake::new(self.start + signs + offset, fault)
    }

    /// The same with `text` in its place.
    fn corrected(&self, text: String) -> Correction {
        Correction {
            start: self.start,
            end: self.end,
            text,
        }
    }
}

pub(super) fn one_of(words: &'static [Word], value: &Value) -> Result<&'static Word, Mistake> {
    let typed = value.text.to_lowercase().replace('-', "_");
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
    let (operator, rest) = operator(&value.text);
    // Operators are ASCII, so that bytes are characters up to here.
    let number_at = value.text.len() - rest.len();
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
        let unit = usual_unit(units).filter(|_| unit.is_empty());
        let correction = unit.map(|unit| {
            let sign = if value.is_whole { "=" } else { "" };
            value.corrected(format!("{sign}{}{unit}", value.text))
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
    Ok(Comparison { operator, value })
}

pub(super) fn date_comparison(value: &Value) -> Result<Comparison, Mistake> {
    let (operator, rest) = operator(&value.text);
    let days = NaiveDate::parse_from_str(rest, "%Y-%m-%d")
        .ok()
        .and_then(|day| u64::try_from(day.num_days_from_ce()).ok());
    let value = days.ok_or_else(|| {
        let place = value.text.len() - rest.len();
        value.mistake(place, FilterFault::NoDay)
    })?;
    Ok(Comparison { operator, value })
}

/// The operator that a value begins with, and what stands behind it.
fn operator(text: &str) -> (Operator, &str) {
    OPERATORS
        .iter()
        .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)))
        .unwrap_or((Operator::Equal, text))
}

/// The unit that people leave out.
fn usual_unit(units: Units) -> Option<&'static str> {
    ["GB", "d"]
        .into_iter()
        .find(|usual| units.iter().any(|(name, _)| name == usual))
}

/// Whether a unit was typed. A size may do without its `B`, or have the `iB` of the units that
/// always count by 1024.
fn is_unit(name: &str, typed: &str) -> bool {
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
