//! What no operation takes: each one of the OpenAPI document is asked wrongly in every way that
//! there is.

use std::collections::BTreeSet;

use ecoman_api::Problem;
use reqwest::header::{ALLOW, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::changes::hoge;
use crate::executor::Executor;
use crate::server::Server;

/// An operation of the document, and a request that it would take.
struct Operation {
    method: Method,
    /// As the document has it.
    template: String,
    /// With names in it that are there.
    path: String,
    /// Its query parameters, by name and type.
    parameters: Vec<(String, String)>,
    body: Option<Body>,
}

struct Body {
    good: Map<String, Value>,
    required: Vec<String>,
}

impl Operation {
    fn all() -> Vec<Self> {
        let document: Value =
            serde_json::from_str(ecoman_backend::openapi_json()).expect("a document");
        let mut all = Vec::new();
        for (template, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let method = method.to_uppercase().parse().expect("a method");
                all.push(Self::new(&document, method, template, operation));
            }
        }
        assert!(all.len() >= 18, "{} operations", all.len());
        all
    }

    fn new(document: &Value, method: Method, template: &str, operation: &Value) -> Self {
        let mut path = template.to_owned();
        let mut parameters = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), there(template, name)),
                Some("query") => {
                    let kind = &parameter["schema"]["type"];
                    let kind = kind.as_str().or_else(|| kind[0].as_str());
                    parameters.push((name.to_owned(), kind.expect("a type").to_owned()));
                }
                _ => {}
            }
        }
        assert!(!path.contains('{'), "{path}");
        let body = operation["requestBody"]["content"]
            .as_object()
            .map(|content| {
                let schema = resolved(document, &content["application/json"]["schema"]);
                let required = schema["required"].as_array().into_iter().flatten();
                let required = required.filter_map(Value::as_str);
                let properties = schema["properties"].as_object().expect("fields").iter();
                Body {
                    required: required.map(str::to_owned).collect(),
                    good: properties
                        .map(|(name, schema)| (name.clone(), example(document, schema)))
                        .collect(),
                }
            });
        Self {
            method,
            template: template.to_owned(),
            path,
            parameters,
            body,
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// A request with another query and body.
    fn request(&self, server: &Server, query: &str, body: Option<Vec<u8>>) -> RequestBuilder {
        let request = server.method(self.method.clone(), &format!("{}{query}", self.path));
        match body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body),
            None => request,
        }
    }

    /// A body that it would take.
    fn good(&self) -> Option<Vec<u8>> {
        let body = self.body.as_ref()?;
        Some(serde_json::to_vec(&body.good).expect("JSON"))
    }

    /// The status of a bad body: the original had another one.
    fn bad_body(&self) -> StatusCode {
        if self.template.starts_with("/v1/") {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::BAD_REQUEST
        }
    }
}

/// A name that is there.
fn there(template: &str, parameter: &str) -> &'static str {
    match (template, parameter) {
        (_, "node") => "hoge",
        ("/api/v1/tasks/{id}", "id") => "019aad5e-7a00-7000-8000-000000000001",
        ("/api/v1/tokens/{id}", "id") => "019aad5e-7a00-7000-8000-000000000001",
        (_, "vmid" | "id") => "2",
        ("/api/v1/users/{name}", "name") => "alice",
        ("/api/v1/vms/{node}/{vmid}/disks/{key}", "key") => "scsi0:0",
        ("/api/v1/vms/{node}/{vmid}/nics/{key}", "key") => "ethernet0",
        _ => panic!("what is {parameter} of {template}?"),
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let Some(reference) = schema["$ref"].as_str() else {
        return schema;
    };
    let pointer = reference.strip_prefix('#').expect("of the document");
    document.pointer(pointer).expect(reference)
}

