//! Parts that several pages show.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use ecoman_model::Role;

/// Parts that several pages show.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    pub try_now: &'static str,
    pub retrying: fn(error: &str) -> String,
    pub csv: &'static str,
    pub file_not_saved: &'static str,
    pub roles: Roles,
    pub power_on: &'static str,
    pub power_off: &'static str,
    pub power_suspended: &'static str,
    pub power_unknown: &'static str,
}

/// The roles of users and tokens.
#[derive(Clone, Copy, Debug)]
pub struct Roles {
    pub viewer: &'static str,
    pub operator: &'static str,
    pub admin: &'static str,
}

impl Roles {
    /// The text of one role.
    #[must_use]
    pub fn of(&self, role: Role) -> &'static str {
        match role {
            Role::Viewer => self.viewer,
            Role::Operator => self.operator,
            Role::Admin => self.admin,
        }
    }
}
