//! Snapshots: the tree, which comes from the executor, and the changes that are handed to it.

use ecoman_api::{Problem, SnapshotTree, TaskRequest, TaskState};
use ecoman_model::{
    NodeBefore, SnapshotCreate, SnapshotRemove, SnapshotRemoveAll, SnapshotRevert, TaskError,
    TaskErrorKind, Vmid,
};
use ecoman_store::TaskStore as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::changes::{accepted, hoge};
use crate::executor::Executor;
use crate::server::Server;

const PATH: &str = "/api/v1/vms/hoge/2/snapshots";
const READING: &str = "hoge/vms/2/snapshots";

async fn server() -> (Server, Executor) {
    Server::start_with_executor(vec![hoge()]).await
}

fn tree() -> Value {
    json!({
        "items": [
            {"id": 1, "parent": null, "name": "a", "description": null,
             "created_at": "2026-11-01T08:00:00Z", "power": "off", "quiesced": false,
             "size_bytes": 4096},
            {"id": 3, "parent": 1, "name": "a", "description": "two\nlines", "created_at": null,
             "power": "on", "quiesced": null, "size_bytes": null},
        ],
        "current": 3,
        "free_bytes": 1024,
    })
}

#[tokio::test]
async fn the_tree_is_what_the_executor_reads_from_the_node_now() {
    let (server, executor) = server().await;
    executor.reads(READING, StatusCode::OK, tree());
    let response = server.get(PATH).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let shown: SnapshotTree = response.json().await.expect("a tree");
    assert_eq!(serde_json::to_value(&shown).expect("JSON"), tree());
}

#[tokio::test]
async fn why_there_is_no_tree_is_said_with_the_status_of_the_cause() {
    let (server, executor) = server().await;
    let failure = |slug: &str, status: u16| {
        json!({"type": format!("urn:ecoman:problem:{slug}"), "title": "", "status": status,
               "detail": "hostd is down.", "instance": "", "request_id": "", "errors": []})
    };
    for (slug, status) in [
        ("node-failed", 502),
        ("node-timeout", 504),
        ("vm-not-found", 404),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        executor.reads(READING, status, failure(slug, status.as_u16()));
        let response = server.get(PATH).await;
        assert_eq!(response.status(), status, "{slug}");
        let problem: Problem = response.json().await.expect("a problem");
        assert!(problem.kind.ends_with(slug), "{problem:?}");
        assert_eq!(problem.detail, "hoge: hostd is down.");
    }
    let unknown = server.get("/api/v1/vms/hoge/99/snapshots").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    executor.go_away();
    let away = server.get(PATH).await;
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(away.headers()["retry-after"], "2");
}

