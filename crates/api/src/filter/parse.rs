//! From text to terms.

use std::net::IpAddr;

use super::compare::{Comparison, IpPattern, Kind, OPERATORS, Operator, Term, Test, Units, kind};
use super::fold::fold;
use super::reference::{filter_fields, named};
use super::searchable::TextField;
use crate::Word;

/// The text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// Where: index of the character, counted from 0; the number of characters for the end.
    pub position: usize,
    /// What is wrong there and what would be right, as a sentence.
    pub message: String,
}

pub(super) struct Parser {
    characters: Vec<char>,
    position: usize,
}

/// A value as it was typed.
struct Value {
    start: usize,
    text: String,
    quoted: bool,
}

impl Parser {
    pub(super) fn new(text: &str) -> Self {
        Self {
            characters: text.chars().collect(),
            position: 0,
        }
    }

    pub(super) fn terms(mut self) -> Result<Vec<Term>, FilterError> {
        let mut terms = Vec::new();
        loop {
            while self.peek().is_some_and(char::is_whitespace) {
                self.position += 1;
            }
            if self.peek().is_none() {
                return Ok(terms);
            }
            let term = self.term()?;
            // Asking twice asks no more; the canonical text is shorter without.
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        let negated = self.take('!');
        if negated {
            if self.at_end_of_term() {
                return Err(self.error_here("a term is missing after the !"));
            }
            if self.peek() == Some('!') {
                return Err(self.error_here("one ! is enough"));
            }
        }
        let test = if self.peek() == Some('"') {
            let phrase = self.quoted()?;
            if !self.at_end_of_term() {
                return Err(self.error_here("a blank is missing after the closing quote"));
            }
            Test::Word(fold(&phrase.text))
        } else if let Some(field) = self.field_name() {
            let start = self.position;
            self.position += field.chars().count() + 1;
            self.field_test(start, &field)?
        } else {
            Test::Word(fold(&self.bare(false).text))
        };
        Ok(Term { negated, test })
    }

    /// The field that the term at the position begins with: letters (and `_`) up to a colon.
    /// `fe80::1` and `12:30` are words.
    fn field_name(&self) -> Option<String> {
        let rest = self.characters.get(self.position..)?;
        let term: String = rest
            .iter()
            .take_while(|character| !character.is_whitespace())
            .collect();
        let (name, _) = term.split_once(':')?;
        let is_name = name
            .chars()
            .all(|character| character.is_alphabetic() || character == '_');
        // An IPv6 address, or the beginning of one, may begin with letters alone.
        let is_address = term.matches(':').count() > 1
            && term
                .chars()
                .all(|character| character.is_ascii_hexdigit() || character == ':');
        (is_name && !name.is_empty() && !is_address).then(|| name.to_owned())
    }

    fn field_test(&mut self, start: usize, typed: &str) -> Result<Test, FilterError> {
        let name = typed.to_lowercase();
        let Some((field, kind)) = named(&name).and_then(|field| Some((field, kind(field.unit)?)))
        else {
            return Err(unknown_field(start, typed));
        };
        Ok(match kind {
            Kind::Text => {
                let Some(field) = TextField::of(field) else {
                    return Err(unknown_field(start, typed));
                };
                Test::Text(field, self.values(typed, |value| Ok(fold(&value.text)))?)
            }
            Kind::Ip => {
                let Some(field) = TextField::of(field) else {
                    return Err(unknown_field(start, typed));
                };
                Test::Ip(field, self.values(typed, ip_pattern)?)
            }
            Kind::Words(words) => {
                Test::Words(field, self.values(typed, |value| one_of(words, value))?)
            }
            Kind::Number(units) => {
                let example = field.filter.map_or("", |filter| filter.example);
                let read = |value: &Value| comparison(units, example, value);
                Test::Number(field, self.values(typed, read)?)
            }
        })
    }

    /// The values after a colon, any of which is to match.
    fn values<T: PartialEq>(
        &mut self,
        field: &str,
        read: impl Fn(&Value) -> Result<T, FilterError>,
    ) -> Result<Vec<T>, FilterError> {
        let mut values = Vec::new();
        loop {
            let value = if self.peek() == Some('"') {
                self.quoted()?
            } else {
                self.bare(true)
            };
            if value.text.is_empty() && !value.quoted {
                return Err(FilterError {
                    position: value.start,
                    message: if values.is_empty() {
                        format!("a value is missing after {field}:")
                    } else {
                        "a value is missing after the comma".to_owned()
                    },
                });
            }
            let read = read(&value)?;
            if !values.contains(&read) {
                values.push(read);
            }
            if !self.take(',') {
                break;
            }
        }
        if !self.at_end_of_term() {
            return Err(self.error_here("a blank or a comma is missing after the closing quote"));
        }
        Ok(values)
    }

    /// Text up to the next blank or, in a list, comma.
    fn bare(&mut self, in_list: bool) -> Value {
        let start = self.position;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            if character.is_whitespace() || (in_list && character == ',') {
                break;
            }
            text.push(character);
            self.position += 1;
        }
        Value {
            start,
            text,
            quoted: false,
        }
    }

