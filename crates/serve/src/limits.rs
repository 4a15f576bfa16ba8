//! Limits of connections.

use std::time::Duration;

use ipnet::IpNet;
use rustix::process::{Resource, getrlimit};

/// Limits of the connections of one listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Open connections of one address; an IPv6 network of 64 bits counts as one.
    pub per_address: usize,
    /// Addresses without a limit of their own, since many clients share them: proxies. Loopback
    /// addresses have none either.
    pub shared: Vec<IpNet>,
    /// Time limit of the TLS handshake.
    pub handshake: Duration,
    /// Time limit of a request's head, from the start of the connection or the answer before.
    pub head: Duration,
}

impl Limits {
    /// Half of the file descriptors that this process may have; the other half serves its own work.
    /// One address may have a quarter of that.
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
