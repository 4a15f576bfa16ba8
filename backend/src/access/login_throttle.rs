//! Limits how often a password may be tried.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use ecoman_model::Timestamp;

/// The failures that are free: of a name from one address, of an address with any name, of a name
/// from any address. After that each failure doubles the wait.
const FREE: [(Kind, u32); 3] = [(Kind::Both, 5), (Kind::Address, 30), (Kind::Name, 100)];

/// The longest wait, and how long a failure is remembered.
const LONGEST: TimeDelta = TimeDelta::minutes(15);

/// The most names and addresses that are remembered, not counting those that must wait; the oldest
/// are forgotten first.
const REMEMBERED: usize = 10_000;

/// How long an address from which a user has signed in counts as theirs.
const KNOWN: TimeDelta = TimeDelta::days(30);

/// Counts each try as a failure when it begins, so that parallel tries count too. A success takes
/// its own back, and clears those of the name from that address.
#[derive(Debug, Default)]
pub(crate) struct LoginThrottle {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    failures: HashMap<Key, Failures>,
    /// The addresses from which users have signed in, and when: failures elsewhere do not lock a
    /// user out there.
    known: HashMap<(String, Option<IpAddr>), Timestamp>,
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

impl LoginThrottle {
    /// Begins a try.
    ///
    /// # Errors
    ///
    /// The time to wait first.
    pub(crate) fn begin(
        &self,
        name: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let (name, address) = (spelled(name), address.map(network));
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.forget(now);
        let is_known = memory.known.contains_key(&(name.clone(), address));
        let until = FREE
            .iter()
            .filter(|(kind, _)| !(is_known && *kind == Kind::Name))
            .filter_map(|(kind, _)| memory.failures.get(&key(*kind, &name, address)))
            .map(|failures| failures.until)
            .max();
        let wait = until.and_then(|until| (until - now).to_std().ok());
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        for (kind, free) in FREE {
            let failures = memory
                .failures
                .entry(key(kind, &name, address))
                .or_insert(Failures {
                    count: 0,
                    last: now,
                    until: now,
                });
            failures.count += 1;
            failures.last = now;
            failures.until = now + wait_after(failures.count, free);
        }
        Ok(())
    }

