//! Keeps the sshd of one node, and leaves nothing behind.
//!
//! The process that owns the node writes orders to the supervisor's standard input. When that
//! process ends, however it ends, the input ends too: the supervisor then kills every process of
//! the node and removes its directory.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The variable that marks the sshd and all that it starts as the node's.
const MARK: &str = "ECOMAN_SIMULATED_NODE";

/// How long sshd may take to listen, and killed processes to be gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// `supervise DIRECTORY BUSYBOX SSHD`: one order a line, answered by `ok` or `error REASON`.
///
/// - `start`: starts sshd with `DIRECTORY/sshd_config`; back when it listens
/// - `stop`: kills sshd, its connections and what they started
/// - `cut`: kills the connections and what they started, and lets sshd listen
/// - `freeze`, `thaw`: lets all of them stand still, and go on
pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    let [directory, busybox, sshd] = arguments else {
        crate::complain("supervise DIRECTORY BUSYBOX SSHD");
        return ExitCode::from(2);
    };
    let mut node = Node {
        directory: directory.into(),
        busybox: busybox.into(),
        sshd: sshd.into(),
        listener: None,
    };
    for order in crate::orders() {
        let done = match order.as_str() {
            "start" => node.start(),
            "stop" => node.stop(),
            "cut" => node.cut(),
            "freeze" => node.signal_all("-STOP"),
            "thaw" => node.signal_all("-CONT"),
            _ => Err(format!("no such order: {order}")),
        };
        let mut output = io::stdout().lock();
        let said = match done {
            Ok(()) => writeln!(output, "ok"),
            Err(reason) => writeln!(output, "error {}", reason.replace('\n', " | ")),
        };
        if said.and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    // There is no caller left that could report an error.
    let _ = node.stop();
    let _ = fs::remove_dir_all(&node.directory);
    ExitCode::SUCCESS
}

struct Node {
    directory: PathBuf,
    busybox: PathBuf,
    sshd: PathBuf,
    listener: Option<Child>,
}

impl Node {
    fn start(&mut self) -> Result<(), String> {
        self.stop()?;
        let pid_file = self.directory.join("sshd.pid");
        let _ = fs::remove_file(&pid_file);
        let mut listener = Command::new(&self.sshd)
            .arg("-D")
            .arg("-f")
            .arg(self.directory.join("sshd_config"))
            .arg("-E")
            .arg(self.directory.join("sshd.log"))
            .env(MARK, &self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", self.sshd.display()))?;
        // sshd writes the file once it listens.
        let begun = Instant::now();
        loop {
            if fs::metadata(&pid_file).is_ok_and(|file| file.len() > 0) {
                self.listener = Some(listener);
                return Ok(());
            }
            let ended = listener.try_wait().map_err(|error| error.to_string())?;
            if let Some(status) = ended {
                return Err(format!("sshd ended with {status}: {}", self.log()));
            }
            if begun.elapsed() > PATIENCE {
                let _ = listener.kill();
                let _ = listener.wait();
                return Err(format!(
                    "sshd does not listen after {} s: {}",
                    PATIENCE.as_secs(),
                    self.log()
                ));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn stop(&mut self) -> Result<(), String> {
        let mut known = self.processes();
        if let Some(mut listener) = self.listener.take() {
            let _ = listener.kill();
            listener
                .wait()
                .map_err(|error| format!("sshd does not end: {error}"))?;
            known.retain(|&pid| pid != listener.id());
        }
        self.kill_all(known, None)
    }

    fn cut(&mut self) -> Result<(), String> {
        let listener = self.listener.as_ref().map(Child::id);
        self.kill_all(self.processes(), listener)
    }

    /// Kills until only `spared` is left: a process that is killed may just have started another.
    fn kill_all(&self, mut known: Vec<u32>, spared: Option<u32>) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            known.extend(self.processes());
            known.sort_unstable();
            known.dedup();
            known.retain(|&pid| Some(pid) != spared && alive(pid));
            if known.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("these processes cannot be ended: {known:?}"));
            }
            self.kill("-KILL", &known)?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn signal_all(&self, signal: &str) -> Result<(), String> {
        let processes = self.processes();
        if processes.is_empty() {
            return Ok(());
        }
        self.kill(signal, &processes)
    }

    /// The standard library has no `kill`. A process that has ended by itself is no error.
    fn kill(&self, signal: &str, processes: &[u32]) -> Result<(), String> {
        Command::new(&self.busybox)
            .args(["kill", signal])
            .args(processes.iter().map(u32::to_string))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map(|_| ())
            .map_err(|error| format!("{} does not start: {error}", self.busybox.display()))
    }

    /// The sshd, all its descendants, and all that carry its mark or live in its chroot though
    /// their parents are gone.
    fn processes(&self) -> Vec<u32> {
        let root = self.directory.join("root");
        let mark = format!("{MARK}={}", self.directory.display());
        let mut parents = Vec::new();
        let mut ours: Vec<u32> = self.listener.iter().map(Child::id).collect();
        let Ok(entries) = fs::read_dir("/proc") else {
            return ours;
        };
        let me = std::process::id();
        for entry in entries.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            if pid == me {
                continue;
            }
            let folder = entry.path();
            if let Some(parent) = parent(&folder) {
                parents.push((pid, parent));
            }
            let in_chroot = fs::read_link(folder.join("root")).is_ok_and(|path| path == root);
            let marked = || {
                fs::read(folder.join("environ")).is_ok_and(|environment| {
                    environment
                        .split(|&byte| byte == 0)
                        .any(|variable| variable == mark.as_bytes())
                })
            };
            if in_chroot || marked() {
                ours.push(pid);
            }
        }
        let mut next = 0;
        while let Some(&parent) = ours.get(next) {
            next += 1;
            for &(pid, its_parent) in &parents {
                if its_parent == parent && !ours.contains(&pid) {
                    ours.push(pid);
                }
            }
        }
        ours
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("sshd.log")).unwrap_or_default()
    }
}

/// The parent of a process, by the fourth word of its `stat`; the second may hold blanks and
/// parentheses.
fn parent(folder: &Path) -> Option<u32> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Whether there is such a process, and not only a zombie.
fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
    })
}
