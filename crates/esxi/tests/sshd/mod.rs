//! A real sshd with a bare busybox shell behind it, for what a simulated node cannot show: which
//! processes run on the far side, and what becomes of them.
//!
//! Needs openssh-server and busybox. Works as root and as an ordinary user.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ecoman_esxi::{Host, Hosts, SessionOptions};
use tempfile::TempDir;

/// Long enough for a loaded machine; nothing waits for it that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Programs that the shell on the node finds.
const APPLETS: [&str; 12] = [
    "ash", "cat", "echo", "head", "kill", "mkdir", "rm", "rmdir", "sleep", "test", "touch", "yes",
];

pub(crate) struct Sshd {
    listener: Child,
    directory: TempDir,
    host_keys: &'static [&'static str],
    port: u16,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// With more lines for sshd_config.
    pub(crate) fn with(settings: &str) -> Self {
        Self::with_host_keys(&["ecdsa"], settings)
    }

    /// With host keys of these kinds, the first of which is in `known_hosts`.
    pub(crate) fn with_host_keys(kinds: &'static [&'static str], settings: &str) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("sshd")
            .tempdir()
            .expect("cannot make a directory");
        let path = directory.path();
        for kind in kinds {
            keygen(kind, &path.join(format!("host_{kind}")));
        }
        keygen("ecdsa", &path.join("key"));
        fs::copy(path.join("key.pub"), path.join("authorized_keys")).unwrap();
        fs::create_dir(path.join("bin")).unwrap();
        for applet in APPLETS {
            symlink(busybox(), path.join("bin").join(applet)).unwrap();
        }
        let mut node = Self {
            listener: Command::new("true").spawn().unwrap(),
            directory,
            host_keys: kinds,
            port: 0,
        };
        node.tool(
            "wrap",
            &format!(
                "#!/bin/sh\n\
             export PATH={bin}\n\
             echo exec >> {dir}/execs\n\
             [ -n \"$SSH_ORIGINAL_COMMAND\" ] && exec {busybox} ash -c \"$SSH_ORIGINAL_COMMAND\"\n\
             exec {busybox} ash\n",
                bin = node.path("bin").display(),
                dir = node.directory.path().display(),
                busybox = busybox().display(),
            ),
        );
        node.listen(settings);
        fs::write(node.path("known_hosts"), node.known_hosts_line()).unwrap();
        node
    }

    /// Starts sshd on the port that it had, or on a free one.
    pub(crate) fn listen(&mut self, settings: &str) {
        for _ in 0..20 {
            let port = match self.port {
                0 => free_port(),
                port => port,
            };
            let dir = self.directory.path().display();
            let host_keys: String = self
                .host_keys
                .iter()
                .map(|kind| format!("HostKey {dir}/host_{kind}\n"))
                .collect();
            let config = format!(
                "ListenAddress 127.0.0.1\nPort {port}\n{host_keys}PidFile none\n\
                 AuthorizedKeysFile {dir}/authorized_keys\nStrictModes no\n\
                 PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n\
                 UseDNS no\nPermitTTY no\nSetEnv SHLVL=2\nForceCommand {dir}/bin/wrap\n\
                 {settings}\n"
            );
            fs::write(self.path("sshd_config"), config).unwrap();
            if unprivileged_separation_is_missing() {
                fs::create_dir_all("/run/sshd").expect("cannot make /run/sshd");
            }
            let mut listener = Command::new("/usr/sbin/sshd")
                .arg("-D")
                .arg("-f")
                .arg(self.path("sshd_config"))
                .arg("-E")
                .arg(self.path("log"))
                .stdin(Stdio::null())
                .spawn()
                .expect("cannot start /usr/sbin/sshd: install openssh-server");
            let begun = Instant::now();
            while begun.elapsed() < PATIENCE {
                if let Some(mut stream) = connect(port) {
                    let mut greeting = [0; 4];
                    if stream.read_exact(&mut greeting).is_ok() && &greeting == b"SSH-" {
                        self.port = port;
                        self.listener = listener;
                        return;
                    }
                }
                if listener.try_wait().unwrap().is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            // Somebody else took the port.
            let _ = listener.kill();
            let _ = listener.wait();
        }
        panic!("sshd did not start: {}", self.log());
    }

    /// Ends sshd and every connection.
    pub(crate) fn stop(&mut self) {
        let connections = children_of(self.listener.id());
        let _ = self.listener.kill();
        let _ = self.listener.wait();
        for pid in connections {
            for child in children_of(pid) {
                kill(child);
            }
            kill(pid);
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The line for the first host key, with its line break.
    pub(crate) fn known_hosts_line(&self) -> String {
        let file = self.path(&format!("host_{}.pub", self.host_keys[0]));
        let key = fs::read_to_string(file).unwrap();
        let mut words = key.split_whitespace();
        let (kind, key) = (words.next().unwrap(), words.next().unwrap());
        format!("[127.0.0.1]:{} {kind} {key}\n", self.port)
    }

    /// Puts a program where the node's shell finds it.
    pub(crate) fn tool(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        let new = self.path("new-tool");
        fs::write(&new, script).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// A `vim-cmd` whose work is `body`, with the id of the VM as `$2`, in a directory of its own.
    pub(crate) fn vim_cmd(&self, body: &str) {
        let work = self.path("work");
        fs::create_dir_all(&work).unwrap();
        let script = format!(
            "#!{} ash\ncd {}\n{body}\n",
            busybox().display(),
            work.display()
        );
        self.tool("vim-cmd", &script);
    }

    /// A file that the `vim-cmd` of [`Sshd::vim_cmd`] wrote; empty when it did not.
    pub(crate) fn work(&self, name: &str) -> String {
        fs::read_to_string(self.path("work").join(name)).unwrap_or_default()
    }

    /// How many shells were started.
    pub(crate) fn execs(&self) -> usize {
        fs::read_to_string(self.path("execs"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    pub(crate) fn forget_execs(&self) {
        fs::write(self.path("execs"), "").unwrap();
    }

    pub(crate) fn options(&self) -> SessionOptions {
        SessionOptions {
            known_hosts: vec![self.path("known_hosts")],
            connect_timeout: Duration::from_secs(10),
        }
    }

    pub(crate) fn host(&self) -> Host {
        self.host_with("")
    }

    /// The node by way of a hosts.yml, with more keys.
    pub(crate) fn host_with(&self, keys: &str) -> Host {
        let yaml = format!(
            "hoge:\n  addr: 127.0.0.1\n  port: {}\n  username: {}\n  identity_file_path: key\n  \
             datastore_path: /vmfs/volumes/datastore1\n  installer_iso_path: /iso\n  \
             network_port_group: VM Network\n{keys}",
            self.port,
            user()
        );
        fs::write(self.path("hosts.yml"), yaml).unwrap();
        let hosts = Hosts::load(&self.path("hosts.yml")).expect("hosts.yml");
        hosts.nodes.into_iter().next().unwrap()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Accepts connections and never says a word; the port.
pub(crate) fn silent_port() -> (u16, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.local_addr().unwrap().port(), listener)
}

/// Passes connections on to `port`, and holds the answer to the login back for a while; the port.
/// Ends with the process.
pub(crate) fn stalling_port(port: u16, stall: Duration) -> u16 {
    /// Greeting, key exchange and the offer of services come in so many parts at least.
    const PARTS: usize = 4;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                return;
            };
            let (mut from_client, mut to_server) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from_client, &mut to_server);
                let _ = to_server.shutdown(std::net::Shutdown::Write);
            });
            let (mut from_server, mut to_client) = (server, client);
            std::thread::spawn(move || {
                let mut buffer = [0; 16 * 1024];
                let mut part = 0;
                while let Ok(read @ 1..) = from_server.read(&mut buffer) {
                    part += 1;
                    if part == PARTS {
                        std::thread::sleep(stall);
                    }
                    if to_client.write_all(&buffer[..read]).is_err() {
                        break;
                    }
                }
                let _ = to_client.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    own
}

/// Closes every connection at once; the port. Ends with the process.
pub(crate) fn closing_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.flush();
        }
    });
    port
}

pub(crate) fn free_port() -> u16 {
    silent_port().0
}

pub(crate) fn keygen(kind: &str, file: &Path) {
    let bits = if kind == "rsa" { "2048" } else { "256" };
    let done = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-t", kind, "-b", bits, "-C", "test", "-f"])
        .arg(file)
        .stdout(Stdio::null())
        .status()
        .expect("cannot start ssh-keygen: install openssh-client");
    assert!(done.success(), "ssh-keygen failed");
}

/// Waits until `condition` brings something.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Ends a test that hangs, saying at what.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("took too long: {what}"),
    }
}

/// Whether a process runs; one that has ended and was not waited for does not.
pub(crate) fn runs(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !state.starts_with('Z') && !state.starts_with('X')
}

/// The processes whose command line contains `text`.
pub(crate) fn processes_with(text: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter(|&pid| pid != std::process::id() && runs(pid))
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
        })
        .collect()
}

pub(crate) fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn children_of(pid: u32) -> Vec<u32> {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

fn kill(pid: u32) {
    let _ = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

fn connect(port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

fn busybox() -> PathBuf {
    ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .expect("there is no busybox: install busybox")
}

/// sshd that runs as root wants this directory; without systemd nobody makes it.
fn unprivileged_separation_is_missing() -> bool {
    user() == "root" && !Path::new("/run/sshd").exists()
}
