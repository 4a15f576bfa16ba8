//! The canonical text of a filter.

use std::fmt;

use super::Filter;
use super::compare::{BOOLEANS, IpPattern, LARGE, OPERATORS, Operator, POWER_STATES, TOOLS, Test};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.terms, " ", |f, term| {
            f.write_str(if term.negated { "!" } else { "" })?;
            term.test.fmt(f)
        })
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write_quoted(f, word),
            Self::Text(field, texts) => {
                write!(f, "{}:", field.name())?;
                write_list(f, texts, ",", |f, text| write_quoted(f, text))
            }
            Self::Ip(patterns) => {
                f.write_str("ip:")?;
                write_list(f, patterns, ",", |f, pattern| match pattern {
                    IpPattern::Part(text) => write_quoted(f, text),
                    IpPattern::Network(network, length) => write!(f, "{network}/{length}"),
                })
            }
            Self::Power(states) => write_words(f, "power", states, &POWER_STATES),
            Self::Tools(states) => write_words(f, "tools", states, &TOOLS),
            Self::Large(kinds) => write_words(f, "large", kinds, &LARGE),
            Self::Stale(values) => write_words(f, "stale", values, &BOOLEANS),
            Self::Number(field, comparisons) => {
                write!(f, "{}:", field.name())?;
                write_list(f, comparisons, ",", |f, comparison| {
                    let operator = match comparison.operator {
                        // Nothing stands for it already.
                        Operator::Equal => "",
                        other => word_of(&OPERATORS, &other),
                    };
                    let (unit, size) = field
                        .units()
                        .iter()
                        .rev()
                        .find(|(_, size)| {
                            comparison.value != 0 && comparison.value.is_multiple_of(*size)
                        })
                        .or(field.units().first())
                        .copied()
                        .unwrap_or(("", 1));
                    write!(f, "{operator}{}{unit}", comparison.value / size)
                })
            }
        }
    }
}

fn word_of<T: PartialEq>(words: &[(&'static str, T)], wanted: &T) -> &'static str {
    words
        .iter()
        .find(|(_, value)| value == wanted)
        .map_or("", |(word, _)| word)
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

fn write_words<T: PartialEq>(
    f: &mut fmt::Formatter<'_>,
    field: &str,
    values: &[T],
    words: &[(&'static str, T)],
) -> fmt::Result {
    write!(f, "{field}:")?;
    write_list(f, values, ",", |f, value| {
        f.write_str(word_of(words, value))
    })
}

/// Always with quotes: then nothing in the text can mean anything.
fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
