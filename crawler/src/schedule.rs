//! When the next round on a node begins: a pure function of the outcomes of the rounds before.

use std::time::Duration;

use ecoman_esxi::{ACCOUNT_UNLOCK_TIME, login_pause};
use ecoman_model::FailureKind;

/// Failures of the same kind that are tried again at the usual interval before waits grow: a
/// node that is merely being restarted should be back on the page at once.
const FAILURES_BEFORE_BACKOFF: u32 = 3;

/// The longest wait after failures that cannot lock the account, unless the interval is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// The outcomes of the rounds on a node so far, as far as the schedule needs to know them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failing: Option<(FailureKind, u32)>,
}

impl Backoff {
    /// The state after one more round, which failed in the given way or not at all.
    #[must_use]
    pub fn after(self, failure: Option<FailureKind>) -> Self {
        let failing = failure.map(|kind| match self.failing {
            Some((before, count)) if before == kind => (kind, count.saturating_add(1)),
            _ => (kind, 1),
        });
        Self { failing }
    }

    /// The time from the beginning of the last round to the beginning of the next one.
    ///
    /// `spread`, from 0 to 1, shifts waits that have grown by up to a tenth, so that nodes that
    /// failed together are not all tried again in the same moment.
    #[must_use]
    pub fn delay(self, interval: Duration, spread: f64) -> Duration {
        let Some((kind, count)) = self.failing else {
            return interval;
        };
        match kind {
            // A refused login costs: the account gets locked.
            FailureKind::Authentication => interval.max(login_pause(count)),
            // Nothing but a change of hosts.yml or of the key file mends it, and such a change
            // wakes the node up by itself.
            FailureKind::Configuration => interval.max(ACCOUNT_UNLOCK_TIME),
            // Costs nothing but a TCP connection, and `ecoman trust` should be noticed soon.
            FailureKind::HostKey => interval,
            FailureKind::Unreachable
            | FailureKind::Timeout
            | FailureKind::Disconnected
            | FailureKind::Hostd
            | FailureKind::Protocol => {
                if count <= FAILURES_BEFORE_BACKOFF {
                    return interval;
                }
                let doublings = (count - FAILURES_BEFORE_BACKOFF).min(16);
                let grown = interval
                    .saturating_mul(1 << doublings)
                    .min(LONGEST_WAIT)
                    .max(interval);
                grown + (grown / 10).mul_f64(spread.clamp(0.0, 1.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn delays(kind: FailureKind, interval: Duration, rounds: usize) -> Vec<u64> {
        let mut backoff = Backoff::default();
        (0..rounds)
            .map(|_| {
                backoff = backoff.after(Some(kind));
                backoff.delay(interval, 0.0).as_secs()
            })
            .collect()
    }

    #[test]
    fn a_healthy_node_is_asked_at_the_interval() {
        assert_eq!(Backoff::default().delay(MINUTE, 0.9), MINUTE);
        let recovered = Backoff::default()
            .after(Some(FailureKind::Timeout))
            .after(None);
        assert_eq!(recovered, Backoff::default());
    }

    #[test]
    fn a_node_that_does_not_answer_is_asked_ever_less_often_up_to_five_minutes() {
        assert_eq!(
            delays(FailureKind::Unreachable, MINUTE, 8),
            [60, 60, 60, 120, 240, 300, 300, 300]
        );
    }

    #[test]
    fn a_refused_login_gets_one_second_try_and_then_the_lock_time() {
        assert_eq!(
            delays(FailureKind::Authentication, MINUTE, 3),
            [60, 900, 900]
        );
        let five_seconds = Duration::from_secs(5);
        assert_eq!(
            delays(FailureKind::Authentication, five_seconds, 3),
            [60, 900, 900]
        );
    }

    #[test]
    fn an_unknown_host_key_is_looked_at_again_at_the_interval() {
        assert_eq!(delays(FailureKind::HostKey, MINUTE, 20).last(), Some(&60));
    }

    #[test]
    fn a_broken_entry_waits_for_its_mending() {
        assert_eq!(delays(FailureKind::Configuration, MINUTE, 2), [900, 900]);
    }

    #[test]
    fn another_kind_of_failure_starts_its_own_count() {
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff = backoff.after(Some(FailureKind::Unreachable));
        }
        backoff = backoff.after(Some(FailureKind::Authentication));
        assert_eq!(backoff.delay(MINUTE, 0.0), MINUTE);
    }

    #[test]
    fn an_interval_longer_than_the_limits_is_never_shortened() {
        let hour = Duration::from_secs(3600);
        for kind in [
            FailureKind::Unreachable,
            FailureKind::Authentication,
            FailureKind::Configuration,
            FailureKind::HostKey,
        ] {
            assert!(
                delays(kind, hour, 40).iter().all(|&delay| delay == 3600),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn waits_that_have_grown_are_spread_by_a_tenth() {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            backoff = backoff.after(Some(FailureKind::Timeout));
        }
        assert_eq!(backoff.delay(MINUTE, 0.0), LONGEST_WAIT);
        assert_eq!(backoff.delay(MINUTE, 1.0), LONGEST_WAIT + LONGEST_WAIT / 10);
        assert_eq!(
            backoff.delay(MINUTE, f64::MAX),
            LONGEST_WAIT + LONGEST_WAIT / 10
        );
    }
}
