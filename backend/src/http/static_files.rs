//! The page: its files, embedded in a release build, read from `dist/` in a debug build.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecoman_api::text::Language;
#[cfg(not(debug_assertions))]
use rust_embed::Embed;
use sha2::{Digest as _, Sha256};

use crate::http::base_path::{BasePath, WithoutSlash};
use crate::http::body_cache::Encoding;
use crate::http::error::Error;
use crate::http::etag::matches_etag;
use crate::http::headers::page_policy;
use crate::http::language::{self, language};

/// The source of the page's files.
#[derive(Clone, Debug)]
pub(crate) enum StaticFiles {
    /// Embedded in this program.
    Built,
    /// A directory, read at each request.
    Directory(Arc<Path>),
}

/// Built by `cargo xtask build`.
#[cfg(not(debug_assertions))]
#[derive(Embed)]
#[folder = "../dist"]
#[allow_missing = true]
struct Dist;

struct File {
    data: Cow<'static, [u8]>,
    hash: [u8; 32],
}

const INDEX: &str = "index.html";

/// Answers every path outside the API: with a file of the page, or with the page itself, which
/// routes its own paths. `signed_out`: the page learns that its user has to sign in first.
pub(crate) fn serve(page: &StaticFiles, signed_out: bool, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = Error::MethodNotAllowed.into_response();
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    if request.extensions().get::<WithoutSlash>().is_some() {
        let query = request.uri().query().map(|query| format!("?{query}"));
        return Redirect::permanent(&format!("/{}", query.unwrap_or_default())).into_response();
    }
    let path = request.uri().path();
    let name = path.trim_start_matches('/');
    if name != INDEX && !name.is_empty() {
        if let Some(response) = asset(page, name, request.headers()) {
            return response;
        }
        if !is_page_path(path) {
            return Error::NotFound.into_response();
        }
    }
    let base = request.extensions().get().cloned().unwrap_or_default();
    index(
        page,
        &base,
        language(request),
        signed_out,
        request.headers(),
    )
}

/// The page itself.
fn index(
    page: &StaticFiles,
    base: &BasePath,
    language: Language,
    signed_out: bool,
    headers: &HeaderMap,
) -> Response {
    let Some(mut file) = page.file(INDEX) else {
        return missing(base);
    };
    if !base.is_root() || language != Language::English {
        let html = String::from_utf8_lossy(&file.data);
        let html = index_for(base, language, &html);
        file = File::new(html.into_bytes());
    }
    if signed_out {
        let html = String::from_utf8_lossy(&file.data);
        let html = html.replacen("data-base=", "data-signed-out data-base=", 1);
        file = File::new(html.into_bytes());
    }
    let etag = file.etag();
    let policy = page_policy(&inline_script_hashes(&String::from_utf8_lossy(&file.data)));
    // On a 304 as well: a browser updates the headers of its cached page with those of the 304.
    let fixed = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CACHE_CONTROL, "no-cache".to_owned()),
        (ETAG, etag.clone()),
        (CONTENT_SECURITY_POLICY, policy),
        (VARY, language::DEPENDS_ON.to_owned()),
    ];
    if matches_etag(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    (fixed, file.data.into_owned()).into_response()
}

