//! Dashboard, executor and crawler as processes of their own over a real mongod, and what they
//! make of each other's deaths.

#[path = "../../../crates/store/tests/mongod/mod.rs"]
mod mongod;

use std::process::Command;

use ecoman_simulator::{Fault, NodeSpec, Power, Scope, SimulatedNode, Timing, VmSpec};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{Role, ecoman, home, node, run};
use mongod::Mongod;

/// All of it over one node. A guest that shuts down takes as long as the test wants.
struct Stack {
    dashboard: Role,
    executor: Role,
    _crawler: Role,
    mongod: Mongod,
    runtime: Runtime,
    home: TempDir,
    node: SimulatedNode,
}

impl Stack {
    fn start() -> Self {
        let mut spec = NodeSpec::new("hoge")
            .vm(VmSpec::new("bystander").id(1).on())
            .vm(VmSpec::new("web").id(2).on());
        spec.timing = Timing::REALISTIC;
        let node = node(spec);
        node.set_clock(node.now());
        let home = home(&[&node]);
        run(home.path(), &["trust", "--yes", "--all"]);
        let runtime = Runtime::new().unwrap();
        let mongod = runtime.block_on(Mongod::start(&[]));
        let role = |name: &str, variables: &[(&str, &str)]| {
            let mut command = with_store(&home, &mongod, name);
            command.envs(variables.iter().copied());
            command
        };
        let executor = Role::start(&mut role("executor", &[("EXECUTOR_PORT", "0")]));
        let crawler = Role::spawn(&mut role("crawler", &[("CRAWLER_INTERVAL", "1")]));
        let dashboard = Role::start(&mut role(
            "dashboard",
            &[("DASHBOARD_PORT", "0"), ("EXECUTOR_PORT", executor.port())],
        ));
        dashboard.until("/api/v1/vms", "two VMs", |list| list["total"] == 2);
        Self {
            dashboard,
            executor,
            _crawler: crawler,
            mongod,
            runtime,
            home,
            node,
        }
    }

    fn role(&self, name: &str) -> Command {
        with_store(&self.home, &self.mongod, name)
    }

    /// The dashboard dies and is started again at the same address.
    fn restart_dashboard(&mut self) {
        self.dashboard.die();
        let mut command = self.role("dashboard");
        command
            .env("DASHBOARD_PORT", self.dashboard.port())
            .env("EXECUTOR_PORT", self.executor.port());
        self.dashboard = Role::start(&mut command);
    }

    /// So does the executor.
    fn restart_executor(&mut self) {
        self.executor.die();
        let mut command = self.role("executor");
        command.env("EXECUTOR_PORT", self.executor.port());
        self.executor = Role::start(&mut command);
    }

    /// A creation that stands still over its disk, and a guest that has been asked to shut down.
    fn two_tasks(&self) -> (String, String) {
        self.node
            .set_fault(Fault::Hang(Scope::command("vmkfstools")))
            .unwrap();
        let body = json!({
            "node": "hoge", "name": "new", "cpus": 1, "memory_mb": 512, "disk_gb": 1,
        });
        let create = self.dashboard.ask("POST", "/api/v1/vms", &body);
        let shutdown = self.shut_down();
        self.dashboard.until(&create, "disk in the making", |_| {
            self.sent("vmkfstools") == 1
        });
        (create, shutdown)
    }

    fn shut_down(&self) -> String {
        let body = json!({ "action": "shutdown" });
        let path = "/api/v1/vms/hoge/2/power";
        let task = self.dashboard.ask("PUT", path, &body);
        self.dashboard.until(&task, "guest that is asked", |task| {
            task["steps"][2]["state"] == "running"
        });
        task
    }

    /// The node gets on with both.
    fn let_the_node_go_on(&self) {
        self.node.clear_faults().unwrap();
        self.node.let_clock_run();
        self.node.advance(std::time::Duration::from_secs(600));
    }

    /// Both tasks did what they say, once, and nothing else was touched.
    fn assert_done_once(&self, tasks: [&str; 2]) {
        let vmids = tasks.map(|task| {
            let task = self.dashboard.ends(task, "succeeded");
            task["vm"]["vmid"].as_u64().unwrap()
        });
        let path = format!("/api/v1/vms/hoge/{}", vmids[0]);
        self.dashboard
            .until(&path, "new VM", |vm| vm["name"] == "new");
        self.dashboard.until("/api/v1/vms/hoge/2", "VM off", |vm| {
            vm["power"] == "off" && vm["stale"] == false
        });
        let made: Vec<_> = self.node.vms();
        assert_eq!(made.len(), 3, "{made:#?}");
        assert_eq!(self.node.vm(2).unwrap().power, Power::Off);
        self.assert_bystander();
        for (command, times) in [
            ("registervm", 1),
            ("vmkfstools", 1),
            ("power.shutdown", 1),
            ("unregister", 0),
        ] {
            assert_eq!(self.sent(command), times, "{command}");
        }
    }

    fn assert_bystander(&self) {
        assert_eq!(self.node.vm(1).unwrap().power, Power::On);
        assert_eq!(self.sent("power.off"), 0);
    }

