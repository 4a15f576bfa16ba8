//! An executor over simulated nodes, asked over HTTP.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use ecoman_api::executor::{Instance, Order, Report};
use ecoman_esxi::SessionOptions;
use ecoman_executor::{Config, Executor};
use ecoman_model::{
    NewVm, PowerAction, PowerChange, TaskError, TaskErrorKind, TaskId, TaskRequest, TaskState, Vmid,
};
use ecoman_simulator::{CallOutcome, DatastoreSpec, Fault, NodeSpec, Scope, SimulatedNode};
use reqwest::{Client, Response, StatusCode};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a condition may take to come true before the test says what was missing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    directory: TempDir,
    /// Stops it as SIGTERM does.
    pub(crate) stop: CancellationToken,
    url: String,
    pub(crate) client: Client,
    pub(crate) instance: Uuid,
    /// Its own, so that it can die alone.
    runtime: Option<Runtime>,
}

impl Bench {
    pub(crate) async fn new(nodes: &[&SimulatedNode]) -> Self {
        Self::with(nodes, "", None).await
    }

    /// With `extra` lines behind each entry of hosts.yml, and a secret.
    pub(crate) async fn with(nodes: &[&SimulatedNode], extra: &str, token: Option<&str>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let hosts: String = nodes
            .iter()
            .map(|node| format!("{}{extra}", node.hosts_yml_entry()))
            .collect();
        let keys: String = nodes
            .iter()
            .map(|node| node.known_hosts_line() + "\n")
            .collect();
        std::fs::write(directory.path().join("known_hosts"), keys).expect("known_hosts");
        std::fs::write(directory.path().join("hosts.yml"), hosts).expect("hosts.yml");
        let config = Config::on_loopback(0, token.map(str::to_owned));
        let options = SessionOptions {
            known_hosts: vec![directory.path().join("known_hosts")],
            connect_timeout: Duration::from_secs(10),
        };
        let hosts = directory.path().join("hosts.yml");
        let runtime = Runtime::new().expect("threads");
        let binding = runtime.spawn(async move { Executor::bind(config, &hosts, options).await });
        let executor = binding.await.expect("no panic").expect("an executor");
        let url = format!("http://{}", executor.local_addr());
        let stop = CancellationToken::new();
        runtime.spawn(executor.serve(stop.clone()));
        let mut bench = Self {
            directory,
            stop,
            url,
            client: Client::new(),
            instance: Uuid::nil(),
            runtime: Some(runtime),
        };
        if token.is_none() {
            let instance: Instance = bench.get("/instance").await.json().await.expect("JSON");
            bench.instance = instance.instance;
        }
        bench
    }

