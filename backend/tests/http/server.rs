//! A dashboard on a free port over an embedded store, with a clock that a test sets, and what
//! tests ask it with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clap::Parser as _;
use ecoman_access::Access;
use ecoman_api::executor::Order;
use ecoman_api::{NodePage, TaskPage, VmPage};
use ecoman_backend::{BackendError, Config, Dashboard, DashboardArgs, ExecutorAccess, SignIn};
use ecoman_model::{
    AuditEntry, LastKnown, NodeName, NodeRecord, NodeSettings, NodeState, PendingChange,
    PowerState, RefreshRequest, Round, RoundVms, Task, TaskError, TaskId, TaskState, Timestamp,
    VmFacts, VmKey, VmRecord, Vmid,
};
use ecoman_store::{
    Added, AuditQuery, AuditStore, EmbeddedStore, HistoryPage, HistoryQuery, HistoryStore,
    PendingStore, Revision, Store, StoreError, TaskQuery, TaskStore, Unwritable, Written,
};
use futures::StreamExt as _;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::executor::Executor;

/// Longer than anything here takes; what was waited for is named when it is over.
const PATIENCE: Duration = Duration::from_secs(20);

/// When the tests begin: 2026-11-22 20:00:00 UTC.
const BEGIN: i64 = 1_795_377_600;

/// Seconds after the beginning of a test.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(BEGIN + second, 0).expect("in range")
}

/// A running dashboard; stops when dropped.
pub(crate) struct Server {
    pub(crate) store: Arc<SwitchedStore>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), BackendError>>,
    base: String,
    clock: Arc<AtomicI64>,
    client: reqwest::Client,
    /// Of the store's file.
    directory: Arc<TempDir>,
}

impl Server {
    /// One that has read its empty store.
    pub(crate) async fn start() -> Self {
        let server = Self::start_with(|dashboard| dashboard).await;
        server.ready().await;
        server
    }

    /// One that has read these nodes.
    pub(crate) async fn start_showing(rounds: Vec<Round>) -> Self {
        let server = Self::start().await;
        for round in rounds {
            server.show(round).await;
        }
        server
    }

    /// One whose dashboard is prepared otherwise; perhaps not ready yet.
    pub(crate) async fn start_with(prepare: impl FnOnce(Dashboard) -> Dashboard) -> Self {
        Self::start_on(true, prepare).await
    }

    /// One that people sign in to, over these nodes; `prepare` adds the people.
    pub(crate) async fn start_signing_in(
        sign_in: SignIn,
        rounds: Vec<Round>,
        prepare: impl FnOnce(&Access),
    ) -> Self {
        let (store, directory) = store(true).await;
        for round in rounds {
            store.record(round).await;
        }
        let mut config = config(nobody());
        config.access.sign_in = sign_in;
        config.access.directory = directory.path().join("access");
        prepare(&Access::new(&config.access.directory));
        Self::start_configured(config, store, directory, Arc::default(), |server| server).await
    }

    /// One with these variables, as `NAME=VALUE`; `prepare` adds the people.
    pub(crate) async fn start_as(
        variables: &[String],
        rounds: Vec<Round>,
        prepare: impl FnOnce(&Access),
    ) -> Self {
        let (store, directory) = store(true).await;
        for round in rounds {
            store.record(round).await;
        }
        let mut config = config_of(variables, nobody());
        config.access.directory = directory.path().join("access");
        prepare(&Access::new(&config.access.directory));
        let page = directory.path().to_owned();
        std::fs::write(page.join("index.html"), PAGE).expect("written");
        std::fs::write(page.join("ecoman-0123456789abcdef.js"), "// script").expect("written");
        Self::start_configured(config, store, directory, Arc::default(), |server| {
            server.with_page(&page)
        })
        .await
    }

    /// Where it listens, as `host:port`.
    pub(crate) fn address(&self) -> &str {
        self.base.strip_prefix("http://").expect("an address")
    }

    /// Where its users are.
    pub(crate) fn access_directory(&self) -> PathBuf {
        self.directory.path().join("access")
    }

    /// One whose store does not answer from the beginning.
    pub(crate) async fn start_without_store() -> Self {
        Self::start_on(false, |dashboard| dashboard).await
    }

    /// One with an executor that has read these nodes.
    pub(crate) async fn start_with_executor(rounds: Vec<Round>) -> (Self, Executor) {
        let executor = Executor::start();
        let (store, directory) = store(true).await;
        for round in rounds {
            store.record_round(&round).await.expect("recorded");
        }
        let clock = Arc::new(AtomicI64::new(0));
        let server =
            Self::start_over(store, directory, clock, executor.access(), |server| server).await;
        server.ready().await;
        (server, executor)
    }

