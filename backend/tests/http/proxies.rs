//! Behind proxies, as `docs/` says: each recipe there is read and carried out by a small proxy.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::response::Response;
use ecoman_access::Access;
use ecoman_api::{Identity, Problem, VmPage};
use ecoman_model::{Grant, Role};
use reqwest::header::{LINK, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::server::{Server, round_of};

/// The name under which users open it, which leads to the proxy.
const NAME: &str = "ecoman.example.org";

/// A block `location` of nginx.
#[derive(Clone, Debug)]
struct Location {
    /// The beginning of the paths that it serves.
    prefix: String,
    headers: Vec<(String, String)>,
    /// What stands in place of `prefix`; `None`: the path is passed on as it is.
    replacement: Option<String>,
}

/// A recipe of the documents: variables of the dashboard and a `location` of nginx.
struct Recipe {
    variables: Vec<String>,
    location: Location,
}

impl Recipe {
    /// The first one behind a heading.
    fn read(document: &str, heading: &str) -> Self {
        let text = document
            .split_once(&format!("\n{heading}\n"))
            .unwrap_or_else(|| panic!("there is no heading {heading}"))
            .1;
        let block = |language: &str| {
            let (_, block) = text
                .split_once(&format!("```{language}\n"))
                .unwrap_or_else(|| panic!("{heading} has no block of {language}"));
            let (block, _) = block.split_once("```").expect("an end");
            block
                .lines()
                .map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned())
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .collect::<Vec<_>>()
        };
        let variables = block("sh")
            .into_iter()
            .filter(|line| line.starts_with("DASHBOARD_"))
            .map(|line| line.replace('\'', "").replace('…', "0123456789abcdef"))
            .collect();
        Self {
            variables,
            location: Location::read(&block("nginx")),
        }
    }
}

impl Location {
    fn read(lines: &[String]) -> Self {
        let mut location = Self {
            prefix: String::new(),
            headers: Vec::new(),
            replacement: None,
        };
        for line in lines {
            let line = line.trim_end_matches([';', '{']).trim();
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("location"), Some(prefix), None) => prefix.clone_into(&mut location.prefix),
                (Some("proxy_set_header"), Some(name), Some(value)) => {
                    let value = value.trim_matches('"').replace('…', "0123456789abcdef");
                    location.headers.push((name.to_owned(), value));
                }
                (Some("proxy_pass"), Some(url), None) => {
                    let behind = url
                        .strip_prefix("http://127.0.0.1:8000")
                        .expect("its address");
                    location.replacement = Some(behind.to_owned()).filter(|path| !path.is_empty());
                }
                _ => {}
            }
        }
        location
    }

    /// The path that the server behind is asked for.
    fn path(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(self.prefix.as_str())?;
        Some(match &self.replacement {
            Some(replacement) => format!("{replacement}{rest}"),
            None => path.to_owned(),
        })
    }
}

/// A proxy that does what a recipe says, and speaks HTTPS with its users as far as the server knows.
struct Proxy {
    address: SocketAddr,
    client: Client,
    _end: DropGuard,
}

struct Upstream {
    server: String,
    location: Location,
    client: Client,
}

impl Proxy {
    async fn start(server: &Server, location: Location) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let client = Client::builder().redirect(redirect::Policy::none());
        let client = client.build().expect("a client");
        let upstream = Arc::new(Upstream {
            server: server.address().to_owned(),
            location,
            client: client.clone(),
        });
        let end = CancellationToken::new();
        let ended = end.clone().cancelled_owned();
        let router = Router::new().fallback(pass).with_state(upstream);
        tokio::spawn(
            axum::serve(listener, router)
                .with_graceful_shutdown(ended)
                .into_future(),
        );
        Self {
            address,
            client,
            _end: end.drop_guard(),
        }
    }

    /// A request as a browser sends it.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        self.client.request(method, url).header(HOST, NAME)
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.request(Method::GET, path).send().await.expect("sent")
    }
}

