//! Cross-site requests (CSRF).

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;

use crate::access::error::Error;

/// The longest part of a header that an answer repeats.
const SHOWN: usize = 200;

/// Refuses a change that comes from a page of another origin. Browsers say so by
/// `Sec-Fetch-Site`, and those that do not by `Origin`; programs send neither.
///
/// # Errors
///
/// [`Error::CrossSite`], or [`Error::OtherOrigin`] where a proxy in front may be the reason: one that
/// does not pass on `Host` makes the page's own requests look so.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Error> {
    match (headers.get("sec-fetch-site"), headers.get(ORIGIN)) {
        (Some(site), _) if matches!(site.as_bytes(), b"same-origin" | b"none") => Ok(()),
        (Some(_), _) => Err(Error::CrossSite),
        (None, Some(origin)) => {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            let origin = origin.to_str().unwrap_or_default();
            let is_ours = origin
                .split_once("://")
                .and_then(|(scheme, authority)| authority_of(scheme, authority))
                .zip(host)
                .is_some_and(|((scheme, origin), host)| {
                    authority_of(scheme, host).is_some_and(|(_, host)| host == origin)
                });
            if is_ours {
                return Ok(());
            }
            let shown = |text: &str| text.chars().take(SHOWN).collect();
            Err(Error::OtherOrigin {
                origin: shown(origin),
                host: shown(host.unwrap_or_default()),
            })
        }
        (None, None) => Ok(()),
    }
}

/// Host and port, in one spelling.
fn authority_of<'a>(scheme: &'a str, text: &str) -> Option<(&'a str, (String, u16))> {
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority: Authority = text.parse().ok()?;
    let host = authority.host().to_ascii_lowercase();
    Some((scheme, (host, authority.port_u16().unwrap_or(usual))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header"));
        }
        check(&map).is_ok()
    }

    #[test]
    fn a_change_comes_from_our_own_page_or_from_no_page() {
        let host = ("host", "ecoman.example.org");
        for (shown, expected) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "")], false),
            (&[("origin", "https://ecoman.example.org")], true),
            (&[("origin", "https://ECOMAN.example.org:443")], true),
            (&[("origin", "https://ecoman.example.org:8443")], false),
            (&[("origin", "https://evil.example.org")], false),
            (&[("origin", "https://ecoman.example.org.evil")], false),
            (&[("origin", "null")], false),
            (&[("origin", "")], false),
            // What the browser says of the site is of more weight.
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://inside"),
                ],
                true,
            ),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://ecoman.example.org"),
                ],
                false,
            ),
        ] {
            let with_host: Vec<_> = shown.iter().copied().chain([host]).collect();
            assert_eq!(passes(&with_host), expected, "{shown:?}");
        }
        assert!(!passes(&[("origin", "https://ecoman.example.org")]));
    }
}