    /// How often a command reached the node that has this in it.
    fn sent(&self, part: &str) -> usize {
        let calls = self.node.calls();
        let meant = calls.iter().filter(|call| call.line().contains(part));
        meant.count()
    }

    fn states(&self) -> Vec<String> {
        let tasks = self.dashboard.get("/api/v1/tasks");
        let items = tasks["items"].as_array().expect("a list of tasks");
        let state = |task: &Value| task["state"].as_str().unwrap().to_owned();
        items.iter().map(state).collect()
    }
}

fn with_store(home: &TempDir, mongod: &Mongod, role: &str) -> Command {
    let settings = mongod.settings("ecoman");
    let mut command = ecoman(home.path(), &[role]);
    command
        .env("ECOMAN_STORE", "mongodb")
        .env("MONGO_HOST", settings.host)
        .env("MONGO_DBNAME", settings.dbname);
    command
}

/// While it is away both tasks end on the node, and somebody asks for another.
fn a_store_goes_away(away: fn(&mut Mongod), back: fn(&mut Mongod, &Runtime)) {
    let mut stack = Stack::start();
    let (create, shutdown) = stack.two_tasks();
    away(&mut stack.mongod);
    stack.let_the_node_go_on();
    let path = "/api/v1/vms/hoge/1/power";
    let refused = stack
        .dashboard
        .refused("PUT", path, &json!({ "action": "off" }));
    assert_eq!(
        refused["type"], "urn:ecoman:problem:store-unavailable",
        "{refused:#}"
    );
    // Both have ended where nobody can write it down.
    stack.dashboard.until("/api/v1/vms", "old data", |list| {
        let reason = list["items"][0]["stale_reason"].as_str();
        let reason = reason.is_some_and(|reason| reason.contains("store"));
        let made = stack.node.vm_named("new").is_some();
        reason && made && stack.node.vm(2).unwrap().power == Power::Off
    });
    back(&mut stack.mongod, &stack.runtime);
    stack.assert_done_once([&create, &shutdown]);
    // Whether the refused one was written down before the store went away is up to it.
    let ended = ["succeeded", "failed"];
    let states = stack.states();
    assert!(
        states.iter().all(|state| ended.contains(&state.as_str())),
        "{states:?}"
    );
    let done = states.iter().filter(|state| *state == "succeeded");
    assert_eq!(done.count(), 2, "{states:?}");
}

#[test]
fn a_mongod_that_stands_still_while_tasks_run_gets_their_ends_when_it_goes_on() {
    a_store_goes_away(
        |mongod| mongod.signal("STOP"),
        |mongod, _| mongod.signal("CONT"),
    );
}

#[test]
fn a_mongod_that_dies_while_tasks_run_gets_their_ends_when_it_is_back() {
    a_store_goes_away(Mongod::kill, |mongod, runtime| {
        runtime.block_on(mongod.restart());
    });
}

#[test]
fn a_dashboard_that_is_killed_while_tasks_run_follows_them_to_their_ends() {
    let mut stack = Stack::start();
    let (create, shutdown) = stack.two_tasks();
    stack.restart_dashboard();
    for task in [&create, &shutdown] {
        assert_eq!(stack.dashboard.get(task)["state"], "running");
    }
    stack.let_the_node_go_on();
    stack.assert_done_once([&create, &shutdown]);
    assert_eq!(stack.states(), ["succeeded", "succeeded"]);
}

#[test]
fn a_dashboard_that_is_down_while_its_tasks_end_learns_how_they_did() {
    let mut stack = Stack::start();
    let (create, shutdown) = stack.two_tasks();
    stack.dashboard.die();
    stack.let_the_node_go_on();
    let since = std::time::Instant::now();
    while stack.node.vm_named("new").is_none() || stack.node.vm(2).unwrap().power != Power::Off {
        assert!(since.elapsed() < super::PATIENCE, "the node never ends it");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    stack.restart_dashboard();
    stack.assert_done_once([&create, &shutdown]);
}

#[test]
fn a_change_of_power_whose_executor_is_killed_is_interrupted_and_not_repeated() {
    let mut stack = Stack::start();
    let shutdown = stack.shut_down();
    stack.restart_executor();
    let task = stack.dashboard.ends(&shutdown, "interrupted");
    assert_eq!(task["error"]["type"], "urn:ecoman:problem:task-interrupted");
    let failed = task["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["state"] == "failed");
    assert!(failed.is_some(), "the step is reported: {task:#}");
    // The guest goes on with what it was asked, and the crawler sees it.
    stack.let_the_node_go_on();
    stack
        .dashboard
        .until("/api/v1/vms/hoge/2", "VM off", |vm| vm["power"] == "off");
    assert_eq!(stack.sent("power.shutdown"), 1);
    stack.assert_bystander();
    assert_eq!(stack.states(), ["interrupted"]);
    // The next one is for the new executor.
    let on = stack.dashboard.ask(
        "PUT",
        "/api/v1/vms/hoge/2/power",
        &json!({ "action": "on" }),
    );
    stack.dashboard.ends(&on, "succeeded");
    assert_eq!(stack.node.vm(2).unwrap().power, Power::On);
}
