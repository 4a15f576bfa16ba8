//! What is wrong with a field of an act.

use std::fmt;

/// What one field of an act breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// The field: `name`, `memory_mb`, ...
    pub field: &'static str,
    /// The rule, as it goes on after the field's name: `must be at least 1`.
    pub rule: String,
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.rule)
    }
}

/// The faults of fields that were checked, in their order.
pub(super) fn broken_rules<const N: usize>(
    checked: [(&'static str, Result<(), &'static str>); N],
) -> Vec<FieldFault> {
    let broken = checked.into_iter().filter_map(|(field, result)| {
        let rule = result.err()?.to_owned();
        Some(FieldFault { field, rule })
    });
    broken.collect()
}

/// Checks a field that may be left out.
pub(super) fn if_given<T>(
    value: Option<T>,
    rule: impl FnOnce(T) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    value.map_or(Ok(()), rule)
}
