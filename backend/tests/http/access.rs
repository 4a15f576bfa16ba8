//! Who may do what: one table over all operations, and the ways in.

use ecoman_access::{Access, NewToken};
use ecoman_api::{
    AuditPage, CreatedToken, Identity, NodePage, Problem, SignInMode, TaskPage, TokenList, UserList,
};
use ecoman_backend::{ProxyTrust, SignIn};
use ecoman_model::{AuditOutcome, Authentication, Grant, Permission, Role, TaskState};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use ecoman_store::AuditStore as _;

use crate::server::{Server, at};

/// Of everybody.
const PASSWORD: &str = "correct horse";

/// What each operation answers whom. `-` is neither 401 nor 403: the caller got through.
///
/// The columns: nobody; a viewer, an operator and an admin with a session; an expired token; a
/// token of an admin for another node; somebody who makes up the headers of a proxy; a page of
/// another site in an admin's browser.
const TABLE: &[(&str, [&str; 8])] = &[
    ("listVms", ["401", "-", "-", "-", "401", "-", "401", "-"]),
    (
        "createVm",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    ("getVm", ["401", "-", "-", "-", "401", "403", "401", "-"]),
    (
        "updateVm",
        ["401", "403", "-", "-", "401", "403", "401", "403"],
    ),
    (
        "deleteVm",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "listVmFiles",
        ["401", "403", "403", "-", "401", "403", "401", "-"],
    ),
    (
        "getTaskVmx",
        ["401", "403", "403", "-", "401", "-", "401", "-"],
    ),
    (
        "getVmHardware",
        ["401", "403", "403", "-", "401", "403", "401", "-"],
    ),
    (
        "changeCdrom",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "moveNic",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "growDisk",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "cancelPending",
        ["401", "403", "-", "-", "401", "403", "401", "403"],
    ),
    (
        "setPower",
        ["401", "403", "-", "-", "401", "403", "401", "403"],
    ),
    (
        "answerQuestion",
        ["401", "403", "-", "-", "401", "403", "401", "403"],
    ),
    (
        "listSnapshots",
        ["401", "-", "-", "-", "401", "403", "401", "-"],
    ),
    (
        "createSnapshot",
        ["401", "403", "-", "-", "401", "403", "401", "403"],
    ),
    (
        "revertToSnapshot",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "removeSnapshot",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "removeAllSnapshots",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    ("listNodes", ["401", "-", "-", "-", "401", "-", "401", "-"]),
    ("getNode", ["401", "-", "-", "-", "401", "403", "401", "-"]),
    (
        "pollNode",
        ["401", "403", "-", "-", "401", "403", "401", "403"],
    ),
    ("listTasks", ["401", "-", "-", "-", "401", "-", "401", "-"]),
    (
        "listHistory",
        ["401", "-", "-", "-", "401", "-", "401", "-"],
    ),
    ("getTask", ["401", "-", "-", "-", "401", "-", "401", "-"]),
    (
        "cancelTask",
        ["401", "403", "-", "-", "401", "-", "401", "403"],
    ),
    (
        "streamEvents",
        ["401", "-", "-", "-", "401", "-", "401", "-"],
    ),
    ("getConfig", ["401", "-", "-", "-", "401", "-", "401", "-"]),
    ("getSession", ["-", "-", "-", "-", "-", "-", "-", "-"]),
    (
        "signIn",
        ["401", "401", "401", "401", "401", "401", "401", "403"],
    ),
    ("signOut", ["-", "-", "-", "-", "-", "-", "-", "403"]),
    (
        "changePassword",
        ["401", "-", "-", "-", "401", "-", "401", "403"],
    ),
    (
        "listSeenTasks",
        ["401", "-", "-", "-", "401", "-", "401", "-"],
    ),
    (
        "markTasksSeen",
        ["401", "-", "-", "-", "401", "-", "401", "403"],
    ),
    (
        "listTokens",
        ["401", "403", "403", "-", "401", "-", "401", "-"],
    ),
    (
        "createToken",
        ["401", "403", "403", "-", "401", "-", "401", "403"],
    ),
    (
        "revokeToken",
        ["401", "403", "403", "-", "401", "-", "401", "403"],
    ),
    (
        "listUsers",
        ["401", "403", "403", "-", "401", "403", "401", "-"],
    ),
    (
        "createUser",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "updateUser",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "deleteUser",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "listAudit",
        ["401", "403", "403", "-", "401", "403", "401", "-"],
    ),
    ("getOpenapi", ["-", "-", "-", "-", "-", "-", "-", "-"]),
    ("getOpenapi30", ["-", "-", "-", "-", "-", "-", "-", "-"]),
    (
        "listMachines",
        ["401", "-", "-", "-", "401", "-", "401", "-"],
    ),
    (
        "createMachine",
        ["401", "403", "403", "-", "401", "403", "401", "403"],
    ),
    (
        "getMachine",
        ["401", "-", "-", "-", "401", "403", "401", "-"],
    ),
    (
        "setMachinePower",
        ["401", "403", "-", "-", "401", "403", "401", "403"],
    ),
    ("healthz", ["-", "-", "-", "-", "-", "-", "-", "-"]),
    ("readyz", ["-", "-", "-", "-", "-", "-", "-", "-"]),
    ("readyzWrite", ["-", "-", "-", "-", "-", "-", "-", "-"]),
    ("getMetrics", ["401", "-", "-", "-", "401", "-", "401", "-"]),
];

/// A sound body for each operation that takes one.
fn body(operation: &str) -> Option<Value> {
    Some(match operation {
        "createVm" => {
            json!({"node": "hoge", "name": "new", "cpus": 1, "memory_mb": 512, "disk_gb": 1})
        }
        "createMachine" => json!({
            "name": "new", "ram_mb": 512, "cpu_cores": 1, "storage_gb": 1,
            "esxi_nodename": "hoge", "comment": ""
        }),
        "setMachinePower" => json!({"status": "on"}),
        "setPower" => json!({"action": "on"}),
        "updateVm" => json!({"comment": "new"}),
        "answerQuestion" => json!({"question": "1", "choice": 0}),
        "changeCdrom" => json!({"iso_path": null}),
        "moveNic" => json!({"network": "VM Network"}),
        "growDisk" => json!({"size_gb": 40}),
        "createSnapshot" => json!({"name": "a"}),
        "revertToSnapshot" => json!({}),
        "signIn" => json!({"name": "nobody", "password": "not this one"}),
        "changePassword" => json!({"current": "not this one", "new": "another password"}),
        "markTasksSeen" => json!({"tasks": []}),
        "createToken" => json!({"name": "t"}),
        "createUser" => json!({"name": "viewer", "role": "viewer"}),
        "updateUser" => json!({"role": "viewer"}),
        _ => return None,
    })
}

#[tokio::test]
async fn every_operation_is_for_those_who_may() {
    let server = signing_in(SignIn::Password).await;
    let access = access(&server);
    let mut cookies = Vec::new();
    for name in ["viewer", "operator", "admin"] {
        cookies.push(cookie(&sign_in(&server, name, PASSWORD).await));
    }
    let [viewer, operator, admin] = &cookies[..] else {
        panic!("three sessions");
    };
    let token = |name: &str, grant, expires_at| {
        let new = NewToken {
            made_by: None,
            name: name.to_owned(),
            owner: "admin".to_owned(),
            owner_is_listed: true,
            owner_grant: Grant::ALL,
            grant,
            expires_at: Some(expires_at),
        };
        let (_, _, secret) = access.create_token(new, at(-100)).expect("a token");
        format!("Bearer {}", secret.reveal())
    };
    let expired = token("old", Grant::ALL, at(-50));
    let other_node = token("elsewhere", on(Role::Admin, &["fuga"]), at(1000));

    let document: Value = server.json("/api/v1/openapi.json").await;
    let mut operations = operations(&document);
    // It ends the sessions of the others.
    operations.sort_by_key(|(id, ..)| id == "signOut");
    let mut wrong = Vec::new();
    for (id, method, path) in &operations {
        let Some((_, expected)) = TABLE.iter().find(|(known, _)| known == id) else {
            panic!("nobody has said who may do {id}");
        };
        let path = path
            .replace("{node}", "hoge")
            .replace("{vmid}", "1")
            .replace("{key}", "scsi0:0")
            .replace("{name}", "no-such-user")
            .replace("snapshots/{id}", "snapshots/1")
            .replace("{id}", "019aad5e-7a00-7000-8000-000000000001");
        let request = || {
            let request = server.method(method.clone(), &path);
            match body(id) {
                Some(body) => request.json(&body),
                None => request,
            }
        };
        let session = |cookie: &str| request().header(COOKIE, cookie);
        let asked = [
            request(),
            session(viewer),
            session(operator),
            session(admin),
            request().header("authorization", &expired),
            request().header("authorization", &other_node),
            request()
                .header("x-forwarded-user", "admin")
                .header("x-forwarded-groups", "admins")
                .header("x-ecoman-proxy-secret", "0123456789abcdef"),
            session(admin).header("sec-fetch-site", "cross-site"),
        ];
        for (column, (request, expected)) in asked.into_iter().zip(expected).enumerate() {
            if id == "signIn" {
                // How often one may try is another test's.
                server.pass(60);
            }
            let status = request.send().await.expect("an answer").status().as_u16();
            let found = match status {
                401 | 403 => status.to_string(),
                500.. if status != 503 => format!("broken: {status}"),
                _ => "-".to_owned(),
            };
            if found != *expected {
                wrong.push(format!("{id}, column {column}: {found}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (id, _) in TABLE {
        let is_there = operations.iter().any(|(known, ..)| known == id);
        assert!(is_there, "there is no operation {id}");
    }
}

#[tokio::test]
async fn the_headers_of_a_proxy_are_worth_nothing_without_its_secret() {
    for secret in ["fedcba9876543210", "0123456789abcdeF"] {
        let trust = ProxyTrust {
            secret: secret.to_owned(),
            user_header: "x-forwarded-user".parse().expect("a header"),
            groups_header: "x-forwarded-groups".parse().expect("a header"),
            roles: "*=admin".parse().expect("roles"),
        };
        let server = signing_in(SignIn::Proxy(trust)).await;
        let document: Value = server.json("/api/v1/openapi.json").await;
        let mut wrong = Vec::new();
        for (id, method, path) in operations(&document) {
            let (_, expected) = TABLE.iter().find(|(known, _)| *known == id).expect("a row");
            let is_open = expected[0] == "-" || id == "signIn";
            let path = path
                .replace("{node}", "hoge")
                .replace("{vmid}", "1")
                .replace("{name}", "no-such-user")
                .replace("{id}", "019aad5e-7a00-7000-8000-000000000001");
            let request = server.method(method, &path);
            let request = match body(&id) {
                Some(body) => request.json(&body),
                None => request,
            };
            let request = request
                .header("x-forwarded-user", "admin")
                .header("x-forwarded-groups", "admins")
                .header("x-ecoman-proxy-secret", "0123456789abcdef");
            let status = request.send().await.expect("an answer").status().as_u16();
            if !is_open && status != 401 {
                wrong.push(format!("{id}: {status}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[tokio::test]
async fn a_session_opens_with_the_password_and_ends_on_request() {
    let server = signing_in(SignIn::Password).await;
    let nobody: Identity = server.json("/api/v1/session").await;
    assert_eq!((nobody.mode, nobody.role), (SignInMode::Password, None));
    assert!(nobody.may.is_empty() && nobody.name.is_none());

    let answer = sign_in(&server, "operator", PASSWORD).await;
    let set = answer.headers()[SET_COOKIE]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        set.starts_with("ecoman_session=") && set.ends_with("; HttpOnly; SameSite=Strict"),
        "{set}"
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let session = cookie(&answer);
    let identity: Identity = answer.json().await.expect("an identity");
    assert_eq!(identity.name.as_deref(), Some("operator"));
    assert_eq!(identity.role, Some(Role::Operator));
    let may = [Permission::Read, Permission::Power, Permission::Notes];
    assert_eq!(identity.may, may);
    let shown: ecoman_api::Config = with(&server, &session, "/api/v1/config").await;
    assert_eq!(shown.identity, identity);

    let list = || server.request("/api/v1/vms").header(COOKIE, &session);
    assert_eq!(status(list()).await, StatusCode::OK);
    // It ends by itself.
    server.pass(12 * 3600);
    let late = list().send().await.expect("an answer");
    assert_eq!(
        late.headers()["www-authenticate"],
        "Bearer realm=\"ecoman\""
    );
    let problem = problem(late, StatusCode::UNAUTHORIZED).await;
    assert_eq!(problem.detail, "Your session has ended; sign in again.");

    let session = cookie(&sign_in(&server, "operator", PASSWORD).await);
    let list = || server.request("/api/v1/vms").header(COOKIE, &session);
    assert_eq!(status(list()).await, StatusCode::OK);
    let out = server.method(Method::DELETE, "/api/v1/session");
    let out = out
        .header(COOKIE, &session)
        .send()
        .await
        .expect("an answer");
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    let set = out.headers()[SET_COOKIE].to_str().expect("text");
    assert!(
        set.starts_with("ecoman_session=; Path=/; Max-Age=0;"),
        "{set}"
    );
    assert_eq!(status(list()).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn passwords_cannot_be_guessed_quickly() {
    let server = signing_in(SignIn::Password).await;
    for _ in 0..5 {
        let wrong = try_to_sign_in(&server, "admin", "not this one").await;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    }
    let locked = try_to_sign_in(&server, "admin", PASSWORD).await;
    assert_eq!(locked.headers()["retry-after"], "1");
    let reported = problem(locked, StatusCode::TOO_MANY_REQUESTS).await;
    assert_eq!(reported.detail, "Too many failed tries; wait 1 s.");
    server.pass(1);
    let right = try_to_sign_in(&server, "admin", PASSWORD).await;
    assert_eq!(right.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_a_user_has_seen_is_theirs_in_every_browser() {
    let server = signing_in(SignIn::Password).await;
    let viewer = cookie(&sign_in(&server, "viewer", PASSWORD).await);
    let elsewhere = cookie(&sign_in(&server, "viewer", PASSWORD).await);
    let other = cookie(&sign_in(&server, "operator", PASSWORD).await);
    const PATH: &str = "/api/v1/session/seen-tasks";
    let task = |nth: u32| format!("019aad5e-7a00-7000-8000-{nth:012}");
    let mark = |tasks: Vec<String>| {
        let request = server.method(Method::POST, PATH).header(COOKIE, &viewer);
        request.json(&json!({"tasks": tasks})).send()
    };
    let marked = mark(vec![task(2)]).await.expect("an answer");
    assert_eq!(marked.status(), StatusCode::OK);
    let marked: Value = mark(vec![task(1)])
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(marked, json!({"tasks": [task(1), task(2)]}));
    let seen: Value = with(&server, &elsewhere, PATH).await;
    assert_eq!(seen, marked);
    let seen: Value = with(&server, &other, PATH).await;
    assert_eq!(seen, json!({"tasks": []}));

    // The oldest go.
    let many = (3..=502).map(task).collect();
    let all: Value = mark(many)
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let kept: Vec<String> = (3..=502).map(task).collect();
    assert_eq!(all, json!({"tasks": kept}));
    let too_many = mark((1..=501).map(task).collect()).await;
    let too_many = problem(too_many.expect("an answer"), StatusCode::BAD_REQUEST).await;
    assert_eq!(too_many.errors[0].pointer, "#/tasks");

    // It is no change that others want to know of.
    let admin = cookie(&sign_in(&server, "admin", PASSWORD).await);
    let log: AuditPage = with(&server, &admin, "/api/v1/audit").await;
    let entries = log.items.iter();
    assert_eq!(
        entries
            .filter(|entry| entry.operation == "markTasksSeen")
            .count(),
        0
    );
}

#[tokio::test]
async fn where_nobody_signs_in_the_browser_keeps_what_was_seen() {
    let server = Server::start().await;
    let answer = server.request("/api/v1/session/seen-tasks").send().await;
    let answer = problem(answer.expect("an answer"), StatusCode::CONFLICT).await;
    assert_eq!(answer.errors, []);
}

#[tokio::test]
async fn a_user_changes_their_password_and_every_session_ends() {
    let server = signing_in(SignIn::Password).await;
    let one = cookie(&sign_in(&server, "viewer", PASSWORD).await);
    let other = cookie(&sign_in(&server, "viewer", PASSWORD).await);
    let change = |current: &str, new: &str| {
        let body = json!({"current": current, "new": new});
        let request = server.method(Method::PUT, "/api/v1/session/password");
        request.header(COOKIE, &one).json(&body).send()
    };
    let wrong = change("not this one", "another password")
        .await
        .expect("an answer");
    let wrong = problem(wrong, StatusCode::BAD_REQUEST).await;
    assert_eq!(wrong.errors[0].pointer, "#/current");
    let short = change(PASSWORD, "short").await.expect("an answer");
    let short = problem(short, StatusCode::BAD_REQUEST).await;
    assert_eq!(short.errors[0].pointer, "#/new");
    server.pass(5);
    let changed = change(PASSWORD, "another password")
        .await
        .expect("an answer");
    assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    for session in [&one, &other] {
        let list = server.request("/api/v1/vms").header(COOKIE, session);
        assert_eq!(status(list).await, StatusCode::UNAUTHORIZED);
    }
    let old = try_to_sign_in(&server, "viewer", PASSWORD).await;
    assert_eq!(old.status(), StatusCode::UNAUTHORIZED);
    sign_in(&server, "viewer", "another password").await;
}

#[tokio::test]
async fn a_token_is_shown_once_and_holds_no_more_than_its_owner() {
    let server = signing_in(SignIn::Password).await;
    let admin = cookie(&sign_in(&server, "admin", PASSWORD).await);
    let created = make_token(&server, &admin, json!({"name": "ci", "role": "operator"})).await;
    assert_eq!(created.token.owner, "admin");
    assert_eq!(created.token.expires_at, Some(at(90 * 86_400)));
    let list: TokenList = with(&server, &admin, "/api/v1/tokens").await;
    assert_eq!(list.items, std::slice::from_ref(&created.token));

    let bearer = format!("bearer {}", created.secret);
    let shown = |path: &str| server.request(path).header("authorization", &bearer);
    let identity: Identity = json_of(shown("/api/v1/session")).await;
    assert_eq!(identity.name.as_deref(), Some("admin"));
    assert_eq!(identity.role, Some(Role::Operator));
    let refused = shown("/api/v1/users").send().await.expect("an answer");
    let refused = problem(refused, StatusCode::FORBIDDEN).await;
    assert_eq!(
        refused.detail,
        "The token \"ci\" of admin has the role operator; this needs admin."
    );
    let list: TokenList = with(&server, &admin, "/api/v1/tokens").await;
    assert_eq!(list.items[0].last_used_at, Some(at(0)));

    // Its owner loses, and so does it.
    access(&server)
        .add_user("other", Grant::ALL, Some(PASSWORD), at(0))
        .expect("another admin");
    access(&server)
        .change_user("admin", Some(on(Role::Viewer, &["fuga"])), None, at(0))
        .expect("changed");
    let identity: Identity = json_of(shown("/api/v1/session")).await;
    assert_eq!(identity.role, Some(Role::Viewer));
    assert_eq!(identity.nodes, Some(vec!["fuga".to_owned()]));
    access(&server).remove_user("admin").expect("removed");
    assert_eq!(status(shown("/api/v1/vms")).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_of_a_token_ends_with_it() {
    let server = signing_in(SignIn::Password).await;
    let admin = cookie(&sign_in(&server, "admin", PASSWORD).await);
    let body = json!({"name": "short", "role": "admin", "expires_in_days": 1});
    let first = make_token(&server, &admin, body).await;
    let bearer = format!("Bearer {}", first.secret);
    let make = |body: Value| {
        let request = server.method(Method::POST, "/api/v1/tokens");
        request.header("authorization", &bearer).json(&body)
    };
    let second: CreatedToken = {
        let answer = make(json!({"name": "long", "expires_in_days": 3650}));
        let answer = answer.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json().await.expect("a token")
    };
    assert_eq!(second.token.expires_at, first.token.expires_at);
    for (body, pointer) in [
        (json!({"name": ""}), "#/name"),
        (
            json!({"name": "t", "expires_in_days": 0}),
            "#/expires_in_days",
        ),
        (json!({"name": "t", "nodes": ["a/b"]}), "#/nodes/0"),
        (json!({"name": "t", "role": "root"}), "#/role"),
    ] {
        let refused = make(body).send().await.expect("an answer");
        let refused = problem(refused, StatusCode::BAD_REQUEST).await;
        assert_eq!(refused.errors[0].pointer, pointer);
    }
    let revoke = |id| {
        let request = server.method(Method::DELETE, &format!("/api/v1/tokens/{id}"));
        request.header("authorization", &bearer)
    };
    assert_eq!(
        status(revoke(second.token.id)).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(status(revoke(second.token.id)).await, StatusCode::NOT_FOUND);
    assert_eq!(status(revoke(first.token.id)).await, StatusCode::NO_CONTENT);
    assert_eq!(
        status(revoke(first.token.id)).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn users_are_added_changed_and_removed() {
    let server = signing_in(SignIn::Password).await;
    let admin = cookie(&sign_in(&server, "admin", PASSWORD).await);
    let ask = |method: Method, path: &str, body: Value| {
        let request = server.method(method, path).header(COOKIE, &admin);
        request.json(&body).send()
    };
    let new = json!({"name": "carol", "role": "operator", "nodes": ["fuga"], "password": PASSWORD});
    let added = ask(Method::POST, "/api/v1/users", new.clone())
        .await
        .expect("an answer");
    assert_eq!(added.status(), StatusCode::CREATED);
    let taken = ask(Method::POST, "/api/v1/users", new)
        .await
        .expect("an answer");
    let taken = problem(taken, StatusCode::CONFLICT).await;
    assert_eq!(taken.errors[0].pointer, "#/name");
    for (body, pointer) in [
        (json!({"name": "a b", "role": "viewer"}), "#/name"),
        (
            json!({"name": "d", "role": "viewer", "password": "short"}),
            "#/password",
        ),
    ] {
        let refused = ask(Method::POST, "/api/v1/users", body)
            .await
            .expect("an answer");
        let refused = problem(refused, StatusCode::BAD_REQUEST).await;
        assert_eq!(refused.errors[0].pointer, pointer);
    }

    let carol = cookie(&sign_in(&server, "carol", PASSWORD).await);
    let body = json!({"role": "viewer"});
    let changed = ask(Method::PUT, "/api/v1/users/carol", body.clone()).await;
    assert_eq!(changed.expect("an answer").status(), StatusCode::OK);
    let identity: Identity = with(&server, &carol, "/api/v1/session").await;
    assert_eq!((identity.role, identity.nodes), (Some(Role::Viewer), None));
    let users: UserList = with(&server, &admin, "/api/v1/users").await;
    let names: Vec<_> = users.items.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["admin", "carol", "operator", "viewer"]);

    let removed = ask(Method::DELETE, "/api/v1/users/carol", json!({})).await;
    assert_eq!(removed.expect("an answer").status(), StatusCode::NO_CONTENT);
    let list = server.request("/api/v1/vms").header(COOKIE, &carol);
    assert_eq!(status(list).await, StatusCode::UNAUTHORIZED);
    for last in [
        ask(Method::PUT, "/api/v1/users/admin", body).await,
        ask(Method::DELETE, "/api/v1/users/admin", json!({})).await,
    ] {
        let reported = problem(last.expect("an answer"), StatusCode::CONFLICT).await;
        assert!(
            reported.detail.contains("last admin"),
            "{}",
            reported.detail
        );
    }
}

#[tokio::test]
async fn who_is_limited_to_nodes_sees_only_those() {
    let server = signing_in(SignIn::Password).await;
    let admin = cookie(&sign_in(&server, "admin", PASSWORD).await);
    let body = json!({"name": "fuga only", "role": "admin", "nodes": ["fuga", "gone"]});
    let limited = make_token(&server, &admin, body).await;
    let bearer = format!("Bearer {}", limited.secret);
    let shown = |path: &str| server.request(path).header("authorization", &bearer);

    let all: ecoman_api::VmPage = with(&server, &admin, "/api/v1/vms").await;
    let page: ecoman_api::VmPage = json_of(shown("/api/v1/vms")).await;
    assert_eq!((all.total, page.total), (2, 1));
    assert!(page.items.iter().all(|vm| vm.node == "fuga"));
    // The same address at the same revision, and yet another answer.
    let whole = server.request("/api/v1/vms").header(COOKIE, &admin);
    let tag = whole.send().await.expect("an answer").headers()["etag"].clone();
    let asked = shown("/api/v1/vms").header("if-none-match", &tag);
    assert_eq!(status(asked).await, StatusCode::OK);
    let none: ecoman_api::VmPage = json_of(shown("/api/v1/vms?node=hoge")).await;
    assert_eq!(none.total, 0);
    let nodes: NodePage = json_of(shown("/api/v1/nodes")).await;
    let names: Vec<_> = nodes.items.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["fuga"]);

    let refused = shown("/api/v1/nodes/hoge").send().await.expect("an answer");
    let reported = problem(refused, StatusCode::FORBIDDEN).await;
    assert_eq!(
        reported.detail,
        "The token \"fuga only\" of admin has no access to hoge, only to fuga, gone."
    );
    let create = server.method(Method::POST, "/api/v1/vms");
    let create = create.header("authorization", &bearer);
    let create = create.json(&body_for_hoge());
    assert_eq!(status(create).await, StatusCode::FORBIDDEN);

    // Tasks of other nodes are none of theirs.
    let power = server.method(Method::PUT, "/api/v1/vms/hoge/1/power");
    let power = power.header(COOKIE, &admin).json(&json!({"action": "off"}));
    assert_eq!(status(power).await, StatusCode::SERVICE_UNAVAILABLE);
    let tasks: TaskPage = with(&server, &admin, "/api/v1/tasks").await;
    assert_eq!(tasks.items.len(), 1);
    let theirs: TaskPage = json_of(shown("/api/v1/tasks")).await;
    assert!(theirs.items.is_empty());
    let theirs: TaskPage = json_of(shown("/api/v1/tasks?node=hoge")).await;
    assert!(theirs.items.is_empty());
    let path = format!("/api/v1/tasks/{}", tasks.items[0].id);
    assert_eq!(status(shown(&path)).await, StatusCode::NOT_FOUND);

    let mut events = server.events(shown("/api/v1/events")).await;
    let mut other = crate::server::round_of("hoge", &["a", "b"]);
    other.node.attempted_at = Some(at(1));
    server.store.record(other).await;
    let mut theirs = crate::server::round_of("fuga", &["a", "renamed"]);
    theirs.node.attempted_at = Some(at(2));
    server.store.record(theirs).await;
    loop {
        let event = events.next().await;
        assert!(!event.data.contains("\"hoge\""), "{}", event.data);
        if event.data.contains("renamed") {
            break;
        }
    }
}

#[tokio::test]
async fn the_proxy_is_believed_and_nobody_else() {
    let trust = ProxyTrust {
        secret: "0123456789abcdef".to_owned(),
        user_header: "x-forwarded-user".parse().expect("a header"),
        groups_header: "x-forwarded-groups".parse().expect("a header"),
        roles: "ops=operator".parse().expect("roles"),
    };
    let server = signing_in(SignIn::Proxy(trust)).await;
    let ask = |user: &str, groups: &str, secret: &str| {
        let request = server.request("/api/v1/session");
        let request = request.header("x-forwarded-user", user);
        let request = request.header("x-forwarded-groups", groups);
        request.header("x-ecoman-proxy-secret", secret)
    };
    let known: Identity = json_of(ask("bob@example.org", "staff,ops", "0123456789abcdef")).await;
    assert_eq!(known.name.as_deref(), Some("bob@example.org"));
    assert_eq!(
        (known.mode, known.role),
        (SignInMode::Proxy, Some(Role::Operator))
    );
    // Users in the list are what the list says.
    let listed: Identity = json_of(ask("viewer", "ops", "0123456789abcdef")).await;
    assert_eq!(listed.role, Some(Role::Viewer));
    for (user, groups, secret) in [
        ("bob", "ops", "0123456789abcdee"),
        ("bob", "ops", ""),
        ("bob", "staff", "0123456789abcdef"),
        ("", "ops", "0123456789abcdef"),
    ] {
        let nobody: Identity = json_of(ask(user, groups, secret)).await;
        assert_eq!(nobody.role, None, "{user:?} {groups:?} {secret:?}");
    }
    let stranger = server.request("/api/v1/vms");
    let stranger = stranger.header("x-forwarded-user", "eve");
    let stranger = stranger.header("x-ecoman-proxy-secret", "0123456789abcdef");
    let reported = stranger.send().await.expect("an answer");
    let reported = problem(reported, StatusCode::UNAUTHORIZED).await;
    assert!(
        reported.detail.contains("have no role in ECoMan"),
        "{}",
        reported.detail
    );
    let refused = try_to_sign_in(&server, "admin", PASSWORD).await;
    problem(refused, StatusCode::CONFLICT).await;

    // A token of somebody whom only the proxy knows follows what the proxy says of them.
    let (_, _, secret) = access(&server)
        .create_token(
            NewToken {
                made_by: None,
                name: "t".to_owned(),
                owner: "dora".to_owned(),
                owner_is_listed: false,
                owner_grant: Grant::ALL,
                grant: Grant::ALL,
                expires_at: None,
            },
            at(0),
        )
        .expect("a token");
    let _: Identity = json_of(ask("dora", "ops", "0123456789abcdef")).await;
    let tokens = access(&server).tokens().expect("tokens");
    let held: Vec<_> = tokens
        .values()
        .map(|token| token.owner_grant.as_ref().map(|grant| grant.role))
        .collect();
    assert_eq!(held, [Some(Role::Operator)]);
    // Without any group they hold nothing, and so do their tokens.
    let shown = || {
        let request = server.request("/api/v1/session");
        request.bearer_auth(secret.reveal())
    };
    let identity: Identity = json_of(shown()).await;
    assert_eq!(identity.role, Some(Role::Operator));
    let left: Identity = json_of(ask("dora", "nothing-here", "0123456789abcdef")).await;
    assert_eq!(left.role, None);
    let identity: Identity = json_of(shown()).await;
    assert_eq!(identity.role, None);
}

#[tokio::test]
async fn where_nobody_signs_in_everybody_may_and_there_are_no_tokens() {
    let server = Server::start_showing(vec![crate::server::round_of("hoge", &["a"])]).await;
    let identity: Identity = server.json("/api/v1/session").await;
    assert_eq!(identity.mode, SignInMode::None);
    assert_eq!(
        identity.may,
        [
            Permission::Read,
            Permission::Power,
            Permission::Notes,
            Permission::Create,
            Permission::Delete,
            Permission::Hardware,
            Permission::Audit
        ]
    );
    for path in ["/api/v1/tokens", "/api/v1/users"] {
        let reported = problem(server.get(path).await, StatusCode::CONFLICT).await;
        assert!(
            reported.detail.contains("DASHBOARD_SIGN_IN"),
            "{}",
            reported.detail
        );
    }
    // A script that sends its token anyway goes on.
    let shown = server
        .request("/api/v1/vms")
        .header("authorization", "Bearer ecoman_x");
    assert_eq!(status(shown).await, StatusCode::OK);
    // Other sites' pages in the same browser are kept out all the same.
    let power = server.method(Method::PUT, "/api/v1/vms/hoge/1/power");
    let power = power.header("origin", "https://evil.example.org");
    let power = power.json(&json!({"action": "off"}));
    let reported = problem(
        power.send().await.expect("an answer"),
        StatusCode::FORBIDDEN,
    )
    .await;
    assert_eq!(reported.title, "Cross-site request");
}

#[tokio::test]
async fn the_audit_log_is_a_table_for_who_wants_one() {
    let server = Server::start().await;
    let page: AuditPage = server.json("/api/v1/audit").await;
    assert!(page.items.is_empty());
    let entry = |number: i64| ecoman_model::AuditEntry {
        id: uuid::Uuid::from_u128(u128::from(number.unsigned_abs())),
        at: at(number),
        actor: ecoman_model::Actor {
            name: Some("=alice".to_owned()),
            by: Authentication::Token,
            token: Some("ci".to_owned()),
            address: Some([192, 0, 2, 7].into()),
        },
        operation: "setPower".to_owned(),
        summary: "power on".to_owned(),
        node: Some("hoge".parse().expect("a name")),
        vmid: Some(ecoman_model::Vmid(7)),
        name: Some("a, \"b\"".to_owned()),
        task: None,
        outcome: AuditOutcome::Failed,
        detail: Some("two\nlines".to_owned()),
        request_id: format!("r-{number}"),
    };
    for number in 1..=2_100 {
        let entry = entry(number);
        server.store.record_audit(&entry).await.expect("recorded");
    }
    let table = async |query: &str| {
        let request = server.request(&format!("/api/v1/audit{query}"));
        let answer = request.header("accept", "text/csv").send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(
            answer.headers()["content-type"],
            "text/csv; charset=utf-8; header=present"
        );
        answer.text().await.expect("text")
    };
    let text = table("").await;
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let columns: Vec<_> = reader.headers().expect("a header").iter().collect();
    let json: Value = server.json("/api/v1/audit?limit=1").await;
    let fields = json["items"][0].as_object().expect("an entry");
    assert_eq!(columns.len(), fields.len());
    assert!(columns.iter().all(|column| fields.contains_key(*column)));
    let requests: Vec<_> = ::csv::Reader::from_reader(text.as_bytes())
        .into_records()
        .map(|record| record.expect("CSV")[14].to_owned())
        .collect();
    let expected: Vec<_> = (1..=2_100)
        .rev()
        .map(|number| format!("r-{number}"))
        .collect();
    assert_eq!(requests, expected);
    assert_eq!(
        text.split("\r\n").nth(1).expect("a line"),
        "00000000-0000-0000-0000-000000000834,2026-11-22T20:35:00Z,'=alice,token,ci,192.0.2.7,\
         setPower,power on,hoge,7,\"a, \"\"b\"\"\",,failed,\"two\nlines\",r-2100"
    );
    assert_eq!(table("?limit=3").await.matches("setPower").count(), 3);
    assert_eq!(table("?actor=nobody").await.lines().count(), 1);
}

#[tokio::test]
async fn a_change_whose_client_hangs_up_is_done_and_written_down() {
    const CHANGES: usize = 10;
    let server = signing_in(SignIn::Password).await;
    let admin = cookie(&sign_in(&server, "admin", PASSWORD).await);
    let written = server.store.audit_entries();
    let held = server.store.hold_audit().await;
    let mut clients = Vec::new();
    for number in 0..CHANGES {
        // No password is hashed for it: an entry does not wait as long as ten of them take.
        let body = json!({"name": format!("new-{number}"), "expires_in_days": 1}).to_string();
        let request = format!(
            "POST /api/v1/tokens HTTP/1.1\r\nhost: localhost\r\ncookie: {admin}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut client = tokio::net::TcpStream::connect(server.address())
            .await
            .expect("a connection");
        client.write_all(request.as_bytes()).await.expect("written");
        clients.push(client);
    }
    server
        .until("each change to be about to be written down", async || {
            (server.store.audit_entries() == written + CHANGES).then_some(())
        })
        .await;
    drop(clients);
    // The server has learned of that before it answers these.
    for _ in 0..CHANGES {
        assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);
    }
    drop(held);
    server
        .until("an entry for each token", async || {
            let query = "/api/v1/audit?operation=createToken&outcome=succeeded";
            let log: AuditPage = with(&server, &admin, query).await;
            (log.items.len() == CHANGES).then_some(())
        })
        .await;
    let tokens: TokenList = with(&server, &admin, "/api/v1/tokens").await;
    let made = tokens.items.iter().filter(|it| it.name.starts_with("new-"));
    assert_eq!(made.count(), CHANGES);
}

#[tokio::test]
async fn the_page_knows_whether_its_user_has_to_sign_in_first() {
    const MARK: &str = "<html data-signed-out data-base=";
    for (variables, signs_in) in [
        (&["DASHBOARD_SIGN_IN=password"][..], true),
        (&["DASHBOARD_SIGN_IN=none"], false),
    ] {
        let variables: Vec<String> = variables.iter().map(ToString::to_string).collect();
        let server = Server::start_as(&variables, Vec::new(), |access| {
            let grant = Grant::everywhere(Role::Viewer);
            let added = access.add_user("viewer", grant, Some(PASSWORD), at(-100));
            added.expect("a user");
        })
        .await;
        let page = async |cookie: &str| {
            let request = server.request("/").header(COOKIE, cookie.to_owned());
            let page = request.send().await.expect("an answer");
            page.text().await.expect("a page")
        };
        assert_eq!(page("").await.contains(MARK), signs_in);
        if signs_in {
            let session = cookie(&sign_in(&server, "viewer", PASSWORD).await);
            assert!(!page(&session).await.contains(MARK));
            let nonsense = session.replace(['a', 'b', 'c'], "d");
            assert!(page(&nonsense).await.contains(MARK));
        }
    }
}

#[tokio::test]
async fn many_tries_at_once_are_many() {
    let server = signing_in(SignIn::Password).await;
    let tries = (0..40).map(|_| try_to_sign_in(&server, "admin", "not this one"));
    let answers = futures::future::join_all(tries).await;
    let looked_at = answers
        .iter()
        .filter(|answer| answer.status() == StatusCode::UNAUTHORIZED)
        .count();
    let asked_to_wait = answers
        .iter()
        .filter(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS)
        .count();
    assert_eq!((looked_at, asked_to_wait), (5, 35));
}

#[tokio::test]
async fn the_audit_log_reports_who_did_what_with_which_result() {
    let server = signing_in(SignIn::Password).await;
    try_to_sign_in(&server, "viewer", "not this one").await;
    try_to_sign_in(&server, "a password by mistake", "viewer").await;
    let viewer = cookie(&sign_in(&server, "viewer", PASSWORD).await);
    let admin = cookie(&sign_in(&server, "admin", PASSWORD).await);
    let off = |session: &str| {
        let request = server.method(Method::PUT, "/api/v1/vms/hoge/1/power");
        let request = request.header(COOKIE, session.to_owned());
        request
            .header("x-request-id", "r-1")
            .json(&json!({"action": "off"}))
    };
    assert_eq!(status(off(&viewer)).await, StatusCode::FORBIDDEN);
    // The executor is away.
    assert_eq!(status(off(&admin)).await, StatusCode::SERVICE_UNAVAILABLE);
    let made = make_token(&server, &admin, json!({"name": "ci", "nodes": ["hoge"]})).await;
    let bearer = format!("Bearer {}", made.secret);
    let by_token = server.method(Method::POST, "/api/v1/vms");
    let by_token = by_token
        .header("authorization", bearer)
        .json(&body_for_hoge());
    assert_eq!(status(by_token).await, StatusCode::FORBIDDEN);

    let log: AuditPage = with(&server, &admin, "/api/v1/audit").await;
    let reported: Vec<_> = log
        .items
        .iter()
        .rev()
        .map(|entry| {
            (
                entry.actor.as_deref().unwrap_or("-"),
                entry.operation.as_str(),
                entry.summary.as_str(),
                entry.name.as_deref().unwrap_or("-"),
                entry.outcome,
            )
        })
        .collect();
    use AuditOutcome::{Failed, Refused, Succeeded};
    assert_eq!(
        reported,
        [
            ("-", "signIn", "sign in", "viewer", Refused),
            // What may be a password is not written down.
            ("-", "signIn", "sign in", "-", Refused),
            ("viewer", "signIn", "sign in", "viewer", Succeeded),
            ("admin", "signIn", "sign in", "admin", Succeeded),
            ("viewer", "setPower", "set power", "-", Refused),
            ("admin", "setPower", "power off", "web", Failed),
            (
                "admin",
                "createToken",
                "create viewer token for 90 days",
                "ci",
                Succeeded
            ),
            ("admin", "createVm", "create vm", "-", Refused),
        ]
    );
    let entry = |operation: &str, outcome| {
        let mut all = log.items.iter();
        all.find(|it| it.operation == operation && it.outcome == outcome)
            .expect("an entry")
    };
    let refused = entry("setPower", Refused);
    assert_eq!(
        (refused.node.as_deref(), refused.vmid),
        (Some("hoge"), Some(1))
    );
    assert_eq!(refused.request_id, "r-1");
    assert_eq!(refused.address.as_deref(), Some("127.0.0.1"));
    assert_eq!(refused.by, Authentication::Password);
    let failed = entry("setPower", Failed);
    let task = server_task(&server, &admin, failed.task.expect("a task")).await;
    assert_eq!(task.state, TaskState::Failed);
    assert_eq!(task.actor.as_deref(), Some("admin"));
    let by_token = entry("createVm", Refused);
    assert_eq!(
        (by_token.by, by_token.token.as_deref()),
        (Authentication::Token, Some("ci"))
    );
    let text = serde_json::to_string(&log).expect("JSON");
    for secret in [PASSWORD, "a password by mistake", made.secret.as_str()] {
        assert!(!text.contains(secret), "{secret:?}");
    }

    let of = async |query: &str| {
        let page: AuditPage = with(&server, &admin, &format!("/api/v1/audit?{query}")).await;
        page.items.len()
    };
    assert_eq!(of("actor=viewer").await, 2);
    assert_eq!(of("operation=signIn&outcome=refused").await, 2);
    assert_eq!(of("node=hoge&vmid=1").await, 2);
    assert_eq!(of("node=fuga").await, 0);
    let first: AuditPage = with(&server, &admin, "/api/v1/audit?limit=5").await;
    let next = first.next_page.expect("another page");
    assert_eq!(of(&format!("limit=5&page_token={next}")).await, 3);
    let bad = server.request("/api/v1/audit?outcome=maybe&since=yesterday&limit=0");
    let bad = bad.header(COOKIE, &admin).send().await.expect("an answer");
    assert_eq!(problem(bad, StatusCode::BAD_REQUEST).await.errors.len(), 3);
}

/// A dashboard with the nodes hoge and fuga, each with one VM, and a user for each role.
async fn signing_in(sign_in: SignIn) -> Server {
    let rounds = ["hoge", "fuga"].map(|name| crate::server::round_of(name, &["web"]));
    let server = Server::start_signing_in(sign_in, rounds.into(), |access| {
        for role in Role::ALL {
            access
                .add_user(
                    role.as_str(),
                    Grant::everywhere(role),
                    Some(PASSWORD),
                    at(-100),
                )
                .expect("a user");
        }
    })
    .await;
    server.ready().await;
    server
}

fn access(server: &Server) -> Access {
    Access::new(&server.access_directory())
}

fn on(role: Role, nodes: &[&str]) -> Grant {
    Grant {
        role,
        nodes: Some(
            nodes
                .iter()
                .map(|name| name.parse().expect("a name"))
                .collect(),
        ),
    }
}

fn body_for_hoge() -> Value {
    body("createVm").expect("a body")
}

fn operations(document: &Value) -> Vec<(String, Method, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("an item") {
            let Some(id) = operation["operationId"].as_str() else {
                continue;
            };
            let method = method.to_uppercase().parse().expect("a method");
            operations.push((id.to_owned(), method, path.clone()));
        }
    }
    operations
}

async fn try_to_sign_in(server: &Server, name: &str, password: &str) -> Response {
    let body = json!({"name": name, "password": password});
    let request = server.method(Method::POST, "/api/v1/session").json(&body);
    request.send().await.expect("an answer")
}

async fn sign_in(server: &Server, name: &str, password: &str) -> Response {
    let answer = try_to_sign_in(server, name, password).await;
    assert_eq!(answer.status(), StatusCode::OK, "{name}");
    answer
}

/// What a browser would send back.
fn cookie(answer: &Response) -> String {
    let set = answer.headers()[SET_COOKIE].to_str().expect("text");
    set.split(';').next().expect("a pair").to_owned()
}

async fn make_token(server: &Server, session: &str, body: Value) -> CreatedToken {
    let request = server.method(Method::POST, "/api/v1/tokens").json(&body);
    let answer = request
        .header(COOKIE, session)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json().await.expect("a token")
}

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.expect("an answer").status()
}

async fn json_of<T: serde::de::DeserializeOwned>(request: RequestBuilder) -> T {
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.expect("JSON")
}

async fn with<T: serde::de::DeserializeOwned>(server: &Server, session: &str, path: &str) -> T {
    json_of(server.request(path).header(COOKIE, session)).await
}

async fn problem(answer: Response, status: StatusCode) -> Problem {
    assert_eq!(answer.status(), status);
    answer.json().await.expect("a problem")
}

async fn server_task(server: &Server, session: &str, id: ecoman_model::TaskId) -> ecoman_api::Task {
    with(server, session, &format!("/api/v1/tasks/{id}")).await
}