async fn pass(State(upstream): State<Arc<Upstream>>, request: Request) -> Response {
    let Some(path) = upstream.location.path(request.uri().path()) else {
        let mut nothing = Response::new(Body::from("the proxy has nothing there"));
        *nothing.status_mut() = StatusCode::NOT_FOUND;
        return nothing;
    };
    let query = request.uri().query().map(|query| format!("?{query}"));
    let url = format!(
        "http://{}{path}{}",
        upstream.server,
        query.unwrap_or_default()
    );
    let (parts, body) = request.into_parts();
    let host = parts.headers[HOST].to_str().expect("text").to_owned();
    let mut headers = parts.headers;
    headers.remove(HOST);
    headers.remove(CONNECTION);
    for (name, value) in &upstream.location.headers {
        let value = match value.as_str() {
            "$http_host" => &host,
            "$scheme" => "https",
            "$proxy_add_x_forwarded_for" => "192.0.2.7",
            "$user" => "alice",
            "$groups" => "ops,other",
            value => value,
        };
        let name: axum::http::HeaderName = name.parse().expect("a name");
        headers.remove(&name);
        if !value.is_empty() {
            headers.insert(name, value.parse().expect("a value"));
        }
    }
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let answer = upstream
        .client
        .request(parts.method, url)
        .headers(headers)
        .body(body)
        .send()
        .await
        .expect("an answer");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    response.headers_mut().clone_from(answer.headers());
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        response.headers_mut().remove(name);
    }
    *response.body_mut() = Body::from_stream(answer.bytes_stream());
    response
}

fn operation() -> &'static str {
    include_str!("../../../docs/operation.md")
}

fn sign_in() -> &'static str {
    include_str!("../../../docs/sign-in.md")
}

fn add_people(access: &Access) {
    let grant = Grant::everywhere(Role::Admin);
    let added = access.add_user("alice", grant, Some("correct horse"), crate::server::at(0));
    added.expect("added");
}

