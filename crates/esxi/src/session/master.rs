//! The ssh process that holds the connection.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io};

use ecoman_model::marks;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::control::ControlDirectory;
use super::fault::{SessionFault, classify, last_line};
use super::options::SessionOptions;
use crate::hosts::Host;

/// A connected ssh master. Dropping it ends the connection.
///
/// It is started by us and not by the openssh crate, which detaches it: a detached one can be
/// neither killed while it connects nor waited for, and survives us.
pub(super) struct Master {
    process: Child,
    /// What ssh printed, once it has ended.
    last_words: watch::Receiver<Option<String>>,
    directory: ControlDirectory,
}

/// Messages of ssh are a few lines.
const MAX_STDERR_BYTES: usize = 16 * 1024;

/// ssh ends by itself when the connection takes too long, and says what it waited for. It is killed
/// only this much later.
const SSH_GOES_FIRST: Duration = Duration::from_millis(500);

/// How often ssh asks a silent node for a sign of life.
const ALIVE_INTERVAL_SECONDS: u64 = 5;

/// How long a process that was killed may take to be gone.
const GRACE: Duration = Duration::from_secs(5);

impl Master {
    pub(super) async fn start(host: &Host, options: &SessionOptions) -> Result<Self, SessionFault> {
        let directory = ControlDirectory::create()
            .map_err(|error| local("creating a directory for the control socket", error))?;
        let limit = host.connect_timeout.unwrap_or(options.connect_timeout);
        let mut command = command(host, options, limit, directory.path())
            .map_err(|error| local("linking key and known hosts", error))?;
        command.arg("-S").arg(directory.socket());
        command.arg("--").arg(&host.settings.address);
        let mut process = command
            .spawn()
            .map_err(|error| local("starting ssh", error))?;
        let (Some(stdout), Some(stderr)) = (process.stdout.take(), process.stderr.take()) else {
            return Err(local("starting ssh", io::Error::other("no pipes")));
        };
        let mut last_words = listen(stderr, host);

        // ConnectTimeout ends with the key exchange, and ssh says why. What is left is the login.
        let began = Instant::now();
        let mut ready = String::new();
        let mut stdout = BufReader::new(stdout);
        match timeout(limit + SSH_GOES_FIRST, stdout.read_line(&mut ready)).await {
            Ok(Ok(bytes)) if bytes > 0 => Ok(Self {
                process,
                last_words,
                directory,
            }),
            Ok(_) => {
                let text = timeout(GRACE, last_words.wait_for(Option::is_some)).await;
                let text = match text {
                    Ok(Ok(text)) => text.clone().unwrap_or_default(),
                    _ => String::new(),
                };
                Err(classify(&text, &host.settings.username, waited(began)))
            }
            Err(_) => Err(SessionFault::LoginTimeout {
                limit: waited(began),
            }),
        }
    }

    pub(super) fn directory(&self) -> &ControlDirectory {
        &self.directory
    }

    /// What ssh said when it ended; waits for that a moment.
    pub(super) async fn last_words(&self) -> String {
        let mut words = self.last_words.clone();
        match timeout(Duration::from_secs(1), words.wait_for(Option::is_some)).await {
            Ok(Ok(text)) => last_line(text.as_deref().unwrap_or_default()),
            _ => String::new(),
        }
    }

