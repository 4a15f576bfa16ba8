//! The OpenAPI document: the one that is kept is the one that is served.

use std::path::Path;

use similar::TextDiff;

use crate::server::Server;

#[test]
fn the_document_in_the_repository_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/ecoman.json");
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let made = ecoman_backend::openapi_json();
    let difference = TextDiff::from_lines(kept.as_str(), made);
    assert!(
        kept == made,
        "openapi/ecoman.json is not what the code says; renew it with `cargo xtask openapi`, and \
         look at what changes for clients:\n{}",
        difference
            .unified_diff()
            .header("openapi/ecoman.json", "the code")
    );
}

#[test]
fn every_operation_has_an_id_a_tag_and_described_answers() {
    let document: serde_json::Value =
        serde_json::from_str(ecoman_backend::openapi_json()).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let what = format!("{method} {path}");
            ids.push(operation["operationId"].as_str().expect(&what));
            assert!(operation["summary"].is_string(), "{what}");
            assert_eq!(
                operation["tags"].as_array().map(Vec::len),
                Some(1),
                "{what}"
            );
            let responses = operation["responses"].as_object().expect(&what);
            assert!(responses.contains_key("default"), "{what}");
            for (status, response) in responses {
                assert!(response["description"].is_string(), "{what} {status}");
            }
        }
    }
    ids.sort_unstable();
    assert_eq!(
        ids,
        [
            "answerQuestion",
            "createVm",
            "getConfig",
            "getNode",
            "getOpenapi",
            "getTask",
            "getVm",
            "healthz",
            "listNodes",
            "listTasks",
            "listVms",
            "readyz",
            "setPower",
            "streamEvents"
        ]
    );
}

#[tokio::test]
async fn the_document_is_served() {
    let server = Server::start().await;
    let response = server.get("/api/v1/openapi.json").await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(
        response.text().await.expect("a body"),
        ecoman_backend::openapi_json()
    );
}