#[tokio::test]
async fn the_recipe_for_a_proxy_works_as_it_is_written() {
    let recipe = Recipe::read(operation(), "## Behind a proxy");
    let server = Server::start_as(&recipe.variables, vec![round_of("hoge", &["a"])], |_| ()).await;
    server.ready().await;
    let proxy = Proxy::start(&server, recipe.location).await;
    assert_eq!(proxy.get("/").await.status(), StatusCode::OK);
    let change = proxy
        .request(Method::PUT, "/api/v1/vms/hoge/1/power")
        .header(ORIGIN, format!("https://{NAME}"))
        .json(&serde_json::json!({ "action": "on" }));
    let answer = change.send().await.expect("sent");
    // The VM is not there: what is looked at is that the page may ask.
    assert_ne!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_recipes_for_a_path_work_whether_or_not_the_proxy_takes_it_off() {
    let recipe = Recipe::read(operation(), "### Below a path");
    let passing = recipe.location;
    assert_eq!(passing.replacement, None, "the recipe passes the path on");
    let stripping = Location {
        replacement: Some("/".to_owned()),
        ..passing.clone()
    };
    for location in [passing, stripping] {
        let mut variables = recipe.variables.clone();
        variables.push("DASHBOARD_SIGN_IN=password".to_owned());
        let rounds = vec![round_of("hoge", &["a", "b"])];
        let server = Server::start_as(&variables, rounds, add_people).await;
        server.ready().await;
        let what = format!("{location:?}");
        let proxy = Proxy::start(&server, location).await;

        let page = proxy.get("/ecoman/nodes").await;
        assert_eq!(page.status(), StatusCode::OK, "{what}");
        let page = page.text().await.expect("a page");
        assert!(page.contains("data-base=\"/ecoman\""), "{what}: {page}");
        let script = "/ecoman/ecoman-0123456789abcdef.js";
        assert!(
            page.contains(&format!("src=\"{script}\"")),
            "{what}: {page}"
        );
        assert_eq!(proxy.get(script).await.status(), StatusCode::OK, "{what}");

        let docs = proxy.get("/ecoman/api/docs").await;
        assert_eq!(docs.headers()[LOCATION], "/ecoman/api/docs/", "{what}");
        let document: serde_json::Value = proxy
            .get("/ecoman/api/v1/openapi.json")
            .await
            .json()
            .await
            .expect("a document");
        assert_eq!(document["servers"][0]["url"], "/ecoman", "{what}");

        let signed_in = proxy
            .request(Method::POST, "/ecoman/api/v1/session")
            .header(ORIGIN, format!("https://{NAME}"))
            .json(&serde_json::json!({ "name": "alice", "password": "correct horse" }))
            .send()
            .await
            .expect("sent");
        assert_eq!(signed_in.status(), StatusCode::OK, "{what}");
        let cookie = signed_in.headers()[SET_COOKIE].to_str().expect("text");
        let (pair, attributes) = cookie.split_once("; ").expect("attributes");
        assert!(pair.starts_with("__Secure-ecoman_session="), "{cookie}");
        assert!(attributes.starts_with("Path=/ecoman;"), "{cookie}");
        assert!(attributes.ends_with("; Secure"), "{cookie}");

        let ask = |path: &str| {
            proxy
                .request(Method::GET, path)
                .header("cookie", pair)
                .send()
        };
        let list = ask("/ecoman/api/v1/vms").await.expect("sent");
        let list: VmPage = list.json().await.expect("a list");
        assert_eq!(list.total, 2, "{what}");
        let csv = proxy
            .request(Method::GET, "/ecoman/api/v1/vms?limit=1")
            .header("accept", "text/csv")
            .header("cookie", pair);
        let csv = csv.send().await.expect("sent");
        let next = csv.headers()[LINK].to_str().expect("text");
        assert!(next.starts_with("</ecoman/api/v1/vms?"), "{what}: {next}");
        let problem = ask("/ecoman/api/v1/nope").await.expect("sent");
        let problem: Problem = problem.json().await.expect("a problem");
        assert_eq!(problem.instance, "/ecoman/api/v1/nope", "{what}");
        assert!(
            problem.detail.contains(" /ecoman/api/v1/openapi.json"),
            "{what}: {}",
            problem.detail
        );
        let events = ask("/ecoman/api/v1/events").await.expect("sent");
        assert_eq!(events.headers()["content-type"], "text/event-stream");
    }
}

#[tokio::test]
async fn below_a_path_there_is_one_address_of_the_page() {
    let variables = ["DASHBOARD_BASE_PATH=/ecoman/".to_owned()];
    let server = Server::start_as(&variables, Vec::new(), |_| ()).await;
    let client = Client::builder().redirect(redirect::Policy::none());
    let client = client.build().expect("a client");
    let url = format!("http://{}/ecoman?q=web", server.address());
    let answer = client.get(url).send().await.expect("sent");
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()[LOCATION], "/ecoman/?q=web");
    // Health checks of this machine know nothing of the proxy.
    for path in ["/healthz", "/ecoman/healthz", "/ecoman/metrics"] {
        assert_eq!(server.get(path).await.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(
        server.get("/ecoman/missing.js").await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_recipe_for_sign_in_by_a_proxy_works_as_it_is_written() {
    let recipe = Recipe::read(sign_in(), "## `proxy`: single sign-on");
    let server = Server::start_as(&recipe.variables, vec![round_of("hoge", &["a"])], |_| ()).await;
    server.ready().await;
    let proxy = Proxy::start(&server, recipe.location).await;
    let session = proxy.get("/api/v1/session").await;
    assert_eq!(session.status(), StatusCode::OK);
    let identity: Identity = session.json().await.expect("an identity");
    assert_eq!(identity.name.as_deref(), Some("alice"));
    assert_eq!(identity.role, Some(Role::Operator));
    let list = proxy.get("/api/v1/vms").await;
    assert_eq!(list.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_proxy_that_does_not_pass_on_the_host_is_named_where_a_change_is_refused() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let location = Location {
        prefix: "/".to_owned(),
        headers: Vec::new(),
        replacement: None,
    };
    let proxy = Proxy::start(&server, location).await;
    let change = |proxy: &Proxy| {
        proxy
            .request(Method::PUT, "/api/v1/vms/hoge/1/power")
            .header(ORIGIN, "http://ecoman.example.net")
            .json(&serde_json::json!({ "action": "on" }))
    };
    let answer = change(&proxy).send().await.expect("sent");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let problem: Problem = answer.json().await.expect("a problem");
    assert_eq!(problem.kind, "urn:ecoman:problem:cross-site");
    for part in [
        "A page of another site made this request",
        "\"http://ecoman.example.net\"",
        &format!("{:?}", server.address()),
        "pass on the Host header",
        "proxy_set_header Host $http_host",
    ] {
        assert!(problem.detail.contains(part), "{part}: {}", problem.detail);
    }
    // Where the browser itself says that it is another site, no proxy is to blame.
    let foreign = change(&proxy).header("sec-fetch-site", "cross-site");
    let problem: Problem = foreign
        .send()
        .await
        .expect("sent")
        .json()
        .await
        .expect("a problem");
    assert!(!problem.detail.contains("proxy"), "{}", problem.detail);
}

#[tokio::test]
async fn a_browser_gets_a_page_where_the_name_is_not_allowed() {
    let server = Server::start().await;
    let request = || {
        server
            .request("/nodes")
            .header(HOST, "vm-console.example.net")
    };
    let page = request()
        .header(
            "accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        )
        .send()
        .await
        .expect("sent");
    assert_eq!(page.status(), StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let page = page.text().await.expect("a page");
    assert!(page.contains("vm-console.example.net"), "{page}");
    assert!(page.contains("DASHBOARD_ALLOWED_HOSTS"), "{page}");
    let problem = request().send().await.expect("sent");
    assert_eq!(
        problem.headers()["content-type"],
        "application/problem+json"
    );
}
