//! `/history`: what happened to nodes and VMs, and which tasks have ended.

use std::collections::BTreeSet;

use ecoman_access::Access;
use ecoman_api::{EventKind, HistoryItem, HistoryPage, Initiator, Problem};
use ecoman_backend::SignIn;
use ecoman_model::{
    FailureKind, Grant, NodeFailure, PowerAction, PowerChange, PowerState, Role, Round, RoundVms,
    Task, TaskError, TaskErrorKind, TaskId, TaskProgress, TaskRequest, TaskState, Vmid,
};
use ecoman_store::TaskStore as _;
use reqwest::header::COOKIE;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Server, at, facts, later, node, round, vm};

/// A round of a node with two VMs, of which the second one is on or off.
fn round_at(node_name: &str, second: i64, power: PowerState) -> Round {
    let read = |vmid: u32, name: &str, power| {
        let mut vm = vm(node_name, vmid, facts(name));
        vm.facts.power = power;
        vm.observed_at = at(second);
        vm
    };
    let vms = vec![read(1, "db", PowerState::On), read(2, "=web, \"2\"", power)];
    later(round(node(node_name), vms), second)
}

/// Changes the power of the second VM of a node outside ECoMan.
async fn switch(server: &Server, node_name: &str, second: i64) {
    let power = [PowerState::On, PowerState::Off][usize::from(second % 20 == 0)];
    let round = round_at(node_name, second, power);
    server.store.record(round).await;
}

/// A task of alice on `hoge/1` that ended at this second.
async fn end_task(server: &Server, second: i64, state: TaskState) -> TaskId {
    let action = PowerAction::Off;
    let millis = u128::from(at(second).timestamp_millis().unsigned_abs());
    let mut task = Task {
        id: TaskId(Uuid::from_u128((millis << 80) | (7 << 76) | (1 << 63))),
        node: "hoge".parse().expect("a name"),
        request: TaskRequest::Power(PowerChange {
            vmid: Vmid(1),
            action,
            guest_seconds: 120,
            if_power: None,
        }),
        vm_name: Some("db".to_owned()),
        actor: Some("alice".to_owned()),
        idempotency_key: None,
        request_id: "r-1".to_owned(),
        created_at: at(second - 5),
        executor: None,
        cancelled: None,
        progress: TaskProgress::default(),
    };
    server.store.add_task(&task).await.expect("recorded");
    task.progress.state = state;
    task.progress.started_at = Some(at(second - 4));
    task.progress.finished_at = Some(at(second));
    task.progress.error = (state == TaskState::Failed).then(|| TaskError {
        kind: TaskErrorKind::Refused,
        message: "The disk is full.".to_owned(),
        hint: String::new(),
        left: Vec::new(),
    });
    assert!(server.store.update_task(&task).await.expect("recorded"));
    task.id
}

/// A day on hoge: switched off, on and off, a task that failed, and away; something on fuga.
async fn a_day(server: &Server) -> TaskId {
    for name in ["hoge", "fuga"] {
        server.store.record(round_at(name, 0, PowerState::On)).await;
    }
    switch(server, "hoge", 20).await;
    switch(server, "hoge", 30).await;
    switch(server, "fuga", 40).await;
    let task = end_task(server, 50, TaskState::Failed).await;
    let mut away = later(round(node("hoge"), Vec::new()), 60);
    away.node.observed_at = Some(at(29));
    away.node.failure = Some(NodeFailure {
        kind: FailureKind::Unreachable,
        message: "no route to host".to_owned(),
        hint: String::new(),
        since: at(60),
    });
    away.vms = RoundVms::Unchanged;
    server.store.record(away).await;
    task
}

async fn history(server: &Server, query: &str) -> HistoryPage {
    server.json(&format!("/api/v1/history{query}")).await
}

