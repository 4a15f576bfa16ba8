//! The host names that this server accepts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::error::Error;

/// The names and addresses that a client may use for this server.
#[derive(Clone, Debug)]
pub(crate) struct AllowedHosts {
    listens_on_loopback: bool,
    names: Arc<[String]>,
}

impl AllowedHosts {
    /// The names of a server that listens on `address`. Without `names` a server that listens
    /// beyond loopback accepts any.
    pub(crate) fn new(address: SocketAddr, names: &[String]) -> Self {
        Self {
            listens_on_loopback: address.ip().to_canonical().is_loopback(),
            names: names.into(),
        }
    }

    fn contains(&self, host: &str) -> bool {
        let name = host.strip_suffix('.').unwrap_or(host);
        let address: Option<IpAddr> = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
            .parse()
            .ok();
        match address {
            // DNS rebinding needs a name; an address cannot be rebound.
            Some(address) => !self.listens_on_loopback || address.to_canonical().is_loopback(),
            None => {
                name == "localhost"
                    || name.ends_with(".localhost")
                    || self.names.iter().any(|allowed| allowed == name)
                    || (self.names.is_empty() && !self.listens_on_loopback)
            }
        }
    }
}

/// Refuses requests for other names. Against DNS rebinding: a foreign page can point a name of
/// its own to this server's address and would then be of the same origin, but it cannot choose
/// what the browser sends as `Host`.
pub(crate) async fn check(
    State(allowed): State<AllowedHosts>,
    request: Request,
    next: Next,
) -> Response {
    match host_of(&request) {
        Some(host) if allowed.contains(&host) => next.run(request).await,
        host => Error::ForeignHost(host.unwrap_or_default()).into_response(),
    }
}

/// The name that the client uses for this server, without its port.
fn host_of(request: &Request) -> Option<String> {
    let authority = request.uri().authority().cloned();
    let authority = authority.or_else(|| header_authority(request.headers()))?;
    Some(authority.host().to_ascii_lowercase())
}

fn header_authority(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    // A request with two is invalid (RFC 9112, 3.2).
    let host = hosts.next().filter(|_| hosts.next().is_none())?;
    host.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_hosts(address: &str, allowed: &[&str], hosts: &[(&str, bool)]) {
        let names: Vec<_> = allowed.iter().map(|&host| host.to_owned()).collect();
        let allowed_hosts = AllowedHosts::new(address.parse().expect("an address"), &names);
        for (host, expected) in hosts {
            let request = Request::builder().header(HOST, *host);
            let request = request.body(axum::body::Body::empty()).expect("a request");
            let is_allowed = host_of(&request).is_some_and(|host| allowed_hosts.contains(&host));
            assert_eq!(
                is_allowed, *expected,
                "{host:?} at {address} with {allowed:?}"
            );
        }
    }

    #[test]
    fn on_loopback_only_this_machine_has_a_name() {
        check_hosts(
            "127.0.0.1:8000",
            &[],
            &[
                ("localhost", true),
                ("LOCALHOST:8000", true),
                ("localhost.:80", true),
                ("ecoman.localhost", true),
                ("127.0.0.1:12345", true),
                ("[::1]:8000", true),
                ("evil.example", false),
                ("localhost.evil.example", false),
                ("127.0.0.1.evil.example", false),
                ("192.0.2.1", false),
                ("evil.example@localhost:1:2", false),
                ("", false),
            ],
        );
        check_hosts(
            "[::ffff:127.0.0.1]:8000",
            &[],
            &[
                ("localhost", true),
                ("[::ffff:127.0.0.1]:8000", true),
                ("127.0.0.1", true),
                ("evil.example", false),
                ("[::ffff:192.0.2.1]", false),
            ],
        );
        check_hosts(
            "[::1]:8000",
            &["ecoman"],
            &[("ecoman:8000", true), ("other", false)],
        );
    }

    #[test]
    fn elsewhere_names_are_free_until_some_are_given() {
        check_hosts(
            "0.0.0.0:8000",
            &[],
            &[("any.example", true), ("192.0.2.1:8000", true), ("", false)],
        );
        check_hosts(
            "0.0.0.0:8000",
            &["ecoman.example.org"],
            &[
                ("ecoman.example.org:8000", true),
                ("Ecoman.Example.org.", true),
                ("evil.example", false),
                ("192.0.2.1", true),
                ("localhost", true),
            ],
        );
    }
}
