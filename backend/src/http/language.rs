//! The language of an answer: what the user has chosen on the page, else the server's, else the
//! browser's.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::Response;
use ecoman_api::text::{LANGUAGE_COOKIE, Language};

use super::cookies::cookies;

/// What the language of an answer depends on, for `Vary`.
pub(crate) const DEPENDS_ON: &str = "Accept-Language, Cookie";

/// Notes the language of a request. `fixed`: `DASHBOARD_LANGUAGE`.
pub(crate) async fn choose(
    State(fixed): State<Option<Language>>,
    mut request: Request,
    next: Next,
) -> Response {
    // The original's API, which knows English alone.
    let is_original = request.uri().path().starts_with("/v1/");
    if !is_original && let Some(language) = of(request.headers(), fixed) {
        request.extensions_mut().insert(language);
    }
    next.run(request).await
}

/// The language that [`choose`] has noted.
pub(crate) fn language(request: &Request) -> Language {
    noted(request.extensions())
}

/// The language of a request, for handlers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReaderLanguage(pub(crate) Language);

impl<S: Send + Sync> FromRequestParts<S> for ReaderLanguage {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(noted(&parts.extensions)))
    }
}

fn noted(extensions: &Extensions) -> Language {
    let noted = extensions.get();
    noted.copied().unwrap_or(Language::English)
}

fn of(headers: &HeaderMap, fixed: Option<Language>) -> Option<Language> {
    let chosen = cookies(headers, LANGUAGE_COOKIE).find_map(|tag| tag.parse().ok());
    let browser = || {
        let lines = headers.get_all(ACCEPT_LANGUAGE).iter();
        let accepted: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
        Language::accepted(&accepted.join(","))
    };
    chosen.or(fixed).or_else(browser)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;
    use axum::http::header::COOKIE;

    use super::*;

    fn of_headers(headers: &[(HeaderName, &str)], fixed: Option<Language>) -> Option<Language> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().expect("a value"));
        }
        of(&map, fixed)
    }

    #[test]
    fn the_choice_of_the_user_comes_before_the_servers_and_that_before_the_browsers() {
        let (english, japanese) = (Some(Language::English), Some(Language::Japanese));
        let browser = (ACCEPT_LANGUAGE, "ja-JP,en;q=0.5");
        let chosen = (COOKIE, "a=b; ecoman_language=en");
        assert_eq!(of_headers(&[], None), None);
        assert_eq!(of_headers(std::slice::from_ref(&browser), None), japanese);
        assert_eq!(of_headers(std::slice::from_ref(&browser), english), english);
        assert_eq!(
            of_headers(&[browser.clone(), chosen.clone()], None),
            english
        );
        assert_eq!(of_headers(&[browser.clone(), chosen], japanese), english);
        // Anybody can put anything into a cookie.
        let nonsense = (COOKIE, "ecoman_language=<script>");
        assert_eq!(of_headers(&[browser, nonsense], None), japanese);
        let two = [(ACCEPT_LANGUAGE, "en;q=0.2"), (ACCEPT_LANGUAGE, "ja")];
        assert_eq!(of_headers(&two, None), japanese);
    }
}