    /// Changes what hosts.yml says, and waits until the executor has taken it over: of a node that
    /// it adds, it knows.
    pub(crate) async fn edit_hosts(&self, edit: impl FnOnce(String) -> String) {
        let path = self.directory.path().join("hosts.yml");
        let before = std::fs::read_to_string(&path).unwrap();
        let marker = format!("added-{}", Uuid::new_v4().simple());
        let key = before
            .lines()
            .find(|line| line.contains("identity_file_path"));
        let entry = format!(
            "{marker}:\n  addr: 127.0.0.1\n  username: root\n{}\n  \
             datastore_path: /vmfs/volumes/none\n  installer_iso_path: /vmfs/volumes/none\n  \
             network_port_group: none\n",
            key.expect("a key")
        );
        let after = edit(before) + &entry;
        std::fs::write(&path, after).unwrap();
        let known = async {
            loop {
                let order = Order {
                    id: TaskId(Uuid::new_v4()),
                    instance: self.instance,
                    node: marker.parse().expect("a node name"),
                    request: power(1, PowerAction::On),
                    follows: None,
                };
                self.post(&order).await;
                // It is looked for when the order comes.
                let error = self.report(order.id).await.progress.error;
                if error.is_none_or(|error| !error.message.contains("has no host")) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, known)
            .await
            .expect("hosts.yml is taken over");
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let request = self.client.get(self.url(path));
        request.send().await.expect("an answer")
    }

    pub(crate) fn order(&self, node: &SimulatedNode, request: TaskRequest) -> Order {
        Order {
            id: TaskId(Uuid::new_v4()),
            instance: self.instance,
            node: node.name().parse().expect("a node name"),
            request,
            follows: None,
        }
    }

    pub(crate) async fn post(&self, order: &Order) -> Response {
        let request = self.client.post(self.url("/tasks")).json(order);
        request.send().await.expect("an answer")
    }

    /// Hands a task over and waits for its end.
    pub(crate) async fn run(&self, node: &SimulatedNode, request: TaskRequest) -> Report {
        let order = self.order(node, request);
        assert_eq!(self.post(&order).await.status(), StatusCode::ACCEPTED);
        self.end(order.id).await
    }

    pub(crate) async fn report(&self, id: TaskId) -> Report {
        let response = self.get(&format!("/tasks/{id}")).await;
        response.json().await.expect("a report")
    }

    /// The last report of a task.
    pub(crate) async fn end(&self, id: TaskId) -> Report {
        self.until(id, "ends", |report| report.progress.state.is_final())
            .await
    }

    /// The first report of a task of which `is` holds.
    pub(crate) async fn until(
        &self,
        id: TaskId,
        what: &str,
        is: impl Fn(&Report) -> bool,
    ) -> Report {
        let asking = async {
            loop {
                let report = self.report(id).await;
                if is(&report) {
                    return report;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(report) => report,
            Err(_) => panic!("the task never {what}: {:#?}", self.report(id).await),
        }
    }
}

impl Drop for Bench {
    /// Ends it in the middle of whatever it does.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn power(vmid: u32, action: PowerAction) -> TaskRequest {
    TaskRequest::Power(PowerChange {
        vmid: Vmid(vmid),
        action,
        guest_seconds: 60,
        if_power: None,
    })
}

pub(crate) fn new_vm(name: &str) -> NewVm {
    NewVm {
        name: name.to_owned(),
        cpus: 2,
        memory_mb: 1024,
        disk_gb: 3,
        comment: "made by a test".to_owned(),
        guest_os: "debian11-64".to_owned(),
        datastore: None,
        network: None,
        iso_path: None,
        power_on: false,
    }
}

pub(crate) fn create(vm: NewVm) -> TaskRequest {
    TaskRequest::Create(Box::new(vm))
}

/// Of a task that failed so.
#[track_caller]
pub(crate) fn failure(report: &Report, kind: TaskErrorKind) -> TaskError {
    let error = report.progress.error.clone().expect("an error");
    assert_eq!(error.kind, kind, "{report:#?}");
    error
}

/// The task has done what it was asked for.
#[track_caller]
pub(crate) fn assert_done(report: &Report) {
    assert_eq!(report.progress.state, TaskState::Succeeded, "{report:#?}");
}

/// How often a command was asked for that has this in it.
pub(crate) fn sent(node: &SimulatedNode, part: &str) -> usize {
    let calls = node.calls();
    calls
        .iter()
        .filter(|call| call.line().contains(part))
        .count()
}

/// The node has learned that the executor is gone: nothing that it had sent is under way.
pub(crate) async fn nothing_runs(node: &SimulatedNode) {
    let ended = async {
        while node
            .calls()
            .iter()
            .any(|call| call.outcome == CallOutcome::Running)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.unwrap_or_else(|_| panic!("still running: {:#?}", node.calls()));
}

/// What a cut connection had left behind in the node's shell has ended too: a shell learns of a cut
/// only when it writes, and its next command is carried out until then.
pub(crate) async fn no_shell_is_left(node: &SimulatedNode) {
    let root = std::fs::canonicalize(node.file("/")).unwrap();
    let shells = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let inside = processes.filter(|process| {
            std::fs::read_link(process.path().join("root")).is_ok_and(|it| it == root)
        });
        inside
            .filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok())
            .collect::<Vec<_>>()
    };
    let ended = async {
        while !shells().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.unwrap_or_else(|_| panic!("still running: {:#?}", shells()));
}

/// Has something happen to the node behind the check and before the VM is registered.
pub(crate) async fn create_while(
    node: &SimulatedNode,
    bench: &Bench,
    vm: NewVm,
    happens: impl FnOnce(&SimulatedNode),
) -> Report {
    let stalled = Fault::Hang(Scope::command("vmkfstools"));
    node.set_fault(stalled.clone()).unwrap();
    let order = bench.order(node, create(vm));
    bench.post(&order).await;
    bench
        .until(order.id, "makes the disk", |_| {
            sent(node, "vmkfstools") == 1
        })
        .await;
    happens(node);
    node.clear_fault(&stalled).unwrap();
    bench.end(order.id).await
}

/// The same node with another datastore, `second`.
pub(crate) fn with_second(mut spec: NodeSpec) -> NodeSpec {
    let gb = 1u64 << 30;
    let uuid = "5f000000-00000000-0000-000000000001";
    let second = DatastoreSpec::vmfs("second", uuid, 500 * gb).free(400 * gb);
    spec.datastores.push(second);
    spec
}

pub(crate) fn vm_names(node: &SimulatedNode) -> Vec<String> {
    node.vms().into_iter().map(|vm| vm.spec.name).collect()
}

/// Has a tool of the node do something else: `script` of its shell, for which the tool itself is
/// in `/bin/real`.
pub(crate) fn wrap_tool(node: &SimulatedNode, tool: &str, script: &str) {
    let places = ["bin", "sbin"].map(|folder| node.file(&format!("/{folder}/{tool}")));
    let mut places = places.into_iter();
    let path = places.find(|path| path.symlink_metadata().is_ok());
    let path = path.expect("a tool of the node");
    let real = node.file("/bin/real");
    std::fs::create_dir_all(&real).unwrap();
    if path.is_symlink() {
        std::fs::remove_file(&path).unwrap();
        make_tool(
            &real.join(tool),
            &format!("exec /bin/busybox {tool} \"$@\""),
        );
    } else {
        std::fs::rename(&path, real.join(tool)).unwrap();
    }
    make_tool(&path, script);
}

/// Makes a tool out of a script of the node's shell.
pub(crate) fn make_tool(path: &Path, script: &str) {
    std::fs::write(path, format!("#!/bin/ash\n{script}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Every file and directory of a node, with the content of small files.
pub(crate) fn snapshot(node: &SimulatedNode) -> BTreeSet<(String, Vec<u8>)> {
    fn walk(directory: &Path, found: &mut BTreeSet<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let shown = path.to_string_lossy().into_owned();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                found.insert((shown, Vec::new()));
                walk(&path, found);
            } else {
                let small = path.is_file() && path.metadata().unwrap().len() < 100_000;
                let content = if small {
                    std::fs::read(&path).unwrap()
                } else {
                    Vec::new()
                };
                found.insert((shown, content));
            }
        }
    }
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(node.file("/")).unwrap() {
        let path = entry.unwrap().path();
        // Reading a device has no end.
        if path.is_dir() && !path.ends_with("dev") {
            walk(&path, &mut found);
        }
    }
    found
}
