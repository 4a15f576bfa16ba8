//! What the files hold.

use std::collections::BTreeMap;

use ecoman_model::{Grant, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Somebody who may use the dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// What they may do, and where.
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
    /// What it is for, in its owner's words.
    pub name: String,
    /// The user that it acts for.
    pub owner: String,
    /// What it may do at most; less where its owner may less.
    pub grant: Grant,
    /// What an owner that only the proxy knows was last seen to hold; `None`: nothing, or they are
    /// one of the users here, who hold what they hold now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_grant: Option<Grant>,
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
    /// Whose it is.
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