fn example(document: &Value, schema: &Value) -> Value {
    let schema = resolved(document, schema);
    let said = [
        &schema["example"],
        &schema["examples"][0],
        &schema["enum"][0],
    ];
    match said.into_iter().find(|value| !value.is_null()) {
        Some(value) => value.clone(),
        None if schema["type"] == "boolean" => json!(true),
        None if schema["type"] == "object" => json!({}),
        None if schema["oneOf"].is_array() => example(document, &schema["oneOf"][0]),
        None => panic!("no example of {schema}"),
    }
}

/// The problem of an answer of this status.
async fn refused(request: RequestBuilder, status: StatusCode, what: &str) -> Problem {
    let request = request.header("x-request-id", "asked-wrongly");
    let response = request.send().await.expect("an answer");
    check_failure(response, status, what).await
}

async fn check_failure(response: Response, status: StatusCode, what: &str) -> Problem {
    assert_eq!(response.status(), status, "{what}");
    assert_eq!(
        response.headers()["x-request-id"],
        "asked-wrongly",
        "{what}"
    );
    assert_eq!(
        response.headers()[CONTENT_TYPE],
        "application/problem+json",
        "{what}"
    );
    let problem: Problem = response.json().await.expect(what);
    assert_eq!(problem.status, status.as_u16(), "{what}");
    assert_eq!(problem.request_id, "asked-wrongly", "{what}");
    problem
}

fn pointers(problem: &Problem) -> Vec<&str> {
    let errors = problem.errors.iter();
    errors.map(|error| error.pointer.as_str()).collect()
}

async fn server() -> (Server, Executor) {
    Server::start_with_executor(vec![hoge()]).await
}

#[tokio::test]
async fn no_operation_takes_a_parameter_that_it_does_not_know() {
    let (server, executor) = server().await;
    for operation in Operation::all() {
        let request = operation.request(&server, "?no_such=1", operation.good());
        let what = operation.name();
        let problem = refused(request, StatusCode::BAD_REQUEST, &what).await;
        assert_eq!(problem.kind, "urn:ecoman:problem:bad-parameters", "{what}");
        assert_eq!(pointers(&problem), ["?no_such"], "{what}");
        let detail = &problem.errors[0].detail;
        assert!(
            detail.starts_with("is no parameter; there are "),
            "{what}: {detail}"
        );
        for (name, _) in &operation.parameters {
            assert!(detail.contains(name.as_str()), "{what}: {detail}");
        }
    }
    assert_eq!(executor.begun(), []);
}

#[tokio::test]
async fn no_operation_takes_a_parameter_twice_or_with_a_value_of_another_type() {
    let (server, _executor) = server().await;
    for operation in Operation::all() {
        for (name, kind) in &operation.parameters {
            let what = format!("{} with {name}", operation.name());
            let request = operation.request(&server, &format!("?{name}=1&{name}=1"), None);
            let problem = refused(request, StatusCode::BAD_REQUEST, &what).await;
            assert_eq!(pointers(&problem), [format!("?{name}")], "{what}");
            assert_eq!(
                problem.errors[0].detail, "must be there once at most",
                "{what}"
            );
            if kind != "integer" {
                continue;
            }
            for value in ["", "x", "-1", "1.5", "%2B1", "99999999999999999999", "1%20"] {
                let what = format!("{what}={value}");
                let request = operation.request(&server, &format!("?{name}={value}"), None);
                let problem = refused(request, StatusCode::BAD_REQUEST, &what).await;
                assert_eq!(pointers(&problem), [format!("?{name}")], "{what}");
            }
        }
    }
}

