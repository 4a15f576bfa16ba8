//! Settings of VMs: what is taken, what is refused, and which order the executor gets.

use ecoman_api::{Problem, TaskRequest};
use ecoman_model::{Edit, PowerState, VmFacts, VmSettings, Vmid};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::changes::{accepted, hoge};
use crate::executor::Executor;
use crate::server::{Server, facts, round, vm};

/// `hoge` with a VM that is off and of which everything is known (3, `app`).
pub(crate) fn hoge_with_app() -> ecoman_model::Round {
    let mut vms = match hoge().vms {
        ecoman_model::RoundVms::Complete(vms) => vms,
        ecoman_model::RoundVms::Unchanged => Vec::new(),
    };
    let app = VmFacts {
        power: PowerState::Off,
        cpus: Some(2),
        memory_mb: Some(2048),
        hardware_version: Some("vmx-14".to_owned()),
        comment: Some("old".to_owned()),
        ..facts("app")
    };
    vms.push(vm("hoge", 3, app));
    round(hoge().node, vms)
}

fn patch(server: &Server, vmid: u32, body: &Value) -> RequestBuilder {
    let path = format!("/api/v1/vms/hoge/{vmid}");
    server.method(Method::PATCH, &path).json(body)
}

async fn server() -> (Server, Executor) {
    Server::start_with_executor(vec![hoge_with_app()]).await
}

async fn refused(request: RequestBuilder, status: StatusCode) -> Problem {
    let response = request.send().await.expect("an answer");
    let found = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).expect("a problem")
}

#[tokio::test]
async fn a_change_is_handed_to_the_executor_as_it_was_asked() {
    let (server, executor) = server().await;
    let body = json!({
        "name": "app-2", "comment": "new\n\"notes\"", "cpus": 4, "cores_per_socket": 2,
        "memory_mb": 4096, "guest_os": "debian10-64", "if": {"comment": "old", "cpus": 2},
    });
    let task = accepted(patch(&server, 3, &body)).await;
    let title = "Edit name, notes, CPUs, cores per socket, memory and guest OS of app on hoge";
    assert_eq!(task.title, title);
    let expected = TaskRequest::Edit(Box::new(Edit {
        vmid: Vmid(3),
        settings: VmSettings {
            name: Some("app-2".to_owned()),
            comment: Some("new\n\"notes\"".to_owned()),
            cpus: Some(4),
            cores_per_socket: Some(2),
            memory_mb: Some(4096),
            guest_os: Some("debian10-64".to_owned()),
        },
        seen: VmSettings {
            comment: Some("old".to_owned()),
            cpus: Some(2),
            ..VmSettings::default()
        },
    }));
    let order = server.begun(&executor, 1).await.remove(0);
    assert_eq!((order.id, &order.request), (task.id, &expected));
    let shown: Value = server.json(&format!("/api/v1/tasks/{}", task.id)).await;
    assert_eq!(shown["request"]["kind"], "edit");
    assert_eq!(
        shown["request"]["if"],
        json!({
            "name": null, "comment": "old", "cpus": 2, "cores_per_socket": null, "memory_mb": null,
            "guest_os": null,
        })
    );
    // In the audit log too.
    let audit: Value = server.json("/api/v1/audit").await;
    assert_eq!(audit["items"][0]["operation"], "updateVm");
    let summary = audit["items"][0]["summary"].as_str().expect("a summary");
    assert!(
        summary.starts_with("edit name: app-2, notes: new…, CPUs: 4"),
        "{summary}"
    );
}

