//! `/api/docs`: Swagger UI, embedded so that it works offline.

use std::io::Read as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

use crate::http::error::Error;
use crate::http::etag::matches_etag;

/// The path of the page; its files are below.
const PATH: &str = "/api/docs/";

/// The content security policy: own files, own server; Swagger UI uses `data:` images.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
    form-action 'none'";

/// The page and what it loads.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/api/docs", get(async || Redirect::permanent(PATH)))
        .route(PATH, get(page))
        .route("/api/docs/{file}", get(file))
}

async fn page(headers: HeaderMap) -> Response {
    let page = include_bytes!("docs_page/index.html");
    let page = answer(&headers, "text/html; charset=utf-8", page.to_vec());
    // On a 304 as well: a browser updates the headers of its cached page with those of the 304.
    ([(CONTENT_SECURITY_POLICY, POLICY)], page).into_response()
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match name.as_str() {
        "docs.js" => {
            let script = include_bytes!("docs_page/docs.js");
            answer(&headers, "text/javascript; charset=utf-8", script.to_vec())
        }
        "docs.css" => {
            let style = include_bytes!("docs_page/docs.css");
            answer(&headers, "text/css; charset=utf-8", style.to_vec())
        }
        "swagger-ui-bundle.js" => carried(&headers, &name, "text/javascript; charset=utf-8"),
        "swagger-ui.css" => carried(&headers, &name, "text/css; charset=utf-8"),
        _ => Error::NotFound.into_response(),
    }
}

/// A file of Swagger UI. It is embedded compressed, and compressed again for the client by an
/// outer layer.
fn carried(headers: &HeaderMap, name: &str, media_type: &str) -> Response {
    let file = match utoipa_swagger_ui::serve(name, Arc::default()) {
        Ok(Some(file)) => file,
        Ok(None) => return Error::NotFound.into_response(),
        Err(error) => return Error::internal(&*error).into_response(),
    };
    if !file.gzpipped {
        return answer(headers, media_type, file.bytes.into_owned());
    }
    let mut bytes = Vec::new();
    match GzDecoder::new(&*file.bytes).read_to_end(&mut bytes) {
        Ok(_) => answer(headers, media_type, bytes),
        Err(error) => Error::internal(&error).into_response(),
    }
}

fn answer(headers: &HeaderMap, media_type: &str, bytes: Vec<u8>) -> Response {
    let hash = Sha256::digest(&bytes);
    let etag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(hash));
    let is_known = matches_etag(headers, &etag);
    let fixed = [
        (CONTENT_TYPE, media_type.to_owned()),
        (CACHE_CONTROL, "no-cache".to_owned()),
        (ETAG, etag),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    (fixed, bytes).into_response()
}
