//! Who may use the dashboard: users with passwords, the sessions that they open, and API tokens.
//!
//! All of it is in one directory of its owner's alone (mode 0700), in three JSON files:
//! `users.json`, `tokens.json` and `sessions.json` (0600). No secret is in them: of passwords
//! there are Argon2id hashes, of sessions and tokens, which are long and random, SHA-256. So the
//! `ecoman` command can change them while a dashboard runs, which sees it at the next request;
//! signing in does not depend on the database; and several dashboards may share the directory.
//!
//! Knows nothing of HTTP, cookies, or what an operation needs: that is the backend's.

mod file;
mod password;
mod secret;
mod sessions;
mod tokens;
mod users;

use std::path::{Path, PathBuf};

pub use file::AccessError;
pub use password::{PASSWORD_CHARACTERS, PasswordFault};
pub use secret::Secret;
pub use sessions::Session;
pub use tokens::{NewToken, TOKEN_PREFIX, Token, TokenFault, TokenUse};
pub use users::{User, UserFault};

use file::Guarded;

/// The directory, opened.
#[derive(Debug)]
pub struct Access {
    directory: PathBuf,
    users: Guarded<users::UsersFile>,
    tokens: Guarded<tokens::TokensFile>,
    sessions: Guarded<sessions::SessionsFile>,
}

impl Access {
    /// Uses a directory, which is made when there is something to write.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            users: Guarded::new(directory.join("users.json")),
            tokens: Guarded::new(directory.join("tokens.json")),
            sessions: Guarded::new(directory.join("sessions.json")),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}
