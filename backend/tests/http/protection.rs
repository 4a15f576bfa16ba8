//! Request ids, security headers, host names.

use reqwest::StatusCode;
use reqwest::header::HOST;

use crate::server::{Server, round_of};

#[tokio::test]
async fn every_answer_has_a_request_id_the_clients_if_it_is_sensible() {
    let server = Server::start().await;
    for path in ["/api/v1/vms", "/api/v1/nope", "/healthz", "/"] {
        let own = server.get(path).await;
        let own = own.headers()["x-request-id"]
            .to_str()
            .expect("text")
            .to_owned();
        assert_eq!(own.len(), 36, "{path}: {own}");
        for (sent, is_kept) in [
            ("abc-1.2_3", true),
            ("a b", false),
            (&"x".repeat(129), false),
        ] {
            let request = server.request(path).header("x-request-id", sent);
            let response = request.send().await.expect("sent");
            assert_eq!(
                response.headers()["x-request-id"] == sent,
                is_kept,
                "{path}: {sent}"
            );
        }
    }
}

#[tokio::test]
async fn every_answer_forbids_other_origins() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    for path in [
        "/api/v1/vms",
        "/api/v1/nope",
        "/api/v1/events",
        "/healthz",
        "/",
    ] {
        let response = server.get(path).await;
        let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
        assert_eq!(
            header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';"),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(
            response.headers().get("access-control-allow-origin"),
            None,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_foreign_host_name_is_refused() {
    let server = Server::start().await;
    for path in ["/", "/api/v1/vms", "/api/v1/events", "/readyz"] {
        let request = server
            .request(path)
            .header(HOST, "rebound.example.net:8000");
        let response = request.send().await.expect("sent");
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
        let problem: ecoman_api::Problem = response.json().await.expect("a problem");
        assert!(
            problem.detail.contains("DASHBOARD_ALLOWED_HOSTS"),
            "{}",
            problem.detail
        );
    }
    for host in [
        "localhost:1",
        "127.0.0.1",
        "[::1]:8000",
        "ecoman.example.org",
    ] {
        let response = server.request("/healthz").header(HOST, host).send().await;
        assert_eq!(response.expect("sent").status(), StatusCode::OK, "{host}");
    }
}