    /// Stops it, and starts another over the same store.
    pub(crate) async fn restart(mut self, executor: &Executor) -> Self {
        if !self.task.is_finished() {
            self.stop().await;
        }
        let parts = (Arc::clone(&self.store), Arc::clone(&self.directory));
        let clock = Arc::clone(&self.clock);
        let server =
            Self::start_over(parts.0, parts.1, clock, executor.access(), |server| server).await;
        server.ready().await;
        server
    }

    /// Stops it.
    pub(crate) async fn stop(&mut self) {
        self.shutdown.cancel();
        timeout(PATIENCE, &mut self.task)
            .await
            .expect("waited too long for the server to stop")
            .expect("no panic")
            .expect("no failure");
    }

    async fn start_on(there: bool, prepare: impl FnOnce(Dashboard) -> Dashboard) -> Self {
        let (store, directory) = store(there).await;
        Self::start_over(store, directory, Arc::default(), nobody(), prepare).await
    }

    async fn start_over(
        store: Arc<SwitchedStore>,
        directory: Arc<TempDir>,
        clock: Arc<AtomicI64>,
        executor: ExecutorAccess,
        prepare: impl FnOnce(Dashboard) -> Dashboard,
    ) -> Self {
        Self::start_configured(config(executor), store, directory, clock, prepare).await
    }

    async fn start_configured(
        config: Config,
        store: Arc<SwitchedStore>,
        directory: Arc<TempDir>,
        clock: Arc<AtomicI64>,
        prepare: impl FnOnce(Dashboard) -> Dashboard,
    ) -> Self {
        let dashboard = Dashboard::bind(config, Arc::clone(&store) as Arc<dyn Store>)
            .await
            .expect("a free port")
            .with_clock({
                let clock = Arc::clone(&clock);
                Arc::new(move || at(clock.load(Ordering::Relaxed)))
            });
        let dashboard = prepare(dashboard);
        let base = format!("http://{}", dashboard.local_addr());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(dashboard.serve(shutdown.clone()));
        Self {
            store,
            shutdown,
            task,
            base,
            clock,
            client: reqwest::Client::new(),
            directory,
        }
    }

    /// Waits until it has read its store.
    pub(crate) async fn ready(&self) {
        self.until("the server to be ready", async || {
            let status = self.get("/readyz").await.status();
            (status == StatusCode::OK).then_some(())
        })
        .await;
    }

    /// Lets the crawler record a round, and waits until it is shown.
    pub(crate) async fn show(&self, round: Round) {
        let name = round.node.name.clone();
        let before = self.revision().await;
        self.store.record_round(&round).await.expect("recorded");
        self.until(&format!("the round of {name} to be shown"), async || {
            (self.revision().await > before).then_some(())
        })
        .await;
    }

    /// Lets seconds pass for the dashboard.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Sets the dashboard's clock.
    pub(crate) fn set_clock(&self, second: i64) {
        self.clock.store(second, Ordering::Relaxed);
    }

