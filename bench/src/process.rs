//! The programs that are measured: started, looked at, and ended.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// How long a program may take to be ready, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program; killed if it is not stopped.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
}

impl Program {
    /// Starts it, its output to this program's own standard error.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command
            .as_std()
            .get_program()
            .to_string_lossy()
            .into_owned();
        let child = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        Ok(Self { name, child })
    }

    /// Resident memory now and at its highest, in bytes.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let id = self
            .child
            .id()
            .with_context(|| format!("{} has ended", self.name))?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))
            .with_context(|| format!("could not look at the memory of {}", self.name))?;
        let kilobytes = |key: &str| -> Result<u64> {
            let value = status
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
                .with_context(|| format!("the system does not report {key}"))?;
            Ok(value.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
        };
        Ok(Memory {
            now: kilobytes("VmRSS")?,
            peak: kilobytes("VmHWM")?,
        })
    }

    /// Forgets the highest resident memory so far.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub(crate) fn forget_peak(&self) -> Result<()> {
        let id = self
            .child
            .id()
            .with_context(|| format!("{} has ended", self.name))?;
        Ok(fs::write(format!("/proc/{id}/clear_refs"), "5")?)
    }

    /// Whether it still runs.
    ///
    /// # Errors
    ///
    /// It has ended, with its exit status.
    pub(crate) fn ensure_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended too early: {status}", self.name),
        }
    }

    /// Waits for its own end.
    ///
    /// # Errors
    ///
    /// The system does not report it.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Ends it by SIGTERM and waits until it is gone.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(id) = self.child.id() {
            let status = Command::new("kill").arg(id.to_string()).status().await?;
            ensure!(status.success(), "could not end {}", self.name);
        }
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .with_context(|| format!("{} did not end within {PATIENCE:?}", self.name))??;
        Ok(())
    }
}

/// Resident memory in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// At the moment.
    pub(crate) now: u64,
    /// At its highest.
    pub(crate) peak: u64,
}

/// The program `ecoman`, as `ECOMAN_BIN` names it or beside this one, with none of the reader's
/// own settings.
///
/// # Errors
///
/// There is none.
pub(crate) fn ecoman() -> Result<Command> {
    let path = match std::env::var_os("ECOMAN_BIN") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.with_file_name("ecoman"),
    };
    ensure!(
        path.exists(),
        "{} is missing: build it (`cargo build --release -p ecoman`), or name it in ECOMAN_BIN",
        path.display()
    );
    let mut command = Command::new(path);
    let ours = |name: &OsStr| {
        let name = name.to_string_lossy();
        ["ECOMAN_", "MONGO_", "DASHBOARD_", "CRAWLER_", "HOSTS_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command.env("ECOMAN_LOG", "warn");
    Ok(command)
}

/// A port that is free at the moment.
///
/// # Errors
///
/// The system gives none.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Asks `condition` until it holds.
///
/// # Errors
///
/// It does not hold in time: the message says `what` was missing.
pub(crate) async fn until<F: Future<Output = Result<bool>>>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> F,
) -> Result<()> {
    let since = Instant::now();
    while !condition().await? {
        ensure!(
            since.elapsed() < limit,
            "after {limit:?} still missing: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A MongoDB server of our own, with an empty database.
#[derive(Debug)]
pub(crate) struct Mongod {
    program: Program,
    port: u16,
    directory: TempDir,
}

impl Mongod {
    /// Starts the one that `ECOMAN_MONGOD` names; `None` if it names none.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub(crate) async fn start() -> Result<Option<Self>> {
        let Some(path) = std::env::var_os("ECOMAN_MONGOD") else {
            return Ok(None);
        };
        let directory = tempfile::tempdir()?;
        let port = free_port()?;
        let mut program = Program::start(
            Command::new(path)
                .arg("--dbpath")
                .arg(directory.path())
                .args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"])
                .args([
                    "--wiredTigerCacheSizeGB",
                    "0.25",
                    "--port",
                    &port.to_string(),
                ])
                .stdout(Stdio::null()),
        )?;
        until("mongod listens", PATIENCE, || {
            let running = program.ensure_running();
            async move {
                running?;
                Ok(tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                    .await
                    .is_ok())
            }
        })
        .await?;
        Ok(Some(Self {
            program,
            port,
            directory,
        }))
    }

    /// Ends it, and deletes its database.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub(crate) async fn stop(self) -> Result<()> {
        self.program.stop().await?;
        Ok(self.directory.close()?)
    }

    /// For `MONGO_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