#[tokio::test]
async fn what_is_out_of_range_is_refused_with_the_range() {
    let (server, executor) = server().await;
    for (body, pointer, rule) in [
        (json!({}), "", "must name a setting"),
        (
            json!({"cpus": 9}),
            "/cpus",
            "must be from 1 to 8, the most of the node",
        ),
        (json!({"cpus": 0}), "/cpus", "must be at least 1"),
        (
            json!({"memory_mb": 32768}),
            "/memory_mb",
            "must be from 4 to 16384, the most of the node",
        ),
        (
            json!({"memory_mb": 1001}),
            "/memory_mb",
            "must be a multiple of 4",
        ),
        (
            json!({"cpus": 4, "cores_per_socket": 3}),
            "/cores_per_socket",
            "must divide the number of CPUs, 4",
        ),
        (json!({"name": "a/b"}), "/name", "must not contain"),
        (
            json!({"guest_os": "debian12-64"}),
            "/guest_os",
            "the VM has 14 at most",
        ),
        (json!({"guest_os": "No Such"}), "/guest_os", "must be an id"),
        (json!({"disk_gb": 5}), "/disk_gb", "is unknown"),
        (json!({"cpus": 1.5}), "/cpus", ""),
        (json!({"if": {"power": "off"}, "cpus": 1}), "/if/power", ""),
    ] {
        let problem = refused(patch(&server, 3, &body), StatusCode::BAD_REQUEST).await;
        let found = problem
            .errors
            .iter()
            .any(|error| error.pointer == format!("#{pointer}") && error.detail.contains(rule));
        assert!(
            found || (rule.is_empty() || rule == "is unknown"),
            "{body}: {problem:#?}"
        );
    }
    assert!(executor.begun().is_empty());
}

#[tokio::test]
async fn what_cannot_be_now_is_a_conflict_with_the_reason() {
    let (server, executor) = server().await;
    for (vmid, body, kind, reason) in [
        (
            1,
            json!({"memory_mb": 2048}),
            "refused",
            "only while it is off",
        ),
        (
            3,
            json!({"name": "web"}),
            "name-taken",
            "already has a VM \"web\" (ID 2)",
        ),
        (
            3,
            json!({"comment": "new", "if": {"comment": "older"}}),
            "vm-changed",
            "Now notes: \"old\"; when this was requested: \"older\"",
        ),
        (
            3,
            json!({"memory_mb": 4096, "if": {"memory_mb": 1024}}),
            "vm-changed",
            "Now memory: \"2048\"; when",
        ),
    ] {
        let problem = refused(patch(&server, vmid, &body), StatusCode::CONFLICT).await;
        assert_eq!(problem.kind, format!("urn:ecoman:problem:{kind}"), "{body}");
        assert!(
            problem.detail.contains(reason),
            "{body}: {}",
            problem.detail
        );
    }
    refused(
        patch(&server, 99, &json!({"cpus": 1})),
        StatusCode::NOT_FOUND,
    )
    .await;
    assert!(executor.begun().is_empty());
    // Its own name is no other's.
    accepted(patch(&server, 3, &json!({"name": "app", "comment": ""}))).await;
}

/// The VM of a path, with what waits of it.
async fn shown(server: &Server, vmid: u32) -> Value {
    server.json(&format!("/api/v1/vms/hoge/{vmid}")).await
}

/// What waits of `db`, which is on, after a change of it.
async fn kept(server: &Server, body: Value) -> Value {
    let response = patch(server, 1, &body).send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(status, StatusCode::OK, "{text}");
    let vm: Value = serde_json::from_str(&text).expect("a VM");
    assert_eq!((&vm["vmid"], &vm["power"]), (&json!(1), &json!("on")));
    vm["pending"].clone()
}

async fn until_pending(server: &Server, is: impl Fn(&Value) -> bool) {
    let look = async || is(&shown(server, 1).await["pending"]).then_some(());
    server.until("it shows what waits", look).await;
}

/// `hoge` with `db` off.
fn hoge_with_db_off() -> ecoman_model::Round {
    let db = VmFacts {
        power: PowerState::Off,
        tools_status: Some("toolsNotInstalled".to_owned()),
        connection_state: Some("connected".to_owned()),
        ..facts("db")
    };
    let ecoman_model::RoundVms::Complete(mut vms) = hoge_with_app().vms else {
        panic!("a complete round");
    };
    vms[0] = vm("hoge", 1, db);
    crate::server::later(round(hoge().node, vms), 5)
}

