//! Counts connections, in all and per address, and refuses those above the limits.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;

use crate::limits::Limits;

/// Issues the permits.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimiter {
    shared: Vec<IpNet>,
    most: usize,
    most_per_address: usize,
    open: Arc<Mutex<Open>>,
}

/// Permits one connection. Dropping it frees the slot.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    address: Option<IpAddr>,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl ConnectionLimiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            shared: limits.shared.clone(),
            most: limits.connections,
            most_per_address: limits.per_address,
            open: Arc::default(),
        }
    }

    /// A permit for a connection from an address; `None` at a limit.
    pub(crate) fn acquire(&self, address: IpAddr) -> Option<ConnectionPermit> {
        let address = address.to_canonical();
        let is_shared =
            address.is_loopback() || self.shared.iter().any(|network| network.contains(&address));
        let address = (!is_shared).then(|| client(address));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.most {
            return None;
        }
        if let Some(address) = address {
            let count = open.by_address.entry(address).or_default();
            if *count >= self.most_per_address {
                return None;
            }
            *count += 1;
        }
        open.all += 1;
        Some(ConnectionPermit {
            address,
            open: Arc::clone(&self.open),
        })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(address) = self.address
            && let Some(count) = open.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

/// The key of one client. A machine usually has a whole IPv6 network of 64 bits, so the network counts.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limiter() -> ConnectionLimiter {
        ConnectionLimiter::new(&Limits {
            connections: 5,
            per_address: 2,
            shared: vec!["10.0.0.0/8".parse().expect("a network")],
            handshake: Duration::ZERO,
            head: Duration::ZERO,
        })
    }

    fn acquire(limiter: &ConnectionLimiter, address: &str) -> Option<ConnectionPermit> {
        limiter.acquire(address.parse().expect("an address"))
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let limiter = limiter();
        let first = acquire(&limiter, "192.0.2.1");
        let second = acquire(&limiter, "::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(acquire(&limiter, "192.0.2.1").is_none());
        assert!(acquire(&limiter, "192.0.2.2").is_some());
        drop(first);
        assert!(acquire(&limiter, "192.0.2.1").is_some());
        drop(second);
        let open = limiter.open.lock().expect("sound");
        assert!(open.by_address.is_empty() && open.all == 0, "{open:?}");
    }

    #[test]
    fn a_network_of_64_bits_is_one_address() {
        let limiter = limiter();
        let _one = acquire(&limiter, "2001:db8::1").expect("a permit");
        let _two = acquire(&limiter, "2001:db8::2").expect("a permit");
        assert!(acquire(&limiter, "2001:db8::3").is_none());
        assert!(acquire(&limiter, "2001:db8:0:1::3").is_some());
    }

    #[test]
    fn proxies_and_this_machine_have_no_limit_per_address() {
        let limiter = limiter();
        let held: Vec<_> = (0..5).map(|_| acquire(&limiter, "10.1.2.3")).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(acquire(&limiter, "127.0.0.1").is_none());
        drop(held);
        let held: Vec<_> = (0..5).map(|_| acquire(&limiter, "::1")).collect();
        assert!(held.iter().all(Option::is_some));
    }
}
