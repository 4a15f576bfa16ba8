//! The path below which users see this server, where a proxy serves it beside other things.
//!
//! Routes know nothing of it: [`BasePath::serve`] takes it off a request, whether or not the proxy has
//! done so before, and puts it in front of the addresses in an answer's headers.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{LINK, LOCATION};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tower::ServiceBuilder;

/// A path without a slash at its end; empty where the server has a host name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

/// The first segments of paths that would be taken off a request that has no base path in front of it.
const OWN: [&str; 5] = ["api", "v1", "healthz", "readyz", "metrics"];

/// Headers whose values are addresses on this server.
const ADDRESSES: [HeaderName; 2] = [LOCATION, LINK];

impl BasePath {
    /// The path, as it stands in front of others.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether everything is where the routes say.
    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Where users find a path of a route.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// A sentence with its paths of the API as users find them.
    pub(crate) fn in_text(&self, text: String) -> String {
        if self.is_root() {
            text
        } else {
            text.replace(" /api/v1/", &format!(" {}/api/v1/", self.0))
        }
    }

    /// Serves `router` below this path, and where it has been taken off already.
    pub(crate) fn serve(&self, router: Router) -> Router {
        if self.is_root() {
            return router;
        }
        let layer = from_fn_with_state(self.clone(), Self::strip);
        Router::new().fallback_service(ServiceBuilder::new().layer(layer).service(router))
    }

    async fn strip(State(base): State<Self>, mut request: Request, next: Next) -> Response {
        if let Some(uri) = base.below(request.uri()) {
            if request.uri().path() == &*base.0 {
                request.extensions_mut().insert(WithoutSlash);
            }
            *request.uri_mut() = uri;
        }
        request.extensions_mut().insert(base.clone());
        let mut response = next.run(request).await;
        for name in ADDRESSES {
            base.prefix(response.headers_mut(), &name);
        }
        response
    }

    /// The address without this path; `None`: it is not below it.
    fn below(&self, uri: &Uri) -> Option<Uri> {
        let rest = match uri.path().strip_prefix(&*self.0)? {
            "" => "/",
            rest if rest.starts_with('/') => rest,
            _ => return None,
        };
        let path = match uri.query() {
            Some(query) => format!("{rest}?{query}"),
            None => rest.to_owned(),
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
        Uri::from_parts(parts).ok()
    }

    /// Puts the path in front of the address in a header.
    fn prefix(&self, headers: &mut HeaderMap, name: &HeaderName) {
        let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) else {
            return;
        };
        let (open, path) = match value.strip_prefix('<') {
            Some(path) => ("<", path),
            None => ("", value),
        };
        // An address on another server begins with a scheme.
        if path.starts_with('/')
            && let Ok(value) = HeaderValue::try_from(format!("{open}{}{path}", self.0))
        {
            headers.insert(name, value);
        }
    }
}

/// Marks a request for the base path itself, without the slash behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WithoutSlash;

impl Default for BasePath {
    fn default() -> Self {
        Self("".into())
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "/" } else { &self.0 })
    }
}

impl FromStr for BasePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_suffix('/').unwrap_or(text);
        if path.is_empty() {
            return Ok(Self::default());
        }
        let is_segment = |segment: &str| {
            let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
            !segment.is_empty() && segment.chars().all(legal) && !matches!(segment, "." | "..")
        };
        let mut segments = path.split('/');
        let begins_with_slash = segments.next() == Some("");
        let segments: Vec<_> = segments.collect();
        if !begins_with_slash || !segments.iter().all(|segment| is_segment(segment)) {
            return Err(
                "must be a path that begins with a slash, such as /ecoman, of ASCII letters, \
                 digits and -._~"
                    .to_owned(),
            );
        }
        match segments.first().filter(|first| OWN.contains(first)) {
            Some(first) => Err(format!(
                "/{first} is reserved by ECoMan; use another path, such as /ecoman"
            )),
            None => Ok(Self(path.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> BasePath {
        text.parse().expect("a base path")
    }

    #[test]
    fn a_slash_at_the_end_changes_nothing() {
        assert_eq!(base("/ecoman/"), base("/ecoman"));
        assert_eq!(base("/"), BasePath::default());
        assert_eq!(base(""), BasePath::default());
        assert_eq!(base("/tools/ecoman-2").as_str(), "/tools/ecoman-2");
        assert_eq!(base("/").to_string(), "/");
    }

    #[test]
    fn what_is_no_path_or_is_taken_is_refused() {
        for text in [
            "ecoman",
            "//ecoman",
            "/a//b",
            "/a b",
            "/../a",
            "/a\"b",
            "https://example.org/ecoman",
            "/a?b",
        ] {
            let error = text.parse::<BasePath>().expect_err(text);
            assert!(error.contains("such as /ecoman"), "{text}: {error}");
        }
        for text in ["/api", "/api/x", "/v1/", "/metrics"] {
            let error = text.parse::<BasePath>().expect_err(text);
            assert!(error.contains("reserved by ECoMan"), "{text}: {error}");
        }
    }

    #[test]
    fn only_whole_segments_are_taken_off() {
        let base = base("/ecoman");
        for (uri, below) in [
            ("/ecoman/api/v1/vms?q=a%2Fb", Some("/api/v1/vms?q=a%2Fb")),
            ("/ecoman/", Some("/")),
            ("/ecoman?x", Some("/?x")),
            ("/ecoman/ecoman/", Some("/ecoman/")),
            ("/ecoman2/", None),
            ("/api/v1/vms", None),
        ] {
            let found = base.below(&uri.parse().expect("a URI"));
            let found = found.map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), below, "{uri}");
        }
    }

    #[test]
    fn addresses_of_this_server_get_the_path_and_others_do_not() {
        let base = base("/ecoman");
        for (before, after) in [
            ("/api/v1/tasks/1", "/ecoman/api/v1/tasks/1"),
            (
                "</api/v1/vms?x>; rel=\"next\"",
                "</ecoman/api/v1/vms?x>; rel=\"next\"",
            ),
            ("https://example.org/", "https://example.org/"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, before.parse().expect("a header"));
            base.prefix(&mut headers, &LINK);
            assert_eq!(headers[LINK], after);
        }
    }
}
