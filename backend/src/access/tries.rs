//! How often somebody may try a password.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use ecoman_model::Timestamp;

/// Failures that count against further tries: of a name from an address, of an address whatever
/// the name, of a name whatever the address. After so many that are free each further failure
/// doubles the wait.
const FREE: [(Kind, u32); 3] = [(Kind::Both, 5), (Kind::Address, 30), (Kind::Name, 100)];

/// The longest wait, and how long a failure is remembered.
const LONGEST: TimeDelta = TimeDelta::minutes(15);

/// So many names and addresses are remembered at most; the oldest are forgotten first.
const REMEMBERED: usize = 10_000;

/// Counts failures. A success clears those of the name from that address.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    failures: Mutex<HashMap<Key, Failures>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Both,
    Address,
    Name,
}

type Key = (Kind, Option<String>, Option<IpAddr>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
    until: Timestamp,
}

impl Tries {
    /// Takes one try.
    ///
    /// # Errors
    ///
    /// It is too early: how long to wait.
    pub(crate) fn begin(
        &self,
        name: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let until = FREE
            .iter()
            .filter_map(|(kind, _)| failures.get(&key(*kind, name, address)))
            .map(|failures| failures.until)
            .max();
        let wait = until.and_then(|until| (until - now).to_std().ok());
        match wait {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }

    /// The password was wrong.
    pub(crate) fn failed(&self, name: &str, address: Option<IpAddr>, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, it| now - it.last < LONGEST || it.until > now);
        if failures.len() >= REMEMBERED {
            let mut times: Vec<_> = failures.values().map(|it| it.last).collect();
            let (_, middle, _) = times.select_nth_unstable(REMEMBERED / 2);
            let middle = *middle;
            failures.retain(|_, it| it.last > middle);
        }
        for (kind, free) in FREE {
            let entry = failures
                .entry(key(kind, name, address))
                .or_insert(Failures {
                    count: 0,
                    last: now,
                    until: now,
                });
            entry.count += 1;
            entry.last = now;
            if let Some(beyond) = entry.count.checked_sub(free) {
                let wait = TimeDelta::seconds(1 << beyond.min(10));
                entry.until = now + wait.min(LONGEST);
            }
        }
    }

    /// The password was right.
    pub(crate) fn succeeded(&self, name: &str, address: Option<IpAddr>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&key(Kind::Both, name, address));
    }
}

fn key(kind: Kind, name: &str, address: Option<IpAddr>) -> Key {
    let name = || Some(name.chars().take(64).collect::<String>().to_lowercase());
    match kind {
        Kind::Both => (kind, name(), address),
        Kind::Address => (kind, None, address),
        Kind::Name => (kind, name(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_795_377_600 + second, 0).expect("in range")
    }

    #[test]
    fn after_five_failures_each_doubles_the_wait() {
        let tries = Tries::default();
        for _ in 0..4 {
            tries.failed("alice", HERE, at(0));
            assert_eq!(tries.begin("alice", HERE, at(0)), Ok(()));
        }
        tries.failed("alice", HERE, at(0));
        assert_eq!(
            tries.begin("Alice", HERE, at(0)),
            Err(Duration::from_secs(1))
        );
        assert_eq!(tries.begin("alice", HERE, at(1)), Ok(()));
        tries.failed("alice", HERE, at(1));
        assert_eq!(
            tries.begin("alice", HERE, at(1)),
            Err(Duration::from_secs(2))
        );
        for _ in 0..20 {
            tries.failed("alice", HERE, at(3));
        }
        assert_eq!(
            tries.begin("alice", HERE, at(3)),
            Err(Duration::from_secs(900))
        );
        // Nobody can lock others out of their account from elsewhere.
        assert_eq!(tries.begin("alice", None, at(3)), Ok(()));
        tries.succeeded("alice", HERE);
        assert_eq!(tries.begin("alice", HERE, at(3)), Ok(()));
    }

    #[test]
    fn an_address_cannot_try_every_name() {
        let tries = Tries::default();
        for number in 0..30 {
            assert_eq!(tries.begin("x", HERE, at(0)), Ok(()));
            tries.failed(&format!("user-{number}"), HERE, at(0));
        }
        assert!(tries.begin("another", HERE, at(0)).is_err());
        assert_eq!(tries.begin("another", None, at(0)), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_passes() {
        let tries = Tries::default();
        for number in 0..8_000 {
            tries.failed(&format!("user-{number}"), None, at(number));
        }
        let count = || tries.failures.lock().expect("sound").len();
        assert!(count() <= REMEMBERED + 3, "{}", count());
        tries.failed("late", HERE, at(100_000));
        assert_eq!(count(), 3);
    }
}
