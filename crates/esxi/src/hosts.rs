//! hosts.yml, read into typed nodes; every error names file, line, node and key.

mod check;
mod host;
pub(crate) mod key;
mod stamp;
mod watch;
mod yaml;

pub use host::{Host, Hosts, HostsError, HostsProblem, trust_command};
pub use watch::HostsWatch;
