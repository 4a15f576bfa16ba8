//! How many connections there are, in all and from each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;

use crate::limits::Limits;

/// All places.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    shared: Vec<IpNet>,
    most: usize,
    most_per_address: usize,
    taken: Arc<Mutex<Taken>>,
}

/// The place of one connection, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    address: Option<IpAddr>,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            shared: limits.shared.clone(),
            most: limits.connections,
            most_per_address: limits.per_address,
            taken: Arc::default(),
        }
    }

    /// A place for a connection from an address; `None`: there is none.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let is_shared =
            address.is_loopback() || self.shared.iter().any(|network| network.contains(&address));
        let address = (!is_shared).then(|| client(address));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.most {
            return None;
        }
        if let Some(address) = address {
            let count = taken.by_address.entry(address).or_default();
            if *count >= self.most_per_address {
                return None;
            }
            *count += 1;
        }
        taken.all += 1;
        Some(Place {
            address,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(address) = self.address
            && let Some(count) = taken.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

/// What stands for one client: of IPv6 the first 64 bits, for one machine has them all.
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

    fn places() -> Places {
        Places::new(&Limits {
            connections: 5,
            per_address: 2,
            shared: vec!["10.0.0.0/8".parse().expect("a network")],
            handshake: Duration::ZERO,
            head: Duration::ZERO,
        })
    }

    fn take(places: &Places, address: &str) -> Option<Place> {
        places.take(address.parse().expect("an address"))
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let places = places();
        let first = take(&places, "192.0.2.1");
        let second = take(&places, "::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(take(&places, "192.0.2.1").is_none());
        assert!(take(&places, "192.0.2.2").is_some());
        drop(first);
        assert!(take(&places, "192.0.2.1").is_some());
        drop(second);
        let taken = places.taken.lock().expect("sound");
        assert!(taken.by_address.is_empty() && taken.all == 0, "{taken:?}");
    }

    #[test]
    fn a_network_of_64_bits_is_one_address() {
        let places = places();
        let _one = take(&places, "2001:db8::1").expect("a place");
        let _two = take(&places, "2001:db8::2").expect("a place");
        assert!(take(&places, "2001:db8::3").is_none());
        assert!(take(&places, "2001:db8:0:1::3").is_some());
    }

    #[test]
    fn proxies_and_this_machine_have_all_that_there_is() {
        let places = places();
        let held: Vec<_> = (0..5).map(|_| take(&places, "10.1.2.3")).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(take(&places, "127.0.0.1").is_none());
        drop(held);
        let held: Vec<_> = (0..5).map(|_| take(&places, "::1")).collect();
        assert!(held.iter().all(Option::is_some));
    }
}
