//! The cookie of a session.

use std::fmt::Write as _;

use axum::http::HeaderMap;
use chrono::TimeDelta;

use crate::http::base_path::BasePath;
use crate::http::cookies::cookies;

/// The cookie of this server's sessions: its name and where the browser sends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionCookie<'a> {
    /// Whether the client uses TLS.
    pub(crate) secure: bool,
    /// Where the page is: other pages of the host may be somebody else's.
    pub(crate) base: &'a BasePath,
}

/// A browser accepts `__Host-` only over TLS, from this very host and for all of its paths
/// (RFC 6265bis, 4.1.3).
const OF_THIS_HOST: &str = "__Host-";
/// A browser accepts it only over TLS.
const SECURE: &str = "__Secure-";
const NAME: &str = "ecoman_session";

impl SessionCookie<'_> {
    /// The secret of a request's session.
    pub(crate) fn secret(self, headers: &HeaderMap) -> Option<String> {
        let own = self.name();
        let mut values = cookies(headers, &own);
        values.next().map(str::to_owned)
    }

    /// The `Set-Cookie` that opens a session.
    pub(crate) fn open(self, secret: &str, length: TimeDelta) -> String {
        self.set(secret, length.num_seconds())
    }

    /// The `Set-Cookie` that closes it.
    pub(crate) fn close(self) -> String {
        self.set("", 0)
    }

    fn set(self, value: &str, seconds: i64) -> String {
        let mut cookie = format!(
            "{}={value}; Path={}; Max-Age={seconds}; HttpOnly; SameSite=Strict",
            self.name(),
            self.base
        );
        if self.secure {
            let _ = write!(cookie, "; Secure");
        }
        cookie
    }

    fn name(self) -> String {
        let prefix = match (self.secure, self.base.is_root()) {
            (true, true) => OF_THIS_HOST,
            (true, false) => SECURE,
            (false, _) => "",
        };
        format!("{prefix}{NAME}")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::COOKIE;

    use super::*;

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=b; ecoman_session=one".parse().expect("a header"));
        headers.append(
            COOKIE,
            "__Host-ecoman_session=two".parse().expect("a header"),
        );
        let base = &BasePath::default();
        let secret = |secure, headers: &_| SessionCookie { secure, base }.secret(headers);
        assert_eq!(secret(false, &headers).as_deref(), Some("one"));
        assert_eq!(secret(true, &headers).as_deref(), Some("two"));
        assert_eq!(secret(false, &HeaderMap::new()), None);
    }

    #[test]
    fn a_cookie_is_for_the_server_alone() {
        let (root, below) = (BasePath::default(), "/ecoman".parse().expect("a base path"));
        let cookie = |secure, base| SessionCookie { secure, base };
        assert_eq!(
            cookie(true, &root).open("s", TimeDelta::hours(12)),
            "__Host-ecoman_session=s; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            cookie(false, &root).close(),
            "ecoman_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
        );
        assert_eq!(
            cookie(true, &below).close(),
            "__Secure-ecoman_session=; Path=/ecoman; Max-Age=0; HttpOnly; SameSite=Strict; Secure"
        );
    }
}
