//! `ecoman up` whose disk is full, or read-only: a small tmpfs in a mount namespace of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ecoman_simulator::{NodeSpec, SimulatedNode, VmSpec};
use serde_json::json;
use tempfile::TempDir;

use super::{Role, ecoman, home, node, text};

/// What keeps `ecoman up` from writing, in its own mount namespace.
struct Stack {
    up: Role,
    node: SimulatedNode,
    _home: TempDir,
    /// Its data, as this process reaches them.
    data: PathBuf,
}

/// Runs a shell script as root of a new mount namespace.
fn unshare(home: &Path, script: &str) -> Command {
    let mut command = Command::new("unshare");
    let is_root = Command::new("id").arg("-u").output().expect("id runs");
    if text(&is_root.stdout).trim() != "0" {
        command.arg("--map-root-user");
    }
    command
        .args(["--mount", "sh", "-ec", script])
        .arg(env!("CARGO_BIN_EXE_ecoman"));
    let like = ecoman(home, &[]);
    command.env_clear().current_dir(home).stdin(Stdio::null());
    for (name, value) in like.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
        .env("DASHBOARD_PORT", "0")
        .env("CRAWLER_INTERVAL", "1");
    command
}

impl Stack {
    fn start() -> Self {
        let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1).on()));
        let home = home(&[&node]);
        std::fs::create_dir(home.path().join("data")).expect("a directory");
        let script = "mount -t tmpfs -o size=8m,mode=700 tmpfs \"$ECOMAN_DATA\"\n\
            \"$0\" trust --yes --all >&2\n\
            exec \"$0\" up";
        let up = Role::start(&mut unshare(home.path(), script));
        up.until("/api/v1/vms", "VM", |list| list["total"] == 1);
        let root = PathBuf::from(format!("/proc/{}/root", up.child.id()));
        let data = home.path().join("data");
        let data = root.join(data.strip_prefix("/").expect("absolute"));
        Self {
            up,
            node,
            _home: home,
            data,
        }
    }

    fn filler(&self) -> PathBuf {
        self.data.join("filler")
    }

    /// Takes all space that is left.
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.filler()).expect("a file");
        for block in [1 << 16, 1 << 12, 1] {
            while filler.write_all(&vec![1; block]).is_ok() {}
        }
    }

    fn plain(&self, path: &str) -> (u16, String) {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .new_agent();
        let url = format!("{}{path}", self.up.address);
        let mut answer = agent.get(url).call().expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), text)
    }

    /// How often a change of power has reached the node.
    fn changes(&self) -> usize {
        let calls = self.node.calls();
        let changes = calls.iter().filter(|call| {
            let line = call.line();
            line.contains("power.") && !line.contains("power.getstate")
        });
        changes.count()
    }
}

#[test]
fn a_full_disk_is_named_everywhere_and_ends_when_there_is_space() {
    let mut stack = Stack::start();
    stack.fill();
    // More than the file has room for by itself.
    let note = "x".repeat(7_000);
    for number in 0..150 {
        let vm = VmSpec::new(&format!("new {number}")).annotation(&note);
        stack.node.add_vm(vm).expect("added");
    }
    let up = &stack.up;
    up.until("/api/v1/config", "notice of the full disk", |config| {
        config["notices"][0]["kind"] == "store_unwritable"
    });
    // It serves what it knows, and says what it cannot do.
    let (status, ready) = stack.plain("/readyz");
    assert_eq!(
        (status, ready.as_str()),
        (
            200,
            "ready; the database is read-only: the disk is full: free some space\n"
        )
    );
    let (status, problem) = stack.plain("/readyz/write");
    assert_eq!(status, 503);
    assert!(problem.contains("store-unwritable"), "{problem}");
    let (_, metrics) = stack.plain("/metrics");
    assert!(metrics.contains("\necoman_store_writable 0\n"), "{metrics}");
    let path = "/api/v1/vms/hoge/1/power";
    let off = json!({ "action": "off" });
    let refused = up.refused("PUT", path, &off);
    assert_eq!(refused["type"], "urn:ecoman:problem:store-unwritable");
    assert_eq!(
        refused["detail"],
        "The server cannot write to its store, so nothing was changed: the disk is full: free \
         some space."
    );
    assert_eq!(up.get("/api/v1/tasks")["items"], json!([]));
    up.until("/api/v1/vms", "the true reason", |list| {
        let reason = list["items"][0]["stale_reason"].as_str();
        reason.is_some_and(|reason| reason.contains("the disk is full"))
    });
    assert_eq!(stack.changes(), 0, "what was refused was carried out");
    let log = up.log();
    let complaints: Vec<_> = log
        .lines()
        .filter(|line| line.contains("ERROR") || line.contains("WARN"))
        .collect();
    assert!(
        (1..=6).contains(&complaints.len()),
        "{} lines:\n{}",
        complaints.len(),
        complaints.join("\n")
    );

    std::fs::remove_file(stack.filler()).expect("removed");
    let task = up.ask("PUT", path, &off);
    up.ends(&task, "succeeded");
    up.until("/api/v1/vms", "all VMs, current", |list| {
        list["total"] == 151 && list["items"][0]["stale"] == false
    });
    let (status, ready) = stack.plain("/readyz/write");
    assert_eq!((status, ready.as_str()), (200, "ready\n"));
    assert_eq!(up.get("/api/v1/config")["notices"], json!([]));
    assert_eq!(stack.up.terminate(), Some(0));
}

#[test]
fn a_read_only_disk_is_named_at_the_start() {
    let node = node(NodeSpec::new("hoge"));
    let home = home(&[&node]);
    std::fs::create_dir(home.path().join("data")).expect("a directory");
    let script = "mount -t tmpfs -o size=8m,mode=700 tmpfs \"$ECOMAN_DATA\"\n\
        \"$0\" trust --yes --all >&2\n\
        mount -o remount,ro \"$ECOMAN_DATA\"\n\
        exec \"$0\" up";
    let output = unshare(home.path(), script).output().expect("it runs");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the file system is read-only"), "{said}");
    assert!(said.contains("ecoman.redb"), "{said}");
}
