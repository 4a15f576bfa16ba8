//! The content of the files.

use std::collections::{BTreeMap, BTreeSet};

use ecoman_model::{Grant, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Somebody who may use the dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Their role and nodes.
    pub grant: Grant,
    /// When they were added.
    pub created_at: Timestamp,
    /// Since when they have their password; `None` for one who signs in to a proxy, or owns
    /// tokens only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_since: Option<Timestamp>,
    /// The Argon2id hash of the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password_hash: Option<String>,
}

/// By name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UsersFile(pub(crate) BTreeMap<String, User>);

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its purpose, in its owner's words.
    pub name: String,
    /// The user that it acts for.
    pub owner: String,
    /// Its role and nodes, limited by its owner's.
    pub grant: Grant,
    /// The last known role of an owner that only the proxy knows; `None`: nothing, or they are
    /// one of the users here, who hold what they hold now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_grant: Option<Grant>,
    /// The token that made it, if one did: revoking that revokes this one too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is good; `None`: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// The SHA-256 of the secret.
    pub(crate) secret_hash: String,
}

/// By id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TokensFile(pub(crate) BTreeMap<Uuid, Token>);

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its owner.
    pub user: String,
    /// When they signed in.
    pub opened_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// By the hash of the secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SessionsFile(pub(crate) BTreeMap<String, Session>);

/// The failed tasks that each user has seen, by name; the newest last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SeenFile(pub(crate) BTreeMap<String, BTreeSet<TaskId>>);
