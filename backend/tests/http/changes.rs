//! What changes nodes: what is taken, what is refused, and which order the executor gets.

use ecoman_api::{Answer, NewVm, PowerAction, PowerChange, Problem, Task, TaskRequest, TaskState};
use ecoman_model::{
    Datastore, NodeFacts, NodeRecord, NodeSettings, PowerState, VersionFacts, VmFacts, Vmid,
};
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::executor::Executor;
use crate::server::{Server, facts, node, round, round_of, vm};

pub(crate) const ON: &str = "/api/v1/vms/hoge/2/power";

/// A node with a VM that is on (1, `db`, without VMware Tools) and one that is off (2, `web`).
pub(crate) fn hoge() -> ecoman_model::Round {
    let on = VmFacts {
        tools_status: Some("toolsNotInstalled".to_owned()),
        connection_state: Some("connected".to_owned()),
        ..facts("db")
    };
    let off = VmFacts {
        power: PowerState::Off,
        ..facts("web")
    };
    let node = NodeRecord {
        facts: Some(NodeFacts {
            version: VersionFacts {
                version: Some("6.7.0".to_owned()),
                update: Some(3),
                ..VersionFacts::default()
            },
            cpu_threads: Some(8),
            memory_bytes: Some(16 << 30),
            datastores: vec![Datastore {
                name: Some("datastore1".to_owned()),
                path: "/vmfs/volumes/5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30".to_owned(),
                kind: "VMFS-6".to_owned(),
                accessible: true,
                capacity_bytes: Some(500 << 30),
                free_bytes: Some(100 << 30),
            }],
            ..NodeFacts::default()
        }),
        ..node("hoge")
    };
    round(node, vec![vm("hoge", 1, on), vm("hoge", 2, off)])
}

/// A node that takes no changes.
fn read_only() -> ecoman_model::Round {
    let usual = node("fuga");
    let node = NodeRecord {
        settings: NodeSettings {
            read_only: true,
            ..usual.settings
        },
        ..usual
    };
    round(node, vec![vm("fuga", 7, facts("safe"))])
}

pub(crate) fn power_on(server: &Server) -> RequestBuilder {
    server
        .method(Method::PUT, ON)
        .json(&json!({"action": "on"}))
}

pub(crate) fn new_vm() -> Value {
    json!({
        "node": "hoge",
        "name": "ウェブ $(reboot)",
        "cpus": 2,
        "memory_mb": 2048,
        "disk_gb": 50,
        "comment": "owner: ops\n\"quoted\""
    })
}

pub(crate) fn create(server: &Server) -> RequestBuilder {
    server.method(Method::POST, "/api/v1/vms").json(&new_vm())
}

/// The task of an answer that says that it has been made.
pub(crate) async fn accepted(request: RequestBuilder) -> Task {
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let location = response.headers().get(LOCATION).cloned();
    let text = response.text().await.expect("a body");
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    let task: Task = serde_json::from_str(&text).expect("a task");
    let path = format!("/api/v1/tasks/{}", task.id);
    assert_eq!(location.expect("Location"), path.as_str());
    task
}

async fn problem(response: Response) -> Problem {
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    response.json().await.expect("a problem")
}

async fn server() -> (Server, Executor) {
    Server::start_with_executor(vec![hoge(), read_only()]).await
}

#[tokio::test]
async fn a_change_of_power_is_handed_to_the_executor_as_it_was_asked() {
    let (server, executor) = server().await;
    let request = power_on(&server).header("x-request-id", "test");
    let task = accepted(request).await;
    let expected = TaskRequest::Power(PowerChange {
        vmid: Vmid(2),
        action: PowerAction::On,
        guest_seconds: 120,
        if_power: None,
    });
    assert_eq!(task.title, "Power on web on hoge");
    assert_eq!((task.state, &task.request), (TaskState::Queued, &expected));
    let vm = task.vm.expect("a VM");
    assert_eq!((vm.vmid, vm.name.as_deref()), (2, Some("web")));

    let order = server.begun(&executor, 1).await.remove(0);
    assert_eq!((order.id, &order.request), (task.id, &expected));
    assert_eq!(order.node.as_str(), "hoge");
}

