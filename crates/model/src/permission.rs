//! Permissions, roles that bundle them, and the nodes that they are limited to.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NodeName;

/// Something that a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See nodes, VMs and tasks.
    Read,
    /// Change the power of VMs, answer their questions, take snapshots, and have nodes polled.
    Power,
    /// Change the name and the notes of VMs.
    Notes,
    /// Create VMs.
    Create,
    /// Take away what cannot be brought back: revert to and remove snapshots, unregister and delete
    /// VMs.
    Delete,
    /// Change the hardware of VMs.
    Hardware,
    /// Make and revoke API tokens.
    Tokens,
    /// Add, change and remove users.
    Users,
    /// Read the audit log.
    Audit,
}

impl Permission {
    /// All there are.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Power,
        Self::Notes,
        Self::Create,
        Self::Delete,
        Self::Hardware,
        Self::Tokens,
        Self::Users,
        Self::Audit,
    ];
}

/// What somebody is here for. Each role may all that the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Changes power, names and notes of VMs, too.
    Operator,
    /// Creates and deletes VMs, changes their hardware, and manages tokens and users, too.
    Admin,
}

impl Role {
    /// All there are, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Whether the role holds a permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::Read => Self::Viewer,
            Permission::Power | Permission::Notes => Self::Operator,
            Permission::Create
            | Permission::Delete
            | Permission::Hardware
            | Permission::Tokens
            | Permission::Users
            | Permission::Audit => Self::Admin,
        };
        self >= least
    }

    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role: viewer, operator or admin")]
pub struct InvalidRole(String);

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| InvalidRole(text.to_owned()))
    }
}

/// The role of a user or a token, and its nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// On these nodes alone; `None`: on all that there are and will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<BTreeSet<NodeName>>,
}

impl Grant {
    /// Everything everywhere.
    pub const ALL: Self = Self {
        role: Role::Admin,
        nodes: None,
    };

    /// A role on all nodes.
    #[must_use]
    pub fn everywhere(role: Role) -> Self {
        Self { role, nodes: None }
    }

    /// Whether it holds a permission. Who is limited to nodes sees neither to users nor into the
    /// audit log: with those they could reach further.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        let is_for_all = matches!(permission, Permission::Users | Permission::Audit);
        self.role.may(permission) && !(is_for_all && self.nodes.is_some())
    }

    /// The permissions that it holds.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        let all = Permission::ALL.into_iter();
        all.filter(|permission| self.may(*permission)).collect()
    }

    /// Whether it reaches a node.
    #[must_use]
    pub fn reaches(&self, node: &str) -> bool {
        self.nodes
            .as_ref()
            .is_none_or(|nodes| nodes.iter().any(|known| known.as_str() == node))
    }

    /// The common part: the lesser role, on the nodes that both reach.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        let nodes = match (&self.nodes, &other.nodes) {
            (None, nodes) | (nodes, None) => nodes.clone(),
            (Some(one), Some(other)) => Some(one & other),
        };
        Self {
            role: self.role.min(other.role),
            nodes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: Role, nodes: Option<&[&str]>) -> Grant {
        Grant {
            role,
            nodes: nodes.map(|nodes| {
                nodes
                    .iter()
                    .map(|name| name.parse().expect("a node's name"))
                    .collect()
            }),
        }
    }

    #[test]
    fn each_role_may_all_that_the_lesser_may() {
        for pair in Role::ALL.windows(2) {
            for permission in Permission::ALL {
                assert!(!pair[0].may(permission) || pair[1].may(permission));
            }
        }
        assert!(Role::Viewer.may(Permission::Read));
        assert!(!Role::Viewer.may(Permission::Power));
        assert!(Role::Operator.may(Permission::Power));
        assert!(!Role::Operator.may(Permission::Create));
        assert!(
            Permission::ALL
                .into_iter()
                .all(|each| Role::Admin.may(each))
        );
    }

    #[test]
    fn who_is_limited_to_nodes_cannot_reach_further() {
        let limited = grant(Role::Admin, Some(&["a"]));
        assert_eq!(
            limited.permissions(),
            [
                Permission::Read,
                Permission::Power,
                Permission::Notes,
                Permission::Create,
                Permission::Delete,
                Permission::Hardware,
                Permission::Tokens
            ]
        );
        assert_eq!(Grant::ALL.permissions(), Permission::ALL);
    }

    #[test]
    fn what_is_within_another_never_exceeds_it() {
        let admin_on = |nodes| grant(Role::Admin, nodes);
        let viewer = grant(Role::Viewer, None);
        assert_eq!(admin_on(None).within(&viewer), viewer);
        assert_eq!(
            admin_on(Some(&["a", "b"])).within(&grant(Role::Operator, Some(&["b", "c"]))),
            grant(Role::Operator, Some(&["b"]))
        );
        // No node in common is no node, not all of them.
        let nothing = admin_on(Some(&["a"])).within(&admin_on(Some(&["b"])));
        assert_eq!(nothing, admin_on(Some(&[])));
        assert!(!nothing.reaches("a") && !nothing.reaches("b"));
        assert!(Grant::ALL.reaches("anything"));
    }
}
