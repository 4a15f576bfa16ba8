//! `/events`: order, resuming, and starting over.

use ecoman_api::{Node, NodeRemoved, Reset, Vm, VmRemoved};
use ecoman_model::VmFacts;
use ecoman_store::Store as _;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use serde::de::DeserializeOwned;

use crate::server::{Received, Server, at, facts, later, node, round, round_of, vm};

const EVENTS: &str = "/api/v1/events";

fn data<T: DeserializeOwned>(received: &Received, event: &str) -> T {
    assert_eq!(received.event, event, "{received:?}");
    serde_json::from_str(&received.data).expect("the data of the event")
}

fn id(received: &Received) -> u64 {
    received.id.parse().expect("a revision")
}

#[tokio::test]
async fn changes_come_in_order_each_with_its_revision() {
    let server = Server::start_showing(vec![round_of("hoge", &["a", "b", "c"])]).await;
    let mut events = server.events(server.request(EVENTS)).await;
    let begin = server.revision().await;

    // a stays, b is renamed, c goes, d comes.
    let vms = vec![
        vm("hoge", 1, facts("a")),
        vm("hoge", 2, facts("B")),
        vm("hoge", 4, facts("d")),
    ];
    let mut later = node("hoge");
    later.observed_at = Some(at(58));
    server.show(round(later, vms)).await;

    let renamed = events.next().await;
    assert_eq!(data::<Vm>(&renamed, "vm").name.as_deref(), Some("B"));
    let new = events.next().await;
    assert_eq!(data::<Vm>(&new, "vm").vmid, 4);
    let gone = events.next().await;
    let removed = VmRemoved {
        node: "hoge".to_owned(),
        vmid: 3,
    };
    assert_eq!(data::<VmRemoved>(&gone, "vm_removed"), removed);
    let seen = events.next().await;
    assert_eq!(data::<Node>(&seen, "node").observed_at, Some(at(58)));
    let ids: Vec<_> = [&renamed, &new, &gone, &seen].map(id).to_vec();
    assert_eq!(ids, [begin + 1, begin + 2, begin + 3, begin + 4]);
    assert_eq!(server.revision().await, begin + 4);

    let kept = ["fuga".parse().expect("a name")];
    server.store.retain_nodes(&kept).await.expect("forgotten");
    for vmid in [1, 2, 4] {
        let gone: VmRemoved = data(&events.next().await, "vm_removed");
        assert_eq!(gone.vmid, vmid);
    }
    let gone: NodeRemoved = data(&events.next().await, "node_removed");
    assert_eq!(gone.name, "hoge");
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_has_missed() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let seen = server.revision().await;
    server.show(round_of("hoge", &["b"])).await;
    server.show(round_of("hoge", &["c"])).await;
    let mut end = server.revision().await;
    assert_eq!(end, seen + 4);

    // Last-Event-ID is newer than what the address was made with, so it wins.
    for (second, path, header) in [
        (60, EVENTS.to_owned(), Some(seen + 1)),
        (120, format!("{EVENTS}?since={}", seen + 1), None),
        (180, format!("{EVENTS}?since=1"), Some(seen + 1)),
    ] {
        let mut request = server.request(&path);
        if let Some(header) = header {
            request = request.header("Last-Event-ID", header);
        }
        let mut events = server.events(request).await;
        for expected in seen + 2..=end {
            assert_eq!(id(&events.next().await), expected, "{path}");
        }
        server.show(later(round_of("hoge", &["c"]), second)).await;
        let live = events.next().await;
        assert_eq!(
            (live.event.as_str(), id(&live)),
            ("node", end + 1),
            "{path}"
        );
        end += 1;
    }
}

#[tokio::test]
async fn a_client_of_another_time_has_to_load_again() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let now = server.revision().await;
    for header in ["17".to_owned(), (now + 1).to_string(), "what?".to_owned()] {
        let request = server.request(EVENTS).header("Last-Event-ID", &header);
        let mut events = server.events(request).await;
        let reset = events.next().await;
        assert_eq!(data::<Reset>(&reset, "reset").revision, now, "{header}");
        assert_eq!(id(&reset), now, "{header}");
    }
    let request = server
        .request(EVENTS)
        .header("Last-Event-ID", now.to_string());
    let mut events = server.events(request).await;
    server.show(later(round_of("hoge", &["a"]), 60)).await;
    assert_eq!(events.next().await.event, "node", "nothing was missed");
}

#[tokio::test]
async fn a_slow_client_is_asked_to_load_again() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let mut slow = server.events(server.request(EVENTS)).await;
    let begin = server.revision().await;
    // Nothing is read while far more happens than is remembered or fits into the connection.
    let filler = "x".repeat(1 << 20);
    for index in 0..24 {
        let facts = VmFacts {
            comment: Some(format!("{index} {filler}")),
            ..facts("a")
        };
        server
            .show(round(node("hoge"), vec![vm("hoge", 1, facts)]))
            .await;
    }
    let mut last = begin;
    let reset = loop {
        let event = slow.next().await;
        if event.event == "reset" {
            break event;
        }
        assert_eq!(id(&event), last + 1, "nothing is left out before the reset");
        last += 1;
    };
    assert!(last < server.revision().await);
    assert!(data::<Reset>(&reset, "reset").revision > last);
}

#[tokio::test]
async fn a_client_that_was_there_before_the_first_load_is_asked_to_load() {
    let server = Server::start_without_store().await;
    server
        .store
        .record_round(&round_of("hoge", &["a"]))
        .await
        .expect("recorded");
    let mut events = server.events(server.request(EVENTS)).await;
    let other = server.request(EVENTS).header("Last-Event-ID", "17");
    let mut other = server.events(other).await;
    server.store.set_there(true);
    let reset: Reset = data(&events.next().await, "reset");
    assert_eq!(server.vms("").await.revision, reset.revision);
    assert_eq!(data::<Reset>(&other.next().await, "reset"), reset);
}

#[tokio::test]
async fn the_stream_is_neither_compressed_nor_collected() {
    let server = Server::start().await;
    let request = server.request(EVENTS).header(ACCEPT_ENCODING, "gzip, br");
    let response = request.send().await.expect("sent");
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers().get(CONTENT_ENCODING), None);
    assert_eq!(response.headers()["cache-control"], "no-cache");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let bad = server.get(&format!("{EVENTS}?since=x")).await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
}
