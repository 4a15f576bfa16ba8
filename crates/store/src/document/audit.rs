//! How the audit log is written down.

use std::net::{AddrParseError, IpAddr};

use chrono::{Datelike, SecondsFormat};
use ecoman_model::{
    Actor, AuditEntry, AuditOutcome, Authentication, NodeName, TaskId, Timestamp, Vmid,
};
use serde::{Deserialize, Serialize};

use super::task::UuidDocument;

/// An entry of the audit log as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditDocument {
    id: UuidDocument,
    at: TimeDocument,
    actor: ActorDocument,
    operation: String,
    summary: String,
    node: Option<NodeName>,
    vmid: Option<u32>,
    name: Option<String>,
    task: Option<UuidDocument>,
    outcome: OutcomeDocument,
    detail: Option<String>,
    request_id: String,
}

/// As much of an [`AuditDocument`] as tells how old it is.
#[derive(Debug, Deserialize)]
pub(crate) struct AuditAge {
    at: TimeDocument,
}

/// A time whose text sorts as the time does: always with nine digits after the point.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct TimeDocument(Timestamp);

#[derive(Debug, Serialize, Deserialize)]
struct ActorDocument {
    name: Option<String>,
    by: AuthenticationDocument,
    token: Option<String>,
    address: Option<AddressDocument>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AuthenticationDocument {
    None,
    Password,
    Proxy,
    Token,
}

/// An IP address, in BSON as in JSON the text that people know it by.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct AddressDocument(IpAddr);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeDocument {
    Pending,
    Succeeded,
    Failed,
    Refused,
}

/// The word that stands for an outcome in a document: what queries look for.
#[must_use]
pub(crate) fn outcome_word(outcome: AuditOutcome) -> &'static str {
    match outcome {
        AuditOutcome::Pending => "pending",
        AuditOutcome::Succeeded => "succeeded",
        AuditOutcome::Failed => "failed",
        AuditOutcome::Refused => "refused",
    }
}

/// What the time of a document compares to as the times do: what queries look for. Outside the
/// years of four digits, in which every entry is, a text below or above all of theirs.
#[must_use]
pub(crate) fn time_bound(at: Timestamp) -> String {
    match at.year() {
        ..0 => String::new(),
        0..=9999 => TimeDocument(at).into(),
        10_000.. => "~".to_owned(),
    }
}

impl AuditAge {
    /// When what the entry tells of was asked.
    #[must_use]
    pub(crate) fn at(&self) -> Timestamp {
        self.at.0
    }
}

impl From<&AuditEntry> for AuditDocument {
    fn from(entry: &AuditEntry) -> Self {
        let AuditEntry {
            id,
            at,
            actor,
            operation,
            summary,
            node,
            vmid,
            name,
            task,
            outcome,
            detail,
            request_id,
        } = entry.clone();
        Self {
            id: UuidDocument(id),
            at: TimeDocument(at),
            actor: actor.into(),
            operation,
            summary,
            node,
            vmid: vmid.map(|vmid| vmid.0),
            name,
            task: task.map(|task| UuidDocument(task.0)),
            outcome: outcome.into(),
            detail,
            request_id,
        }
    }
}

impl From<AuditDocument> for AuditEntry {
    fn from(document: AuditDocument) -> Self {
        let AuditDocument {
            id: UuidDocument(id),
            at: TimeDocument(at),
            actor,
            operation,
            summary,
            node,
            vmid,
            name,
            task,
            outcome,
            detail,
            request_id,
        } = document;
        Self {
            id,
            at,
            actor: actor.into(),
            operation,
            summary,
            node,
            vmid: vmid.map(Vmid),
            name,
            task: task.map(|UuidDocument(task)| TaskId(task)),
            outcome: outcome.into(),
            detail,
            request_id,
        }
    }
}

impl From<Actor> for ActorDocument {
    fn from(actor: Actor) -> Self {
        let Actor {
            name,
            by,
            token,
            address,
        } = actor;
        Self {
            name,
            by: by.into(),
            token,
            address: address.map(AddressDocument),
        }
    }
}

impl From<ActorDocument> for Actor {
    fn from(document: ActorDocument) -> Self {
        let ActorDocument {
            name,
            by,
            token,
            address,
        } = document;
        Self {
            name,
            by: by.into(),
            token,
            address: address.map(|AddressDocument(address)| address),
        }
    }
}

impl From<Authentication> for AuthenticationDocument {
    fn from(by: Authentication) -> Self {
        match by {
            Authentication::None => Self::None,
            Authentication::Password => Self::Password,
            Authentication::Proxy => Self::Proxy,
            Authentication::Token => Self::Token,
        }
    }
}

