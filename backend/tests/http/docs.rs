//! The page under `/api/docs`: carried inside, under a policy of its own.

use crate::server::Server;

#[tokio::test]
async fn the_docs_page_is_there_with_all_that_it_loads_and_a_policy_of_its_own() {
    let server = Server::start().await;
    let page = server.get("/api/docs").await;
    assert_eq!(page.url().path(), "/api/docs/");
    let policy = page.headers()["content-security-policy"].to_str();
    let policy = policy.expect("text").to_owned();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = page.text().await.expect("a body");
    let mut loaded = 0;
    for part in html
        .split(['"'])
        .filter(|part| part.ends_with(".js") || part.ends_with(".css"))
    {
        let file = server.get(&format!("/api/docs/{part}")).await;
        assert_eq!(file.status(), 200, "{part}");
        let kind = file.headers()["content-type"].to_str().expect("text");
        let expected = if part.ends_with(".js") {
            "text/javascript"
        } else {
            "text/css"
        };
        assert!(kind.starts_with(expected), "{part} is {kind}");
        assert!(file.headers().contains_key("etag"), "{part}");
        assert!(!file.text().await.expect("text").is_empty(), "{part}");
        loaded += 1;
    }
    assert_eq!(loaded, 4);
}

#[tokio::test]
async fn there_is_nothing_else_beside_the_docs_page() {
    let server = Server::start().await;
    for path in [
        "/api/docs/index.html",
        "/api/docs/oauth2-redirect.html",
        "/api/docs/a/b",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
    }
}