#[tokio::test]
async fn each_change_is_handed_to_the_executor_as_it_was_asked() {
    let (server, executor) = server().await;
    let vmid = Vmid(2);
    let body = json!({"name": "更新前 $(reboot)", "description": "a\nb"});
    let revert = format!("{PATH}/3/revert");
    let with_children = format!("{PATH}/3?children=true");
    for (nth, (method, path, body, expected)) in [
        (
            Method::POST,
            PATH,
            Some(body),
            TaskRequest::SnapshotCreate(SnapshotCreate {
                vmid,
                name: "更新前 $(reboot)".to_owned(),
                description: "a\nb".to_owned(),
                memory: false,
                quiesce: false,
            }),
        ),
        (
            Method::POST,
            revert.as_str(),
            Some(json!({"keep_off": true})),
            TaskRequest::SnapshotRevert(SnapshotRevert {
                vmid,
                snapshot: 3,
                keep_off: true,
            }),
        ),
        (
            Method::DELETE,
            with_children.as_str(),
            None,
            TaskRequest::SnapshotRemove(SnapshotRemove {
                vmid,
                snapshot: 3,
                children: true,
            }),
        ),
        (
            Method::DELETE,
            PATH,
            None,
            TaskRequest::SnapshotRemoveAll(SnapshotRemoveAll { vmid }),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let request = server.method(method, path);
        let task = accepted(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await;
        assert_eq!(task.request, expected);
        server.begun(&executor, nth + 1).await;
        let order = executor.begun().pop().expect("an order");
        assert_eq!((order.request, order.follows), (expected, None));
        executor.succeed(task.id);
        server.state(task.id, TaskState::Succeeded).await;
    }
}

#[tokio::test]
async fn what_no_node_can_do_is_refused_at_once() {
    let (server, executor) = server().await;
    for (body, pointer) in [
        (json!({"name": ""}), "#/name"),
        (json!({"name": "-rf"}), "#/name"),
        (json!({"name": "a\nb"}), "#/name"),
        (json!({"name": "a", "description": "-x"}), "#/description"),
    ] {
        let response = server.method(Method::POST, PATH).json(&body).send().await;
        let response = response.expect("an answer");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let problem: Problem = response.json().await.expect("a problem");
        assert_eq!(problem.errors[0].pointer, pointer);
    }
    // 2 is off; 1 is on and has no VMware Tools.
    for (path, body) in [
        (PATH, json!({"name": "a", "memory": true})),
        (
            "/api/v1/vms/hoge/1/snapshots",
            json!({"name": "a", "quiesce": true}),
        ),
    ] {
        let response = server.method(Method::POST, path).json(&body).send().await;
        assert_eq!(
            response.expect("an answer").status(),
            StatusCode::CONFLICT,
            "{body}"
        );
    }
    let nonsense = server
        .method(Method::DELETE, &format!("{PATH}/x"))
        .send()
        .await;
    assert_eq!(nonsense.expect("an answer").status(), StatusCode::NOT_FOUND);
    assert_eq!(executor.begun(), []);
}

#[tokio::test]
async fn a_snapshot_is_followed_by_the_next_executor_and_never_begun_again() {
    let (server, executor) = server().await;
    let request = server
        .method(Method::POST, PATH)
        .json(&json!({"name": "a"}));
    let id = accepted(request).await.id;
    server.begun(&executor, 1).await;
    let before = NodeBefore {
        snapshots: vec![1],
        tasks: Some(vec!["haTask-2-vim.VirtualMachine.powerOn-7".to_owned()]),
    };
    executor.report(id, |progress| {
        progress.state = TaskState::Running;
        progress.before = Some(before.clone());
    });
    server.state(id, TaskState::Running).await;
    // However long it took: the node may be at it.
    server.pass(3600);
    executor.restart();
    server.begun(&executor, 2).await;
    let [first, second] = &executor.begun()[..] else {
        panic!("two orders");
    };
    assert_eq!(first.follows, None);
    assert_eq!((second.id, &second.request), (id, &first.request));
    let follows = second.follows.as_ref().expect("what was reported");
    assert_eq!(follows.before.as_ref(), Some(&before));
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
}

#[tokio::test]
async fn one_whose_order_was_lost_on_the_way_is_followed_too() {
    let (server, executor) = server().await;
    executor.lose_next_answer();
    let request = server
        .method(Method::POST, PATH)
        .json(&json!({"name": "a"}));
    let id = accepted(request).await.id;
    server.begun(&executor, 1).await;
    executor.restart();
    server.begun(&executor, 2).await;
    let order = executor.begun().pop().expect("an order");
    // It may have been begun, although nothing was reported of it.
    assert!(order.follows.is_some());
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
}

#[tokio::test]
async fn an_executor_that_stops_leaves_it_to_the_next() {
    let (server, executor) = server().await;
    let request = server.method(Method::DELETE, PATH);
    let id = accepted(request).await.id;
    server.begun(&executor, 1).await;
    executor.report(id, |progress| {
        progress.before = Some(NodeBefore::default());
        progress.state = TaskState::Interrupted;
        progress.error = Some(TaskError {
            kind: TaskErrorKind::Interrupted,
            message: "The executor was stopped.".to_owned(),
            hint: String::new(),
            left: Vec::new(),
        });
    });
    server
        .until("the report to be stored", async || {
            let task = server.store.task(id).await.expect("an answer")?;
            task.progress.before
        })
        .await;
    executor.restart();
    server.begun(&executor, 2).await;
    let order = executor.begun().pop().expect("an order");
    let follows = order.follows.expect("what was reported");
    assert_eq!(follows.before, Some(NodeBefore::default()));
    assert_eq!((follows.state, follows.error), (TaskState::Running, None));
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
}
