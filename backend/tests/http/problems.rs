//! Every failure is a problem (RFC 9457), in whichever layer it is found.

use std::fmt::Write as _;

use reqwest::{Method, RequestBuilder, StatusCode};

use crate::server::{Server, round_of};

/// Status, the headers that matter, and the whole body.
async fn answer(request: RequestBuilder) -> String {
    let response = request
        .header("x-request-id", "test")
        .send()
        .await
        .expect("sent");
    let mut text = format!("{}\n", response.status());
    for name in ["content-type", "allow", "retry-after", "x-request-id"] {
        if let Some(value) = response.headers().get(name) {
            let value = value.to_str().expect("text");
            writeln!(text, "{name}: {value}").expect("written");
        }
    }
    let body = response.text().await.expect("a body");
    match serde_json::from_str::<ecoman_api::Problem>(&body) {
        Ok(problem) => {
            let problem = serde_json::to_string_pretty(&problem).expect("JSON");
            write!(text, "\n{problem}").expect("written");
        }
        Err(error) => write!(text, "\nno problem: {error}: {body}").expect("written"),
    }
    text
}

#[tokio::test]
async fn bad_requests_learn_what_is_wrong() {
    let server = Server::start_showing(vec![round_of("hoge", &["a", "b"])]).await;
    let token = server
        .vms("?limit=1")
        .await
        .next_page
        .expect("there is more");
    for (name, path) in [
        (
            "bad_parameters",
            "/api/v1/vms?q=nmae:web&power=on,of&large=big&sort=siez&limit=0&page_token=x&foo=1",
        ),
        ("twice", "/api/v1/vms?q=a&q=b"),
        ("unclosed_quote", "/api/v1/vms?q=%C3%BC+%22a"),
        ("too_many", "/api/v1/vms?limit=10001"),
        (
            "foreign_token",
            &format!("/api/v1/vms?sort=name&page_token={token}"),
        ),
        ("parameter_where_there_are_none", "/api/v1/nodes?limit=1"),
        ("unknown_vm", "/api/v1/vms/hoge/99"),
        ("no_vm_id", "/api/v1/vms/hoge/%2B1"),
        ("unknown_node", "/api/v1/nodes/fuga"),
        ("vm_of_an_unknown_node", "/api/v1/vms/fuga/1"),
        ("path_that_is_no_utf_8", "/api/v1/nodes/%FF"),
        ("unknown_path_of_the_api", "/api/v2/vms"),
        ("unknown_asset", "/ecoman-0123456789abcdef.js"),
    ] {
        insta::assert_snapshot!(name, answer(server.request(path)).await);
    }
}

#[tokio::test]
async fn other_methods_learn_which_there_are() {
    let server = Server::start().await;
    for (name, method, path) in [
        ("method_of_the_api", Method::DELETE, "/api/v1/vms"),
        ("method_of_the_page", Method::POST, "/nodes"),
    ] {
        insta::assert_snapshot!(name, answer(server.method(method, path)).await);
    }
    let options = server
        .method(Method::OPTIONS, "/api/v1/vms")
        .send()
        .await
        .expect("sent");
    assert_eq!(options.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(options.headers().get("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_huge_body_is_refused() {
    let server = Server::start().await;
    let request = server
        .method(Method::POST, "/api/v1/vms")
        .body(vec![0_u8; 1 << 20]);
    insta::assert_snapshot!(answer(request).await);
}

#[tokio::test]
async fn a_head_request_has_the_headers_and_no_body() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let get = server.get("/api/v1/vms").await;
    let head = server
        .method(Method::HEAD, "/api/v1/vms")
        .send()
        .await
        .expect("sent");
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()["etag"], get.headers()["etag"]);
    assert_eq!(
        head.headers()["content-length"],
        get.headers()["content-length"]
    );
    assert_eq!(head.text().await.expect("a body"), "");
}
