//! The caller: who sent a request, and what they may do.

use std::fmt;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ecoman_api::text::spoken;
use ecoman_api::{Identity, SignInMode};
use ecoman_model::{Actor, Authentication, Grant, NodeName, Permission, Role, Timestamp};

use uuid::Uuid;

use super::SignIn;
use super::error::Error;
use crate::http;

/// Who sent a request, and what they may do. The guard of the routes adds it to the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    pub(crate) grant: Grant,
    /// When the credentials expire, if they do.
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether the caller is authenticated, or sign-in is off.
    pub(crate) is_known: bool,
    /// Whether the caller is a user of this server, and not only of the proxy.
    pub(crate) is_listed: bool,
    /// The API token that they show, if it is one.
    pub(crate) token: Option<Uuid>,
}

impl Caller {
    /// Any caller where sign-in is off.
    pub(super) fn anyone(address: Option<IpAddr>) -> Self {
        Self {
            is_known: true,
            grant: Grant::ALL,
            ..Self::nobody(address)
        }
    }

    /// A caller who has not signed in.
    pub(crate) fn nobody(address: Option<IpAddr>) -> Self {
        Self {
            actor: Actor {
                name: None,
                by: Authentication::None,
                token: None,
                address,
            },
            grant: Grant {
                role: Role::Viewer,
                nodes: Some([].into()),
            },
            expires_at: None,
            is_known: false,
            is_listed: false,
            token: None,
        }
    }

    /// A user with a session.
    pub(crate) fn with_session(actor: Actor, grant: Grant, expires_at: Timestamp) -> Self {
        Self {
            actor,
            grant,
            expires_at: Some(expires_at),
            is_known: true,
            is_listed: true,
            token: None,
        }
    }

    /// Checks that the caller's access extends to a node, which need not exist.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfReach`].
    pub(crate) fn check_reach(&self, node: &str) -> Result<(), Error> {
        if self.grant.reaches(node) {
            return Ok(());
        }
        let nodes = self.grant.nodes.iter().flatten();
        Err(Error::OutOfReach {
            caller: self.to_string(),
            node: node.to_owned(),
            nodes: nodes.map(NodeName::to_string).collect(),
        })
    }

    /// The nodes that the caller may see, of those that they ask for; empty stands for all. `None`: they
    /// may see none of them.
    pub(crate) fn nodes_in_reach(&self, asked: Option<Vec<NodeName>>) -> Option<Vec<NodeName>> {
        let Some(reach) = &self.grant.nodes else {
            return Some(asked.unwrap_or_default());
        };
        let mut nodes = asked.unwrap_or_else(|| reach.iter().cloned().collect());
        nodes.retain(|node| reach.contains(node));
        Some(nodes).filter(|nodes| !nodes.is_empty())
    }

    /// The refusal of an operation that takes a permission which the caller lacks.
    pub(crate) fn forbidden(&self, permission: Permission) -> Error {
        let roles = Role::ALL.into_iter();
        let sufficient = roles.filter(|role| role.may(permission));
        Error::Forbidden {
            caller: self.to_string(),
            needed: sufficient.min().unwrap_or(Role::Admin),
            role: self.grant.role,
            limited: self.grant.nodes.is_some(),
        }
    }

    /// The API's view.
    pub(crate) fn identity(&self, sign_in: &SignIn) -> Identity {
        let mut may = if self.is_known {
            self.grant.permissions()
        } else {
            Vec::new()
        };
        if *sign_in == SignIn::None {
            // Without sign-in there are no tokens and no users.
            may.retain(|permission| {
                use ecoman_model::Permission::{Tokens, Users};
                !matches!(permission, Tokens | Users)
            });
        }
        let nodes = self.grant.nodes.as_ref().filter(|_| self.is_known);
        Identity {
            name: self.actor.name.clone(),
            mode: match sign_in {
                SignIn::None => SignInMode::None,
                SignIn::Password => SignInMode::Password,
                SignIn::Proxy(_) => SignInMode::Proxy,
            },
            role: self.is_known.then_some(self.grant.role),
            nodes: nodes.map(|nodes| nodes.iter().map(NodeName::to_string).collect()),
            may,
        }
    }
}

/// A user who has signed in with a password.
pub(crate) fn password_actor(name: String, address: Option<IpAddr>) -> Actor {
    Actor {
        name: Some(name),
        by: Authentication::Password,
        token: None,
        address,
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.actor.name, &self.actor.token) {
            (Some(name), Some(token)) => {
                f.write_str(&(spoken().problems.caller_with_token)(token, name))
            }
            (Some(name), None) => f.write_str(name),
            (None, _) => f.write_str(spoken().problems.caller_unknown),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = http::Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| {
            tracing::error!("a request bypassed the guard");
            http::Error::Internal
        })
    }
}