/// The lines of a page: time after the beginning, node and text.
fn lines(page: &HistoryPage) -> Vec<(i64, &str, &str)> {
    let line = |item: &HistoryItem| (item.at - at(0)).num_seconds();
    page.items
        .iter()
        .map(|item| (line(item), item.node.as_str(), item.text.as_str()))
        .collect()
}

#[tokio::test]
async fn events_and_ended_tasks_come_newest_first_with_their_initiators() {
    let server = Server::start().await;
    assert_eq!(
        history(&server, "").await,
        HistoryPage {
            items: Vec::new(),
            next_page: None
        }
    );
    let task = a_day(&server).await;
    let page = history(&server, "").await;
    assert_eq!(
        lines(&page),
        [
            (60, "hoge", "Host stopped responding: no route to host"),
            (50, "hoge", "Power off failed: The disk is full."),
            (40, "fuga", "Powered off"),
            (30, "hoge", "Powered on"),
            (20, "hoge", "Powered off"),
        ]
    );
    assert_eq!(page.next_page, None);
    let initiators: Vec<_> = page.items.iter().map(|item| item.initiator).collect();
    use Initiator::{Node, Outside, User};
    assert_eq!(initiators, [Node, User, Outside, Outside, Outside]);

    let json: Value = server.json("/api/v1/history?limit=3").await;
    let items = json["items"].as_array().expect("items");
    let with_task = json!({
        "id": items[1]["id"], "at": "2026-11-22T20:00:50Z", "kind": "task",
        "text": "Power off failed: The disk is full.", "node": "hoge",
        "vm": { "vmid": 1, "name": "db" }, "before": null, "after": null, "times": 1,
        "initiator": "user", "user": "alice",
        "task": {
            "id": task, "act": "power", "action": "off", "state": "failed", "millis": 4000,
            "error": "The disk is full.",
        },
    });
    assert_eq!(items[1], with_task);
    let event = json!({
        "id": items[2]["id"], "at": "2026-11-22T20:00:40Z", "kind": "power",
        "text": "Powered off", "node": "fuga", "vm": { "vmid": 2, "name": "=web, \"2\"" },
        "before": "on", "after": "off", "times": 1, "initiator": "outside", "user": null,
        "task": null,
    });
    assert_eq!(items[2], event);
    assert_eq!(items[0]["vm"], Value::Null);
    assert_eq!(items[0]["after"], "no route to host");
}

#[tokio::test]
async fn each_filter_narrows_the_history_down() {
    let server = Server::start().await;
    a_day(&server).await;
    for (query, seconds) in [
        ("?node=hoge", vec![60, 50, 30, 20]),
        ("?node=fuga,hoge&limit=2", vec![60, 50]),
        ("?node=nowhere", vec![]),
        ("?vm=hoge/2", vec![30, 20]),
        ("?vm=hoge/1", vec![50]),
        ("?vm=fuga/1", vec![]),
        ("?vm=hoge/2&node=fuga", vec![]),
        ("?user=alice", vec![50]),
        ("?user=bob,alice", vec![50]),
        ("?user=bob", vec![]),
        ("?kind=power", vec![40, 30, 20]),
        ("?kind=task,node_away", vec![60, 50]),
        ("?since=2026-11-22T20:00:40Z", vec![60, 50, 40]),
        ("?until=2026-11-22T20:00:30Z", vec![20]),
        (
            "?since=2026-11-22T21:00:30%2B01:00&until=2026-11-22T20:00:50Z",
            vec![40, 30],
        ),
        (
            "?since=2026-11-22T21:00:00Z&until=2026-11-22T20:00:00Z",
            vec![],
        ),
        // What people read, in any order.
        ("?q=WEB%20powered%20on", vec![40, 30, 20]),
        ("?q=disk%20alice", vec![50]),
        ("?q=outside", vec![40, 30, 20]),
        ("?q=nothing%20like%20it", vec![]),
        ("?q=", vec![60, 50, 40, 30, 20]),
    ] {
        let page = history(&server, query).await;
        let found: Vec<_> = lines(&page).iter().map(|(second, ..)| *second).collect();
        assert_eq!(found, seconds, "{query}");
    }
}