#[tokio::test]
async fn notes_of_a_running_vm_wait_until_it_is_off_and_become_a_task() {
    let (server, executor) = server().await;
    let pending = kept(&server, json!({"comment": "new"})).await;
    assert_eq!(
        (&pending["comment"], &pending["name"]),
        (&json!("new"), &Value::Null)
    );
    until_pending(&server, |pending| pending["comment"] == "new").await;
    // A name joins it.
    let pending = kept(&server, json!({"name": "db-2", "if": {"name": "db"}})).await;
    assert_eq!(
        (&pending["comment"], &pending["name"]),
        (&json!("new"), &json!("db-2"))
    );
    until_pending(&server, |pending| pending["name"] == "db-2").await;
    assert_eq!(server.keys("?q=pending:true").await, ["hoge/1"]);
    let audit: Value = server.json("/api/v1/audit").await;
    let entry = &audit["items"][0];
    assert_eq!(
        (&entry["operation"], &entry["outcome"]),
        (&json!("updateVm"), &json!("succeeded"))
    );
    assert_eq!(entry["summary"], "edit name: db-2, once it is off");
    assert!(executor.begun().is_empty());

    server.show(hoge_with_db_off()).await;
    let order = server.begun(&executor, 1).await.remove(0);
    let expected = TaskRequest::Edit(Box::new(Edit {
        vmid: Vmid(1),
        settings: VmSettings {
            name: Some("db-2".to_owned()),
            comment: Some("new".to_owned()),
            ..VmSettings::default()
        },
        seen: VmSettings {
            name: Some("db".to_owned()),
            comment: Some(String::new()),
            ..VmSettings::default()
        },
    }));
    assert_eq!(order.request, expected);
    until_pending(&server, Value::is_null).await;
    // Once, whatever is seen of the VM later.
    server
        .show(crate::server::later(hoge_with_db_off(), 9))
        .await;
    assert_eq!(executor.begun().len(), 1);
}

#[tokio::test]
async fn what_waits_can_be_taken_back_by_a_call_or_by_the_old_value() {
    let (server, executor) = server().await;
    kept(&server, json!({"comment": "new"})).await;
    until_pending(&server, |pending| !pending.is_null()).await;
    let path = "/api/v1/vms/hoge/1/pending";
    let cancel = || server.method(Method::DELETE, path).send();
    assert_eq!(
        cancel().await.expect("an answer").status(),
        StatusCode::NO_CONTENT
    );
    until_pending(&server, Value::is_null).await;
    let request = server.method(Method::DELETE, path);
    let problem = refused(request, StatusCode::NOT_FOUND).await;
    assert_eq!(problem.kind, "urn:ecoman:problem:pending-not-found");

    kept(&server, json!({"comment": "new"})).await;
    until_pending(&server, |pending| !pending.is_null()).await;
    assert_eq!(kept(&server, json!({"comment": ""})).await, Value::Null);
    until_pending(&server, Value::is_null).await;
    server.show(hoge_with_db_off()).await;
    assert_eq!(server.keys("?q=pending:true").await, [""; 0]);
    assert!(executor.begun().is_empty());
}

#[tokio::test]
async fn what_cannot_be_is_not_kept() {
    let (server, _executor) = server().await;
    for (body, status) in [
        (
            json!({"comment": "new", "if": {"comment": "older"}}),
            StatusCode::CONFLICT,
        ),
        (json!({"name": "web"}), StatusCode::CONFLICT),
        (json!({"name": "a/b"}), StatusCode::BAD_REQUEST),
        (
            json!({"comment": "new", "memory_mb": 2048}),
            StatusCode::CONFLICT,
        ),
    ] {
        refused(patch(&server, 1, &body), status).await;
    }
    assert_eq!(shown(&server, 1).await["pending"], Value::Null);
}

#[tokio::test]
async fn what_waits_outlives_the_dashboard() {
    let (server, executor) = server().await;
    kept(&server, json!({"comment": "new"})).await;
    let server = server.restart(&executor).await;
    until_pending(&server, |pending| pending["comment"] == "new").await;
    server.show(hoge_with_db_off()).await;
    let order = server.begun(&executor, 1).await.remove(0);
    assert!(order.request.edit().is_some(), "{order:?}");
}
