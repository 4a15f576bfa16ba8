//! Conditional requests and caching: entity tags, and how long clients may keep an answer.

use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// `Cache-Control` of an answer that no cache may store.
pub(crate) const NO_STORE: &str = "no-store";

/// `Cache-Control` of an answer that only the client's own cache may store, and must revalidate.
pub(crate) const REVALIDATE: &str = "private, no-cache";

/// Whether the client already has the answer with this entity tag (`If-None-Match`, RFC 9110,
/// 13.1.2).
pub(crate) fn matches_etag(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim() == "*" || opaque(known) == opaque(etag))
}

/// 304.
pub(crate) fn not_modified(etag: String) -> Response {
    let headers = [(CACHE_CONTROL, REVALIDATE.to_owned()), (ETAG, etag)];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_tag_is_compared_weakly() {
        for (known, expected) in [
            ("W/\"7\"", true),
            ("\"7\"", true),
            ("\"6\", W/\"7\"", true),
            ("*", true),
            ("\"77\"", false),
            ("7", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, known.parse().expect("a header"));
            assert_eq!(matches_etag(&headers, "W/\"7\""), expected, "{known:?}");
        }
        assert!(!matches_etag(&HeaderMap::new(), "W/\"7\""));
    }
}