    /// A text in quotes; the position is at the first of them.
    fn quoted(&mut self) -> Result<Value, FilterError> {
        let start = self.position;
        self.position += 1;
        let mut text = String::new();
        loop {
            let Some(character) = self.peek() else {
                return Err(FilterError {
                    position: start,
                    message: "the quote that begins here is never closed".to_owned(),
                });
            };
            self.position += 1;
            match character {
                '"' if text.is_empty() => {
                    return Err(FilterError {
                        position: start,
                        message: "there is nothing between the quotes".to_owned(),
                    });
                }
                '"' => {
                    return Ok(Value {
                        start,
                        text,
                        quoted: true,
                    });
                }
                '\\' => match self.peek() {
                    Some(escaped @ ('"' | '\\')) => {
                        text.push(escaped);
                        self.position += 1;
                    }
                    // A lone backslash is itself: names of Windows domains have them.
                    _ => text.push('\\'),
                },
                other => text.push(other),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.position += usize::from(found);
        found
    }

    fn at_end_of_term(&self) -> bool {
        self.peek().is_none_or(char::is_whitespace)
    }

    fn error_here(&self, message: &str) -> FilterError {
        FilterError {
            position: self.position,
            message: message.to_owned(),
        }
    }
}

impl Value {
    fn error(&self, offset: usize, message: String) -> FilterError {
        FilterError {
            position: self.start + usize::from(self.quoted) + offset,
            message,
        }
    }
}

fn unknown_field(position: usize, typed: &str) -> FilterError {
    let known: Vec<_> = filter_fields().iter().map(|field| field.name).collect();
    FilterError {
        position,
        message: format!(
            "there is no field {typed}; fields are {}. To search for the text, put it into quotes",
            known.join(", ")
        ),
    }
}

fn one_of(words: &'static [Word], value: &Value) -> Result<&'static Word, FilterError> {
    let typed = value.text.to_lowercase().replace('-', "_");
    words.iter().find(|word| word.text == typed).ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|word| word.text).collect();
        value.error(0, format!("must be one of {}", known.join(", ")))
    })
}

fn ip_pattern(value: &Value) -> Result<IpPattern, FilterError> {
    let Some((address, length)) = value.text.split_once('/') else {
        return Ok(IpPattern::Part(fold(&value.text)));
    };
    let address: IpAddr = address.parse().map_err(|_| {
        value.error(
            0,
            "a network is a whole address and the length of its prefix, as 192.0.2.0/24".to_owned(),
        )
    })?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length
        .parse()
        .ok()
        .filter(|&length| length <= most)
        .ok_or_else(|| {
            let slash = value.text.chars().take_while(|&c| c != '/').count();
            value.error(
                slash + 1,
                format!("the length of the prefix must be a number from 0 to {most}"),
            )
        })?;
    Ok(IpPattern::Network(address, length))
}

fn comparison(units: Units, example: &str, value: &Value) -> Result<Comparison, FilterError> {
    let (operator, rest) = OPERATORS
        .iter()
        .find_map(|(sign, operator)| Some((*operator, value.text.strip_prefix(sign)?)))
        .unwrap_or((Operator::Equal, &value.text));
    // Operators are ASCII, so that bytes are characters up to here.
    let number_at = value.text.len() - rest.len();
    let number: &str = rest
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()
        .unwrap_or_default();
    let unit = rest.strip_prefix(number).unwrap_or_default();
    if number.is_empty() {
        return Err(value.error(number_at, format!("a number is missing, as in {example}")));
    }
    let Some((_, size)) = units.iter().find(|(name, _)| is_unit(name, unit)) else {
        let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
        let message = match (units, unit) {
            ([_], _) => format!("only digits can stand here, as in {example}"),
            (_, "") => format!("a unit is missing: {}", names.join(", ")),
            _ => format!("the unit must be one of {}", names.join(", ")),
        };
        return Err(value.error(number_at + number.len(), message));
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_decimal = number.contains('.');
    if whole.is_empty() || is_decimal && (fraction.is_empty() || units.len() == 1) {
        let kind = if units.len() == 1 {
            "whole number"
        } else {
            "number"
        };
        return Err(value.error(number_at, format!("{number} is no {kind}")));
    }
    if fraction.contains('.') {
        return Err(value.error(number_at, format!("{number} is no number")));
    }
    let value = scaled(whole, fraction, *size)
        .ok_or_else(|| value.error(number_at, "the number is too large".to_owned()))?;
    Ok(Comparison { operator, value })
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
