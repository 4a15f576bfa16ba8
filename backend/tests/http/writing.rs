//! A store that takes no changes: what is known is served, the reason is said, changes are refused.

use ecoman_access::NewToken;
use ecoman_api::{Config, NoticeKind, Problem, TaskState};
use ecoman_backend::SignIn;
use ecoman_model::{Grant, HOSTS_WARNING, NodeRecord, Role};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::changes::{ON, hoge};
use crate::server::{Server, at, node, round};

async fn text(server: &Server, path: &str) -> (StatusCode, String) {
    let answer = server.get(path).await;
    (answer.status(), answer.text().await.expect("a text"))
}

async fn turn_on(server: &Server) -> reqwest::Response {
    let request = server
        .method(Method::PUT, ON)
        .json(&json!({ "action": "on" }));
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn a_full_disk_refuses_changes_at_once_and_everything_says_so() {
    let (server, executor) = Server::start_with_executor(vec![hoge()]).await;
    let mut events = server.events(server.request("/api/v1/events")).await;
    server.store.set_full(true);
    // The first write finds out, the second one is refused for it.
    for _ in 0..2 {
        let refused = turn_on(&server).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let problem: Problem = refused.json().await.expect("a problem");
        assert_eq!(problem.kind, "urn:ecoman:problem:store-unwritable");
        assert_eq!(
            problem.detail,
            "The server cannot write to its store, so nothing was changed: the disk is full: free \
             some space."
        );
    }
    while events.next().await.event != "config" {}
    let config: Config = server.json("/api/v1/config").await;
    assert_eq!(config.notices.len(), 1, "{:?}", config.notices);
    assert_eq!(config.notices[0].kind, NoticeKind::StoreUnwritable);
    assert_eq!(config.notices[0].since, Some(at(0)));
    let (status, ready) = text(&server, "/readyz").await;
    assert_eq!(status, StatusCode::OK, "it serves on");
    assert_eq!(
        ready,
        "ready; the database is read-only: the disk is full: free some space\n"
    );
    let (status, problem) = text(&server, "/readyz/write").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(problem.contains("the disk is full"), "{problem}");
    let (_, metrics) = text(&server, "/metrics").await;
    assert!(metrics.contains("\necoman_store_up 1\n"), "{metrics}");
    assert!(metrics.contains("\necoman_store_writable 0\n"), "{metrics}");

    server.set_clock(31);
    let old = server
        .until("a VM that is stale", async || {
            let vm: ecoman_api::Vm = server.json("/api/v1/vms/hoge/1").await;
            vm.stale_reason
        })
        .await;
    assert_eq!(
        old,
        "The database has been read-only since 2026-11-22 20:00:00 UTC, so nothing newer is \
         recorded: the disk is full: free some space."
    );
    assert_eq!(executor.begun().len(), 0, "nothing was asked of the node");

    server.store.set_full(false);
    // At once, however seldom the store is checked.
    assert_eq!(turn_on(&server).await.status(), StatusCode::ACCEPTED);
    server.begun(&executor, 1).await;
    let (status, ready) = text(&server, "/readyz/write").await;
    assert_eq!((status, ready.as_str()), (StatusCode::OK, "ready\n"));
    let (_, metrics) = text(&server, "/metrics").await;
    assert!(metrics.contains("\necoman_store_writable 1\n"), "{metrics}");
    let config: Config = server.json("/api/v1/config").await;
    assert_eq!(config.notices, []);
    let queued = [TaskState::Queued, TaskState::Running];
    let tasks = server.tasks("").await;
    let open = tasks
        .items
        .iter()
        .filter(|task| queued.contains(&task.state));
    assert_eq!(open.count(), 1, "only the last one is under way");
}

#[tokio::test]
async fn a_hosts_yml_that_cannot_be_used_is_a_notice_for_admins() {
    let problem = "hosts.yml:3: node hoge: unknown key \"adress\"";
    let broken = NodeRecord {
        warnings: vec![format!("{HOSTS_WARNING}{problem}")],
        observed_at: Some(at(1)),
        ..node("hoge")
    };
    let secrets = std::cell::RefCell::new(Vec::new());
    let rounds = vec![round(broken, Vec::new())];
    let server = Server::start_signing_in(SignIn::Password, rounds, |access| {
        let added = access.add_user("anna", Grant::ALL, Some("a long password"), at(0));
        added.expect("a user");
        for role in [Role::Viewer, Role::Admin] {
            let new = NewToken {
                made_by: None,
                name: role.to_string(),
                owner: "anna".to_owned(),
                owner_is_listed: true,
                owner_grant: Grant::ALL,
                grant: Grant::everywhere(role),
                expires_at: None,
            };
            let (_, _, token) = access.create_token(new, at(0)).expect("a token");
            secrets.borrow_mut().push(token.reveal().to_owned());
        }
    })
    .await;
    server.ready().await;
    let secrets = secrets.into_inner();
    let notices = async |secret: &str| {
        let request = server.request("/api/v1/config").bearer_auth(secret);
        let answer = request.send().await.expect("an answer");
        answer.json::<Config>().await.expect("a config").notices
    };
    assert_eq!(notices(&secrets[0]).await, []);
    let of_admin = notices(&secrets[1]).await;
    assert_eq!(of_admin.len(), 1, "{of_admin:?}");
    assert_eq!(of_admin[0].kind, NoticeKind::HostsFile);
    assert_eq!(of_admin[0].message, problem);
    let request = server.request("/api/v1/events").bearer_auth(&secrets[1]);
    let mut events = server.events(request).await;
    let mended = NodeRecord {
        observed_at: Some(at(2)),
        ..node("hoge")
    };
    server.store.record(round(mended, Vec::new())).await;
    while events.next().await.event != "config" {}
    assert_eq!(notices(&secrets[1]).await, []);
}
