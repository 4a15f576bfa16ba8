//! An executor in the place of the real one: it takes orders and answers as
//! `ecoman_api::executor` says, and what becomes of a task is up to the test. It can die, come
//! back as the same run (the network was away) or as another, and lose answers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use ecoman_api::Problem;
use ecoman_api::executor::{Cancel, Instance, Order, Report};
use ecoman_backend::ExecutorAccess;
use ecoman_model::{TaskError, TaskErrorKind, TaskId, TaskProgress, TaskState};
use futures::{StreamExt as _, stream};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

const TOKEN: &str = "test-token";

/// A task that is so far, in percent, cannot be stopped.
pub(crate) const BEGUN: u8 = 66;

/// The executor; dies when dropped.
pub(crate) struct Executor {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Of its own: with it every connection ends at once.
    runtime: Mutex<Option<Runtime>>,
}

#[derive(Default)]
struct Shared {
    instance: Mutex<Uuid>,
    /// How often it was asked which run it is.
    asked: AtomicUsize,
    tasks: Mutex<BTreeMap<TaskId, watch::Sender<Report>>>,
    /// Every task that it has begun, over all of its runs.
    begun: Mutex<Vec<Order>>,
    /// The next order is carried out, and its answer is lost.
    lose_answer: AtomicBool,
    /// The next order is lost on its way.
    lose_order: AtomicBool,
    /// It becomes another run just before the next order.
    change_run: AtomicBool,
    /// The next order arrives, and is not looked at before this ends.
    hold_order: Mutex<Option<oneshot::Receiver<()>>>,
    held: AtomicBool,
    /// What it reads from a node: path, status and body.
    readings: Mutex<Vec<(String, StatusCode, serde_json::Value)>>,
    /// Tasks that it has carried out before.
    forgotten: Mutex<Vec<TaskId>>,
}