#[tokio::test]
async fn no_operation_takes_a_body_that_is_not_as_the_document_says() {
    let (server, executor) = server().await;
    let mut bodies = 0;
    for operation in Operation::all() {
        let Some(body) = &operation.body else {
            continue;
        };
        bodies += 1;
        let status = operation.bad_body();
        let name = operation.name();

        let mut wrong = vec![
            (json!([]), None),
            (json!("text"), None),
            (json!(null), None),
        ];
        let mut unknown = body.good.clone();
        unknown.insert("no/such".to_owned(), json!(1));
        wrong.push((unknown.into(), Some("#/no~1such".to_owned())));
        for (field, good) in &body.good {
            let mut mistyped = body.good.clone();
            let other = match good.is_object() {
                true => json!(1),
                false => json!({"x": 1}),
            };
            mistyped.insert(field.clone(), other);
            wrong.push((mistyped.into(), Some(format!("#/{field}"))));
        }
        for field in &body.required {
            let mut missing = body.good.clone();
            missing.remove(field);
            wrong.push((missing.into(), Some(format!("#/{field}"))));
        }
        for (wrong, pointer) in wrong {
            let text = wrong.to_string().into_bytes();
            let what = format!("{name} with {wrong}");
            let problem = refused(operation.request(&server, "", Some(text)), status, &what).await;
            assert_eq!(problem.kind, "urn:ecoman:problem:bad-body", "{what}");
            if let Some(pointer) = pointer {
                assert_eq!(pointers(&problem), [pointer], "{what}");
            }
        }
        for (text, what) in [(&b""[..], "nothing"), (b"{", "half"), (b"\xff", "no UTF-8")] {
            let what = format!("{name} with {what}");
            let request = operation.request(&server, "", Some(text.to_owned()));
            let problem = refused(request, status, &what).await;
            assert_eq!(problem.kind, "urn:ecoman:problem:bad-body", "{what}");
        }
    }
    assert_eq!(bodies, 17);
    assert_eq!(executor.begun(), []);
}

#[tokio::test]
async fn no_operation_takes_a_huge_body_or_one_that_is_not_called_json() {
    let (server, executor) = server().await;
    for operation in Operation::all() {
        let Some(good) = operation.good() else {
            continue;
        };
        let name = operation.name();
        let huge = vec![b' '; 65 * 1024];
        let request = operation.request(&server, "", Some(huge.clone()));
        refused(request, StatusCode::PAYLOAD_TOO_LARGE, &name).await;
        // Without a length said before.
        let chunks = huge
            .chunks(8 * 1024)
            .map(|chunk| Ok::<_, std::io::Error>(chunk.to_owned()));
        let chunks = futures::stream::iter(chunks.collect::<Vec<_>>());
        let request = operation.request(&server, "", None);
        let request = request.header(CONTENT_TYPE, "application/json");
        let request = request.body(reqwest::Body::wrap_stream(chunks));
        refused(request, StatusCode::PAYLOAD_TOO_LARGE, &name).await;

        let plain = operation.request(&server, "", None).body(good.clone());
        refused(plain, StatusCode::UNSUPPORTED_MEDIA_TYPE, &name).await;
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "x",
        ] {
            let request = operation.request(&server, "", None).body(good.clone());
            let request = request.header(CONTENT_TYPE, kind);
            let what = format!("{name} as {kind}");
            refused(request, StatusCode::UNSUPPORTED_MEDIA_TYPE, &what).await;
        }
    }
    assert_eq!(executor.begun(), []);
}

#[tokio::test]
async fn every_path_lists_the_methods_it_takes() {
    let (server, executor) = server().await;
    let operations = Operation::all();
    let paths: BTreeSet<_> = operations.iter().map(|one| one.path.as_str()).collect();
    for path in paths {
        let mut taken: BTreeSet<_> = operations
            .iter()
            .filter(|operation| operation.path == path)
            .map(|operation| operation.method.to_string())
            .collect();
        if taken.contains("GET") {
            taken.insert("HEAD".to_owned());
        }
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            if taken.contains(method) {
                continue;
            }
            let what = format!("{method} {path}");
            let request = server.method(method.parse().expect("a method"), path);
            let request = request.header("x-request-id", "asked-wrongly");
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{what}");
            let allowed = response.headers()[ALLOW].to_str().expect("text").to_owned();
            let allowed: BTreeSet<_> = allowed
                .split(',')
                .map(|one| one.trim().to_owned())
                .collect();
            assert_eq!(allowed, taken, "{what}");
            if method != "HEAD" {
                check_failure(response, StatusCode::METHOD_NOT_ALLOWED, &what).await;
            }
        }
    }
    assert_eq!(executor.begun(), []);
}

