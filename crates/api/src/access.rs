//! Signing in, users, API tokens and the audit log.

use std::fmt;

use chrono::{DateTime, Utc};
use ecoman_model::{AuditOutcome, Authentication, Role, TaskId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::strict_enum;

/// Name and password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The user's name.
    #[cfg_attr(feature = "openapi", schema(example = "alice"))]
    pub name: String,
    /// The password.
    #[cfg_attr(feature = "openapi", schema(format = Password, example = "correct horse battery"))]
    pub password: String,
}

/// A new password for the caller.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password as it is.
    #[cfg_attr(feature = "openapi", schema(format = Password, example = "correct horse battery"))]
    pub current: String,
    /// The password as it is to be: 8 to 256 characters.
    #[cfg_attr(feature = "openapi", schema(format = Password, example = "staple battery horse"))]
    pub new: String,
}

/// Failed tasks that the caller has seen. The page announces the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SeenTasks {
    /// Their ids, 500 at most; where more were seen, the newest.
    #[cfg_attr(
        feature = "openapi",
        schema(max_items = 500, example = json!(["019aad5e-7a00-7000-8000-000000000001"]))
    )]
    pub tasks: Vec<TaskId>,
}

/// An API token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    /// Id.
    pub id: Uuid,
    /// What it is for.
    #[cfg_attr(feature = "openapi", schema(example = "nightly report"))]
    pub name: String,
    /// The user that it acts for. It holds no more than they do at the time of its use.
    #[cfg_attr(feature = "openapi", schema(example = "alice"))]
    pub owner: String,
    /// What it may do at most.
    pub role: Role,
    /// The nodes that it sees and changes at most; `null`: all of its owner's.
    #[cfg_attr(feature = "openapi", schema(example = json!(["hoge"])))]
    pub nodes: Option<Vec<String>>,
    /// The token that made it, if one did; revoking that revokes this one too.
    pub made_by: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is good; `null`: until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute; `null`: never.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The tokens that the caller may see: their own, or everybody's where they manage all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenList {
    /// The tokens, the newest first.
    pub items: Vec<Token>,
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What it is for: 1 to 100 characters.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 100, example = "nightly report")
    )]
    pub name: String,
    /// What it may do at most; not more than the caller. `viewer` where nothing is said.
    #[serde(
        default,
        deserialize_with = "strict_enum::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub role: Option<Role>,
    /// The nodes that it sees and changes at most; all of the caller's where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = node_names))]
    pub nodes: Option<Vec<String>>,
    /// Days until it expires, from 1 to 3650; 90 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, maximum = 3650, example = 90))]
    pub expires_in_days: Option<u32>,
}

/// A token that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    /// The token.
    pub token: Token,
    /// What to send as `Authorization: Bearer …`. It is shown this once and kept nowhere.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "ecoman_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    )]
    pub secret: String,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Name.
    #[cfg_attr(feature = "openapi", schema(example = "alice"))]
    pub name: String,
    /// What they are here for.
    pub role: Role,
    /// The nodes that they see and change; `null`: all.
    #[cfg_attr(feature = "openapi", schema(example = json!(["hoge"])))]
    pub nodes: Option<Vec<String>>,
    /// When they were added.
    pub created_at: DateTime<Utc>,
    /// Since when they have their password; `null`: they have none, and sign in elsewhere.
    pub password_since: Option<DateTime<Utc>>,
}

/// All users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserList {
    /// The users, by name.
    pub items: Vec<User>,
}

/// A user to be added.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// Name: 1 to 64 letters, digits and `. _ - + @`, beginning with a letter or a digit.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 64, example = "alice")
    )]
    pub name: String,
    /// What they are here for.
    #[serde(deserialize_with = "strict_enum::required")]
    pub role: Role,
    /// The nodes that they are to see and change; all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = node_names))]
    pub nodes: Option<Vec<String>>,
    /// Password of 8 to 256 characters; none for one who signs in to the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Password, example = "correct horse battery"))]
    pub password: Option<String>,
}

/// A user as they are to be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// What they are here for.
    #[serde(deserialize_with = "strict_enum::required")]
    pub role: Role,
    /// The nodes that they are to see and change; all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = node_names))]
    pub nodes: Option<Vec<String>>,
    /// A new password, which ends their sessions; as it was where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Password, example = "correct horse battery"))]
    pub password: Option<String>,
}

/// One thing that somebody did, or tried to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Id; that of a task is the task's own.
    pub id: Uuid,
    /// When it was asked.
    pub at: DateTime<Utc>,
    /// Who asked; of a token its owner; `null` where nobody signs in, or somebody failed to.
    #[cfg_attr(feature = "openapi", schema(example = "alice"))]
    pub actor: Option<String>,
    /// How they signed in.
    pub by: Authentication,
    /// The token's name, where it was one.
    pub token: Option<String>,
    /// The address that the request came from.
    #[cfg_attr(feature = "openapi", schema(example = "192.0.2.7"))]
    pub address: Option<String>,
    /// What was asked: the id of an operation of this document.
    #[cfg_attr(feature = "openapi", schema(example = "setPower"))]
    pub operation: String,
    /// The same with its details.
    #[cfg_attr(feature = "openapi", schema(example = "shutdown"))]
    pub summary: String,
    /// The node that it was asked of.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub node: Option<String>,
    /// The VM that it was about.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 14))]
    pub vmid: Option<u32>,
    /// The name of the VM, the user or the token that it was about.
    #[cfg_attr(feature = "openapi", schema(example = "web-1"))]
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

/// A page of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// The entries, the newest first.
    pub items: Vec<AuditEntry>,
    /// Token of the next page for `page_token`; `null` on the last one.
    pub next_page: Option<String>,
}

/// Names of nodes in a request.
#[cfg(feature = "openapi")]
fn node_names() -> utoipa::openapi::schema::Schema {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(253))
        .pattern(Some("^[^/\\x00-\\x1f\\x7f]+$"))
        .build();
    ArrayBuilder::new()
        .description(Some(
            "The nodes that may be seen and changed at most; where nothing is said all of the caller's, or \
             of a user all.",
        ))
        .schema_type(SchemaType::Array(vec![Type::Array, Type::Null]))
        .items(name)
        .examples([serde_json::json!(["hoge"])])
        .build()
        .into()
}

/// What has a secret in it says so instead.
macro_rules! hide {
    ($($kind:ident),+) => {$(
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($kind), "(secret)"))
            }
        }
    )+};
}

hide!(SignIn, ChangePassword, CreatedToken, CreateUser, UpdateUser);
