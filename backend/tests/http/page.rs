//! The page: its files, its policy, its paths.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT_ENCODING, ETAG, IF_NONE_MATCH};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::server::Server;

const SCRIPT: &str = "\nimport init from '/ecoman-0123456789abcdef.js';\nawait init();\n";

/// A page as trunk builds it.
fn build_page(directory: &Path) {
    let index = format!(
        "<!doctype html><html><head><script type=\"module\">{SCRIPT}</script>\
         <link rel=\"modulepreload\" href=\"/ecoman-0123456789abcdef.js\"></head></html>"
    );
    let wasm = b"\0asm\x01\0\0\0".repeat(500);
    fs::write(directory.join("index.html"), index).expect("written");
    fs::write(directory.join("ecoman-0123456789abcdef.js"), "// script").expect("written");
    fs::write(directory.join("ecoman-0123456789abcdef_bg.wasm"), wasm).expect("written");
    fs::write(
        directory.join("ecoman-0123456789abcdef_bg.wasm.br"),
        "brotli",
    )
    .expect("written");
    fs::write(directory.join("ecoman-0123456789abcdef_bg.wasm.gz"), "gzip").expect("written");
    fs::write(directory.join("favicon.svg"), "<svg/>").expect("written");
}

async fn start(directory: &TempDir) -> Server {
    Server::start_with(|dashboard| dashboard.with_page(directory.path())).await
}

#[tokio::test]
async fn the_policy_of_the_page_allows_the_script_that_stands_in_it_and_no_other() {
    let directory = TempDir::new().expect("a directory");
    build_page(directory.path());
    let server = start(&directory).await;
    let page = server.get("/").await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("text");
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'sha256-{hash}'; \
             style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; \
             manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
        )
    );
}

#[tokio::test]
async fn every_path_of_the_page_is_the_page_and_missing_files_are_missing() {
    let directory = TempDir::new().expect("a directory");
    build_page(directory.path());
    let server = start(&directory).await;
    let page = server.get("/").await.text().await.expect("a body");
    for path in [
        "/nodes",
        "/vms/hoge/14",
        "/vms/esxi.js/14",
        "/index.html",
        "/anything?x=1",
    ] {
        let response = server.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.text().await.expect("a body"), page, "{path}");
    }
    for path in [
        "/missing.js",
        "/api",
        "/api/",
        "/api/v1",
        "/..%2findex.html",
        "/%2e%2e/x.js",
    ] {
        assert_eq!(
            server.get(path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn files_with_a_hash_in_their_name_are_kept_for_a_year_and_others_asked_for() {
    let directory = TempDir::new().expect("a directory");
    build_page(directory.path());
    let server = start(&directory).await;
    let script = server.get("/ecoman-0123456789abcdef.js").await;
    assert_eq!(
        script.headers()["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(
        script.headers()["cache-control"],
        "public, max-age=31536000, immutable"
    );
    let icon = server.get("/favicon.svg").await;
    assert_eq!(icon.headers()["content-type"], "image/svg+xml");
    assert_eq!(icon.headers()["cache-control"], "no-cache");
    for path in ["/favicon.svg", "/", "/nodes"] {
        let first = server.get(path).await;
        let tag = first.headers()[ETAG].clone();
        let again = server
            .request(path)
            .header(IF_NONE_MATCH, tag)
            .send()
            .await
            .expect("sent");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        // A browser lays these over the headers of what it has kept.
        for name in ["content-security-policy", "cache-control"] {
            assert_eq!(
                again.headers()[name],
                first.headers()[name],
                "{path}: {name}"
            );
        }
    }
}

#[tokio::test]
async fn files_that_lie_there_compressed_are_sent_so() {
    let directory = TempDir::new().expect("a directory");
    build_page(directory.path());
    let server = start(&directory).await;
    for (accept, encoding, body) in [("gzip, br", "br", "brotli"), ("gzip", "gzip", "gzip")] {
        let request = server.request("/ecoman-0123456789abcdef_bg.wasm");
        let response = request
            .header(ACCEPT_ENCODING, accept)
            .send()
            .await
            .expect("sent");
        assert_eq!(response.headers()["content-type"], "application/wasm");
        assert_eq!(response.headers()["content-encoding"], encoding);
        assert_eq!(response.headers()["vary"], "accept-encoding");
        assert_eq!(response.text().await.expect("a body"), body);
    }
    let plain = server.get("/ecoman-0123456789abcdef_bg.wasm").await;
    assert_eq!(plain.headers().get("content-encoding"), None);
    assert_eq!(plain.bytes().await.expect("a body").len(), 4000);
}

#[tokio::test]
async fn a_build_without_a_page_says_how_to_get_one() {
    let directory = TempDir::new().expect("a directory");
    let server = start(&directory).await;
    let response = server.get("/").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    let text = response.text().await.expect("a body");
    assert!(text.contains("cargo xtask build"), "{text}");
}
