//! What dashboard and executor agree on.

use ecoman_api::executor::{Order, Report};
use ecoman_model::{PowerAction, TaskState};
use ecoman_simulator::{NodeSpec, Power, SimulatedNode, VmSpec};
use reqwest::StatusCode;
use uuid::Uuid;

use crate::bench::{Bench, power};

fn node() -> SimulatedNode {
    SimulatedNode::start(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1)))
        .expect("a simulated node")
}

#[tokio::test]
async fn the_same_order_twice_is_one_task() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let order = bench.order(&node, power(1, PowerAction::On));
    assert_eq!(bench.post(&order).await.status(), StatusCode::ACCEPTED);
    assert_eq!(bench.post(&order).await.status(), StatusCode::OK);
    let report = bench.end(order.id).await;
    assert_eq!(bench.post(&order).await.status(), StatusCode::OK);
    assert_eq!(bench.report(order.id).await, report);
    let sent = node.calls();
    let sent = sent.iter().filter(|call| call.line().contains("power.on"));
    assert_eq!(sent.count(), 1);

    let other = Order {
        request: power(1, PowerAction::Off),
        ..order.clone()
    };
    assert_eq!(bench.post(&other).await.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_order_for_another_run_is_not_done() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let order = Order {
        instance: Uuid::nil(),
        ..bench.order(&node, power(1, PowerAction::On))
    };
    let response = bench.post(&order).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let problem: ecoman_api::Problem = response.json().await.unwrap();
    assert_eq!(problem.kind, "urn:ecoman:problem:other-instance");
    assert!(node.calls().is_empty());
}

#[tokio::test]
async fn reports_are_followed_to_the_end_and_forgotten_when_reported() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let order = bench.order(&node, power(1, PowerAction::On));
    bench.post(&order).await;
    let path = format!("/tasks/{}", order.id);
    let text = bench.get(&format!("{path}/events")).await.text();
    // The stream ends by itself.
    let text = tokio::time::timeout(crate::bench::PATIENCE, text)
        .await
        .expect("the stream ends")
        .unwrap();
    let data = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("data: "));
    let last: Report = serde_json::from_str(data.expect("a report")).unwrap();
    assert_eq!(last.progress.state, TaskState::Succeeded);
    assert_eq!(last.progress.percent, Some(100));

    let forget = || bench.client.delete(bench.url(&path)).send();
    assert_eq!(forget().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(forget().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(bench.get(&path).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_task_that_was_forgotten_is_not_done_again() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let order = bench.order(&node, power(1, PowerAction::Reset));
    node.edit_vm(1, |vm| vm.power = Power::On).unwrap();
    bench.post(&order).await;
    bench.end(order.id).await;
    let path = bench.url(&format!("/tasks/{}", order.id));
    let forgotten = bench.client.delete(path).send().await.unwrap();
    assert_eq!(forgotten.status(), StatusCode::NO_CONTENT);

    let late = bench.post(&order).await;
    assert_eq!(late.status(), StatusCode::GONE);
    let problem: ecoman_api::Problem = late.json().await.unwrap();
    assert_eq!(problem.kind, "urn:ecoman:problem:forgotten");
    let sent = node.calls();
    let sent = sent
        .iter()
        .filter(|call| call.line().contains("power.reset"));
    assert_eq!(sent.count(), 1);
}

#[tokio::test]
async fn without_the_secret_nothing_is_reported() {
    let node = node();
    let bench = Bench::with(&[&node], "", Some("s3cret")).await;
    for token in [
        None,
        Some("wrong"),
        Some("s3cre"),
        Some("s3cret2"),
        Some(""),
    ] {
        let mut request = bench.client.get(bench.url("/instance"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let status = request.send().await.unwrap().status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{token:?}");
    }
    let right = bench
        .client
        .get(bench.url("/instance"))
        .bearer_auth("s3cret");
    assert_eq!(right.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(bench.get("/healthz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_page_in_somebodys_browser_gives_no_orders() {
    let node = node();
    let open = Bench::with(&[&node], "", None).await;
    let secret = Bench::with(&[&node], "", Some("s3cret")).await;
    let ask = |bench: &Bench, name: &'static str, value: &'static str| {
        let request = bench.client.get(bench.url("/instance"));
        request.bearer_auth("s3cret").header(name, value).send()
    };
    for (name, value, to_open, to_secret) in [
        ("host", "localhost:8600", 200, 200),
        ("host", "127.0.0.1", 200, 200),
        ("host", "[::1]:8600", 200, 200),
        // A name of the page's own that it has pointed to this machine. It cannot know the secret.
        ("host", "evil.example:8600", 403, 200),
        ("host", "192.0.2.7", 403, 200),
        ("origin", "http://127.0.0.1:8600", 403, 403),
        ("origin", "null", 403, 403),
        ("sec-fetch-site", "same-origin", 403, 403),
    ] {
        let status = ask(&open, name, value).await.unwrap().status();
        assert_eq!(status, to_open, "{name}: {value}");
        let status = ask(&secret, name, value).await.unwrap().status();
        assert_eq!(status, to_secret, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_node_that_hosts_yml_does_not_know_is_reported() {
    let node = node();
    let bench = Bench::new(&[&node]).await;
    let order = Order {
        node: "elsewhere".parse().unwrap(),
        ..bench.order(&node, power(1, PowerAction::On))
    };
    bench.post(&order).await;
    let error = bench.end(order.id).await.progress.error.unwrap();
    assert!(error.message.contains("no host elsewhere"), "{error:?}");
}

#[test]
fn the_committed_document_is_what_the_handlers_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/executor.json");
    let committed = std::fs::read_to_string(path).expect("openapi/executor.json");
    let now = ecoman_executor::openapi_json();
    if committed != now {
        let changes = similar::TextDiff::from_lines(committed.as_str(), now);
        panic!(
            "openapi/executor.json is old; `cargo xtask docs` writes it again:\n{}",
            changes.unified_diff()
        );
    }
}
