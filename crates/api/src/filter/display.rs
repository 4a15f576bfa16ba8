//! The canonical text of a filter.

use std::fmt;

use chrono::NaiveDate;

use super::Filter;
use super::compare::{IpPattern, Kind, OPERATORS, Operator, Test, TextPattern, Units, kind};
use super::expression::Expression;
use super::value::TODAY;
use crate::VmField;

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test(test) => test.fmt(f),
            Self::Not(part) => match **part {
                Self::Test(_) => write!(f, "!{part}"),
                _ => write!(f, "!({part})"),
            },
            Self::All(parts) => write_list(f, parts, " ", |f, part| match part {
                Self::Any(_) => write!(f, "({part})"),
                _ => part.fmt(f),
            }),
            Self::Any(parts) => write_list(f, parts, " OR ", |f, part| part.fmt(f)),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(pattern) => pattern.fmt(f),
            Self::Text(field, patterns) => {
                write!(f, "{}:", field.name())?;
                write_list(f, patterns, ",", |f, pattern| pattern.fmt(f))
            }
            Self::Ip(field, patterns) => {
                write!(f, "{}:", field.name())?;
                write_list(f, patterns, ",", |f, pattern| match pattern {
                    IpPattern::Text(pattern) => pattern.fmt(f),
                    IpPattern::Network(network, length) => write!(f, "{network}/{length}"),
                })
            }
            Self::Words(field, words) => {
                write!(f, "{}:", name_of(field))?;
                write_list(f, words, ",", |f, word| f.write_str(word.text))
            }
            Self::Number(field, comparisons) => {
                let kind = kind(field);
                write!(f, "{}:", name_of(field))?;
                write_list(f, comparisons, ",", |f, comparison| {
                    f.write_str(sign_of(comparison.operator))?;
                    match kind {
                        Some(Kind::Number(units) | Kind::Age(units)) => {
                            write_number(f, units, comparison.value)
                        }
                        _ if comparison.from_today => write_days_from_today(f, comparison.value),
                        _ => write_day(f, comparison.value),
                    }
                })
            }
        }
    }
}

/// In the largest unit that it is a whole number of.
fn write_number(f: &mut fmt::Formatter<'_>, units: Units, value: u64) -> fmt::Result {
    let (unit, size) = units
        .iter()
        .rev()
        .find(|(_, size)| value != 0 && value.is_multiple_of(*size))
        .or(units.first())
        .copied()
        .unwrap_or(("", 1));
    write!(f, "{}{unit}", value / size)
}

fn write_days_from_today(f: &mut fmt::Formatter<'_>, days: u64) -> fmt::Result {
    match days {
        0 => f.write_str(TODAY),
        days => write!(f, "{days}d"),
    }
}

fn write_day(f: &mut fmt::Formatter<'_>, days: u64) -> fmt::Result {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap_or(NaiveDate::MAX);
    write!(f, "{day}")
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(text) => write_quoted(f, text),
            Self::Whole(text) => {
                f.write_str("=")?;
                write_quoted(f, text)
            }
            Self::Wildcard(pieces) => write_list(f, pieces, "*", |f, piece| match piece.as_str() {
                "" => Ok(()),
                piece => write_quoted(f, piece),
            }),
        }
    }
}

fn name_of(field: &VmField) -> &'static str {
    field.filter.map_or("", |filter| filter.name)
}

/// The sign of an operator; equality needs none.
fn sign_of(wanted: Operator) -> &'static str {
    if wanted == Operator::Equal {
        return "";
    }
    OPERATORS
        .iter()
        .find(|(_, operator)| *operator == wanted)
        .map_or("", |(sign, _)| sign)
}

fn write_list<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}

/// Always with quotes: then nothing in the text can mean anything.
fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
