//! Sessions: what a password opens for some hours.

use chrono::TimeDelta;
use ecoman_model::Timestamp;

use crate::records::{Session, SessionsFile};
use crate::secret::hash;
use crate::{Access, AccessError, Secret};

/// So many sessions one user may have; the oldest goes.
const SESSIONS_EACH: usize = 20;

impl Access {
    /// Opens a session for a user whose password has been checked.
    ///
    /// # Errors
    ///
    /// The file cannot be changed.
    pub fn open_session(
        &self,
        user: &str,
        length: TimeDelta,
        now: Timestamp,
    ) -> Result<(Session, Secret), AccessError> {
        let secret = Secret::random("")?;
        let session = Session {
            user: user.to_owned(),
            opened_at: now,
            expires_at: now + length,
        };
        self.sessions.change(|sessions| {
            sessions.0.retain(|_, session| session.expires_at > now);
            while let Some(oldest) = one_too_many(sessions, user) {
                sessions.0.remove(&oldest);
            }
            sessions.0.insert(hash(secret.reveal()), session.clone());
            Ok::<_, AccessError>(())
        })?;
        Ok((session, secret))
    }

    /// The session that a secret is of, unless it has ended or its user has another password
    /// since.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn session(&self, secret: &str, now: Timestamp) -> Result<Option<Session>, AccessError> {
        let sessions = self.sessions.read()?;
        let Some(session) = sessions.0.get(&hash(secret)) else {
            return Ok(None);
        };
        let users = self.users.read()?;
        let user = users.0.get(&session.user);
        let is_good = session.expires_at > now
            && user.is_some_and(|user| {
                user.password_since
                    .is_some_and(|since| since <= session.opened_at)
            });
        Ok(is_good.then(|| session.clone()))
    }

    /// Ends a session.
    ///
    /// # Errors
    ///
    /// The file cannot be changed.
    pub fn close_session(&self, secret: &str) -> Result<(), AccessError> {
        let hash = hash(secret);
        if !self.sessions.read()?.0.contains_key(&hash) {
            return Ok(());
        }
        self.sessions.change(|sessions| {
            sessions.0.remove(&hash);
            Ok(())
        })
    }

    pub(crate) fn close_sessions_of(&self, user: &str) -> Result<(), AccessError> {
        if !self.sessions.read()?.0.values().any(|it| it.user == user) {
            return Ok(());
        }
        self.sessions.change(|sessions| {
            sessions.close_of(user);
            Ok(())
        })
    }
}

impl SessionsFile {
    pub(crate) fn close_of(&mut self, user: &str) {
        self.0.retain(|_, session| session.user != user);
    }
}

/// The oldest session of a user who cannot have another one beside it.
fn one_too_many(sessions: &SessionsFile, user: &str) -> Option<String> {
    let theirs = || sessions.0.iter().filter(|(_, it)| it.user == user);
    if theirs().count() < SESSIONS_EACH {
        return None;
    }
    let oldest = theirs().min_by_key(|(_, session)| session.opened_at);
    oldest.map(|(hash, _)| hash.clone())
}