    /// A request that can still be changed.
    pub(crate) fn request(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    /// A request with another method.
    pub(crate) fn method(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(path).send().await.expect("an answer")
    }

    /// The JSON of a successful answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, path: &str) -> T {
        let response = self.get(path).await;
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error} in {text}"))
    }

    pub(crate) async fn vms(&self, query: &str) -> VmPage {
        self.json(&format!("/api/v1/vms{query}")).await
    }

    /// The ids of a list, in its order, as `NODE/VMID`.
    pub(crate) async fn keys(&self, query: &str) -> Vec<String> {
        keys(&self.vms(query).await)
    }

    pub(crate) async fn nodes(&self) -> NodePage {
        self.json("/api/v1/nodes").await
    }

    pub(crate) async fn revision(&self) -> u64 {
        self.nodes().await.revision
    }

    pub(crate) async fn tasks(&self, query: &str) -> TaskPage {
        self.json(&format!("/api/v1/tasks{query}")).await
    }

    pub(crate) async fn task(&self, id: TaskId) -> ecoman_api::Task {
        self.json(&format!("/api/v1/tasks/{id}")).await
    }

    /// A task once it is in this state.
    pub(crate) async fn state(&self, id: TaskId, state: TaskState) -> ecoman_api::Task {
        self.until(&format!("task {id} to be {}", state.word()), async || {
            let response = self.get(&format!("/api/v1/tasks/{id}")).await;
            let task: ecoman_api::Task = response.json().await.ok()?;
            (task.state == state).then_some(task)
        })
        .await
    }

    /// What the executor has begun, once there is so much.
    pub(crate) async fn begun(&self, executor: &Executor, count: usize) -> Vec<Order> {
        self.until(
            &format!("the executor to begin {count} tasks"),
            async || {
                let begun = executor.begun();
                (begun.len() >= count).then_some(begun)
            },
        )
        .await
    }

    /// The stream of events; has begun when this returns.
    pub(crate) async fn events(&self, request: RequestBuilder) -> Events {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let mut events = Events {
            chunks: response.bytes_stream().boxed(),
            text: String::new(),
        };
        let hello = events.next().await;
        assert_eq!((hello.event.as_str(), hello.retry.as_str()), ("", "2000"));
        events
    }

    /// Asks again and again until there is an answer.
    pub(crate) async fn until<T>(&self, what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
        let asking = async {
            loop {
                if let Some(answer) = ask().await {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, asking)
            .await
            .unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn keys(page: &VmPage) -> Vec<String> {
    let key = |vm: &ecoman_api::Vm| format!("{}/{}", vm.node, vm.vmid);
    page.items.iter().map(key).collect()
}

/// A stream of server-sent events.
pub(crate) struct Events {
    chunks: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

/// One event as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) data: String,
    pub(crate) retry: String,
}

impl Events {
    /// The next event.
    pub(crate) async fn next(&mut self) -> Received {
        timeout(PATIENCE, self.next_or_end())
            .await
            .expect("waited too long for an event")
            .expect("the stream has ended")
    }

    /// The next event; `None`: the stream has ended.
    pub(crate) async fn next_or_end(&mut self) -> Option<Received> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let received = received(event);
                self.text = rest.to_owned();
                // Comments come for themselves.
                if received != Received::default() {
                    return Some(received);
                }
                continue;
            }
            let chunk = self.chunks.next().await?.ok()?;
            self.text
                .push_str(std::str::from_utf8(&chunk).expect("events are cut at lines here"));
        }
    }
}

fn received(text: &str) -> Received {
    let mut received = Received::default();
    for line in text.lines().filter(|line| !line.starts_with(':')) {
        let (field, value) = line.split_once(": ").unwrap_or((line, ""));
        match field {
            "event" => received.event = value.to_owned(),
            "id" => received.id = value.to_owned(),
            "data" => received.data.push_str(value),
            "retry" => received.retry = value.to_owned(),
            other => panic!("no field of an event: {other:?}"),
        }
    }
    received
}

/// A page that names a file of its own.
const PAGE: &str = "<!doctype html>\n<html data-base=\"\">\n\
    <script src=\"/ecoman-0123456789abcdef.js\"></script>\n</html>\n";

/// A dashboard on any free port of loopback, configured as by a command line.
pub(crate) fn config(executor: ExecutorAccess) -> Config {
    let variables = [
        "DASHBOARD_ALLOWED_HOSTS=ecoman.example.org",
        "DASHBOARD_PRESETS=small=1/1024/30",
        "DASHBOARD_TRUSTED_PROXIES=127.0.0.1",
    ];
    config_of(&variables.map(str::to_owned), executor)
}

/// The same with these variables, as `NAME=VALUE`.
fn config_of(variables: &[String], executor: ExecutorAccess) -> Config {
    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        dashboard: DashboardArgs,
    }
    let options = variables.iter().map(|variable| {
        let (name, value) = variable.split_once('=').expect("NAME=VALUE");
        format!("--{}={value}", name.to_lowercase().replace('_', "-"))
    });
    let before = ["ecoman", "--dashboard-port=0"].map(str::to_owned);
    let cli = Cli::parse_from(before.into_iter().chain(options));
    let config = cli.dashboard.config(executor, Path::new("/nowhere"));
    config.expect("the options go together")
}

/// An executor that is never there.
pub(crate) fn nobody() -> ExecutorAccess {
    ExecutorAccess {
        address: "127.0.0.1".to_owned(),
        // Nobody listens there, and nobody but root could.
        port: 1,
        token: None,
    }
}