#[tokio::test]
async fn an_answer_to_a_question_is_handed_to_the_executor() {
    let (server, executor) = server().await;
    let request = server.method(Method::POST, "/api/v1/vms/hoge/2/question");
    let body = json!({"question": "_vmx1", "choice": 2});
    let task = accepted(request.json(&body)).await;
    assert_eq!(task.title, "Answer the question of web on hoge");
    let order = server.begun(&executor, 1).await.remove(0);
    let expected = TaskRequest::Answer(Answer {
        vmid: Vmid(2),
        question: "_vmx1".to_owned(),
        choice: 2,
    });
    assert_eq!(order.request, expected);
}

#[tokio::test]
async fn a_new_vm_is_handed_to_the_executor_with_what_was_not_said() {
    let (server, executor) = server().await;
    let task = accepted(create(&server)).await;
    assert_eq!(task.title, "Create ウェブ $(reboot) on hoge");
    assert_eq!(task.vm, None, "there is none yet");
    let order = server.begun(&executor, 1).await.remove(0);
    let expected = NewVm {
        name: "ウェブ $(reboot)".to_owned(),
        cpus: 2,
        memory_mb: 2048,
        disk_gb: 50,
        comment: "owner: ops\n\"quoted\"".to_owned(),
        guest_os: "ubuntu-64".to_owned(),
        datastore: None,
        network: None,
        iso_path: None,
        power_on: true,
    };
    assert_eq!(order.request, TaskRequest::Create(Box::new(expected)));
}