    /// Ends a try whose password was right.
    pub(crate) fn succeeded(&self, name: &str, address: Option<IpAddr>, now: Timestamp) {
        let (name, address) = (spelled(name), address.map(network));
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.failures.remove(&key(Kind::Both, &name, address));
        for (kind, free) in FREE {
            if let Some(failures) = memory.failures.get_mut(&key(kind, &name, address)) {
                failures.count = failures.count.saturating_sub(1);
                failures.until = failures.last + wait_after(failures.count, free);
            }
        }
        memory.known.insert((name, address), now);
    }
}

impl Memory {
    fn forget(&mut self, now: Timestamp) {
        self.failures
            .retain(|_, it| now - it.last < LONGEST || it.until > now);
        if self.failures.len() >= REMEMBERED {
            let mut times: Vec<_> = self.failures.values().map(|it| it.last).collect();
            let (_, middle, _) = times.select_nth_unstable(REMEMBERED / 2);
            let middle = *middle;
            self.failures
                .retain(|_, it| it.last > middle || it.until > now);
        }
        self.known.retain(|_, at| now - *at < KNOWN);
        if self.known.len() >= REMEMBERED {
            let mut times: Vec<_> = self.known.values().copied().collect();
            let (_, middle, _) = times.select_nth_unstable(REMEMBERED / 2);
            let middle = *middle;
            self.known.retain(|_, at| *at > middle);
        }
    }
}

/// How long to wait after so many failures.
fn wait_after(count: u32, free: u32) -> TimeDelta {
    match count.checked_sub(free) {
        Some(beyond) => TimeDelta::seconds(1 << beyond.min(10)).min(LONGEST),
        None => TimeDelta::zero(),
    }
}

fn spelled(name: &str) -> String {
    name.chars().take(64).collect::<String>().to_lowercase()
}

/// The network that counts as one client: an IPv6 client has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

fn key(kind: Kind, name: &str, address: Option<IpAddr>) -> Key {
    match kind {
        Kind::Both => (kind, Some(name.to_owned()), address),
        Kind::Address => (kind, None, address),
        Kind::Name => (kind, Some(name.to_owned()), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_795_377_600 + second, 0).expect("in range")
    }

    fn from(address: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, address]))
    }

    fn seconds(count: u64) -> Result<(), Duration> {
        Err(Duration::from_secs(count))
    }

    #[test]
    fn after_five_tries_each_doubles_the_wait() {
        let tries = LoginThrottle::default();
        for _ in 0..5 {
            // The results of the tries before are not known yet.
            assert_eq!(tries.begin("alice", HERE, at(0)), Ok(()));
        }
        assert_eq!(tries.begin("Alice", HERE, at(0)), seconds(1));
        assert_eq!(tries.begin("alice", HERE, at(1)), Ok(()));
        assert_eq!(tries.begin("alice", HERE, at(1)), seconds(2));
        let mut now = 1;
        for wait in [2, 4, 8, 16, 32, 64, 128, 256, 512] {
            now += wait;
            assert_eq!(tries.begin("alice", HERE, at(now)), Ok(()), "{wait}");
        }
        assert_eq!(tries.begin("alice", HERE, at(now)), seconds(900));
        // Nobody can lock others out of their account from elsewhere.
        assert_eq!(tries.begin("alice", None, at(now)), Ok(()));
        tries.succeeded("alice", HERE, at(now));
        assert_eq!(tries.begin("alice", HERE, at(now)), Ok(()));
    }

    #[test]
    fn a_success_counts_for_nothing() {
        let tries = LoginThrottle::default();
        for second in 0..1_000 {
            assert_eq!(tries.begin("alice", HERE, at(second)), Ok(()));
            tries.succeeded("alice", HERE, at(second));
        }
    }

    #[test]
    fn an_address_cannot_try_every_name() {
        let tries = LoginThrottle::default();
        for number in 0..30 {
            let name = format!("user-{number}");
            assert_eq!(tries.begin(&name, HERE, at(0)), Ok(()));
        }
        assert_eq!(tries.begin("another", HERE, at(0)), seconds(1));
        assert_eq!(tries.begin("another", None, at(0)), Ok(()));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let tries = LoginThrottle::default();
        for number in 0..5 {
            let address = format!("2001:db8::{number}").parse().expect("an address");
            assert_eq!(tries.begin("alice", Some(address), at(0)), Ok(()));
        }
        let another = "2001:db8::ffff:1".parse().expect("an address");
        assert_eq!(tries.begin("alice", Some(another), at(0)), seconds(1));
    }

    #[test]
    fn who_has_signed_in_somewhere_is_not_kept_out_there() {
        let tries = LoginThrottle::default();
        assert_eq!(tries.begin("alice", from(1), at(0)), Ok(()));
        tries.succeeded("alice", from(1), at(0));
        for address in 2..40 {
            for _ in 0..4 {
                let _too_many = tries.begin("alice", from(address), at(1));
            }
        }
        assert!(tries.begin("alice", from(100), at(1)).is_err());
        assert_eq!(tries.begin("alice", from(1), at(1)), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_passes() {
        let tries = LoginThrottle::default();
        for _ in 0..6 {
            let _too_many = tries.begin("held", HERE, at(0));
        }
        let mut until = 0;
        for second in [1, 3, 7, 15, 31, 63, 127, 255, 511] {
            assert_eq!(tries.begin("held", HERE, at(second)), Ok(()), "{second}");
            until = 2 * second + 1;
        }
        for number in 0..8_000 {
            let _from_anywhere = tries.begin(&format!("user-{number}"), None, at(511));
        }
        let count = || tries.memory.lock().expect("sound").failures.len();
        assert!(count() <= REMEMBERED + 3, "{}", count());
        // Who has to wait is not forgotten for others.
        assert!(tries.begin("held", HERE, at(until - 200)).is_err());
        let _late = tries.begin("late", HERE, at(100_000));
        assert_eq!(count(), 3);
    }
}
