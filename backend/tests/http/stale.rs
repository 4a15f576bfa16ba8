//! What is old is shown as old, with the reason: nothing vanishes.

use ecoman_api::Vm;
use ecoman_model::{FailureKind, NodeFailure, NodeRecord, Round, RoundVms};
use ecoman_store::Store as _;
use reqwest::StatusCode;

use crate::server::{Server, at, facts, node, round, round_of, vm};

async fn vm_when(server: &Server, what: &str, test: impl Fn(&Vm) -> bool) -> Vm {
    server
        .until(what, async || {
            let vm: Vm = server.json("/api/v1/vms/hoge/1").await;
            test(&vm).then_some(vm)
        })
        .await
}

#[tokio::test]
async fn the_vms_of_a_node_that_does_not_answer_stay_and_are_old() {
    let server =
        Server::start_showing(vec![round_of("hoge", &["a"]), round_of("fuga", &["b"])]).await;
    let failing = NodeRecord {
        failure: Some(NodeFailure {
            kind: FailureKind::Unreachable,
            message: "hoge does not answer: no route to host".to_owned(),
            hint: "Check that it is on.".to_owned(),
            since: at(58),
        }),
        attempted_at: Some(at(59)),
        ..node("hoge")
    };
    let unchanged = RoundVms::Unchanged;
    server
        .show(Round {
            node: failing,
            vms: unchanged,
        })
        .await;
    let old = vm_when(&server, "the VM to be old", |vm| vm.stale).await;
    assert_eq!(
        old.stale_reason.as_deref(),
        Some("hoge does not answer: no route to host")
    );
    assert_eq!(old.observed_at, at(-2));
    assert_eq!(server.keys("?q=stale:true").await, ["hoge/1"]);

    let mut back = node("hoge");
    back.observed_at = Some(at(118));
    back.attempted_at = Some(at(119));
    server
        .show(round(back, vec![vm("hoge", 1, facts("a"))]))
        .await;
    let fresh = vm_when(&server, "the VM to be fresh", |vm| !vm.stale).await;
    assert_eq!((fresh.stale_reason, fresh.observed_at), (None, at(118)));
}

#[tokio::test]
async fn only_the_vm_that_could_not_be_read_is_stale() {
    let mut unreadable = vm("hoge", 1, facts("a"));
    unreadable.failure = Some("its summary was cut off".to_owned());
    unreadable.observed_at = at(-60);
    let vms = vec![unreadable, vm("hoge", 2, facts("b"))];
    let server = Server::start_showing(vec![round(node("hoge"), vms)]).await;
    let vm: Vm = server.json("/api/v1/vms/hoge/1").await;
    assert_eq!(vm.stale_reason.as_deref(), Some("its summary was cut off"));
    assert_eq!(vm.observed_at, at(-60));
    assert_eq!(server.keys("?q=stale:false").await, ["hoge/2"]);
}

#[tokio::test]
async fn everything_is_stale_when_the_crawler_is_silent_and_fresh_when_it_reports() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let mut events = server.events(server.request("/api/v1/events")).await;
    server.set_clock(500);
    let old = vm_when(&server, "the VM to be old", |vm| vm.stale).await;
    assert_eq!(
        old.stale_reason.as_deref(),
        Some(
            "The crawler has not reported hoge since 2026-11-22 19:59:59 UTC; check that it runs."
        )
    );
    assert_eq!(events.next().await.event, "vm");
    let reported = events.next().await;
    assert_eq!(reported.event, "node");
    assert!(
        reported.data.contains("\"stale\":true"),
        "{}",
        reported.data
    );

    let mut later = node("hoge");
    later.attempted_at = Some(at(499));
    later.observed_at = Some(at(498));
    server
        .show(round(later, vec![vm("hoge", 1, facts("a"))]))
        .await;
    let fresh: Vm = server.json("/api/v1/vms/hoge/1").await;
    assert_eq!((fresh.stale, fresh.observed_at), (false, at(498)));
    assert_eq!(events.next().await.event, "vm");
}

#[tokio::test]
async fn without_its_store_the_server_shows_what_it_knows_and_says_since_when() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    server.store.set_there(false);
    let problem = server
        .until("the server to be unready", async || {
            let request = server.request("/readyz").header("x-request-id", "test");
            let response = request.send().await.expect("sent");
            (response.status() != StatusCode::OK).then_some(response)
        })
        .await;
    assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
    insta::assert_snapshot!(problem.text().await.expect("a body"));
    let alive = server.get("/healthz").await;
    assert_eq!(alive.text().await.expect("a body"), "ok\n");
    assert_eq!(server.keys("").await, ["hoge/1"]);

    // The clock moves in small steps, since nobody knows at which of them the server has noticed.
    let mut second = 0;
    let old = loop {
        second += 40;
        server.set_clock(second);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let vm: Vm = server.json("/api/v1/vms/hoge/1").await;
        if vm.stale {
            break vm;
        }
        assert!(second < 100_000, "the VM never became old");
    };
    let reason = old.stale_reason.expect("a reason");
    assert!(
        reason.starts_with("The dashboard cannot read its store since 2026-11-22 20:"),
        "{reason}"
    );
    assert!(
        reason.contains("db.example.org:27017 is not responding"),
        "{reason}"
    );
    assert!(reason.ends_with(": connection refused"), "{reason}");

    server.set_clock(0);
    server
        .store
        .record_round(&round_of("hoge", &["b"]))
        .await
        .expect("recorded");
    server.store.set_there(true);
    let fresh = vm_when(&server, "the VM to be fresh", |vm| !vm.stale).await;
    assert_eq!(fresh.stale_reason, None);
    let renamed = vm_when(&server, "the new name", |vm| {
        vm.name.as_deref() == Some("b")
    })
    .await;
    assert!(!renamed.stale);
    server.ready().await;
}

#[tokio::test]
async fn before_the_first_load_there_is_nothing_to_show_and_a_reason() {
    let server = Server::start_without_store().await;
    let problem = server
        .until("the failure of the store", async || {
            let request = server.request("/api/v1/vms").header("x-request-id", "test");
            let response = request.send().await.expect("sent");
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["retry-after"], "2");
            let text = response.text().await.expect("a body");
            text.contains("store-unavailable").then_some(text)
        })
        .await;
    insta::assert_snapshot!(problem);
    for path in [
        "/api/v1/nodes",
        "/api/v1/vms/hoge/1",
        "/api/v1/nodes/hoge",
        "/readyz",
    ] {
        let status = server.get(path).await.status();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    assert_eq!(server.get("/api/v1/config").await.status(), StatusCode::OK);
    server.store.set_there(true);
    server.ready().await;
    assert!(server.keys("").await.is_empty());
}