#[tokio::test]
async fn pages_lose_and_double_nothing_while_events_arrive() {
    let server = Server::start().await;
    switch(&server, "hoge", 0).await;
    for step in 1..=23 {
        switch(&server, "hoge", step * 10).await;
    }
    let expected: Vec<_> = (1..=23).rev().map(|step| step * 10).collect();
    for query in [
        "?limit=5",
        "?limit=5&kind=power",
        "?limit=5&q=web",
        "?limit=5&vm=hoge/2",
    ] {
        let first = history(&server, query).await;
        let newest = lines(&first)[0].0;
        let mut seconds: Vec<_> = lines(&first).iter().map(|line| line.0).collect();
        let mut ids: BTreeSet<_> = first.items.iter().map(|item| item.id).collect();
        let mut next = first.next_page;
        let mut arriving = newest;
        while let Some(token) = next {
            arriving += 10;
            switch(&server, "hoge", arriving).await;
            let page = history(&server, &format!("{query}&page_token={token}")).await;
            seconds.extend(lines(&page).iter().map(|line| line.0));
            for item in &page.items {
                assert!(ids.insert(item.id), "{query}: {item:?} came twice");
            }
            next = page.next_page;
        }
        let known: Vec<_> = (1..=newest / 10).rev().map(|step| step * 10).collect();
        assert_eq!(seconds, known, "{query}");
    }
    assert!(expected.len() == 23);
    // A last page that is full is the last one.
    let page = history(&server, "?limit=3&until=2026-11-22T20:00:40Z").await;
    assert_eq!((page.items.len(), page.next_page), (3, None));
}

#[tokio::test]
async fn the_history_is_a_table_for_who_wants_one() {
    let server = Server::start().await;
    let task = a_day(&server).await;
    let table = async |query: &str| {
        let request = server.request(&format!("/api/v1/history{query}"));
        let answer = request.header("accept", "text/csv").send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(
            answer.headers()["content-type"],
            "text/csv; charset=utf-8; header=present"
        );
        assert_eq!(
            answer.headers()["content-disposition"],
            "attachment; filename=\"ecoman-history-2026-11-22.csv\""
        );
        answer.text().await.expect("text")
    };
    let text = table("").await;
    let records: Vec<Vec<String>> = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes())
        .into_records()
        .map(|record| record.expect("CSV").iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(
        records[0],
        [
            "id",
            "at",
            "kind",
            "text",
            "node",
            "vmid",
            "name",
            "before",
            "after",
            "times",
            "initiator",
            "user",
            "task",
            "act",
            "action",
            "state",
            "millis",
            "error"
        ]
    );
    assert_eq!(
        records[2][1..],
        [
            "2026-11-22T20:00:50Z",
            "task",
            "Power off failed: The disk is full.",
            "hoge",
            "1",
            "db",
            "",
            "",
            "1",
            "user",
            "alice",
            &task.to_string(),
            "power",
            "off",
            "failed",
            "4000",
            "The disk is full."
        ]
    );
    // Spreadsheets take it for text.
    assert_eq!(records[3][6], "'=web, \"2\"");
    assert_eq!(records.len(), 6);
    assert_eq!(table("?limit=2").await.lines().count(), 3);
    assert_eq!(table("?user=nobody").await.lines().count(), 1);

    // More than the store reads at once.
    for step in 7..=1_200 {
        switch(&server, "hoge", step * 10).await;
    }
    let text = table("?vm=hoge/2").await;
    let times: Vec<_> = ::csv::Reader::from_reader(text.as_bytes())
        .into_records()
        .map(|record| record.expect("CSV")[0].to_owned())
        .collect();
    assert_eq!(times.len(), 1_193 + 2);
    assert!(times.is_sorted_by(|one, two| one > two));
}

