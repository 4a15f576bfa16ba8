//! What a term asks of a VM.

use std::net::IpAddr;

use chrono::Datelike as _;

use super::moment::Moment;
use super::searchable::{Searchable, TextField};
use crate::{Unit, Value, Vm, VmField, Word, vm_field};

/// What a term asks; where there are several values, any of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Test {
    /// Text in any of the word fields.
    Word(TextPattern),
    /// Texts in one field.
    Text(TextField, Vec<TextPattern>),
    Ip(TextField, Vec<IpPattern>),
    Words(&'static VmField, Vec<&'static Word>),
    /// Numbers, days or ages.
    Number(&'static VmField, Vec<Comparison>),
}

/// Folded text to compare with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum TextPattern {
    /// Stands somewhere in the field.
    Part(String),
    /// Is the whole field.
    Whole(String),
    /// Stand in the field in this order, with anything between them: the first at its beginning, the
    /// last at its end. There are two at least.
    Wildcard(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum IpPattern {
    /// The address as text.
    Text(TextPattern),
    /// A network: address and length of its prefix.
    Network(IpAddr, u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Comparison {
    pub(super) operator: Operator,
    /// In the smallest unit of the field: pieces, bytes, seconds, days of our era.
    pub(super) value: u64,
    /// The value counts from today.
    pub(super) from_today: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A unit and how many of the smallest it is, from small to large.
pub(super) type Units = &'static [(&'static str, u64)];

pub(super) const PIECES: Units = &[("", 1)];
pub(super) const SIZES: Units = &[
    ("B", 1),
    ("KB", 1 << 10),
    ("MB", 1 << 20),
    ("GB", 1 << 30),
    ("TB", 1 << 40),
];
pub(super) const DURATIONS: Units = &[
    ("s", 1),
    ("m", 60),
    ("h", 3600),
    ("d", 86_400),
    ("w", 604_800),
];

pub(super) const OPERATORS: [(&str, Operator); 5] = [
    // The longer ones first: `>=` begins with `>`.
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Equal),
];

/// What can be asked of the values of a field.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Parts of a text.
    Text(TextField),
    /// Parts of an address, and networks.
    Ip(TextField),
    /// Words of a closed list.
    Words(&'static [Word]),
    /// Comparisons with numbers in these units.
    Number(Units),
    /// Comparisons of the time since then, in these units.
    Age(Units),
    /// Comparisons with days.
    Date,
}

/// `None`: nothing can be asked of them.
pub(super) fn kind(field: &'static VmField) -> Option<Kind> {
    match field.unit {
        Unit::Text | Unit::Node => TextField::of(field).map(Kind::Text),
        Unit::Ip => TextField::of(field).map(Kind::Ip),
        Unit::Flag
        | Unit::Power
        | Unit::Tools
        | Unit::Resources
        | Unit::Question
        | Unit::Pending => Some(Kind::Words(field.unit.words())),
        Unit::Vmid | Unit::Count | Unit::Megahertz => Some(Kind::Number(PIECES)),
        Unit::Megabytes | Unit::Bytes => Some(Kind::Number(SIZES)),
        Unit::Seconds => Some(Kind::Number(DURATIONS)),
        Unit::Date => Some(Kind::Date),
        Unit::Time => Some(Kind::Age(DURATIONS)),
    }
}

impl Test {
    /// Whether its answer changes with the time alone.
    pub(super) fn depends_on_time(&self) -> bool {
        match self {
            Self::Number(field, comparisons) => {
                field.unit == Unit::Time || comparisons.iter().any(|wanted| wanted.from_today)
            }
            Self::Word(_) | Self::Text(..) | Self::Ip(..) | Self::Words(..) => false,
        }
    }

    pub(super) fn matches(&self, vm: &Vm, searchable: &Searchable, moment: &Moment<'_>) -> bool {
        match self {
            Self::Word(TextPattern::Part(word)) => searchable.words().contains(word.as_str()),
            Self::Word(pattern) => searchable.word_fields().any(|value| pattern.matches(value)),
            Self::Text(field, patterns) => {
                let value = searchable.field(*field);
                patterns.iter().any(|pattern| pattern.matches(value))
            }
            Self::Ip(field, patterns) => {
                let value = searchable.field(*field);
                patterns.iter().any(|pattern| match pattern {
                    IpPattern::Text(pattern) => pattern.matches(value),
                    IpPattern::Network(network, length) => value
                        .parse()
                        .is_ok_and(|address| in_network(address, *network, *length)),
                })
            }
            Self::Words(field, words) => {
                let value = field.of(vm);
                words.iter().any(|word| (word.means)(value))
            }
            Self::Number(field, comparisons) => smallest(field, vm, moment).is_some_and(|actual| {
                comparisons
                    .iter()
                    .any(|comparison| comparison.matches(actual, moment))
            }),
        }
    }
}

impl TextPattern {
    /// Whether a folded value matches; the empty one, which is unknown, matches nothing.
    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Part(part) => value.contains(part.as_str()),
            Self::Whole(whole) => value == whole,
            Self::Wildcard(pieces) => !value.is_empty() && in_order(value, pieces),
        }
    }
}

fn in_order(value: &str, pieces: &[String]) -> bool {
    let [first, between @ .., last] = pieces else {
        return false;
    };
    let Some(mut rest) = value.strip_prefix(first.as_str()) else {
        return false;
    };
    for piece in between {
        // The earliest place leaves most for the others.
        let Some((_, behind)) = rest.split_once(piece.as_str()) else {
            return false;
        };
        rest = behind;
    }
    rest.ends_with(last.as_str())
}

/// The value of a field with numbers, in the smallest of its units.
fn smallest(field: &VmField, vm: &Vm, moment: &Moment<'_>) -> Option<u128> {
    let number = match field.of(vm) {
        Value::Number(number) => number,
        Value::Time(_) if field == vm_field::observed_at => moment.seconds_since_seen(vm),
        Value::Time(time) => moment.seconds_since(time),
        Value::Date(day) => u64::try_from(day.num_days_from_ce()).ok()?,
        _ => return None,
    };
    Some(match field.unit {
        Unit::Megabytes => u128::from(number) << 20,
        _ => number.into(),
    })
}

impl Comparison {
    fn matches(self, actual: u128, moment: &Moment<'_>) -> bool {
        let from = if self.from_today { moment.today() } else { 0 };
        let value = u128::from(self.value) + u128::from(from);
        match self.operator {
            Operator::Equal => actual == value,
            Operator::Greater => actual > value,
            Operator::GreaterOrEqual => actual >= value,
            Operator::Less => actual < value,
            Operator::LessOrEqual => actual <= value,
        }
    }
}

fn in_network(address: IpAddr, network: IpAddr, length: u8) -> bool {
    // Shifting out all bits is no shift for the processor, hence `checked_shr`.
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => (address.to_bits() ^ network.to_bits())
            .checked_shr(32_u32.saturating_sub(length.into()))
            .is_none_or(|difference| difference == 0),
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits() ^ network.to_bits())
            .checked_shr(128_u32.saturating_sub(length.into()))
            .is_none_or(|difference| difference == 0),
        _ => false,
    }
}