async fn store(there: bool) -> (Arc<SwitchedStore>, Arc<TempDir>) {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("ecoman.redb");
    let store = SwitchedStore {
        there: AtomicBool::new(there),
        full: AtomicBool::new(false),
        write_refused: Notify::new(),
        refused_ends: AtomicUsize::new(0),
        audit_lock: tokio::sync::RwLock::default(),
        audit_entries: AtomicUsize::new(0),
        store: EmbeddedStore::open(&file).await.expect("a store"),
    };
    (Arc::new(store), Arc::new(directory))
}

/// A node that answered a second ago.
pub(crate) fn node(name: &str) -> NodeRecord {
    NodeRecord {
        name: name.parse().expect("a name"),
        settings: NodeSettings {
            address: format!("{name}.example.org"),
            port: 22,
            username: "root".to_owned(),
            datastore_path: "/vmfs/volumes/datastore1".to_owned(),
            installer_iso_path: "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso".to_owned(),
            network_port_group: "Management Network".to_owned(),
            max_sessions: 4,
            read_only: false,
        },
        facts: None,
        observed_at: Some(at(-2)),
        attempted_at: Some(at(-1)),
        next_attempt_at: Some(at(58)),
        interval_seconds: 60,
        round_millis: Some(1000),
        failure: None,
        warnings: Vec::new(),
        collecting: None,
        vms_read_at: Vec::new(),
    }
}

/// A VM that was seen by the last round of [`node`].
pub(crate) fn vm(node: &str, vmid: u32, facts: VmFacts) -> VmRecord {
    VmRecord {
        key: VmKey {
            node: node.parse().expect("a name"),
            vmid: Vmid(vmid),
        },
        facts,
        observed_at: at(-2),
        failure: None,
        last_known: LastKnown::default(),
    }
}

/// Facts of a small VM.
pub(crate) fn facts(name: &str) -> VmFacts {
    VmFacts {
        name: Some(name.to_owned()),
        power: PowerState::On,
        cpus: Some(1),
        memory_mb: Some(1024),
        storage_bytes: Some(10 << 30),
        ..VmFacts::default()
    }
}

/// A complete round of a node.
pub(crate) fn round(node: NodeRecord, vms: Vec<VmRecord>) -> Round {
    Round {
        node,
        vms: RoundVms::Complete(vms),
    }
}

/// A complete round of a node with small VMs of these names, with ids from 1 on.
pub(crate) fn round_of(name: &str, vms: &[&str]) -> Round {
    let vms = (1..)
        .zip(vms)
        .map(|(vmid, vm_name)| vm(name, vmid, facts(vm_name)));
    round(node(name), vms.collect())
}

/// The same round once more at another time.
pub(crate) fn later(mut round: Round, second: i64) -> Round {
    round.node.observed_at = Some(at(second - 1));
    round.node.attempted_at = Some(at(second));
    round
}

/// An embedded store that a test can take away.
#[derive(Debug)]
pub(crate) struct SwitchedStore {
    there: AtomicBool,
    /// Whether its disk is full.
    full: AtomicBool,
    write_refused: Notify,
    /// Ends of tasks that it was to keep while it was away.
    refused_ends: AtomicUsize,
    /// Entries of the audit log are kept when nobody writes to it.
    audit_lock: tokio::sync::RwLock<()>,
    /// Entries that have come to that lock.
    audit_entries: AtomicUsize,
    store: EmbeddedStore,
}

impl SwitchedStore {
    pub(crate) fn set_there(&self, there: bool) {
        self.there.store(there, Ordering::Relaxed);
    }

    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    fn check_space(&self) -> Result<(), StoreError> {
        self.check()?;
        if !self.full.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.write_refused.notify_one();
        Err(StoreError::Unwritable {
            what: "something".to_owned(),
            place: "/data/ecoman.redb".to_owned(),
            problem: Unwritable::DiskFull,
            source: "no storage space".into(),
        })
    }

    /// Takes a round of the crawler.
    pub(crate) async fn record(&self, round: Round) {
        self.record_round(&round).await.expect("recorded");
    }

    pub(crate) fn refused_ends(&self) -> usize {
        self.refused_ends.load(Ordering::Relaxed)
    }

    /// Entries of the audit log wait until what is returned is dropped.
    pub(crate) async fn hold_audit(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.audit_lock.write().await
    }

    /// Entries of the audit log that it was to keep, waiting ones included.
    pub(crate) fn audit_entries(&self) -> usize {
        self.audit_entries.load(Ordering::Relaxed)
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.there.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(StoreError::Away {
                server: "db.example.org:27017".to_owned(),
                source: "connection refused".into(),
            })
        }
    }
}