impl From<AuthenticationDocument> for Authentication {
    fn from(document: AuthenticationDocument) -> Self {
        match document {
            AuthenticationDocument::None => Self::None,
            AuthenticationDocument::Password => Self::Password,
            AuthenticationDocument::Proxy => Self::Proxy,
            AuthenticationDocument::Token => Self::Token,
        }
    }
}

impl From<AuditOutcome> for OutcomeDocument {
    fn from(outcome: AuditOutcome) -> Self {
        match outcome {
            AuditOutcome::Pending => Self::Pending,
            AuditOutcome::Succeeded => Self::Succeeded,
            AuditOutcome::Failed => Self::Failed,
            AuditOutcome::Refused => Self::Refused,
        }
    }
}

impl From<OutcomeDocument> for AuditOutcome {
    fn from(document: OutcomeDocument) -> Self {
        match document {
            OutcomeDocument::Pending => Self::Pending,
            OutcomeDocument::Succeeded => Self::Succeeded,
            OutcomeDocument::Failed => Self::Failed,
            OutcomeDocument::Refused => Self::Refused,
        }
    }
}

impl From<TimeDocument> for String {
    fn from(TimeDocument(at): TimeDocument) -> Self {
        at.to_rfc3339_opts(SecondsFormat::Nanos, true)
    }
}

impl TryFrom<String> for TimeDocument {
    type Error = chrono::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<AddressDocument> for String {
    fn from(AddressDocument(address): AddressDocument) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for AddressDocument {
    type Error = AddrParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape that files and databases in the field have: it must stay readable.
    const ENTRY: &str = r#"{
        "id": "019ac0de-0000-7000-8000-000000000001",
        "at": "2026-11-22T10:00:00.000000001Z",
        "actor": {"name": "alice", "by": "token", "token": "ci", "address": "2001:db8::7"},
        "operation": "setPower",
        "summary": "shutdown",
        "node": "hoge",
        "vmid": 14,
        "name": "web-1",
        "task": "019ac0de-0000-7000-8000-000000000001",
        "outcome": "refused",
        "detail": "the node is read-only",
        "request_id": "01JD"
    }"#;

    #[test]
    fn an_entry_is_written_down_in_this_shape() {
        let document: AuditDocument = serde_json::from_str(ENTRY).unwrap();
        let entry = AuditEntry::from(document);
        let written = serde_json::to_value(AuditDocument::from(&entry)).unwrap();
        let expected: serde_json::Value = serde_json::from_str(ENTRY).unwrap();
        assert_eq!(written, expected);
    }

    #[test]
    fn a_missing_field_is_none_and_one_of_a_newer_version_is_passed_over() {
        let newer = ENTRY.replace(r#""vmid": 14,"#, r#""reason": "ticket 7","#);
        let entry = AuditEntry::from(serde_json::from_str::<AuditDocument>(&newer).unwrap());
        assert_eq!(entry.vmid, None);
    }

    #[test]
    fn a_word_that_this_version_does_not_know_is_an_error() {
        for (word, unknown) in [
            ("refused", "postponed"),
            ("\"token\", ", "\"passkey\", "),
            ("2001:db8::7", "router"),
        ] {
            let newer = ENTRY.replacen(word, unknown, 1);
            assert!(
                serde_json::from_str::<AuditDocument>(&newer).is_err(),
                "{newer}"
            );
        }
    }

    #[test]
    fn the_word_that_queries_look_for_is_the_one_that_is_written() {
        for outcome in [
            AuditOutcome::Pending,
            AuditOutcome::Succeeded,
            AuditOutcome::Failed,
            AuditOutcome::Refused,
        ] {
            let written = serde_json::to_value(OutcomeDocument::from(outcome)).unwrap();
            assert_eq!(written, outcome_word(outcome));
        }
    }

    #[test]
    fn the_texts_of_times_sort_as_the_times_do() {
        let mut times: Vec<Timestamp> = [
            "0000-01-01T00:00:00Z",
            "2026-11-22T09:59:59.999999999Z",
            "2026-11-22T10:00:00Z",
            "2026-11-22T10:00:00.000000001Z",
            "2026-11-22T10:00:00.5Z",
            "2026-11-22T10:00:01Z",
            "9999-12-31T23:59:59.999999999Z",
        ]
        .map(|text| text.parse().unwrap())
        .to_vec();
        times.insert(0, Timestamp::MIN_UTC);
        times.push(Timestamp::MAX_UTC);
        let texts: Vec<_> = times.into_iter().map(time_bound).collect();
        assert!(texts.is_sorted_by(|a, b| a < b), "{texts:?}");
    }
}
