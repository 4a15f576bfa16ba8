//! The audit log: who did what, to what, when, from where, with which result.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{NodeName, TaskId, Timestamp, Vmid};

/// One thing that somebody did, or tried to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Version 7: later ones are greater. That of a task is the task's own.
    pub id: Uuid,
    /// When it was asked.
    pub at: Timestamp,
    /// The caller.
    pub actor: Actor,
    /// What was asked: the id of the operation in the OpenAPI document, `setPower`.
    pub operation: String,
    /// The same with its details, in words: `shutdown`, `create "web-1"`. Never a secret.
    pub summary: String,
    /// The node that it was asked of.
    pub node: Option<NodeName>,
    /// The VM that it was about.
    pub vmid: Option<Vmid>,
    /// The name of the VM, the user or the token that it was about.
    pub name: Option<String>,
    /// The task that was made for it.
    pub task: Option<TaskId>,
    /// Its outcome.
    pub outcome: AuditOutcome,
    /// Why, where it did not succeed.
    pub detail: Option<String>,
    /// The id of the request, as in the server's log.
    pub request_id: String,
}

/// The caller, and the way they were authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The user's name; of a token its owner's; `None` where nobody signs in, or somebody failed
    /// to.
    pub name: Option<String>,
    /// How they signed in.
    pub by: Authentication,
    /// The token's name, where it was one.
    pub token: Option<String>,
    /// The address that the request came from.
    pub address: Option<IpAddr>,
}

/// How somebody showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// Not at all.
    None,
    /// With a password, and since with the session that it opened.
    Password,
    /// To a proxy in front of the server.
    Proxy,
    /// With an API token.
    Token,
}

impl Authentication {
    /// As the API has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password => "password",
            Self::Proxy => "proxy",
            Self::Token => "token",
        }
    }
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// Its task has not ended.
    Pending,
    /// It was done.
    Succeeded,
    /// It was tried and failed, or was cut off.
    Failed,
    /// It was refused: not allowed, or not possible at that time.
    Refused,
}

impl AuditOutcome {
    /// As the API has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}