#[async_trait]
impl TaskStore for SwitchedStore {
    async fn amend_task(&self, id: TaskId, error: &TaskError) -> Result<bool, StoreError> {
        self.check_space()?;
        self.store.amend_task(id, error).await
    }

    async fn add_task(&self, task: &Task) -> Result<Added, StoreError> {
        self.check_space()?;
        self.store.add_task(task).await
    }

    async fn update_task(&self, task: &Task) -> Result<bool, StoreError> {
        if let (Err(error), true) = (self.check(), task.progress.state.is_final()) {
            self.refused_ends.fetch_add(1, Ordering::Relaxed);
            return Err(error);
        }
        self.check_space()?;
        self.store.update_task(task).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.check()?;
        self.store.task(id).await
    }

    async fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, StoreError> {
        self.check()?;
        self.store.tasks(query).await
    }

    async fn task_position(&self) -> Result<u64, StoreError> {
        self.check()?;
        self.store.task_position().await
    }

    async fn tasks_changed(&self, position: u64) -> Result<(u64, Vec<Task>), StoreError> {
        self.check()?;
        self.store.tasks_changed(position).await
    }

    async fn forget_tasks(&self, before: Timestamp, keep: u64) -> Result<u64, StoreError> {
        self.check()?;
        self.store.forget_tasks(before, keep).await
    }

    async fn request_refresh(&self, note: &RefreshRequest) -> Result<(), StoreError> {
        self.check_space()?;
        self.store.request_refresh(note).await
    }

    async fn refresh_requests(&self) -> Result<Vec<RefreshRequest>, StoreError> {
        self.check()?;
        self.store.refresh_requests().await
    }

    async fn refresh_requests_changed(
        &self,
        known: &[Uuid],
    ) -> Result<Vec<RefreshRequest>, StoreError> {
        self.store.refresh_requests_changed(known).await
    }

    async fn remove_refresh_requests(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        self.store.remove_refresh_requests(ids).await
    }
}

#[async_trait]
impl AuditStore for SwitchedStore {
    async fn record_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.audit_entries.fetch_add(1, Ordering::Relaxed);
        let _open = self.audit_lock.read().await;
        self.check_space()?;
        self.store.record_audit(entry).await
    }

    async fn audit_entry(&self, id: Uuid) -> Result<Option<AuditEntry>, StoreError> {
        // Asked for when a task has ended.
        self.check().inspect_err(|_| {
            self.refused_ends.fetch_add(1, Ordering::Relaxed);
        })?;
        self.store.audit_entry(id).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        self.check()?;
        self.store.audit(query).await
    }

    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.check()?;
        self.store.forget_audit(before).await
    }
}

#[async_trait]
impl HistoryStore for SwitchedStore {
    async fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        self.check()?;
        self.store.history(query).await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.check()?;
        self.store.forget_events(before).await
    }
}

#[async_trait]
impl PendingStore for SwitchedStore {
    async fn set_pending(&self, change: &PendingChange) -> Result<(), StoreError> {
        self.check()?;
        self.store.set_pending(change).await
    }

    async fn remove_pending(&self, key: &VmKey, id: Uuid) -> Result<bool, StoreError> {
        self.check()?;
        self.store.remove_pending(key, id).await
    }
}

#[async_trait]
impl Store for SwitchedStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.check()?;
        self.store.ping().await
    }

    async fn check_write(&self) -> Result<(), StoreError> {
        self.check_space()?;
        self.store.check_write().await
    }

    async fn write_refused(&self) {
        self.write_refused.notified().await;
    }

    async fn record_round(&self, round: &Round) -> Result<Written, StoreError> {
        self.store.record_round(round).await
    }

    async fn record_vm(&self, vm: &VmRecord) -> Result<Written, StoreError> {
        self.store.record_vm(vm).await
    }

    async fn retain_nodes(&self, names: &[NodeName]) -> Result<Vec<NodeName>, StoreError> {
        self.store.retain_nodes(names).await
    }

    async fn node_state(&self, name: &NodeName) -> Result<Option<NodeState>, StoreError> {
        self.check()?;
        self.store.node_state(name).await
    }

    async fn revisions(&self) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        self.check()?;
        self.store.revisions().await
    }

    async fn changed(
        &self,
        known: &BTreeMap<NodeName, Revision>,
    ) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        // A database that goes away wakes those who wait, as MongoDB does within half a second.
        let away = async {
            while self.check().is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        self.check()?;
        tokio::select! {
            changed = self.store.changed(known) => changed,
            () = away => {
                self.check()?;
                self.store.revisions().await
            }
        }
    }
}