impl Executor {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let executor = Self {
            address: listener.local_addr().expect("an address"),
            shared: Arc::default(),
            runtime: Mutex::default(),
        };
        executor.shared.change_run();
        executor.serve(listener);
        executor
    }

    pub(crate) fn access(&self) -> ExecutorAccess {
        ExecutorAccess {
            address: self.address.ip().to_string(),
            port: self.address.port(),
            token: Some(TOKEN.to_owned()),
        }
    }

    /// Everything that it has begun, in order.
    pub(crate) fn begun(&self) -> Vec<Order> {
        self.shared.begun.lock().unwrap().clone()
    }

    /// Whether it remembers a task.
    pub(crate) fn remembers(&self, id: TaskId) -> bool {
        self.shared.tasks.lock().unwrap().contains_key(&id)
    }

    /// Lets a task get on.
    pub(crate) fn report(&self, id: TaskId, change: impl FnOnce(&mut TaskProgress)) {
        let tasks = self.shared.tasks.lock().unwrap();
        let task = tasks.get(&id).expect("a task that it knows");
        task.send_modify(|report| {
            report.revision += 1;
            change(&mut report.progress);
        });
    }

    /// Brings a task to a good end.
    pub(crate) fn succeed(&self, id: TaskId) {
        self.report(id, |progress| progress.state = TaskState::Succeeded);
    }

    pub(crate) fn lose_next_answer(&self) {
        self.shared.lose_answer.store(true, Ordering::SeqCst);
    }

    pub(crate) fn lose_next_order(&self) {
        self.shared.lose_order.store(true, Ordering::SeqCst);
    }

    /// The next order is on its way until what is returned is dropped.
    pub(crate) fn hold_next_order(&self) -> oneshot::Sender<()> {
        let (release, held) = oneshot::channel();
        *self.shared.hold_order.lock().unwrap() = Some(held);
        release
    }

    /// Whether an order is on its way.
    pub(crate) fn is_holding(&self) -> bool {
        self.shared.held.load(Ordering::SeqCst)
    }

    /// It reads this from a node.
    pub(crate) fn reads(&self, path: &str, status: StatusCode, body: serde_json::Value) {
        let mut readings = self.shared.readings.lock().unwrap();
        readings.retain(|(known, ..)| known != path);
        readings.push((path.to_owned(), status, body));
    }

    /// A task was carried out for another dashboard, which has kept its end.
    pub(crate) fn has_forgotten(&self, id: TaskId) {
        self.shared.forgotten.lock().unwrap().push(id);
    }

    pub(crate) fn change_run_before_next_order(&self) {
        self.shared.change_run.store(true, Ordering::SeqCst);
    }

    /// How often it was asked which run it is.
    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Nobody reaches it any more.
    pub(crate) fn go_away(&self) {
        if let Some(runtime) = self.runtime.lock().unwrap().take() {
            runtime.shutdown_background();
        }
    }

    /// It can be reached again, and has gone on working.
    pub(crate) fn come_back(&self) {
        let listener = loop {
            // What was there before may need a moment to go.
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        self.serve(listener);
    }

    /// It dies with all it knows and is restarted.
    pub(crate) fn restart(&self) {
        self.go_away();
        self.shared.change_run();
        self.come_back();
    }

    /// It forgets its tasks and takes itself for the same run.
    pub(crate) fn lose_memory(&self) {
        self.shared.tasks.lock().unwrap().clear();
    }

    fn serve(&self, listener: TcpListener) {
        let runtime = Runtime::new().expect("threads");
        listener.set_nonblocking(true).expect("non-blocking");
        let router = Router::new()
            .route("/instance", get(instance))
            .route("/tasks", post(order))
            .route("/tasks/{id}", get(report).delete(forget))
            .route("/tasks/{id}/events", get(events))
            .route("/tasks/{id}/cancel", post(cancel))
            .route("/nodes/{*path}", get(read))
            .layer(middleware::from_fn(check_token))
            .with_state(Arc::clone(&self.shared));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, router).await.expect("served");
        });
        *self.runtime.lock().unwrap() = Some(runtime);
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.go_away();
    }
}

impl Shared {
    fn change_run(&self) {
        *self.instance.lock().unwrap() = Uuid::new_v4();
        self.tasks.lock().unwrap().clear();
    }

    fn instance(&self) -> Uuid {
        *self.instance.lock().unwrap()
    }
}

async fn check_token(headers: HeaderMap, request: Request, next: Next) -> Response {
    let expected = format!("Bearer {TOKEN}");
    match headers.get("authorization") {
        Some(token) if token.as_bytes() == expected.as_bytes() => next.run(request).await,
        _ => problem(StatusCode::UNAUTHORIZED, "unauthorized"),
    }
}

async fn instance(State(shared): State<Arc<Shared>>) -> Json<Instance> {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    Json(Instance {
        instance: shared.instance(),
        version: "0.0.0".to_owned(),
    })
}

