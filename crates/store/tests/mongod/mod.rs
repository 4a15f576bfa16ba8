//! A real mongod for tests, each with its own data on a port of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ecoman_store::MongoSettings;
use mongodb::Client;
use mongodb::bson::doc;
use tokio::time::{Instant, sleep};

/// How long a mongod may take to start, on a machine under load.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// A running mongod. It ends with this value or with the test's process, however that ends.
pub(crate) struct Mongod {
    port: u16,
    arguments: Vec<String>,
    directory: tempfile::TempDir,
    /// The shell that watches over it.
    watcher: Child,
    pid: String,
}

impl Mongod {
    /// Starts a mongod with these arguments besides the usual ones, and waits until it answers.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        // Somebody else may take the port in between; then mongod says so and ends.
        let mut problem = String::new();
        for _ in 0..3 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let directory = tempfile::tempdir().unwrap();
            let arguments: Vec<_> = arguments.iter().map(|&argument| argument.into()).collect();
            let (watcher, pid) = spawn(directory.path(), port, &arguments);
            let mongod = Self {
                port,
                arguments,
                directory,
                watcher,
                pid,
            };
            match mongod.wait().await {
                Ok(()) => return mongod,
                Err(error) => problem = error,
            }
        }
        panic!("{problem}");
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How to reach the database `dbname` without a login.
    pub(crate) fn settings(&self, dbname: &str) -> MongoSettings {
        MongoSettings {
            uri: None,
            host: self.address(),
            username: String::new(),
            password: String::new(),
            dbname: dbname.to_owned(),
        }
    }

    /// MongoDB's own client, to do what the store does not.
    pub(crate) async fn client(&self) -> Client {
        let address = self.address();
        let uri =
            format!("mongodb://{address}/?directConnection=true&serverSelectionTimeoutMS=1000");
        Client::with_uri_str(uri).await.unwrap()
    }

    /// Ends it at once, as a crash does; its data stay.
    pub(crate) fn kill(&mut self) {
        let mut watcher = self.watcher.stdin.take().unwrap();
        writeln!(watcher, "keep").unwrap();
        self.watcher.wait().unwrap();
    }

    /// Starts it again after [`Mongod::kill`], with the same data on the same port.
    pub(crate) async fn restart(&mut self) {
        (self.watcher, self.pid) = spawn(self.directory.path(), self.port, &self.arguments);
        if let Err(problem) = self.wait().await {
            panic!("{problem}");
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill")
            .args(["-s", signal, &self.pid])
            .status()
            .unwrap();
        assert!(kill.success(), "kill -s {signal} {}: {kill}", self.pid);
    }

    async fn wait(&self) -> Result<(), String> {
        let admin = self.client().await.database("admin");
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            let Err(error) = admin.run_command(doc! { "ping": 1 }).await else {
                return Ok(());
            };
            let ended = self.has_ended();
            if ended || Instant::now() > deadline {
                let log = self.directory.path().join("log");
                let log = std::fs::read_to_string(log).unwrap_or_default();
                let from = log.len().saturating_sub(3000);
                let log = String::from_utf8_lossy(&log.as_bytes()[from..]).into_owned();
                return Err(format!(
                    "mongod ({}) {}: {error}\nits log ends with\n{log}",
                    binary().display(),
                    if ended { "ended" } else { "does not answer" },
                ));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether mongod is only a zombie, or not even that (proc_pid_stat(5)).
    fn has_ended(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid))
            .map_or(true, |stat| stat.contains(") Z "))
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        // The watcher ends mongod when its input ends, and itself with it.
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

/// Starts mongod below a shell that ends it and removes its data when the test's process is no
/// more: however that came, the shell's input ends then.
fn spawn(directory: &Path, port: u16, arguments: &[String]) -> (Child, String) {
    const WATCHER: &str = r#"
        trap '' HUP INT TERM
        "$@" </dev/null >>"$0/log" 2>&1 &
        pid=$!
        echo $pid
        exec >/dev/null 2>&1
        read -r word
        kill -s CONT $pid
        kill -s KILL $pid
        wait $pid
        [ "$word" = keep ] || rm -rf "$0"
    "#;
    let data = directory.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let mut watcher = Command::new("sh")
        .args(["-c", WATCHER])
        .arg(directory)
        .arg(binary())
        .arg("--dbpath")
        .arg(&data)
        .args(["--bind_ip", "127.0.0.1", "--port", &port.to_string()])
        .args(["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    let output = watcher.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut pid).unwrap();
    (watcher, pid.trim().to_owned())
}

/// `ECOMAN_MONGOD`, or `mongod` of the `PATH`.
fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("ECOMAN_MONGOD") {
        let path = PathBuf::from(path);
        assert!(
            path.is_file(),
            "ECOMAN_MONGOD: there is no {}",
            path.display()
        );
        return path;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join("mongod"))
        .find(|path| path.is_file())
        .expect(
            "these tests need a real mongod, in the PATH or in ECOMAN_MONGOD; `cargo xtask test` \
             installs one and runs them",
        )
}
