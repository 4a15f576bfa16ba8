//! The OpenAPI documents: those that are kept are those that are served, and they leave nothing
//! unsaid.

mod breaking;
mod quality;

use std::path::{Path, PathBuf};

use serde_json::Value;
use similar::TextDiff;

use crate::server::Server;

/// The name that a document has in `openapi/`, and what the code says.
/// A document's file, and what the code makes of it.
type Made = (&'static str, fn() -> &'static str);

const DOCUMENTS: [Made; 2] = [
    ("ecoman.json", ecoman_backend::openapi_json),
    ("ecoman-3.0.json", ecoman_backend::openapi_3_0_json),
];

#[test]
fn the_documents_in_the_repository_are_those_of_the_code() {
    for (name, made) in DOCUMENTS {
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path(name), made()).expect("written");
        }
        let (kept, made) = (kept(name), made());
        let difference = TextDiff::from_lines(kept.as_str(), made);
        assert!(
            kept == made,
            "openapi/{name} is not what the code says; renew it with `cargo xtask docs`, and \
             look at what changes for clients:\n{}",
            difference
                .unified_diff()
                .header(&format!("openapi/{name}"), "the code")
        );
    }
}

#[test]
fn the_ids_of_operations_stay() {
    for (_, made) in DOCUMENTS {
        let document = document(made());
        let mut ids: Vec<&str> = operations(&document)
            .map(|(what, operation)| operation["operationId"].as_str().expect(&what))
            .collect();
        ids.sort_unstable();
        assert_eq!(
            ids,
            [
                "answerQuestion",
                "cancelPending",
                "cancelTask",
                "changeCdrom",
                "changePassword",
                "createMachine",
                "createSnapshot",
                "createToken",
                "createUser",
                "createVm",
                "deleteUser",
                "deleteVm",
                "getConfig",
                "getMachine",
                "getMetrics",
                "getNode",
                "getOpenapi",
                "getOpenapi30",
                "getSession",
                "getTask",
                "getTaskVmx",
                "getVm",
                "getVmHardware",
                "growDisk",
                "healthz",
                "listAudit",
                "listHistory",
                "listMachines",
                "listNodes",
                "listSeenTasks",
                "listSnapshots",
                "listTasks",
                "listTokens",
                "listUsers",
                "listVmFiles",
                "listVms",
                "markTasksSeen",
                "moveNic",
                "pollNode",
                "readyz",
                "readyzWrite",
                "removeAllSnapshots",
                "removeSnapshot",
                "revertToSnapshot",
                "revokeToken",
                "setMachinePower",
                "setPower",
                "signIn",
                "signOut",
                "streamEvents",
                "updateUser",
                "updateVm",
            ]
        );
    }
}

#[tokio::test]
async fn the_documents_are_served() {
    let server = Server::start().await;
    for (path, version, made) in [
        ("/api/v1/openapi.json", "3.1.0", DOCUMENTS[0].1),
        ("/api/v1/openapi-3.0.json", "3.0.3", DOCUMENTS[1].1),
    ] {
        let response = server.get(path).await;
        assert_eq!(response.headers()["content-type"], "application/json");
        let text = response.text().await.expect("a body");
        assert_eq!(text, made());
        assert_eq!(document(&text)["openapi"], version);
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../openapi")
        .join(name)
}

fn kept(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_default()
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// All operations, each with method and path.
fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().expect("operations");
        operations.iter().map(move |(method, operation)| {
            (format!("{} {path}", method.to_uppercase()), operation)
        })
    })
}
