//! hosts.yml, read into typed nodes; every error names file, line, node and key.

mod check;
mod host;
pub(crate) mod key;
mod stamp;
mod watch;
mod yaml;

pub use host::{Host, Hosts, HostsError, HostsProblem};
pub use watch::HostsWatch;
