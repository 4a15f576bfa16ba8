//! `/v1/machine`: a script that was written for the original finds its names, and answers that
//! come when it is done.

use ecoman_api::{NewVm, PowerAction, PowerChange, Problem, TaskRequest, TaskState};
use ecoman_model::{CommandRun, PowerState, TaskError, TaskErrorKind, TaskProgress, VmFacts, Vmid};
use reqwest::header::{IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::changes::hoge;
use crate::executor::Executor;
use crate::server::{Server, at, facts, node, round, round_of, vm};

async fn server() -> (Server, Executor) {
    let rounds = vec![hoge(), round_of("fuga", &["a"])];
    Server::start_with_executor(rounds).await
}

fn put_power(server: &Server, path: &str, body: &Value) -> RequestBuilder {
    server
        .method(Method::PUT, &format!("/v1/machine/{path}/power"))
        .json(body)
}

fn post_machine(server: &Server, change: impl FnOnce(&mut Value)) -> RequestBuilder {
    let mut body = json!({
        "name": "Ecoman-Example3",
        "ram_mb": "512",
        "cpu_cores": 1,
        "storage_gb": 30,
        "esxi_nodename": "hoge",
        "comment": "$(reboot)"
    });
    change(&mut body);
    server.method(Method::POST, "/v1/machine").json(&body)
}

/// Sends a request that does not answer before its task has ended.
fn sent(request: RequestBuilder) -> JoinHandle<Response> {
    tokio::spawn(async move { request.send().await.expect("an answer") })
}

async fn answer(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    (status, response.json().await.expect("JSON"))
}

fn ran(progress: &mut TaskProgress, command: &str, stdout: &str) {
    progress.commands.push(CommandRun {
        expected: true,
        command: command.to_owned(),
        at: at(0),
        times: 1,
        millis: Some(812),
        exit: Some(0),
        stdout: stdout.to_owned(),
        stderr: String::new(),
        failure: None,
    });
}

#[tokio::test]
async fn machines_are_listed_by_node_and_id_in_the_originals_words() {
    let known = VmFacts {
        power: PowerState::Suspended,
        booted_at: Some(at(-60)),
        tools_status: Some("toolsOk".to_owned()),
        hostname: Some("koyama".to_owned()),
        ip_address: Some("192.0.2.36".to_owned()),
        nic_count: Some(2),
        disk_count: Some(3),
        guest_os: Some("Ubuntu Linux (64-bit)".to_owned()),
        cpu_usage_mhz: Some(170),
        guest_memory_mb: Some(491),
        uptime_seconds: Some(60),
        overall_status: Some("green".to_owned()),
        datastore: Some("nas a".to_owned()),
        vmx_path: Some("[nas a] koyama/koyama.vmx".to_owned()),
        comment: Some("owner: ops".to_owned()),
        ..facts("koyama-main")
    };
    let vms = vec![vm("hoge", 14, known), vm("hoge", 2, VmFacts::default())];
    let server = Server::start_showing(vec![round(node("hoge"), vms), round_of("fuga", &["a"])]);
    let server = server.await;
    let response = server.get("/v1/machine").await;
    let tag = response.headers()["etag"].clone();
    let (status, machines) = answer(response).await;
    assert_eq!(status, StatusCode::OK);
    let keys: Vec<_> = machines
        .as_array()
        .expect("a list")
        .iter()
        .map(|machine| format!("{}/{}", machine["esxi_node_name"], machine["id"]))
        .collect();
    assert_eq!(keys, ["\"fuga\"/1", "\"hoge\"/2", "\"hoge\"/14"]);
    insta::assert_json_snapshot!("machines_of_the_original", machines);

    let one = server.get("/v1/machine/hoge/14").await;
    assert_eq!(answer(one).await, (StatusCode::OK, machines[2].clone()));
    let again = server.request("/v1/machine").header(IF_NONE_MATCH, tag);
    let again = again.send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    for path in [
        "/v1/machine/hoge/3",
        "/v1/machine/piyo/1",
        "/v1/machine/x",
        "/v1/other",
    ] {
        let status = server.get(path).await.status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_change_of_power_is_answered_when_it_is_done() {
    let (server, executor) = server().await;
    let answered = sent(put_power(&server, "hoge/2", &json!({"status": "on"})));
    let order = server.begun(&executor, 1).await.remove(0);
    let expected = TaskRequest::Power(PowerChange {
        vmid: Vmid(2),
        action: PowerAction::On,
        guest_seconds: 120,
        if_power: None,
    });
    assert_eq!(order.request, expected);
    assert!(!answered.is_finished());
    executor.report(order.id, |progress| {
        ran(progress, "vim-cmd vmsvc/power.getstate 2", "Powered off\n");
        ran(progress, "vim-cmd vmsvc/power.on 2", "Powering on VM:\n");
        progress.state = TaskState::Succeeded;
    });
    let body = json!({"result": "ok", "request_status": "on", "message": "Powering on VM:"});
    let answered = answered.await.expect("no panic");
    assert_eq!(answer(answered).await, (StatusCode::OK, body));
}

#[tokio::test]
async fn a_change_that_fails_is_answered_with_503_and_the_reason() {
    let (server, executor) = server().await;
    let answered = sent(put_power(&server, "hoge/2", &json!({"status": "on"})));
    let order = server.begun(&executor, 1).await.remove(0);
    executor.report(order.id, |progress| {
        progress.state = TaskState::Failed;
        progress.error = Some(TaskError {
            kind: TaskErrorKind::Node,
            message: "hoge did not power on web: out of memory.".to_owned(),
            hint: "Make room on it.".to_owned(),
            left: Vec::new(),
        });
    });
    let answered = answered.await.expect("no panic");
    assert_eq!(answered.status(), StatusCode::SERVICE_UNAVAILABLE);
    let task = format!("/api/v1/tasks/{}", order.id);
    assert_eq!(answered.headers()[LOCATION], task.as_str());
    assert_eq!(
        answered.headers().get(RETRY_AFTER),
        None,
        "no client is to power on again by itself"
    );
    let problem: Value = answered.json().await.expect("JSON");
    assert_eq!(
        problem["detail"],
        "hoge did not power on web: out of memory. Make room on it."
    );
}

#[tokio::test]
async fn what_cannot_be_done_now_is_answered_with_503_and_asks_nothing_of_the_node() {
    let (server, executor) = server().await;
    for (path, status, detail) in [
        ("hoge/1", "on", "db on hoge: "),
        ("hoge/1", "shutdown", "db on hoge: "),
        ("hoge/2", "off", "web on hoge: "),
    ] {
        let request = put_power(&server, path, &json!({"status": status}));
        let (code, body) = answer(request.send().await.expect("an answer")).await;
        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE, "{path} {status}");
        let text = body["detail"].as_str().expect("text");
        assert!(text.starts_with(detail), "{text}");
    }
    let request = post_machine(&server, |body| body["name"] = "WEB".into());
    let (code, body) = answer(request.send().await.expect("an answer")).await;
    assert_eq!(
        (code, body["detail"].as_str()),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Some("hoge already has a VM \"web\" (ID 2).")
        )
    );
    for path in ["hoge/99", "piyo/1", "hoge/x"] {
        let request = put_power(&server, path, &json!({"status": "on"}));
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(executor.begun(), []);
}

#[tokio::test]
async fn a_guest_that_takes_its_time_has_been_asked_all_the_same() {
    let guest = VmFacts {
        tools_status: Some("toolsOk".to_owned()),
        connection_state: Some("connected".to_owned()),
        ..facts("guest")
    };
    let rounds = vec![round(node("hoge"), vec![vm("hoge", 1, guest)])];
    let (mut server, executor) = Server::start_with_executor(rounds).await;
    let answered = sent(put_power(&server, "hoge/1", &json!({"status": "shutdown"})));
    let order = server.begun(&executor, 1).await.remove(0);
    executor.report(order.id, |progress| {
        progress.state = TaskState::Running;
        ran(progress, "vim-cmd vmsvc/power.shutdown 1", "");
    });
    server.state(order.id, TaskState::Running).await;
    // Nobody waits on when the server stops; what is answered is the same as after a minute.
    server.stop().await;
    let body = json!({"result": "ok", "request_status": "shutdown", "message": ""});
    let answered = answered.await.expect("no panic");
    assert_eq!(answer(answered).await, (StatusCode::OK, body));
}

#[tokio::test]
async fn what_is_not_done_in_time_is_not_called_done() {
    let (mut server, executor) = server().await;
    let answered = sent(put_power(&server, "hoge/2", &json!({"status": "on"})));
    let order = server.begun(&executor, 1).await.remove(0);
    server.stop().await;
    let answered = answered.await.expect("no panic");
    assert_eq!(answered.status(), StatusCode::GATEWAY_TIMEOUT);
    let task = format!("/api/v1/tasks/{}", order.id);
    assert_eq!(answered.headers()[LOCATION], task.as_str());
    let problem: Problem = answered.json().await.expect("a problem");
    assert_eq!(
        problem.detail,
        format!("Power on web on hoge: still in progress. The task continues; see {task}.")
    );
}

#[tokio::test]
async fn a_machine_is_created_as_the_originals_form_asks_for_it() {
    let (server, executor) = server().await;
    let answered = sent(post_machine(&server, |_| ()));
    let order = server.begun(&executor, 1).await.remove(0);
    let expected = NewVm {
        name: "ecoman-example3".to_owned(),
        cpus: 1,
        memory_mb: 512,
        disk_gb: 30,
        comment: "$(reboot)".to_owned(),
        guest_os: "ubuntu-64".to_owned(),
        datastore: None,
        network: None,
        iso_path: None,
        power_on: true,
    };
    assert_eq!(order.request, TaskRequest::Create(Box::new(expected)));
    executor.report(order.id, |progress| {
        progress.vmid = Some(Vmid(15));
        progress.state = TaskState::Succeeded;
    });
    let body = json!({"result": "ok", "message": "Created ecoman-example3 on hoge, VM 15."});
    let answered = answered.await.expect("no panic");
    assert_eq!(answer(answered).await, (StatusCode::OK, body));
}

#[tokio::test]
async fn a_machine_without_a_name_gets_one() {
    let (server, executor) = server().await;
    let answered = sent(post_machine(&server, |body| body["name"] = "".into()));
    let order = server.begun(&executor, 1).await.remove(0);
    let TaskRequest::Create(vm) = order.request else {
        panic!("a creation, not {:?}", order.request);
    };
    let digits = vm.name.strip_prefix("machine-").expect("a name");
    assert!(
        digits.len() == 3 && digits.parse::<u32>().is_ok(),
        "{digits}"
    );
    executor.succeed(order.id);
    let (status, _) = answer(answered.await.expect("no panic")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn what_the_original_changed_in_silence_is_refused_by_its_name() {
    let (server, executor) = server().await;
    for (change, pointer, rule) in [
        (json!({"ram_mb": 0}), "#/ram_mb", "must be at least 4"),
        (
            json!({"ram_mb": 999_999_999_996_u64}),
            "#/ram_mb",
            "must be at most 16384, the memory of the node",
        ),
        (
            json!({"cpu_cores": "0"}),
            "#/cpu_cores",
            "must be at least 1",
        ),
        (
            json!({"cpu_cores": 9}),
            "#/cpu_cores",
            "must be at most 8, the threads of the node",
        ),
        (
            json!({"storage_gb": 101}),
            "#/storage_gb",
            "must be at most 100, what is free on the datastore",
        ),
        (
            json!({"storage_gb": "many"}),
            "#/storage_gb",
            "must be a whole number, or its digits as a text, and is the string \"many\"",
        ),
        (
            json!({"esxi_nodename": "piyo"}),
            "#/esxi_nodename",
            "must be a node of the crawler's hosts.yml",
        ),
        (
            json!({"name": "a/b"}),
            "#/name",
            "must not contain / \\ or %",
        ),
        (
            json!({"author": "x"}),
            "#/author",
            "is not known; expected one of `name`, `ram_mb`, `cpu_cores`, `storage_gb`, \
             `esxi_nodename`, `comment`",
        ),
    ] {
        let request = post_machine(&server, |body| {
            let fields = change.as_object().expect("fields").clone();
            body.as_object_mut().expect("fields").extend(fields);
        });
        let response = request.send().await.expect("an answer");
        let status = response.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{change}");
        let problem: Problem = response.json().await.expect("a problem");
        let errors: Vec<_> = problem
            .errors
            .iter()
            .map(|error| (error.pointer.as_str(), error.detail.as_str()))
            .collect();
        assert_eq!(errors, [(pointer, rule)], "{change}");
    }
    let missing = post_machine(&server, |body| {
        body.as_object_mut().expect("fields").remove("comment");
    });
    let (status, body) = answer(missing.send().await.expect("an answer")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["errors"][0]["pointer"], "#/comment");

    let unknown = put_power(&server, "hoge/2", &json!({"status": "on; reboot"}));
    let (status, body) = answer(unknown.send().await.expect("an answer")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["errors"][0]["pointer"], "#/status");
    assert_eq!(executor.begun(), []);
}
