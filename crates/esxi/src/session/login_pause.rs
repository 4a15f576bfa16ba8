//! How long a refused login is not repeated: ESXi locks an account after some of them, for its other
//! users too.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ecoman_model::FailureKind;

use super::fault::{SessionError, SessionFault};

/// ESXi locks an account for 15 minutes after its failed logins (Security.AccountUnlockTime).
pub const ACCOUNT_UNLOCK_TIME: Duration = Duration::from_secs(15 * 60);

/// On hosts that are joined to Active Directory the very first login can fail though the key is
/// right: one second try is made, after this time.
const SECOND_LOGIN: Duration = Duration::from_secs(60);

/// How long a login is not repeated that was refused so many times in a row.
///
/// Crawler and executor each keep to it, so a key that a node does not take costs four failed logins
/// in 15 minutes; ESXi locks at the fifth (Security.AccountLockFailures).
#[must_use]
pub const fn login_pause(refused: u32) -> Duration {
    match refused {
        0 => Duration::ZERO,
        1 => SECOND_LOGIN,
        _ => ACCOUNT_UNLOCK_TIME,
    }
}

/// The refused logins on a node, for those that do not connect at times of their own.
#[derive(Debug, Default)]
pub struct RefusedLogins {
    count: u32,
    /// The error of the last one, and when the next one may be.
    last: Option<(SessionError, DateTime<Utc>)>,
}

impl RefusedLogins {
    /// Whether the node may be connected to now.
    ///
    /// # Errors
    ///
    /// The error of the last login, with the time of the next one ([`SessionFault::LoginPaused`]).
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), SessionError> {
        match &self.last {
            Some((error, until)) if now < *until => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Takes the outcome of a connection that was tried. A login that was refused becomes an error
    /// that says when the next one is.
    ///
    /// # Errors
    ///
    /// That of the outcome.
    pub fn take<T>(
        &mut self,
        outcome: Result<T, SessionError>,
        now: DateTime<Utc>,
    ) -> Result<T, SessionError> {
        match outcome {
            Ok(connected) => {
                *self = Self::default();
                Ok(connected)
            }
            Err(mut error) => {
                if error.kind() == FailureKind::Authentication {
                    self.count = self.count.saturating_add(1);
                    let pause = TimeDelta::from_std(login_pause(self.count)).unwrap_or_default();
                    let until = now + pause;
                    error.fault = paused(error.fault, until);
                    self.last = Some((error.clone(), until));
                }
                Err(error)
            }
        }
    }
}

fn paused(fault: SessionFault, until: DateTime<Utc>) -> SessionFault {
    match fault {
        SessionFault::Authentication { username, reason } => SessionFault::LoginPaused {
            username,
            reason,
            until,
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(fault: SessionFault) -> SessionError {
        SessionError {
            node: "hoge".parse().expect("a name"),
            address: "192.0.2.10".to_owned(),
            fault,
        }
    }

    fn refused() -> Result<(), SessionError> {
        Err(error(SessionFault::Authentication {
            username: "root".to_owned(),
            reason: "Permission denied (publickey)".to_owned(),
        }))
    }

    #[test]
    fn a_refused_login_gets_one_second_try_and_then_the_lock_time() {
        let start = DateTime::UNIX_EPOCH;
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let mut logins = RefusedLogins::default();
        assert!(logins.check(start).is_ok());
        let first = logins.take(refused(), start).unwrap_err();
        assert_eq!(
            first.to_string(),
            "hoge (192.0.2.10): login as root refused for this key: Permission denied \
             (publickey). No further attempt before 1970-01-01 00:01:00 UTC, because ESXi locks \
             accounts"
        );
        assert_eq!(first.kind(), FailureKind::Authentication);
        assert!(logins.check(at(59)).is_err());
        assert!(logins.check(at(60)).is_ok());
        for tried in [60, 960, 1860] {
            assert!(logins.take(refused(), at(tried)).is_err());
            let waiting = logins.check(at(tried + 899)).unwrap_err();
            assert!(
                matches!(waiting.fault, SessionFault::LoginPaused { until, .. }
                if until == at(tried + 900))
            );
            assert!(logins.check(at(tried + 900)).is_ok());
        }
        assert!(logins.take(Ok(()), at(3000)).is_ok());
        assert!(logins.take(refused(), at(3001)).is_err());
        assert!(
            logins.check(at(3061)).is_ok(),
            "a good login ends the count"
        );
    }

    #[test]
    fn a_node_that_is_away_may_be_tried_at_once() {
        let mut logins = RefusedLogins::default();
        let away = SessionFault::Unreachable {
            reason: "Connection refused".to_owned(),
        };
        let now = DateTime::UNIX_EPOCH;
        let outcome: Result<(), _> = Err(error(away));
        let failed = logins.take(outcome, now).unwrap_err();
        assert_eq!(failed.kind(), FailureKind::Unreachable);
        assert!(logins.check(now).is_ok());
    }
}