#[tokio::test]
async fn what_can_be_got_can_be_asked_for_its_head() {
    let (server, _executor) = server().await;
    for operation in Operation::all() {
        if operation.method != Method::GET {
            continue;
        }
        let got = server.get(&operation.path).await;
        let head = server.method(Method::HEAD, &operation.path);
        let head = head.send().await.expect("an answer");
        assert_eq!(head.status(), got.status(), "{}", operation.path);
        for name in ["content-type", "etag", "cache-control", "vary"] {
            assert_eq!(
                head.headers().get(name),
                got.headers().get(name),
                "{}",
                operation.path
            );
        }
        assert_eq!(head.bytes().await.expect("none"), "", "{}", operation.path);
    }
}

#[tokio::test]
async fn every_kind_of_answer_has_the_id_of_its_request() {
    let page = tempfile::TempDir::new().expect("a directory");
    std::fs::write(page.path().join("index.html"), "<!doctype html>").expect("written");
    std::fs::write(page.path().join("favicon.svg"), "<svg/>").expect("written");
    let server = Server::start_with(|dashboard| dashboard.with_page(page.path())).await;
    server.ready().await;
    server.show(hoge()).await;
    let tag = server.get("/api/v1/vms").await.headers()["etag"].clone();
    let asset = server.get("/favicon.svg").await.headers()["etag"].clone();

    let get = |path: &str| server.request(path);
    for (what, request, status) in [
        ("a list", get("/api/v1/vms"), 200),
        (
            "a table",
            get("/api/v1/vms").header("accept", "text/csv"),
            200,
        ),
        (
            "no form",
            get("/api/v1/vms").header("accept", "image/png"),
            406,
        ),
        (
            "nothing new",
            get("/api/v1/vms").header("if-none-match", tag),
            304,
        ),
        ("events", get("/api/v1/events"), 200),
        ("no path", get("/api/v1/nothing"), 404),
        ("no VM", get("/api/v1/vms/hoge/99"), 404),
        ("a bad parameter", get("/api/v1/vms?limit=0"), 400),
        (
            "another method",
            server.method(Method::DELETE, "/api/v1/vms"),
            405,
        ),
        (
            "another name",
            get("/api/v1/vms").header("host", "evil.example.org"),
            421,
        ),
        (
            "a huge body",
            server
                .method(Method::POST, "/api/v1/vms")
                .body(vec![0; 1 << 17]),
            413,
        ),
        (
            "no executor",
            server
                .method(Method::PUT, "/api/v1/vms/hoge/2/power")
                .json(&json!({"action": "on"})),
            503,
        ),
        ("the page", get("/"), 200),
        ("a file", get("/favicon.svg"), 200),
        (
            "the same file",
            get("/favicon.svg").header("if-none-match", asset),
            304,
        ),
        ("no file", get("/missing.js"), 404),
        ("a probe", get("/healthz"), 200),
        ("the original's", get("/v1/machine"), 200),
    ] {
        let own = request.try_clone().expect("no stream");
        let own = own.header("x-request-id", "my-id_1.2").send().await;
        let own = own.expect("an answer");
        assert_eq!(own.status().as_u16(), status, "{what}");
        assert_eq!(own.headers()["x-request-id"], "my-id_1.2", "{what}");

        let made = request
            .header("x-request-id", "not <sensible>")
            .send()
            .await;
        let made = made.expect("an answer");
        let id = made.headers()["x-request-id"].to_str().expect("text");
        uuid::Uuid::parse_str(id).expect(what);
    }
}