#[tokio::test]
async fn who_is_limited_to_nodes_sees_their_history_alone() {
    const PASSWORD: &str = "correct horse";
    let prepare = |access: &Access| {
        for (name, nodes) in [
            ("all", None),
            ("some", Some(["fuga"])),
            ("none", Some(["else"])),
        ] {
            let nodes = nodes.map(|nodes| nodes.map(|it| it.parse().expect("a name")).into());
            let grant = Grant {
                role: Role::Viewer,
                nodes,
            };
            let user = access.add_user(name, grant, Some(PASSWORD), at(-100));
            user.expect("a user");
        }
    };
    let server = Server::start_signing_in(SignIn::Password, Vec::new(), prepare).await;
    server.ready().await;
    a_day(&server).await;
    let request = async |name: &str, query: &str| -> RequestBuilder {
        let body = json!({"name": name, "password": PASSWORD});
        let answer = server.method(reqwest::Method::POST, "/api/v1/session");
        let answer = answer.json(&body).send().await.expect("an answer");
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        server
            .request(&format!("/api/v1/history{query}"))
            .header(COOKIE, cookie)
    };
    for (name, query, seconds) in [
        ("all", "", vec![60, 50, 40, 30, 20]),
        ("some", "", vec![40]),
        ("some", "?node=hoge,fuga", vec![40]),
        ("some", "?node=hoge", vec![]),
        ("some", "?vm=hoge/2", vec![]),
        ("some", "?vm=fuga/2", vec![40]),
        ("some", "?user=alice", vec![]),
        ("some", "?q=powered", vec![40]),
        ("none", "", vec![]),
    ] {
        let answer = request(name, query).await.send().await.expect("an answer");
        let page: HistoryPage = answer.json().await.expect("a page");
        let found: Vec<_> = lines(&page).iter().map(|(second, ..)| *second).collect();
        assert_eq!(found, seconds, "{name} {query}");
        let table = request(name, query).await.header("accept", "text/csv");
        let table = table.send().await.expect("an answer").text().await;
        assert_eq!(
            table.expect("text").matches("2026-11-22T").count(),
            seconds.len(),
            "{name} {query}"
        );
    }
}

#[tokio::test]
async fn each_bad_parameter_of_the_history_is_named() {
    let server = Server::start().await;
    a_day(&server).await;
    let problem = async |query: &str| -> Problem {
        let answer = server.get(&format!("/api/v1/history?{query}")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
        answer.json().await.expect("a problem")
    };
    let long = "x".repeat(201);
    for (query, pointer) in [
        ("since=yesterday", "?since"),
        ("until=2026-11-22", "?until"),
        ("vm=hoge", "?vm"),
        ("vm=hoge/x", "?vm"),
        ("vm=/1", "?vm"),
        ("node=", "?node"),
        ("kind=power,else", "?kind"),
        ("limit=0", "?limit"),
        ("limit=1001", "?limit"),
        ("page_token=x", "?page_token"),
        ("actor=alice", "?actor"),
        ("q=a&q=b", "?q"),
        (&format!("q={long}"), "?q"),
    ] {
        let problem = problem(query).await;
        let pointers: Vec<_> = problem
            .errors
            .iter()
            .map(|it| it.pointer.as_str())
            .collect();
        assert_eq!(pointers, [pointer], "{query}");
    }
    assert_eq!(problem("since=x&until=y&vm=z&kind=w").await.errors.len(), 4);
    // A token is that of its list.
    let token = history(&server, "?limit=1&kind=power").await.next_page;
    let token = token.expect("another page");
    let other = problem(&format!("kind=task&page_token={token}")).await;
    assert!(
        other.errors[0].detail.contains("belongs to a list"),
        "{other:?}"
    );
    let same = history(&server, &format!("?limit=9&kind=power&page_token={token}")).await;
    assert_eq!(same.items.len(), 2);
    assert!(same.items.iter().all(|item| item.kind == EventKind::Power));
}
