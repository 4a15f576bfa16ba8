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
    assert_eq!(shown["request"]["if"], json!({"comment": "old", "cpus": 2}));
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
            "\"web\" already, 2",
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
