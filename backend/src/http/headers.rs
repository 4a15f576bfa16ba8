//! What protects the server from other pages in its users' browsers.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Config;
use crate::http::problem::Error;
use crate::routes::state::AppState;

/// Of every answer. No page of another origin may embed, frame or read any of it.
const HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Of answers that are no page.
const NOTHING_ALLOWED: &str =
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// The policy of the page: its own files, its own server, the scripts with these hashes
/// (`'sha256-…'`), and WebAssembly.
pub(crate) fn page_policy(script_hashes: &[String]) -> String {
    let hashes: String = script_hashes
        .iter()
        .map(|hash| format!(" {hash}"))
        .collect();
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{hashes}; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
         base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
}

/// Adds the headers.
pub(crate) async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(NOTHING_ALLOWED));
    response
}

/// Refuses requests for other names. Against DNS rebinding: a foreign page can point a name of
/// its own to this server's address and would then be of the same origin, but it cannot choose
/// what the browser sends as `Host`.
pub(crate) async fn check_host(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    match host_of(&request) {
        Some(host) if is_allowed(&host, &state.config) => next.run(request).await,
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
    // Two of them are for two servers (RFC 9112, 3.2): neither is believed.
    let host = hosts.next().filter(|_| hosts.next().is_none())?;
    host.to_str().ok()?.parse().ok()
}

fn is_allowed(host: &str, config: &Config) -> bool {
    let listens_on_loopback = config.address.ip().to_canonical().is_loopback();
    let name = host.strip_suffix('.').unwrap_or(host);
    let address: Option<IpAddr> = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
        .parse()
        .ok();
    match address {
        // An address is no name: it cannot be rebound.
        Some(address) => !listens_on_loopback || address.to_canonical().is_loopback(),
        None => {
            name == "localhost"
                || name.ends_with(".localhost")
                || config.allowed_hosts.iter().any(|allowed| allowed == name)
                || (config.allowed_hosts.is_empty() && !listens_on_loopback)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, allowed: &[&str], hosts: &[(&str, bool)]) {
        let config = Config {
            address: address.parse().expect("an address"),
            thresholds: ecoman_model::Thresholds::default(),
            allowed_hosts: allowed.iter().map(|&host| host.to_owned()).collect(),
            presets: Vec::new(),
            executor: crate::ExecutorAccess {
                address: "127.0.0.1".to_owned(),
                port: 8600,
                token: None,
            },
            access: crate::AccessConfig {
                sign_in: crate::SignIn::None,
                directory: "/nowhere".into(),
                session_length: chrono::TimeDelta::hours(1),
                trusted_proxies: Vec::new(),
                audit_days: 1,
            },
            tls: None,
        };
        for (host, expected) in hosts {
            let request = Request::builder().header(HOST, *host);
            let request = request.body(axum::body::Body::empty()).expect("a request");
            let is_allowed = host_of(&request).is_some_and(|host| is_allowed(&host, &config));
            assert_eq!(
                is_allowed, *expected,
                "{host:?} at {address} with {allowed:?}"
            );
        }
    }

    #[test]
    fn on_loopback_only_this_machine_has_a_name() {
        check(
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
        check(
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
        check(
            "[::1]:8000",
            &["ecoman"],
            &[("ecoman:8000", true), ("other", false)],
        );
    }

    #[test]
    fn elsewhere_names_are_free_until_some_are_given() {
        check(
            "0.0.0.0:8000",
            &[],
            &[("any.example", true), ("192.0.2.1:8000", true), ("", false)],
        );
        check(
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
