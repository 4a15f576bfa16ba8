//! The content of the logs: each request and task, and no secret.

use std::collections::BTreeMap;
use std::time::Instant;

use ecoman_simulator::{NodeSpec, VmSpec};
use serde_json::{Value, json};

use crate::{PATIENCE, Role, ecoman, home, node, run};

/// A request with its id; status, headers and body of the answer.
fn ask(
    role: &Role,
    id: &str,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &Value,
) -> (u16, BTreeMap<String, String>, String) {
    let mut request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", role.address))
        .header("content-type", "application/json")
        .header("x-request-id", id);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let agent = ureq::Agent::config_builder().http_status_as_error(false);
    let request = request.body(body.to_string()).unwrap();
    let mut answer = agent.build().new_agent().run(request).unwrap();
    let headers = answer.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), headers, text)
}

/// Waits until the log has a line.
fn until_logged(role: &Role, what: &str) {
    let begin = Instant::now();
    while !role.log().contains(what) {
        assert!(
            begin.elapsed() < PATIENCE,
            "no {what:?} in the log within {PATIENCE:?}:\n{}",
            role.log()
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn assert_none_in(log: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(secret.len() > 7, "{secret:?} is found anywhere");
        if let Some(line) = log.lines().find(|line| line.contains(secret)) {
            panic!("{secret:?} is in the log: {line}");
        }
    }
}

#[test]
fn a_request_and_its_task_can_be_followed_through_logs_that_hold_no_secret() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(7)));
    let home = home(&[&node]);
    run(home.path(), &["trust", "--yes", "--all"]);
    let up = Role::start(
        ecoman(home.path(), &["up"])
            .env_remove("ECOMAN_STORE")
            .env("DASHBOARD_PORT", "0")
            .env("DASHBOARD_SIGN_IN", "password")
            .env("ECOMAN_LOG", "trace")
            .env("ECOMAN_LOG_FORMAT", "json"),
    );
    let (password, renewed, wrong) = ("first-Pa55word", "second-Pa55word", "wrong-Pa55word");
    let access = ecoman_access::Access::new(&home.path().join("data/access"));
    access
        .add_user(
            "anna",
            ecoman_model::Grant::ALL,
            Some(password),
            chrono::Utc::now(),
        )
        .unwrap();

    let session = ("POST", "/api/v1/session");
    let body = json!({"name": "anna", "password": wrong});
    let (status, ..) = ask(&up, "wrong", session, &[], &body);
    assert_eq!(status, 401);
    let body = json!({"name": "anna", "password": password});
    let (status, headers, _) = ask(&up, "sign-in", session, &[], &body);
    assert_eq!(status, 200);
    let cookie = headers["set-cookie"].split(';').next().unwrap().to_owned();
    let cookie_secret = cookie.split_once('=').unwrap().1;
    let signed_in = [("cookie", cookie.as_str())];
    let body = json!({"current": password, "new": renewed});
    let path = ("PUT", "/api/v1/session/password");
    let (status, _, text) = ask(&up, "change", path, &signed_in, &body);
    assert_eq!(status, 204, "{text}");
    // With the password all sessions end.
    let body = json!({"name": "anna", "password": renewed});
    let (_, headers, _) = ask(&up, "again", session, &[], &body);
    let again = headers["set-cookie"].split(';').next().unwrap().to_owned();
    let again_secret = again.split_once('=').unwrap().1;
    let signed_in = [("cookie", again.as_str())];
    let body = json!({"name": "ci", "role": "operator"});
    let (status, _, text) = ask(&up, "token", ("POST", "/api/v1/tokens"), &signed_in, &body);
    assert_eq!(status, 201, "{text}");
    let token: Value = serde_json::from_str(&text).unwrap();
    let token = token["secret"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    let shown = [
        ("authorization", bearer.as_str()),
        ("x-ecoman-proxy-secret", "a-made-up-Secret"),
    ];

    let begin = Instant::now();
    let power = ("PUT", "/api/v1/vms/hoge/7/power");
    let task = loop {
        let body = json!({"action": "on"});
        let (status, _, text) = ask(&up, "switch-on", power, &shown, &body);
        if status == 202 {
            break serde_json::from_str::<Value>(&text).unwrap();
        }
        // Not crawled yet.
        let is_early = [404, 503].contains(&status) && begin.elapsed() < PATIENCE;
        assert!(is_early, "{status}: {text}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    let id = task["id"].as_str().unwrap();
    until_logged(&up, "task ended");

    let log = up.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let of_request: Vec<&Value> = lines
        .iter()
        .filter(|line| line["span"]["request_id"] == "switch-on")
        .collect();
    let answered = of_request.iter().any(|line| line["message"] == "answered");
    assert!(answered, "{of_request:#?}");
    for message in ["new task", "task ended"] {
        let found = of_request
            .iter()
            .any(|line| line["message"] == message && line["task"] == id);
        assert!(found, "no {message:?} in {of_request:#?}");
    }
    // Of the executor.
    for message in ["begins", "succeeded"] {
        let found = lines
            .iter()
            .any(|line| line["message"] == message && line["task"] == id);
        assert!(found, "no {message:?} of {id} in\n{log}");
    }
    let key = std::fs::read_to_string(node.identity_file()).unwrap();
    let key = key.lines().nth(1).unwrap();
    assert_none_in(
        &log,
        &[
            password,
            renewed,
            wrong,
            cookie_secret,
            again_secret,
            token,
            "a-made-up-Secret",
            key,
        ],
    );
}

#[test]
fn what_the_variables_keep_secret_is_in_no_log() {
    let home = home(&[]);
    let dashboard = Role::start(
        ecoman(home.path(), &["dashboard"])
            .env("DASHBOARD_PORT", "0")
            .env("ECOMAN_STORE", "mongodb")
            // Nobody listens there.
            .env(
                "MONGO_URI",
                "mongodb://ecoman:mongo-Pa55word@127.0.0.1:1/?serverSelectionTimeoutMS=500",
            )
            .env("MONGO_PASSWORD", "other-Pa55word")
            .env("EXECUTOR_PORT", "1")
            .env("EXECUTOR_TOKEN", "executor-long-Pa55word")
            .env("DASHBOARD_SIGN_IN", "proxy")
            .env("DASHBOARD_TRUSTED_PROXIES", "127.0.0.1")
            .env("DASHBOARD_PROXY_SECRET", "proxy-long-Pa55word")
            .env("DASHBOARD_PROXY_ROLES", "*=admin")
            .env("ECOMAN_LOG", "trace"),
    );
    let shown = [
        ("x-ecoman-proxy-secret", "proxy-long-Pa55word"),
        ("x-forwarded-user", "anna"),
    ];
    let body = json!({"action": "on"});
    let power = ("PUT", "/api/v1/vms/hoge/7/power");
    let (status, ..) = ask(&dashboard, "on", power, &shown, &body);
    assert_eq!(status, 503);
    until_logged(&dashboard, "store");
    assert_none_in(
        &dashboard.log(),
        &[
            "mongo-Pa55word",
            "other-Pa55word",
            "executor-long-Pa55word",
            "proxy-long-Pa55word",
        ],
    );
}
