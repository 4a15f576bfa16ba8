//! The system's ssh client as an administrator uses it: one kept connection to a node.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ecoman_simulator::SimulatedNode;
use tempfile::TempDir;

/// What a remote command did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

/// Where one logs in, and one connection that is kept for all commands.
pub(crate) struct Shell {
    folder: TempDir,
    destination: Vec<String>,
    multiplexed: bool,
}

impl Shell {
    pub(crate) fn new(node: &SimulatedNode) -> Self {
        let mut shell = Self::fresh(node);
        shell.multiplexed = true;
        shell
    }

    /// With a connection of its own for each command.
    pub(crate) fn fresh(node: &SimulatedNode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("known_hosts"), node.known_hosts_line()).unwrap();
        let destination = vec![
            "-i".to_owned(),
            node.identity_file().display().to_string(),
            "-p".to_owned(),
            node.port().to_string(),
            format!("{}@{}", node.username(), node.address()),
        ];
        Self {
            folder,
            destination,
            multiplexed: false,
        }
    }

    pub(crate) fn command(&self, script: &str) -> Command {
        let mut ssh = Command::new("ssh");
        let folder = self.folder.path().display();
        ssh.args(["-F", "none", "-T"]);
        let mut option = |text: String| {
            ssh.arg("-o").arg(text);
        };
        option("BatchMode=yes".to_owned());
        option("LogLevel=ERROR".to_owned());
        option("IdentitiesOnly=yes".to_owned());
        option("IdentityAgent=none".to_owned());
        option("StrictHostKeyChecking=yes".to_owned());
        option("GlobalKnownHostsFile=/dev/null".to_owned());
        option(format!("UserKnownHostsFile={folder}/known_hosts"));
        option("ConnectTimeout=10".to_owned());
        if self.multiplexed {
            option("ControlMaster=auto".to_owned());
            option("ControlPersist=60".to_owned());
            option(format!("ControlPath={folder}/control"));
        }
        ssh.args(&self.destination).arg("--").arg(script);
        ssh
    }

    pub(crate) fn run(&self, script: &str) -> Ran {
        self.run_with(script, b"")
    }

    pub(crate) fn run_with(&self, script: &str, input: &[u8]) -> Ran {
        // The kept connection inherits standard error and would hold a pipe open: files instead.
        let errors = self.folder.path().join("stderr");
        let mut child = self
            .command(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        Ran {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: std::fs::read_to_string(errors).unwrap(),
            code: output.status.code(),
        }
    }

    /// What a command that succeeds prints.
    pub(crate) fn stdout(&self, script: &str) -> String {
        let ran = self.run(script);
        assert_eq!(ran.code, Some(0), "{script}: {ran:?}");
        ran.stdout
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if self.multiplexed {
            let mut end = self.command("");
            let _ = end
                .args(["-O", "exit"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// Waits until it is so; after 20 s says what was missing.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "still not: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
