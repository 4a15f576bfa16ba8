//! Who may use the dashboard: users with passwords, the sessions that they open, and API tokens.
//!
//! All of it is in one directory of its owner's alone (mode 0700), in four JSON files:
//! `users.json`, `tokens.json`, `sessions.json` and `seen.json` (0600). No secret is in them: of
//! passwords there are Argon2id hashes, of sessions and tokens, which are long and random, SHA-256. So the
//! `ecoman` command can change them while a dashboard runs, which sees it at the next request;
//! signing in does not depend on the database; and several dashboards may share the directory.
//!
//! Knows nothing of HTTP, cookies, or what an operation needs: that is the backend's.

mod directory;
mod file;
mod password;
mod records;
mod secret;
mod seen;
mod sessions;
mod tokens;
mod users;

pub use directory::Access;
pub use file::AccessError;
pub use password::{PASSWORD_CHARACTERS, PasswordFault};
pub use records::{Session, Token, User};
pub use secret::Secret;
pub use seen::SEEN_TASKS;
pub use tokens::{NewToken, TOKEN_PREFIX, TokenFault, TokenUse};
pub use users::UserFault;
