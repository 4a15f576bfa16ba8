//! What the guest of a VM reported last of what it does not report now.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::VmFacts;

/// What the guest reported when it last did; `None`: it reports it now, or never has. A VM that is
/// off has no address, and people look for it by the one that it had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastKnown {
    /// [`VmFacts::ip_address`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<LastValue>,
    /// [`VmFacts::hostname`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<LastValue>,
}

/// A value that was reported, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastValue {
    /// The value.
    pub value: String,
    /// When it was last seen to be true.
    pub seen_at: DateTime<Utc>,
}

impl LastKnown {
    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What to remember beside `facts`, of a VM of which `before` and `known` were recorded;
    /// `seen_at`: when `before` was last seen to be true.
    pub(crate) fn beside(
        facts: &VmFacts,
        before: &VmFacts,
        known: &Self,
        seen_at: DateTime<Utc>,
    ) -> Self {
        if !may_be_same(facts, before) {
            return Self::default();
        }
        let last = |now: &Option<String>, before: &Option<String>, known: &Option<LastValue>| {
            if now.is_some() {
                return None;
            }
            let value = before.clone();
            value
                .map(|value| LastValue { value, seen_at })
                .or_else(|| known.clone())
        };
        Self {
            ip_address: last(&facts.ip_address, &before.ip_address, &known.ip_address),
            hostname: last(&facts.hostname, &before.hostname, &known.hostname),
        }
    }
}

/// Whether both can be of one VM. Ids are not used again on a node, but the node behind a name may
/// have been exchanged.
fn may_be_same(one: &VmFacts, other: &VmFacts) -> bool {
    let differ = |one: &Option<String>, other: &Option<String>| {
        one.as_ref()
            .zip(other.as_ref())
            .map(|(one, other)| one != other)
    };
    let differ = differ(&one.uuid, &other.uuid).or_else(|| differ(&one.vmx_path, &other.vmx_path));
    !differ.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(uuid: &str, address: Option<&str>) -> VmFacts {
        VmFacts {
            uuid: Some(uuid.to_owned()),
            ip_address: address.map(str::to_owned),
            ..VmFacts::default()
        }
    }

    fn last(value: &str, seconds: i64) -> LastValue {
        LastValue {
            value: value.to_owned(),
            seen_at: at(seconds),
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap_or_default()
    }

    #[test]
    fn an_address_is_remembered_while_there_is_none() {
        let (on, off) = (facts("a", Some("192.0.2.17")), facts("a", None));
        let nothing = LastKnown::default();
        let known = LastKnown::beside(&off, &on, &nothing, at(5));
        assert_eq!(known.ip_address, Some(last("192.0.2.17", 5)));
        assert_eq!(known.hostname, None);
        // As long as it stays away, with its first time.
        assert_eq!(LastKnown::beside(&off, &off, &known, at(9)), known);
        assert_eq!(LastKnown::beside(&on, &off, &known, at(9)), nothing);
    }

    #[test]
    fn nothing_is_remembered_of_another_vm() {
        let on = facts("a", Some("192.0.2.17"));
        let other = facts("b", None);
        let known = LastKnown::beside(&other, &on, &LastKnown::default(), at(5));
        assert!(known.is_empty());
    }
}
