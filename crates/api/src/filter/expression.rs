//! Terms joined by AND, OR and NOT.

use super::compare::Test;
use super::moment::Moment;
use super::searchable::Searchable;
use crate::Vm;

/// What a filter asks for. Made by [`Expression::all`], [`Expression::any`] and
/// [`Expression::negated`] alone, which keep it as short as it can be: so the same question has one
/// form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Expression {
    Test(Test),
    Not(Box<Self>),
    /// All of them, none of which is `All`.
    All(Vec<Self>),
    /// Any of them, none of which is `Any`.
    Any(Vec<Self>),
}

impl Expression {
    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts = parts.into_iter().flat_map(|part| match part {
            Self::All(parts) => parts,
            part => vec![part],
        });
        one_or(unique(parts), Self::All)
    }

    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts = parts.into_iter().flat_map(|part| match part {
            Self::Any(parts) => parts,
            part => vec![part],
        });
        one_or(unique(parts), Self::Any)
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Not(part) => *part,
            part => Self::Not(Box::new(part)),
        }
    }

    pub(super) fn matches(&self, vm: &Vm, searchable: &Searchable, moment: &Moment<'_>) -> bool {
        let matches = |part: &Self| part.matches(vm, searchable, moment);
        match self {
            Self::Test(test) => test.matches(vm, searchable, moment),
            Self::Not(part) => !matches(part),
            Self::All(parts) => parts.iter().all(matches),
            Self::Any(parts) => parts.iter().any(matches),
        }
    }

    /// Whether any of its tests is such a one.
    pub(super) fn has(&self, wanted: fn(&Test) -> bool) -> bool {
        match self {
            Self::Test(test) => wanted(test),
            Self::Not(part) => part.has(wanted),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.has(wanted)),
        }
    }
}

fn unique(parts: impl Iterator<Item = Expression>) -> Vec<Expression> {
    let mut unique = Vec::new();
    for part in parts {
        if !unique.contains(&part) {
            unique.push(part);
        }
    }
    unique
}

fn one_or(
    mut parts: Vec<Expression>,
    join: impl FnOnce(Vec<Expression>) -> Expression,
) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}
