//! Why a text is no filter.

use crate::text::FilterFaults;
use crate::{FilterFault, TermPlace, filter_fields};

pub(super) static FILTER_FAULTS: FilterFaults = FilterFaults { sentence };

fn sentence(fault: &FilterFault) -> String {
    const QUOTES: &str = "To search for this text, use quotes";
    let text = match fault {
        FilterFault::TermMissing(TermPlace::Before(word)) => {
            return format!("a term is missing before {word}");
        }
        FilterFault::TermMissing(TermPlace::After(word @ ("!" | "-"))) => {
            return format!("a term is missing after the {word}");
        }
        FilterFault::TermMissing(TermPlace::After(word)) => {
            return format!("a term is missing after {word}");
        }
        FilterFault::DoubleNegation => "one negation is enough",
        FilterFault::NoOpenBracket => {
            "no bracket is open here; to search for a bracket, use quotes"
        }
        FilterFault::OpenBracket => "the bracket that begins here is never closed",
        FilterFault::EmptyBrackets => "there is nothing between the brackets",
        FilterFault::TooManyBrackets => "there are too many brackets within each other",
        FilterFault::NoBlankAfterBracket => "a blank is missing after the closing bracket",
        FilterFault::OpenQuote => "the quote that begins here is never closed",
        FilterFault::EmptyQuotes => "there is nothing between the quotes",
        FilterFault::NoBlankAfterQuote => "a blank is missing after the closing quote",
        FilterFault::NoCommaAfterQuote => "a blank or a comma is missing after the closing quote",
        FilterFault::ValueMissing { field } => {
            return format!("a value is missing after {field}:");
        }
        FilterFault::ValueMissingAfterComma => "a value is missing after the comma",
        FilterFault::UnknownField {
            typed,
            meant: Some(meant),
        } => return format!("unknown field {typed}. Did you mean {meant}? {QUOTES}"),
        FilterFault::UnknownField { typed, meant: None } => {
            let known: Vec<_> = filter_fields().iter().map(|field| field.name).collect();
            let known = known.join(", ");
            return format!("unknown field {typed}. Fields: {known}. {QUOTES}");
        }
        FilterFault::UnknownWord { words } => {
            return format!("must be one of {}", words.join(", "));
        }
        FilterFault::NoNetwork => {
            "a network is a whole address and the length of its prefix, as 192.0.2.0/24"
        }
        FilterFault::NoPrefixLength { most } => {
            return format!("the length of the prefix must be a number from 0 to {most}");
        }
        FilterFault::NumberMissing { example } => {
            return format!("a number is missing, as in {example}");
        }
        FilterFault::NotOnlyDigits { example } => {
            return format!("only digits can stand here, as in {example}");
        }
        FilterFault::UnitMissing { units } => {
            return format!("a unit is missing: {}", units.join(", "));
        }
        FilterFault::UnknownUnit { units } => {
            return format!("the unit must be one of {}", units.join(", "));
        }
        FilterFault::NoNumber { typed, whole: true } => {
            return format!("{typed} is no whole number");
        }
        FilterFault::NoNumber { typed, .. } => return format!("{typed} is no number"),
        FilterFault::TooLarge => "the number is too large",
        FilterFault::NoDay => {
            "a day is missing, as in expires:<2027-01-01 or, from today on, expires:<30d"
        }
    };
    text.to_owned()
}