    /// Ends the connection and waits until ssh is gone.
    pub(super) async fn close(mut self) {
        match timeout(GRACE, self.process.kill()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot end ssh"),
            Err(_) => tracing::warn!("ssh did not end"),
        }
    }
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Master")
            .field("pid", &self.process.id())
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

fn local(doing: &'static str, error: io::Error) -> SessionFault {
    SessionFault::Local {
        doing,
        source: Arc::new(error),
    }
}

/// The time since `began`, in whole seconds, as it is shown.
fn waited(began: Instant) -> Duration {
    Duration::from_secs(began.elapsed().as_secs().max(1))
}

/// ssh with everything but the socket and the address.
fn command(
    host: &Host,
    options: &SessionOptions,
    limit: Duration,
    directory: &Path,
) -> io::Result<Command> {
    // ssh expands %, ~ and ${} in the paths that it is given and splits some of them at blanks.
    // It gets these links instead, whose names have none of them.
    let key = directory.join("key");
    symlink(&host.identity_file, &key)?;
    let mut known_hosts = String::new();
    for (number, file) in options.known_hosts.iter().enumerate() {
        let link = directory.join(format!("known_hosts{number}"));
        symlink(std::path::absolute(file)?, &link)?;
        if number > 0 {
            known_hosts.push(' ');
        }
        known_hosts.push_str(&link.to_string_lossy());
    }
    if known_hosts.is_empty() {
        known_hosts.push_str("/dev/null");
    }
    let seconds = limit.as_millis().div_ceil(1000).max(1);
    // They count during the login too, which may take its whole time. 15 s is soon enough for a
    // connection that has died.
    let signs_missed = (limit.as_secs() / ALIVE_INTERVAL_SECONDS + 1).max(3);
    let settings = [
        // Says on standard output that the connection is there and the socket listens.
        ("PermitLocalCommand", "yes"),
        ("LocalCommand", "echo connected"),
        ("ControlPersist", "no"),
        ("BatchMode", "yes"),
        ("StrictHostKeyChecking", "yes"),
        ("GlobalKnownHostsFile", "/dev/null"),
        ("UserKnownHostsFile", known_hosts.as_str()),
        ("UpdateHostKeys", "no"),
        // Keys are pinned by the name in hosts.yml; what it resolves to may change.
        ("CheckHostIP", "no"),
        ("IdentitiesOnly", "yes"),
        ("IdentityAgent", "none"),
        // One attempt per connection: ESXi locks an account after a few.
        ("PreferredAuthentications", "publickey"),
        // ESXi up to 6.0 has an OpenSSH before 7.2, which signs with SHA-1 only. `+` appends it
        // as the last choice, so a node that knows better never uses it, and the pinned host key
        // keeps anybody in between from talking a node down to it. (`PubkeyAcceptedKeyTypes` is
        // the old name of `PubkeyAcceptedAlgorithms`; clients before 8.5 know only that.)
        ("HostKeyAlgorithms", "+ssh-rsa"),
        ("PubkeyAcceptedKeyTypes", "+ssh-rsa"),
        ("ServerAliveInterval", &ALIVE_INTERVAL_SECONDS.to_string()),
        ("ServerAliveCountMax", &signs_missed.to_string()),
        ("ConnectTimeout", &seconds.to_string()),
        ("ClearAllForwardings", "yes"),
        // Below it, ssh does not say why it could not agree on algorithms.
        ("LogLevel", "INFO"),
    ];
    let mut command = Command::new("ssh");
    command
        .args(["-F", "/dev/null", "-M", "-N", "-T"])
        .args(settings.map(|(key, value)| format!("-o{key}={value}")))
        .arg("-i")
        .arg(key)
        .arg("-p")
        .arg(host.settings.port.to_string())
        .arg("-l")
        .arg(&host.settings.username)
        .env("LC_ALL", "C")
        // Runs LocalCommand.
        .env("SHELL", "/bin/sh")
        .env_remove("SSH_AUTH_SOCK")
        .env_remove("SSH_ASKPASS")
        .env_remove("DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C at the terminal is for us: we finish what runs and close the connection then.
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

/// Keeps what ssh prints until it ends.
fn listen(stderr: ChildStderr, host: &Host) -> watch::Receiver<Option<String>> {
    let (sender, receiver) = watch::channel(None);
    let node = host.name.clone();
    tokio::spawn(async move {
        let mut stderr = BufReader::new(stderr);
        let mut text = Vec::new();
        let mut line = Vec::new();
        while let Ok(1..) = (&mut stderr)
            .take(MAX_STDERR_BYTES as u64)
            .read_until(b'\n', &mut line)
            .await
        {
            let shown = String::from_utf8_lossy(&line);
            tracing::debug!(%node, line = %marks::plain_line(shown.trim_end()), "ssh");
            if text.len() + line.len() > MAX_STDERR_BYTES {
                text.clear();
            }
            text.append(&mut line);
        }
        sender.send_replace(Some(String::from_utf8_lossy(&text).into_owned()));
    });
    receiver
}
