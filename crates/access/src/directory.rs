//! The directory that holds the four files.

use std::path::{Path, PathBuf};

use crate::file::Guarded;
use crate::records::{SeenFile, SessionsFile, TokensFile, UsersFile};

/// The directory, opened.
#[derive(Debug)]
pub struct Access {
    pub(crate) directory: PathBuf,
    pub(crate) users: Guarded<UsersFile>,
    pub(crate) tokens: Guarded<TokensFile>,
    pub(crate) sessions: Guarded<SessionsFile>,
    pub(crate) seen: Guarded<SeenFile>,
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
            seen: Guarded::new(directory.join("seen.json")),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}
