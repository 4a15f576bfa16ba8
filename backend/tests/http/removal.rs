//! Deleting a VM: the look at its files, what is refused at once, and what the executor is handed.

use ecoman_api::{Problem, TaskRequest, TaskState, VmFiles};
use ecoman_model::{
    Datastore, Destroy, NodeFacts, NodeRecord, PowerState, Removal, Unregister, VmFacts, Vmid,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::changes::accepted;
use crate::executor::Executor;
use crate::server::{Server, facts, node, round, vm};

const PATH: &str = "/api/v1/vms/hoge/2";
const READING: &str = "hoge/vms/2/files";
const SHARED: &str = "/vmfs/volumes/8f1-2";

/// A node with a VM that is on (1, `db`) and one that is off (2, `web`) on a volume.
fn round_on(name: &str, volume: &str, mounted_at: &str) -> ecoman_model::Round {
    let at = |path: &str, facts: VmFacts| VmFacts {
        vmx_path: Some(format!("[{volume}] {path}")),
        ..facts
    };
    let off = VmFacts {
        power: PowerState::Off,
        ..facts("web")
    };
    let node = NodeRecord {
        facts: Some(NodeFacts {
            datastores: vec![Datastore {
                name: Some(volume.to_owned()),
                path: mounted_at.to_owned(),
                kind: "NFS".to_owned(),
                accessible: true,
                capacity_bytes: None,
                free_bytes: None,
            }],
            ..NodeFacts::default()
        }),
        ..node(name)
    };
    let vms = vec![
        vm(name, 1, at("db/db.vmx", facts("db"))),
        vm(name, 2, at("web/web.vmx", off)),
    ];
    round(node, vms)
}

async fn server() -> (Server, Executor) {
    Server::start_with_executor(vec![round_on("hoge", "shared", SHARED)]).await
}

fn files(obstacles: &Value) -> Value {
    json!({
        "directory": "/vmfs/volumes/shared/web",
        "items": [
            {"path": "/vmfs/volumes/shared/web/web.vmx", "size_bytes": 2048, "stays": null},
            {"path": "/vmfs/volumes/shared/web/x.iso", "size_bytes": null, "stays": "iso"},
        ],
        "obstacles": obstacles,
        "fingerprint": "abc",
    })
}

async fn refused(server: &Server, query: &str) -> (StatusCode, Problem) {
    let response = server.method(Method::DELETE, &format!("{PATH}{query}"));
    let response = response.send().await.expect("an answer");
    let status = response.status();
    (status, response.json().await.expect("a problem"))
}

#[tokio::test]
async fn the_files_are_what_the_executor_reads_from_the_node_now() {
    let (server, executor) = server().await;
    executor.reads(READING, StatusCode::OK, files(&json!([])));
    let response = server.get(&format!("{PATH}/files")).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let shown: VmFiles = response.json().await.expect("files");
    assert_eq!(
        serde_json::to_value(&shown).expect("JSON"),
        files(&json!([]))
    );
    executor.go_away();
    let away = server.get(&format!("{PATH}/files")).await;
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn each_way_of_deleting_is_handed_to_the_executor_and_one_at_a_time() {
    let (server, executor) = server().await;
    executor.reads(READING, StatusCode::OK, files(&json!([])));
    let (vmid, name) = (Vmid(2), "web".to_owned());
    for (nth, (query, expected)) in [
        (
            "files=keep&name=web",
            TaskRequest::Unregister(Unregister {
                vmid,
                name: name.clone(),
            }),
        ),
        (
            "files=delete&name=web&fingerprint=abc",
            TaskRequest::Destroy(Destroy {
                vmid,
                name,
                fingerprint: Some("abc".to_owned()),
            }),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{PATH}?{query}");
        let request = || {
            let request = server.method(Method::DELETE, &path);
            request.header("idempotency-key", query)
        };
        let task = accepted(request()).await;
        assert_eq!(task.request, expected);
        server.begun(&executor, nth + 1).await;
        // The same again is the same task; another has to wait.
        assert_eq!(accepted(request()).await.id, task.id);
        let (status, problem) = refused(&server, "?files=keep&name=web").await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(problem.detail.contains("Another task"), "{problem:?}");
        let vmx = format!("/api/v1/tasks/{}/vmx", task.id);
        assert_eq!(server.get(&vmx).await.status(), StatusCode::NOT_FOUND);
        executor.report(task.id, |progress| {
            progress.removal = Some(Removal {
                vmx: Some("guestinfo.password = \"hunter2\"\n".to_owned()),
                ..Removal::default()
            });
        });
        executor.succeed(task.id);
        server.state(task.id, TaskState::Succeeded).await;
        // Kept, and shown only where it is asked for.
        let kept = server.get(&vmx).await;
        assert_eq!(kept.headers()["cache-control"], "no-store");
        let kept = kept.text().await.expect("a text");
        assert!(kept.contains("hunter2"), "{kept}");
        let task = server.get(&format!("/api/v1/tasks/{}", task.id)).await;
        let task = task.text().await.expect("a text");
        assert!(!task.contains("hunter2"), "{task}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_once_and_nothing_is_asked_of_the_node() {
    let (server, executor) = server().await;
    executor.reads(READING, StatusCode::OK, files(&json!([])));
    for (query, pointers) in [
        ("", vec!["?files", "?name"]),
        ("?files=maybe&name=web", vec!["?files"]),
        ("?files=keep", vec!["?name"]),
        ("?files=keep&name=web&force=true", vec!["?force"]),
    ] {
        let (status, problem) = refused(&server, query).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        let named: Vec<_> = problem
            .errors
            .iter()
            .map(|it| it.pointer.as_str())
            .collect();
        assert_eq!(named, pointers, "{query}");
    }
    for query in [
        "?files=keep&name=Web",
        "?files=delete&name=",
        "?files=delete&name=db",
    ] {
        let (status, problem) = refused(&server, query).await;
        assert_eq!(status, StatusCode::CONFLICT, "{query}");
        assert!(problem.detail.contains("not the name"), "{problem:?}");
    }
    // 1 is on.
    for files in ["keep", "delete"] {
        let path = format!("/api/v1/vms/hoge/1?files={files}&name=db");
        let response = server.method(Method::DELETE, &path).send().await;
        let response = response.expect("an answer");
        assert_eq!(response.status(), StatusCode::CONFLICT);
    }
    let obstacle = json!([{"kind": "shared", "path": "/a/web.vmdk", "by": "/a/b.vmx"}]);
    executor.reads(READING, StatusCode::OK, files(&obstacle));
    let (status, problem) = refused(&server, "?files=delete&name=web").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem.detail.contains("needed by /a/b.vmx"), "{problem:?}");
    let failure = json!({"type": "urn:ecoman:problem:node-failed", "title": "", "status": 502,
        "detail": "hostd is down.", "instance": "", "request_id": "", "errors": []});
    executor.reads(READING, StatusCode::BAD_GATEWAY, failure);
    let (status, _) = refused(&server, "?files=delete&name=web").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert_eq!(executor.begun(), []);
}

#[tokio::test]
async fn another_nodes_vm_in_the_same_directory_forbids_it_by_the_identity_of_the_volume() {
    for (volume, mounted_at, forbids) in [
        ("shared", SHARED, true),
        ("by another name", SHARED, true),
        ("shared", "/vmfs/volumes/another", false),
    ] {
        let rounds = vec![
            round_on("hoge", "shared", SHARED),
            round_on("fuga", volume, mounted_at),
        ];
        let (server, executor) = Server::start_with_executor(rounds).await;
        executor.reads(READING, StatusCode::OK, files(&json!([])));
        let shown: Value = server.json(&format!("{PATH}/files")).await;
        let obstacles = shown["obstacles"].as_array().expect("a list");
        assert_eq!(
            obstacles.len(),
            usize::from(forbids),
            "{volume} {mounted_at}"
        );
        if forbids {
            assert_eq!(obstacles[0]["kind"], "other_node");
            assert_eq!(obstacles[0]["by"], "fuga");
            let (status, problem) = refused(&server, "?files=delete&name=web").await;
            assert_eq!(status, StatusCode::CONFLICT);
            assert!(
                problem.detail.contains("another host has a VM in"),
                "{problem:?}"
            );
        }
        // The registration alone is nobody else's.
        let path = format!("{PATH}?files=keep&name=web");
        accepted(server.method(Method::DELETE, &path)).await;
    }
}
