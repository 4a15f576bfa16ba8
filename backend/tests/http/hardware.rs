//! The virtual hardware of a VM, which comes from the executor, and the changes that are handed to it.

use ecoman_api::{Problem, TaskRequest, VmHardware};
use ecoman_model::{CdromChange, DiskGrow, NicMove, Vmid};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::changes::{accepted, hoge};
use crate::executor::Executor;
use crate::server::Server;

const PATH: &str = "/api/v1/vms/hoge/2";
const READING: &str = "hoge/vms/2/hardware";

async fn server() -> (Server, Executor) {
    Server::start_with_executor(vec![hoge()]).await
}

fn hardware() -> Value {
    json!({
        "disks": [
            {"key": "scsi0:0", "file": "/vmfs/volumes/a/web/web.vmdk", "size_gb": 30,
             "size_bytes": 32_212_254_720_u64, "thin": true, "fixed": null},
            {"key": "scsi0:1", "file": "/vmfs/volumes/a/web/web_1.vmdk", "size_gb": null,
             "size_bytes": null, "thin": null, "fixed": {"kind": "needed", "by": "/x.vmx"}},
        ],
        "cdroms": [{"key": "sata0:0", "iso_path": null, "connected": false}],
        "nics": [{"key": "ethernet0", "network": "VM Network", "mac_address": null,
                  "adapter": "vmxnet3", "connected": true}],
    })
}

/// The answer to a request that is refused.
async fn refused(server: &Server, path: &str, body: &Value) -> (StatusCode, Problem) {
    let request = server.method(Method::PATCH, path).json(body);
    let response = request.send().await.expect("an answer");
    let status = response.status();
    (status, response.json().await.expect("a problem"))
}

#[tokio::test]
async fn the_hardware_is_what_the_executor_reads_from_the_node_now() {
    let (server, executor) = server().await;
    executor.reads(READING, StatusCode::OK, hardware());
    let response = server.get(&format!("{PATH}/hardware")).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let shown: VmHardware = response.json().await.expect("hardware");
    assert_eq!(serde_json::to_value(&shown).expect("JSON"), hardware());
    executor.go_away();
    let away = server.get(&format!("{PATH}/hardware")).await;
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_change_is_handed_to_the_executor_as_it_was_asked() {
    let (server, executor) = server().await;
    let path = format!("{PATH}/disks/SCSI0:0");
    let body = json!({"size_gb": 40.0, "if_size_gb": 30});
    let expected = TaskRequest::DiskGrow(DiskGrow {
        vmid: Vmid(2),
        disk: "scsi0:0".parse().expect("a device"),
        size_gb: 40,
        if_size_gb: Some(30),
    });
    let request = || {
        let request = server.method(Method::PATCH, &path);
        request.header("idempotency-key", "one").json(&body)
    };
    let task = accepted(request()).await;
    assert_eq!(task.request, expected);
    assert_eq!(task.title, "Expand disk scsi0:0 of web on hoge to 40 GB");
    server.begun(&executor, 1).await;
    // The same key again is the same task.
    assert_eq!(accepted(request()).await.id, task.id);
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_once() {
    let (server, _executor) = server().await;
    let disk = format!("{PATH}/disks/scsi0:0");
    for (body, pointer) in [
        (json!({"size_gb": 0}), "#/size_gb"),
        (json!({"size_gb": 63_489}), "#/size_gb"),
        (json!({"size_gb": 1.5}), "#/size_gb"),
        (json!({"size_gb": 40, "size": 1}), "#/size"),
    ] {
        let (status, problem) = refused(&server, &disk, &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{problem:?}");
        let mut pointers = problem.errors.iter().map(|it| it.pointer.as_str());
        assert!(pointers.any(|it| it == pointer), "{problem:?}");
    }
    let body = json!({"size_gb": 40});
    for path in [
        "2/disks/ethernet0",
        "2/disks/scsi0",
        "2/disks/..%2Fx",
        "99/disks/scsi0:0",
    ] {
        let (status, _) = refused(&server, &format!("/api/v1/vms/hoge/{path}"), &body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    // It runs.
    let (status, problem) = refused(&server, "/api/v1/vms/hoge/1/disks/scsi0:0", &body).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        problem.detail.contains("only while it is off"),
        "{problem:?}"
    );
}

#[tokio::test]
async fn drives_and_adapters_are_changed_alike() {
    let (server, executor) = server().await;
    let vmid = Vmid(2);
    let iso = "/vmfs/volumes/a/x.iso".to_owned();
    for (nth, (method, path, body, expected)) in [
        (
            Method::PUT,
            "cdrom",
            json!({"iso_path": iso, "if_iso_path": ""}),
            TaskRequest::CdromChange(CdromChange {
                vmid,
                drive: None,
                iso_path: Some(iso.clone()),
                if_iso_path: Some(String::new()),
            }),
        ),
        (
            Method::PUT,
            "cdrom",
            json!({"iso_path": null, "key": "sata0:0"}),
            TaskRequest::CdromChange(CdromChange {
                vmid,
                drive: "sata0:0".parse().ok(),
                iso_path: None,
                if_iso_path: None,
            }),
        ),
        (
            Method::PATCH,
            "nics/ethernet0",
            json!({"network": "Lab 日本", "if_network": "VM Network"}),
            TaskRequest::NicMove(NicMove {
                vmid,
                nic: "ethernet0".parse().expect("a device"),
                network: "Lab 日本".to_owned(),
                if_network: Some("VM Network".to_owned()),
            }),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{PATH}/{path}");
        let request = server.method(method, &path).json(&body);
        assert_eq!(accepted(request).await.request, expected);
        server.begun(&executor, nth + 1).await;
    }
    for (method, path, body, status) in [
        (Method::PUT, "2/cdrom", json!({}), StatusCode::BAD_REQUEST),
        (
            Method::PUT,
            "2/cdrom",
            json!({"iso_path": "/etc/x.iso"}),
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::PUT,
            "2/cdrom",
            json!({"iso_path": null, "key": "usb0"}),
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::PATCH,
            "2/nics/scsi0:0",
            json!({"network": "a"}),
            StatusCode::NOT_FOUND,
        ),
        (
            Method::PATCH,
            "2/nics/ethernet0",
            json!({"network": ""}),
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::PUT,
            "1/cdrom",
            json!({"iso_path": null}),
            StatusCode::CONFLICT,
        ),
        (
            Method::PATCH,
            "1/nics/ethernet0",
            json!({"network": "a"}),
            StatusCode::CONFLICT,
        ),
    ] {
        let path = format!("/api/v1/vms/hoge/{path}");
        let response = server.method(method, &path).json(&body).send().await;
        assert_eq!(
            response.expect("an answer").status(),
            status,
            "{path} {body}"
        );
    }
}
