//! Limits of connections.

use std::time::Duration;

use ipnet::IpNet;
use rustix::process::{Resource, getrlimit};

/// What connections are held to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: usize,
    /// Those of one address; an IPv6 network of 64 bits is one, for it is what one machine has.
    pub per_address: usize,
    /// Addresses behind which there are many clients, which have no limit of their own: proxies.
    /// Loopback addresses have none either.
    pub shared: Vec<IpNet>,
    /// How long the handshake of TLS may take.
    pub handshake: Duration,
    /// How long a connection may take to say what it wants, from its beginning or from the answer
    /// before.
    pub head: Duration,
}

impl Limits {
    /// Half of the descriptors that this process may have, the other half being for what it does;
    /// and for one address a quarter of that.
    #[must_use]
    pub fn of_this_process() -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let connections = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
        let connections = connections.clamp(16, 8192);
        Self {
            connections,
            per_address: (connections / 4).max(8),
            shared: Vec::new(),
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(60),
        }
    }
}
