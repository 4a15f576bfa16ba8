//! The cookie of a session.

use std::fmt::Write as _;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use chrono::TimeDelta;

/// A browser accepts `__Host-` only over TLS and from this very host (RFC 6265bis, 4.1.3).
const SECURE_NAME: &str = "__Host-ecoman_session";
const NAME: &str = "ecoman_session";

/// The secret of a request's session.
pub(crate) fn session_of(headers: &HeaderMap, secure: bool) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == name_of(secure))
        .map(|(_, value)| value.to_owned())
}

/// The `Set-Cookie` that opens a session.
pub(crate) fn opened_cookie(secret: &str, length: TimeDelta, secure: bool) -> String {
    cookie(secret, length.num_seconds(), secure)
}

/// The `Set-Cookie` that closes it.
pub(crate) fn closed_cookie(secure: bool) -> String {
    cookie("", 0, secure)
}

fn cookie(value: &str, seconds: i64, secure: bool) -> String {
    let mut cookie = format!(
        "{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict",
        name_of(secure)
    );
    if secure {
        let _ = write!(cookie, "; Secure");
    }
    cookie
}

fn name_of(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { NAME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=b; ecoman_session=one".parse().expect("a header"));
        headers.append(
            COOKIE,
            "__Host-ecoman_session=two".parse().expect("a header"),
        );
        assert_eq!(session_of(&headers, false).as_deref(), Some("one"));
        assert_eq!(session_of(&headers, true).as_deref(), Some("two"));
        assert_eq!(session_of(&HeaderMap::new(), false), None);
    }

    #[test]
    fn a_cookie_is_for_the_server_alone() {
        assert_eq!(
            opened_cookie("s", TimeDelta::hours(12), true),
            "__Host-ecoman_session=s; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            closed_cookie(false),
            "ecoman_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
        );
    }
}