async fn order(State(shared): State<Arc<Shared>>, Json(order): Json<Order>) -> Response {
    if shared.lose_order.swap(false, Ordering::SeqCst) {
        return cut_off();
    }
    if shared.change_run.swap(false, Ordering::SeqCst) {
        shared.change_run();
    }
    let held = shared.hold_order.lock().unwrap().take();
    if let Some(held) = held {
        shared.held.store(true, Ordering::SeqCst);
        let _released = held.await;
        shared.held.store(false, Ordering::SeqCst);
    }
    if order.instance != shared.instance() {
        return problem(StatusCode::CONFLICT, "other-instance");
    }
    if shared.forgotten.lock().unwrap().contains(&order.id) {
        return problem(StatusCode::GONE, "forgotten");
    }
    let mut tasks = shared.tasks.lock().unwrap();
    let is_new = !tasks.contains_key(&order.id);
    let task = tasks.entry(order.id).or_insert_with(|| {
        watch::Sender::new(Report {
            id: order.id,
            instance: order.instance,
            revision: 0,
            progress: TaskProgress::default(),
        })
    });
    if is_new {
        shared.begun.lock().unwrap().push(order);
    }
    if shared.lose_answer.swap(false, Ordering::SeqCst) {
        return cut_off();
    }
    let status = if is_new {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    (status, Json(task.borrow().clone())).into_response()
}

async fn report(State(shared): State<Arc<Shared>>, Path(id): Path<TaskId>) -> Response {
    match shared.tasks.lock().unwrap().get(&id) {
        Some(task) => Json(task.borrow().clone()).into_response(),
        None => problem(StatusCode::NOT_FOUND, "task-not-found"),
    }
}

async fn read(State(shared): State<Arc<Shared>>, Path(path): Path<String>) -> Response {
    let readings = shared.readings.lock().unwrap();
    let known = readings.iter().find(|(known, ..)| *known == path);
    match known {
        Some((_, status, body)) => (*status, Json(body.clone())).into_response(),
        None => problem(StatusCode::NOT_FOUND, "vm-not-found"),
    }
}

async fn cancel(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<TaskId>,
    Json(Cancel { by }): Json<Cancel>,
) -> Response {
    let tasks = shared.tasks.lock().unwrap();
    let Some(task) = tasks.get(&id) else {
        return problem(StatusCode::NOT_FOUND, "task-not-found");
    };
    if task.borrow().progress.percent == Some(BEGUN) {
        return problem(StatusCode::CONFLICT, "not-cancellable");
    }
    task.send_modify(|report| {
        report.revision += 1;
        report.progress.state = TaskState::Cancelled;
        report.progress.error = Some(TaskError {
            kind: TaskErrorKind::Cancelled,
            message: format!("It was cancelled by {by:?}."),
            hint: String::new(),
            left: Vec::new(),
        });
    });
    (StatusCode::ACCEPTED, Json(task.borrow().clone())).into_response()
}

async fn events(State(shared): State<Arc<Shared>>, Path(id): Path<TaskId>) -> Response {
    let Some(mut task) = (shared.tasks.lock().unwrap())
        .get(&id)
        .map(watch::Sender::subscribe)
    else {
        return problem(StatusCode::NOT_FOUND, "task-not-found");
    };
    task.mark_changed();
    let reports = stream::unfold((task, false), |(mut task, ended)| async move {
        if ended || task.changed().await.is_err() {
            return None;
        }
        let report = task.borrow_and_update().clone();
        let event = Event::default()
            .event("report")
            .id(report.revision.to_string())
            .json_data(&report)
            .expect("JSON");
        let ended = report.progress.state.is_final();
        Some((event, (task, ended)))
    });
    Sse::new(reports.map(Ok::<_, Infallible>)).into_response()
}

async fn forget(State(shared): State<Arc<Shared>>, Path(id): Path<TaskId>) -> Response {
    let mut tasks = shared.tasks.lock().unwrap();
    match tasks.get(&id).map(|task| task.borrow().progress.state) {
        None => problem(StatusCode::NOT_FOUND, "task-not-found"),
        Some(state) if !state.is_final() => problem(StatusCode::CONFLICT, "task-runs"),
        Some(_) => {
            tasks.remove(&id);
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// An answer that ends before it has begun properly.
fn cut_off() -> Response {
    let broken = stream::iter([Err::<&str, _>(std::io::Error::other("cut off"))]);
    Body::from_stream(broken).into_response()
}

fn problem(status: StatusCode, kind: &str) -> Response {
    let problem = Problem {
        kind: format!("urn:ecoman:problem:{kind}"),
        title: kind.to_owned(),
        status: status.as_u16(),
        detail: format!("The executor says {kind}."),
        instance: String::new(),
        request_id: String::new(),
        errors: Vec::new(),
    };
    (status, Json(problem)).into_response()
}
