//! Users.

use std::collections::BTreeMap;

use ecoman_model::{Grant, Timestamp};

use crate::password::{self, PasswordFault};
use crate::records::{User, UsersFile};
use crate::{Access, AccessError};

/// Why a user cannot be added or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserFault {
    /// Not a name.
    #[error(
        "{0:?} is not a valid user name: 1 to 64 letters, digits and . _ - + @, starting with a \
         letter or digit"
    )]
    Name(String),
    /// The name is taken.
    #[error("user {0:?} already exists")]
    Taken(String),
    /// Nobody has that name.
    #[error("no user {0:?}")]
    Unknown(String),
    /// The password will not do.
    #[error(transparent)]
    Password(PasswordFault),
    /// The last user who may manage users would go.
    #[error("{0:?} is the last admin of all hosts; make another user admin first")]
    LastAdmin(String),
    /// The file.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl Access {
    /// The users by name.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn users(&self) -> Result<BTreeMap<String, User>, AccessError> {
        Ok(self.users.read()?.0.clone())
    }

    /// One user.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn user(&self, name: &str) -> Result<Option<User>, AccessError> {
        Ok(self.users.read()?.0.get(name).cloned())
    }

    /// Adds a user; without a password it is one that signs in elsewhere. Takes a moment, for the
    /// hash.
    ///
    /// # Errors
    ///
    /// [`UserFault::Name`], [`UserFault::Taken`], [`UserFault::Password`]; the file.
    pub fn add_user(
        &self,
        name: &str,
        grant: Grant,
        password: Option<&str>,
        now: Timestamp,
    ) -> Result<User, UserFault> {
        if !is_user_name(name) {
            return Err(UserFault::Name(name.to_owned()));
        }
        let user = User {
            grant,
            created_at: now,
            password_since: password.map(|_| now),
            password_hash: hashed(name, password)?,
        };
        self.users.change(|users| {
            if users.0.contains_key(name) {
                return Err(UserFault::Taken(name.to_owned()));
            }
            users.0.insert(name.to_owned(), user.clone());
            Ok(user)
        })
    }

    /// Changes what a user may do, which their sessions and tokens follow at once, or their
    /// password, which ends all of their sessions; both or nothing. Takes a moment, for the hash.
    ///
    /// # Errors
    ///
    /// [`UserFault::Unknown`], [`UserFault::Password`], [`UserFault::LastAdmin`]; the files.
    pub fn change_user(
        &self,
        name: &str,
        grant: Option<Grant>,
        password: Option<&str>,
        now: Timestamp,
    ) -> Result<User, UserFault> {
        let hash = hashed(name, password)?;
        let user = self.users.change(|users| {
            let Some(user) = users.0.get_mut(name) else {
                return Err(UserFault::Unknown(name.to_owned()));
            };
            let before = user.clone();
            if let Some(grant) = grant {
                user.grant = grant;
            }
            if hash.is_some() {
                user.password_hash = hash;
                user.password_since = Some(now);
            }
            let user = user.clone();
            keep_an_admin(users, name, &before)?;
            Ok(user)
        })?;
        if password.is_some() {
            self.close_sessions_of(name)?;
        }
        Ok(user)
    }

    /// Removes a user, with their sessions, their tokens and what they have seen.
    ///
    /// # Errors
    ///
    /// [`UserFault::Unknown`], [`UserFault::LastAdmin`]; the files.
    pub fn remove_user(&self, name: &str) -> Result<(), UserFault> {
        // In one step: a token made for them in between would survive.
        let alone = self.users.lock()?;
        self.users.change_alone(&alone, |users| {
            let Some(user) = users.0.remove(name) else {
                return Err(UserFault::Unknown(name.to_owned()));
            };
            keep_an_admin(users, name, &user)
        })?;
        self.sessions.change_alone(&alone, |sessions| {
            sessions.close_of(name);
            Ok::<_, UserFault>(())
        })?;
        self.tokens.change_alone(&alone, |tokens| {
            tokens.revoke_of(name);
            Ok::<_, UserFault>(())
        })?;
        self.seen.change_alone(&alone, |seen| {
            seen.forget(name);
            Ok(())
        })
    }

    /// The user with this name and password, if there is. Takes as long for a name that no user
    /// has.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn check_password(&self, name: &str, password: &str) -> Result<Option<User>, AccessError> {
        let user = self.user(name)?;
        let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
        // Hashing a text that is longer than any password would only keep the machine busy.
        let fits = password.chars().count() <= *password::PASSWORD_CHARACTERS.end()
            && password::verify(password, hash);
        Ok(user.filter(|_| fits))
    }
}

/// The last admin can go, but only as the last user; of those with a password likewise, for the
/// others may have nowhere to sign in.
fn keep_an_admin(users: &UsersFile, changed: &str, before: &User) -> Result<(), UserFault> {
    let is_left = users.0.is_empty()
        || users.0.values().any(|user| {
            user.grant == Grant::ALL
                && (user.password_hash.is_some() || before.password_hash.is_none())
        });
    if is_left || before.grant != Grant::ALL {
        Ok(())
    } else {
        Err(UserFault::LastAdmin(changed.to_owned()))
    }
}

fn hashed(name: &str, password: Option<&str>) -> Result<Option<String>, UserFault> {
    let Some(password) = password else {
        return Ok(None);
    };
    password::check(name, password).map_err(UserFault::Password)?;
    Ok(Some(password::hash(password)?))
}

fn is_user_name(name: &str) -> bool {
    name.chars().count() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|each| each.is_ascii_alphanumeric() || "._-+@".contains(each))
}