/// A file of the page, in the best precompressed encoding.
fn asset(page: &StaticFiles, name: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = page.file(name)?;
    let etag = plain.etag();
    let caching = if is_hashed(name) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let fixed = [
        (CONTENT_TYPE, media_type(name)),
        (CACHE_CONTROL, caching.to_owned()),
        (ETAG, etag.clone()),
        (VARY, ACCEPT_ENCODING.to_string()),
    ];
    if matches_etag(headers, &etag) {
        return Some((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    let encoded = match Encoding::accepted(headers) {
        Encoding::Brotli => page.file(&format!("{name}.br")).map(|file| ("br", file)),
        Encoding::Gzip => page.file(&format!("{name}.gz")).map(|file| ("gzip", file)),
        Encoding::Identity => None,
    };
    Some(match encoded {
        Some((encoding, file)) => {
            let encoding = [(CONTENT_ENCODING, encoding)];
            (fixed, encoding, file.data.into_owned()).into_response()
        }
        None => (fixed, plain.data.into_owned()).into_response(),
    })
}

/// The page in a language, which it reads from its first element: the browser chooses fonts by it. Its
/// addresses are below a base path; they begin at the root, in quotes, and so does the one that it
/// names for people.
fn index_for(base: &BasePath, language: Language, html: &str) -> String {
    let base = match base.is_root() {
        true => "",
        false => base.as_str(),
    };
    let lang = format!("<html lang=\"{}\"", language.tag());
    html.replacen("<html lang=\"en\"", &lang, 1)
        .replace("=\"/", &format!("=\"{base}/"))
        .replace("'/", &format!("'{base}/"))
        .replace("<code>/", &format!("<code>{base}/"))
        .replacen("data-base=\"\"", &format!("data-base=\"{base}\""), 1)
}

/// The page of a program that was built without one.
fn missing(base: &BasePath) -> Response {
    const TEXT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
        <title>ECoMan: no page</title>\n\
        <h1>The page is not part of this build</h1>\n\
        <p>The API works: <a href=\"/api/v1/vms\">/api/v1/vms</a>.</p>\n\
        <p>To build the page, run <code>cargo xtask build</code> (or <code>trunk build</code>) in \
        the repository. A debug build of the server then finds it at once; a release build of the \
        server has to be built again, since it carries the page inside.</p>\n</html>\n";
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    let text = TEXT.replace("/api/", &base.join("/api/"));
    (StatusCode::SERVICE_UNAVAILABLE, headers, text).into_response()
}

impl StaticFiles {
    fn file(&self, name: &str) -> Option<File> {
        match self {
            Self::Built => built(name),
            Self::Directory(directory) => read(directory, name),
        }
    }
}

/// A file of the page that is embedded in this program.
#[cfg(not(debug_assertions))]
fn built(name: &str) -> Option<File> {
    Dist::get(name).map(|file| File {
        hash: file.metadata.sha256_hash(),
        data: file.data,
    })
}

/// A file of the page of the repository. `rust-embed` could read it too, but finds nothing where the
/// page is built after the program.
#[cfg(debug_assertions)]
fn built(name: &str) -> Option<File> {
    read(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../dist")),
        name,
    )
}

fn read(directory: &Path, name: &str) -> Option<File> {
    let path = Path::new(name);
    let stays_inside = path
        .components()
        .all(|component| matches!(component, Component::Normal(_)));
    let path: PathBuf = stays_inside.then(|| directory.join(path))?;
    let data = std::fs::read(path).ok()?;
    Some(File::new(data))
}

impl File {
    fn new(data: Vec<u8>) -> Self {
        Self {
            hash: Sha256::digest(&data).into(),
            data: data.into(),
        }
    }

    fn etag(&self) -> String {
        let hash = self.hash.get(..12).unwrap_or(&self.hash);
        format!("W/\"{}\"", STANDARD.encode(hash))
    }
}

/// Whether the page may route this path. A missing file must not return the page, which a browser
/// would read as a script.
fn is_page_path(path: &str) -> bool {
    const FILE_TYPES: [&str; 17] = [
        "br",
        "css",
        "gif",
        "gz",
        "html",
        "ico",
        "jpg",
        "js",
        "json",
        "map",
        "mjs",
        "php",
        "png",
        "svg",
        "txt",
        "wasm",
        "webmanifest",
    ];
    // A node's name may contain a dot.
    let names_a_node = path.starts_with("/nodes/") || path.starts_with("/vms/");
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    names_a_node || extension.is_none_or(|extension| !FILE_TYPES.contains(&extension))
}

/// Whether trunk has put a hash of the content into the name, so that the content never changes:
/// `NAME-0123456789abcdef.css`, `NAME-0123456789abcdef_bg.wasm`.
fn is_hashed(name: &str) -> bool {
    let Some((_, hash)) = name
        .split('.')
        .next()
        .and_then(|stem| stem.strip_suffix("_bg").unwrap_or(stem).rsplit_once('-'))
    else {
        return false;
    };
    hash.len() >= 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn media_type(name: &str) -> String {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        // Without a charset a browser would guess.
        Some("js" | "mjs") => "text/javascript; charset=utf-8".to_owned(),
        Some("css") => "text/css; charset=utf-8".to_owned(),
        Some("txt") => "text/plain; charset=utf-8".to_owned(),
        _ => mime_guess::from_path(name)
            .first_or_octet_stream()
            .to_string(),
    }
}

/// The hashes of a page's inline scripts, for its content security policy. Trunk writes such a
/// script, which loads the others.
fn inline_script_hashes(html: &str) -> Vec<String> {
    let mut hashes = Vec::new();
    let mut rest = html;
    while let Some((_, script)) = rest.split_once("<script") {
        let Some((attributes, content)) = script.split_once('>') else {
            break;
        };
        let Some((content, behind)) = content.split_once("</script>") else {
            break;
        };
        if !attributes
            .split_whitespace()
            .any(|attribute| attribute.starts_with("src="))
        {
            // Browsers normalize line ends to LF.
            let content = content.replace("\r\n", "\n").replace('\r', "\n");
            let hash = STANDARD.encode(Sha256::digest(content));
            hashes.push(format!("'sha256-{hash}'"));
        }
        rest = behind;
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_scripts_are_hashed_and_others_are_not() {
        // printf 'a < b\n' | openssl dgst -sha256 -binary | base64
        assert_eq!(
            inline_script_hashes(
                "<script src=\"/a.js\"></script><script type=\"module\">a < b\r\n</script>\
                 <script>never closed"
            ),
            ["'sha256-Ada0x3zIptgjQhqtZVSHMs1GCpPoG3MOjOSWvet80Is='"]
        );
    }

    #[test]
    fn the_page_names_its_language_and_its_addresses_are_below_the_base_path() {
        let html = "<html lang=\"en\" data-base=\"\"><link href=\"/a.css\"><script src=\"/a.js\"></script>\
            <script>import init from '/b.js';</script><code>/api/v1</code>";
        let base = "/ecoman".parse().expect("a base path");
        assert_eq!(
            index_for(&base, Language::Japanese, html),
            "<html lang=\"ja\" data-base=\"/ecoman\"><link href=\"/ecoman/a.css\">\
             <script src=\"/ecoman/a.js\"></script>\
             <script>import init from '/ecoman/b.js';</script><code>/ecoman/api/v1</code>"
        );
    }

    #[test]
    fn names_with_a_hash_are_known() {
        for name in [
            "ecoman-0123456789abcdef.js",
            "e-0123456789abcdef_bg.wasm",
            "a/b-0123456789abcdef.css",
        ] {
            assert!(is_hashed(name), "{name}");
        }
        for name in [
            "favicon.svg",
            "ecoman-frontend.js",
            "x-cafe.js",
            "index.html",
            "-.js",
        ] {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn only_paths_of_the_page_lead_to_the_page() {
        for path in [
            "/",
            "/nodes",
            "/vms/hoge/14",
            "/nodes/esxi.example.js",
            "/unknown",
            "/v1.2",
        ] {
            assert!(is_page_path(path), "{path}");
        }
        for path in ["/a.js", "/x/y.wasm", "/favicon.ico", "/wp-login.php"] {
            assert!(!is_page_path(path), "{path}");
        }
    }

    #[test]
    fn a_directory_gives_nothing_from_outside() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("in")).expect("made");
        std::fs::write(directory.path().join("out.txt"), "out").expect("written");
        std::fs::write(directory.path().join("in/in.txt"), "in").expect("written");
        let page = StaticFiles::Directory(directory.path().join("in").into());
        assert!(page.file("in.txt").is_some());
        for name in [
            "../out.txt",
            "/etc/passwd",
            "./../out.txt",
            "",
            "in.txt/",
            "missing",
        ] {
            let inside = name.trim_end_matches('/') == "in.txt";
            assert!(inside || page.file(name).is_none(), "{name}");
        }
    }
}