#[tokio::test]
async fn a_datastore_is_one_of_the_node_that_can_be_used() {
    let (server, executor) = server().await;
    let volume = |name: &str, accessible| Datastore {
        name: Some(name.to_owned()),
        path: format!("/vmfs/volumes/{name}"),
        kind: "VMFS-6".to_owned(),
        accessible,
        capacity_bytes: Some(100 << 30),
        free_bytes: Some(60 << 30),
    };
    let mut round = round_of("piyo", &["a"]);
    round.node.facts = Some(NodeFacts {
        datastores: vec![volume("datastore1", true), volume("nas-a", false)],
        ..NodeFacts::default()
    });
    server.show(round).await;
    for (datastore, disk_gb, pointer, detail) in [
        (
            "nowhere",
            1,
            "#/datastore",
            "must be a datastore of the node: datastore1, nas-a",
        ),
        (
            "nas-a",
            1,
            "#/datastore",
            "is not accessible on the node; choose another one",
        ),
        (
            "a/b",
            1,
            "#/datastore",
            "must be the name of a datastore, without a path",
        ),
        (
            "datastore1",
            61,
            "#/disk_gb",
            "must be at most 60, what is free on the datastore",
        ),
    ] {
        let body = json!({
            "node": "piyo", "name": "web", "cpus": 1, "memory_mb": 4, "disk_gb": disk_gb,
            "datastore": datastore,
        });
        let request = server.method(Method::POST, "/api/v1/vms").json(&body);
        let problem = problem(request.send().await.expect("an answer")).await;
        let found: Vec<_> = problem
            .errors
            .iter()
            .map(|error| (error.pointer.as_str(), error.detail.as_str()))
            .collect();
        assert_eq!(found, [(pointer, detail)], "{datastore}");
    }
    assert!(executor.begun().is_empty());
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_the_reason() {
    let (server, executor) = server().await;
    for (path, action, status, kind, detail) in [
        (
            "/api/v1/vms/hoge/1/power",
            "on",
            409,
            "refused",
            "db on hoge: The VM is on already.",
        ),
        (
            "/api/v1/vms/hoge/1/power",
            "shutdown",
            409,
            "refused",
            "db on hoge: VMware Tools is not installed in the guest; shut down needs it. Use power off \
             instead.",
        ),
        (
            "/api/v1/vms/hoge/2/power",
            "reset",
            409,
            "refused",
            "web on hoge: The VM is off; it must be on to be reset.",
        ),
        (
            "/api/v1/vms/fuga/7/power",
            "off",
            409,
            "refused",
            "safe on fuga: The host is read-only (read_only: true in hosts.yml).",
        ),
        (
            "/api/v1/vms/hoge/9/power",
            "on",
            404,
            "vm-not-found",
            "hoge has no VM 9; it may have been removed.",
        ),
        (
            "/api/v1/vms/hoge/x/power",
            "on",
            404,
            "vm-not-found",
            "hoge has no VM x; it may have been removed.",
        ),
        (
            "/api/v1/vms/piyo/1/power",
            "on",
            404,
            "node-not-found",
            "There is no host piyo; the hosts are those of the crawler's hosts.yml.",
        ),
    ] {
        let request = server.method(Method::PUT, path);
        let response = request.json(&json!({"action": action})).send().await;
        let problem = problem(response.expect("an answer")).await;
        let found = (
            problem.status,
            problem.kind.as_str(),
            problem.detail.as_str(),
        );
        let kind = format!("urn:ecoman:problem:{kind}");
        assert_eq!(found, (status, kind.as_str(), detail), "{path} {action}");
    }
    assert_eq!(executor.begun().len(), 0);
    assert_eq!(
        server.tasks("").await.items,
        Vec::new(),
        "nothing is kept of it"
    );
}

#[tokio::test]
async fn every_wrong_field_of_a_new_vm_is_named() {
    let (server, executor) = server().await;
    for (change, expected) in [
        (json!({"name": ""}), vec![("#/name", "must not be empty")]),
        (
            json!({"name": "a/b", "memory_mb": 1022, "iso_path": "/etc/passwd", "comment": "\u{0}"}),
            vec![
                ("#/name", "must not contain / \\ or %"),
                ("#/memory_mb", "must be a multiple of 4"),
                (
                    "#/comment",
                    "must not contain control characters other than line feeds and tabs",
                ),
                (
                    "#/iso_path",
                    "must be a file on a volume: /vmfs/volumes/DATASTORE/PATH.iso",
                ),
            ],
        ),
        (
            json!({"cpus": 9, "memory_mb": 32768, "disk_gb": 101}),
            vec![
                ("#/cpus", "must be at most 8, the threads of the node"),
                (
                    "#/memory_mb",
                    "must be at most 16384, the memory of the node",
                ),
                (
                    "#/disk_gb",
                    "must be at most 100, what is free on the datastore",
                ),
            ],
        ),
        (
            json!({"guest_os": "debian12-64"}),
            vec![(
                "#/guest_os",
                "needs virtual hardware 20, and the node has 15 at most; choose an older version \
                 of the system, or otherlinux-64 or other-64",
            )],
        ),
        (
            json!({"cpus": "2"}),
            vec![(
                "#/cpus",
                "must be a whole number from 0 to 4294967295, and is the string \"2\"",
            )],
        ),
        (
            json!({"memory": 4}),
            vec![(
                "#/memory",
                "is not known; expected one of `node`, `name`, `cpus`, `memory_mb`, `disk_gb`, \
                 `comment`, `guest_os`, `datastore`, `network`, `iso_path`, `power_on`",
            )],
        ),
    ] {
        let mut body = new_vm();
        let fields = change.as_object().expect("an object");
        body.as_object_mut()
            .expect("an object")
            .extend(fields.clone());
        let request = server.method(Method::POST, "/api/v1/vms").json(&body);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{change}");
        let problem = problem(response).await;
        assert_eq!(problem.kind, "urn:ecoman:problem:bad-body");
        let errors = problem.errors.iter();
        let found: Vec<_> = errors
            .map(|error| (error.pointer.as_str(), error.detail.as_str()))
            .collect();
        assert_eq!(found, expected, "{change}");
    }
    assert_eq!(executor.begun().len(), 0);
}

#[tokio::test]
async fn a_new_vm_needs_a_node_that_takes_it_and_a_free_name() {
    let (server, executor) = server().await;
    for (change, status, kind, errors) in [
        (
            json!({"node": "piyo"}),
            404,
            "node-not-found",
            vec!["#/node"],
        ),
        (json!({"node": "fuga"}), 409, "read-only", vec!["#/node"]),
        (json!({"name": "web"}), 409, "name-taken", vec!["#/name"]),
    ] {
        let mut body = new_vm();
        let fields = change.as_object().expect("an object");
        body.as_object_mut()
            .expect("an object")
            .extend(fields.clone());
        let request = server.method(Method::POST, "/api/v1/vms").json(&body);
        let problem = problem(request.send().await.expect("an answer")).await;
        let kind = format!("urn:ecoman:problem:{kind}");
        assert_eq!((problem.status, problem.kind), (status, kind), "{change}");
        let pointers: Vec<_> = problem
            .errors
            .into_iter()
            .map(|error| error.pointer)
            .collect();
        assert_eq!(pointers, errors, "{change}");
    }
    assert_eq!(executor.begun().len(), 0);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let (server, executor) = server().await;
    let put = || server.method(Method::PUT, ON);
    for (request, status, kind) in [
        (
            put().body(r#"{"action":"on"}"#),
            415,
            "unsupported-media-type",
        ),
        (
            put()
                .header(CONTENT_TYPE, "text/plain")
                .body(r#"{"action":"on"}"#),
            415,
            "unsupported-media-type",
        ),
        (
            put().header(CONTENT_TYPE, "application/json").body("{"),
            400,
            "bad-body",
        ),
        (put().json(&json!({"action": "explode"})), 400, "bad-body"),
        (
            put().json(&json!({"action": "on", "guest_seconds": 4})),
            400,
            "bad-body",
        ),
        (
            put().json(&json!({"action": "on", "x": "x".repeat(70_000)})),
            413,
            "too-large",
        ),
        (
            put()
                .json(&json!({"action": "on"}))
                .header("idempotency-key", "a b"),
            400,
            "bad-idempotency-key",
        ),
        (
            put()
                .json(&json!({"action": "on"}))
                .header("idempotency-key", "x".repeat(256)),
            400,
            "bad-idempotency-key",
        ),
    ] {
        let problem = problem(request.send().await.expect("an answer")).await;
        let kind = format!("urn:ecoman:problem:{kind}");
        assert_eq!(
            (problem.status, problem.kind),
            (status, kind),
            "{}",
            problem.detail
        );
    }
    let charset = put()
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body(r#"{"action":"on"}"#);
    accepted(charset).await;
    assert_eq!(server.begun(&executor, 1).await.len(), 1);
}

#[tokio::test]
async fn a_request_with_the_same_key_is_not_done_again() {
    let (server, executor) = server().await;
    let key = "7a1c-3cecef1a2b30";
    let first = accepted(create(&server).header("idempotency-key", key)).await;
    let (one, other) = tokio::join!(
        accepted(create(&server).header("idempotency-key", key)),
        accepted(create(&server).header("idempotency-key", key)),
    );
    assert_eq!([one.id, other.id], [first.id, first.id]);
    server.begun(&executor, 1).await;
    executor.succeed(first.id);
    server.state(first.id, TaskState::Succeeded).await;

    // The VM is there now, so without the key its name would be taken.
    let mut later = hoge();
    if let ecoman_model::RoundVms::Complete(vms) = &mut later.vms {
        vms.push(vm("hoge", 3, facts("ウェブ $(reboot)")));
    }
    server.show(later).await;
    let again = accepted(create(&server).header("idempotency-key", key)).await;
    assert_eq!((again.id, again.state), (first.id, TaskState::Succeeded));
    assert_eq!(executor.begun().len(), 1);

    let request = power_on(&server).header("idempotency-key", key);
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let problem = problem(response).await;
    assert_eq!(problem.kind, "urn:ecoman:problem:idempotency-key-reused");
    assert!(
        problem.detail.contains(&first.id.to_string()),
        "{}",
        problem.detail
    );
}

#[tokio::test]
async fn without_an_executor_nothing_happens_and_the_attempt_is_kept() {
    let (server, executor) = server().await;
    executor.go_away();
    let request = || power_on(&server).header("idempotency-key", "press-1");
    let response = request().send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[RETRY_AFTER], "2");
    let location = response.headers()[LOCATION]
        .to_str()
        .expect("text")
        .to_owned();
    let problem = problem(response).await;
    assert_eq!(problem.kind, "urn:ecoman:problem:executor-unavailable");
    assert!(
        problem.detail.contains("Nothing was sent to hoge"),
        "{}",
        problem.detail
    );

    let task: Task = server.json(&location).await;
    assert_eq!(task.state, TaskState::Failed);
    let error = task.error.expect("an error");
    assert_eq!(
        (error.status, error.kind.as_str()),
        (503, "urn:ecoman:problem:task-executor")
    );
    assert!(
        error.detail.contains("EXECUTOR_ADDRESS"),
        "{}",
        error.detail
    );

    executor.come_back();
    let task = accepted(request()).await;
    assert_eq!(server.begun(&executor, 1).await[0].id, task.id);
}

#[tokio::test]
async fn without_a_store_nothing_is_asked_of_a_node() {
    let (server, executor) = server().await;
    server.store.set_there(false);
    let response = power_on(&server).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        problem(response).await.kind,
        "urn:ecoman:problem:store-unavailable"
    );
    server.store.set_there(true);
    let task = accepted(power_on(&server)).await;
    let begun = server.begun(&executor, 1).await;
    assert_eq!(
        begun.iter().map(|order| order.id).collect::<Vec<_>>(),
        [task.id]
    );
}

/// Each text in each field that takes one: refused with the field and its rule, or handed to the
/// executor as it is.
#[tokio::test]
async fn every_nasty_text_is_refused_with_its_field_and_rule_or_handed_over_as_it_is() {
    const NASTY: &str = include_str!("../../../executor/tests/data/nasty.txt");
    let (server, executor) = server().await;
    let (mut taken, mut refused) = (Vec::new(), 0);
    for line in NASTY.lines() {
        let text: String = serde_json::from_str(line).expect(line);
        for field in ["name", "comment", "network", "iso_path"] {
            let mut body = new_vm();
            body["guest_os"] = json!("debian10-64");
            body["power_on"] = json!(false);
            body[field] = json!(text);
            let mut wanted = body.clone();
            wanted.as_object_mut().expect("an object").remove("node");
            let wanted: NewVm = serde_json::from_value(wanted).expect("a VM");
            let faults = wanted.clone().check().err().unwrap_or_default();
            let request = server.method(Method::POST, "/api/v1/vms").json(&body);
            if faults.is_empty() {
                accepted(request).await;
                taken.push(wanted);
                continue;
            }
            refused += 1;
            let response = request.send().await.expect("an answer");
            assert_eq!(
                response.status(),
                StatusCode::BAD_REQUEST,
                "{field}: {line}"
            );
            let problem = problem(response).await;
            assert_eq!(problem.kind, "urn:ecoman:problem:bad-body");
            for fault in &faults {
                assert_eq!(fault.field, field, "{line}");
                let reported = problem.errors.iter().any(|error| {
                    error.pointer == format!("#/{field}") && error.detail.contains(&fault.rule)
                });
                assert!(reported, "{field}: {line}: {problem:#?}");
            }
        }
    }
    assert!(
        taken.len() > 300 && refused > 100,
        "{} taken, {refused} refused",
        taken.len()
    );
    let orders = server.begun(&executor, taken.len()).await;
    assert_eq!(orders.len(), taken.len());
    for vm in taken {
        let handed = orders.iter().any(
            |order| matches!(&order.request, TaskRequest::Create(given) if given.as_ref() == &vm),
        );
        assert!(handed, "{vm:?}");
    }
}

#[tokio::test]
async fn a_change_of_another_state_than_was_seen_is_refused_with_who_changed_it() {
    let (server, executor) = server().await;
    let change = |vmid: u32, action: &str, if_power: &str| {
        let path = format!("/api/v1/vms/hoge/{vmid}/power");
        let request = server.method(Method::PUT, &path);
        request.json(&json!({"action": action, "if_power": if_power}))
    };
    let response = change(2, "on", "suspended").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let refused = problem(response).await;
    assert_eq!(refused.kind, "urn:ecoman:problem:power-changed");
    assert!(
        refused.detail.starts_with(
            "web on hoge: The VM is off now; it was suspended when this was requested. It was \
             changed outside ECoMan"
        ),
        "{}",
        refused.detail
    );
    assert!(executor.begun().is_empty());
    let task = accepted(change(2, "on", "off")).await;
    let order = server.begun(&executor, 1).await.remove(0);
    assert_eq!(order.id, task.id);
    let seen = order.request.power().and_then(|change| change.if_power);
    assert_eq!(seen, Some(PowerState::Off));
}
