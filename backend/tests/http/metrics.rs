//! `/metrics`: the series for monitoring.

use std::collections::BTreeSet;

use ecoman_access::NewToken;
use ecoman_model::{FailureKind, Grant, NodeFailure, NodeName, NodeRecord, PowerState, Role};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};

use crate::server::{Server, at, facts, node, round, round_of, vm};

/// The value of a series, as it is written.
fn value<'a>(metrics: &'a str, series: &str) -> Option<&'a str> {
    let mut lines = metrics.lines();
    lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
}

async fn metrics(server: &Server) -> String {
    let answer = server.get("/metrics").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.headers().get(CONTENT_TYPE).expect("a type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    answer.text().await.expect("a text")
}

#[tokio::test]
async fn nodes_are_reported_with_their_vms_and_the_age_of_what_is_known() {
    let mut running = facts("a");
    running.power = PowerState::On;
    let mut big = facts("b");
    big.power = PowerState::Off;
    big.memory_mb = Some(65_536);
    let mut away = node("fuga");
    away.failure = Some(NodeFailure {
        kind: FailureKind::Unreachable,
        message: "fuga does not answer".to_owned(),
        hint: "Check that it is on.".to_owned(),
        since: at(-60),
    });
    away.round_millis = Some(2_500);
    let server = Server::start_showing(vec![
        round(
            node("hoge"),
            vec![vm("hoge", 1, running), vm("hoge", 2, big)],
        ),
        round(away, Vec::new()),
        round(
            NodeRecord {
                observed_at: None,
                attempted_at: None,
                round_millis: None,
                ..node("new \"one\"\\")
            },
            Vec::new(),
        ),
    ])
    .await;
    server.pass(40);
    let text = metrics(&server).await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    for (series, expected) in [
        (r#"ecoman_node_up{node="hoge"}"#, Some("1")),
        (r#"ecoman_node_up{node="fuga"}"#, Some("0")),
        // Not tried yet: neither.
        (r#"ecoman_node_up{node="new \"one\"\\"}"#, None),
        (r#"ecoman_node_large_vms{node="new \"one\"\\"}"#, Some("0")),
        (r#"ecoman_node_crawl_seconds{node="fuga"}"#, Some("2.5")),
        (
            r#"ecoman_node_observation_age_seconds{node="hoge"}"#,
            Some("42.0"),
        ),
        // The other one is off.
        (r#"ecoman_node_allocated_on_cpus{node="hoge"}"#, Some("1")),
        (
            r#"ecoman_node_allocated_on_memory_bytes{node="hoge"}"#,
            Some("1073741824"),
        ),
        (r#"ecoman_node_vms{node="hoge",power="on"}"#, Some("1")),
        (r#"ecoman_node_vms{node="hoge",power="off"}"#, Some("1")),
        (
            r#"ecoman_node_vms{node="hoge",power="suspended"}"#,
            Some("0"),
        ),
        (r#"ecoman_node_large_vms{node="hoge"}"#, Some("1")),
        ("ecoman_store_up", Some("1")),
        (r#"ecoman_tasks{state="running"}"#, Some("0")),
    ] {
        assert_eq!(value(&text, series), expected, "{series} in\n{text}");
    }
    for declared in [
        "# TYPE ecoman_node_up gauge",
        "# TYPE ecoman_node_crawl_seconds gauge",
        "# UNIT ecoman_node_crawl_seconds seconds",
        "# TYPE ecoman_http_request_duration_seconds histogram",
        "# TYPE ecoman_http_requests counter",
    ] {
        assert!(text.contains(declared), "{declared} in\n{text}");
    }
}

#[tokio::test]
async fn answers_are_counted_under_names_that_no_client_chooses() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    for path in [
        "/api/v1/vms?q=a",
        "/api/v1/vms?q=",
        "/api/v1/vms/hoge/1",
        "/api/v1/vms/nobody/7",
        "/api/v1/no-such-thing",
        "/some/page",
        "/another/page?with=a%22quote",
        "/api/docs/",
    ] {
        server.get(path).await;
    }
    let odd = Method::from_bytes(b"FROBNICATE").expect("a method");
    for path in ["/api/v1/vms", "/odd"] {
        let answer = server.method(odd.clone(), path).send().await;
        answer.expect("an answer");
    }
    let text = metrics(&server).await;
    let counted = |operation: &str, status: u16| {
        let series =
            format!("ecoman_http_requests_total{{operation=\"{operation}\",status=\"{status}\"}}");
        value(&text, &series).map(str::to_owned)
    };
    assert_eq!(counted("listVms", 200).as_deref(), Some("2"), "{text}");
    assert_eq!(counted("getVm", 200).as_deref(), Some("1"), "{text}");
    assert_eq!(counted("getVm", 404).as_deref(), Some("1"), "{text}");
    assert_eq!(counted("none", 404).as_deref(), Some("1"), "{text}");
    assert!(
        text.contains("ecoman_http_request_duration_seconds_count{operation=\"listVms\"} 2"),
        "{text}"
    );
    let document: serde_json::Value = server.json("/api/v1/openapi.json").await;
    let mut known: BTreeSet<&str> = ["page", "docs", "none"].into();
    for operations in document["paths"].as_object().expect("paths").values() {
        for operation in operations.as_object().expect("operations").values() {
            known.insert(operation["operationId"].as_str().expect("an id"));
        }
    }
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once("operation=\"") {
            let (operation, _) = rest.split_once('"').expect("an end");
            assert!(known.contains(operation), "{line}");
        }
    }
}

#[tokio::test]
async fn what_has_not_happened_yet_is_counted_as_none() {
    let server = Server::start().await;
    let text = metrics(&server).await;
    for series in [
        r#"ecoman_tasks_ended_total{kind="power",state="failed"}"#,
        r#"ecoman_tasks_ended_total{kind="create",state="interrupted"}"#,
        r#"ecoman_tasks_ended_total{kind="clean_up",state="cancelled"}"#,
        r#"ecoman_http_requests_total{operation="createVm",status="202"}"#,
        r#"ecoman_http_requests_total{operation="listVms",status="500"}"#,
        r#"ecoman_http_requests_total{operation="page",status="503"}"#,
    ] {
        assert_eq!(value(&text, series), Some("0"), "{series} in\n{text}");
    }
}

#[tokio::test]
async fn open_streams_of_events_are_counted_until_they_are_closed() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let counted = async || {
        let text = metrics(&server).await;
        value(&text, "ecoman_event_streams").map(str::to_owned)
    };
    assert_eq!(counted().await.as_deref(), Some("0"));
    let first = server.events(server.request("/api/v1/events")).await;
    let second = server.events(server.request("/api/v1/events")).await;
    assert_eq!(counted().await.as_deref(), Some("2"));
    drop(first);
    server
        .until("the closed stream to be counted no more", async || {
            (counted().await.as_deref() == Some("1")).then_some(())
        })
        .await;
    drop(second);
}

#[tokio::test]
async fn without_its_store_the_metrics_say_so() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    server.store.set_there(false);
    let text = metrics(&server).await;
    assert_eq!(value(&text, "ecoman_store_up"), Some("0"), "{text}");
    assert_eq!(value(&text, r#"ecoman_tasks{state="running"}"#), None);
    let up = value(&text, r#"ecoman_node_up{node="hoge"}"#);
    assert_eq!(up, Some("1"), "{text}");

    let never = Server::start_without_store().await;
    let text = metrics(&never).await;
    assert_eq!(value(&text, "ecoman_store_up"), Some("0"), "{text}");
    assert!(!text.contains("node=\""), "{text}");
}

#[tokio::test]
async fn a_caller_limited_to_nodes_gets_the_series_of_those() {
    let hoge: NodeName = "hoge".parse().expect("a name");
    let grant = Grant {
        role: Role::Viewer,
        nodes: Some([hoge].into()),
    };
    let mut secret = String::new();
    let server = Server::start_signing_in(
        ecoman_backend::SignIn::Password,
        vec![round_of("hoge", &["a"]), round_of("fuga", &["b"])],
        |access| {
            access
                .add_user("anna", Grant::ALL, Some("a long password"), at(0))
                .expect("a user");
            let new = NewToken {
                made_by: None,
                name: "prometheus".to_owned(),
                owner: "anna".to_owned(),
                owner_is_listed: true,
                owner_grant: Grant::ALL,
                grant,
                expires_at: None,
            };
            let (_, _, token) = access.create_token(new, at(0)).expect("a token");
            secret = token.reveal().to_owned();
        },
    )
    .await;
    let nobody = server.get("/metrics").await;
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    server
        .until("the nodes to be listed", async || {
            let answer = server.request("/metrics").bearer_auth(&secret).send().await;
            let text = answer.expect("an answer").text().await.expect("a text");
            assert!(!text.contains("fuga"), "{text}");
            value(&text, r#"ecoman_node_up{node="hoge"}"#).map(|_| ())
        })
        .await;
}
