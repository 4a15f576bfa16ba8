//! The node's sshd: its configuration, its keys, and the process that keeps it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::{Uid, User};

use crate::{Fault, SimulatorError};

/// The programs of this machine that a node stands on.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) sshd: PathBuf,
    pub(crate) ssh_keygen: PathBuf,
    pub(crate) busybox: PathBuf,
}

impl Programs {
    pub(crate) fn find() -> Result<Self, SimulatorError> {
        let missing = |program, package| SimulatorError::ProgramMissing { program, package };
        Ok(Self {
            // sshd starts itself again and requires an absolute path.
            sshd: find("sshd").ok_or(missing("sshd", "openssh-server"))?,
            ssh_keygen: find("ssh-keygen").ok_or(missing("ssh-keygen", "openssh-client"))?,
            busybox: find("busybox").ok_or(missing("busybox", "busybox-static"))?,
        })
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from))
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Who logs in: an sshd that is not root's can only let its own user in.
pub(crate) fn user() -> Result<User, SimulatorError> {
    let id = Uid::effective();
    let user = User::from_uid(id)
        .ok()
        .flatten()
        .ok_or(SimulatorError::NoUser { id: id.as_raw() })?;
    let useless = ["nologin", "false", "sync"];
    if useless.iter().any(|name| user.shell.ends_with(name)) {
        return Err(SimulatorError::NoLoginShell {
            user: user.name,
            shell: user.shell,
        });
    }
    Ok(user)
}

/// The words with which an SSH command comes into the chroot.
#[derive(Clone, Debug)]
pub(crate) struct Entrance(Vec<OsString>);

impl Entrance {
    /// For root the chroot itself is enough; another user needs a user namespace around it.
    pub(crate) fn find(
        tools: &Path,
        root: &Path,
        shell_path: &str,
        programs: &Programs,
        user: &User,
    ) -> Result<Self, SimulatorError> {
        let enter = |mode: &str| -> Vec<OsString> {
            vec![
                tools.into(),
                "enter".into(),
                root.into(),
                shell_path.into(),
                programs.busybox.clone().into(),
                mode.into(),
            ]
        };
        if user.uid.is_root() {
            return Ok(Self(enter("root")));
        }
        let mut reason = String::new();
        let busybox: OsString = programs.busybox.clone().into();
        for around in [
            vec!["unshare".into(), "--map-root-user".into(), "--mount".into()],
            vec![busybox, "unshare".into(), "-r".into(), "-m".into()],
        ] {
            let mut words = around;
            words.extend(enter("probe"));
            let Some((program, arguments)) = words.split_first() else {
                continue;
            };
            match Command::new(program).args(arguments).output() {
                Ok(output) if output.status.success() => {
                    let _ = words.pop();
                    words.push("user".into());
                    return Ok(Self(words));
                }
                Ok(output) => {
                    reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                }
                Err(error) => reason = error.to_string(),
            }
        }
        Err(SimulatorError::NoChroot {
            user: user.name.clone(),
            reason,
        })
    }

    /// As a line for the login shell, whichever it is.
    fn line(&self) -> String {
        let quoted = self.0.iter().map(|word| {
            let word = word.to_string_lossy();
            format!("'{}'", word.replace('\'', r"'\''"))
        });
        format!("exec {}", quoted.collect::<Vec<_>>().join(" "))
    }
}

/// Makes a pair of ECDSA keys: ESXi in FIPS mode knows RSA and ECDSA, and this is the faster.
pub(crate) fn make_key(
    programs: &Programs,
    file: &Path,
    comment: &str,
) -> Result<(), SimulatorError> {
    let output = Command::new(&programs.ssh_keygen)
        .args([
            "-q", "-t", "ecdsa", "-b", "256", "-N", "", "-C", comment, "-f",
        ])
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| SimulatorError::Key {
            reason: error.to_string(),
        })?;
    if output.status.success() {
        return Ok(());
    }
    Err(SimulatorError::Key {
        reason: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// The configuration of sshd, as an ESXi host's `sshd -T` shows it where that can be seen from outside.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) directory: PathBuf,
    pub(crate) port: u16,
    pub(crate) entrance: Entrance,
    pub(crate) use_pam: bool,
}

impl Settings {
    /// Writes `sshd_config` and `authorized_keys` for a node with these faults.
    pub(crate) fn write(&self, faults: &[Fault]) -> io::Result<()> {
        let mut host_key = "host_key";
        let mut max_sessions = 10;
        let mut max_startups = "10:30:100".to_owned();
        let mut identity = fs::read_to_string(self.directory.join("identity.pub"))?;
        for fault in faults {
            match fault {
                Fault::WrongHostKey => host_key = "other_host_key",
                Fault::MaxSessions(sessions) => max_sessions = *sessions,
                Fault::MaxStartups(startups) => max_startups = startups.to_string(),
                Fault::AuthenticationRefused => identity.clear(),
                _ => {}
            }
        }
        let directory = self.directory.display();
        let use_pam = if self.use_pam { "yes" } else { "no" };
        fs::write(self.directory.join("authorized_keys"), identity)?;
        fs::write(
            self.directory.join("sshd_config"),
            format!(
                "ListenAddress 127.0.0.1\n\
                 Port {port}\n\
                 HostKey \"{directory}/{host_key}\"\n\
                 PidFile \"{directory}/sshd.pid\"\n\
                 AuthorizedKeysFile \"{directory}/authorized_keys\"\n\
                 PubkeyAcceptedAlgorithms rsa-sha2-256,rsa-sha2-512,ecdsa-sha2-nistp256,\
                 ecdsa-sha2-nistp384,ecdsa-sha2-nistp521\n\
                 Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,\
                 aes128-ctr\n\
                 StrictModes no\n\
                 PermitRootLogin prohibit-password\n\
                 PasswordAuthentication no\n\
                 KbdInteractiveAuthentication no\n\
                 UsePAM {use_pam}\n\
                 UseDNS no\n\
                 PrintMotd no\n\
                 PrintLastLog no\n\
                 AllowTcpForwarding no\n\
                 AllowAgentForwarding no\n\
                 X11Forwarding no\n\
                 PermitUserRC no\n\
                 ClientAliveInterval 200\n\
                 ClientAliveCountMax 3\n\
                 MaxStartups {max_startups}\n\
                 MaxSessions {max_sessions}\n\
                 LogLevel VERBOSE\n\
                 # bash reads no start files at the second level: each command starts sooner.\n\
                 SetEnv SHLVL=2\n\
                 ForceCommand {enter}\n",
                port = self.port,
                enter = self.entrance.line(),
            ),
        )
    }
}

/// Whether root's account is locked for passwords: without PAM sshd then refuses keys too.
pub(crate) fn needs_pam(user: &User) -> bool {
    user.uid.is_root()
        && fs::read_to_string("/etc/shadow").is_ok_and(|shadow| {
            shadow
                .lines()
                .filter_map(|line| line.strip_prefix(&format!("{}:", user.name)))
                .any(|rest| rest.starts_with('!'))
        })
}

/// sshd as root wants this directory and does not make it.
pub(crate) fn make_privilege_separation_directory() -> Result<(), SimulatorError> {
    let path = Path::new("/run/sshd");
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
        .map_err(|source| SimulatorError::Files {
            path: path.to_owned(),
            source,
        })
}

/// Starts a program whose file was written just now.
///
/// A child that another thread is starting at this moment holds a copy of the file's descriptor
/// until it becomes its own program; for so long the kernel calls the file busy.
fn spawn_new_program(command: &mut Command) -> io::Result<Child> {
    let since = Instant::now();
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy
                    && since.elapsed() < Duration::from_secs(5) =>
            {
                std::thread::sleep(Duration::from_millis(2));
            }
            outcome => return outcome,
        }
    }
}

/// The process that keeps sshd. When this is dropped, and when this process ends in whatever
/// way, it kills all that runs on the node and removes the node's directory.
#[derive(Debug)]
pub(crate) struct Supervisor {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    pub(crate) fn start(
        tools: &Path,
        directory: &Path,
        programs: &Programs,
    ) -> Result<Self, SimulatorError> {
        let mut command = Command::new(tools);
        command
            .arg("supervise")
            .arg(directory)
            .arg(&programs.busybox)
            .arg(&programs.sshd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C in the terminal is for this process; the keeper ends after it.
            .process_group(0);
        let mut process = spawn_new_program(&mut command).map_err(SimulatorError::Supervisor)?;
        let orders = process.stdin.take();
        let answers = process
            .stdout
            .take()
            .ok_or_else(|| SimulatorError::Supervisor(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self {
            process,
            orders,
            answers: BufReader::new(answers),
        })
    }

    /// Gives an order (see `tools/supervise.rs`) and waits until it is carried out.
    pub(crate) fn order(&mut self, node: &str, order: &str) -> Result<(), SimulatorError> {
        let answer = self.ask(order).map_err(SimulatorError::Supervisor)?;
        match answer.trim_end() {
            "ok" => Ok(()),
            answer => Err(SimulatorError::Sshd {
                node: node.to_owned(),
                reason: answer.strip_prefix("error ").unwrap_or(answer).to_owned(),
            }),
        }
    }

    fn ask(&mut self, order: &str) -> io::Result<String> {
        let orders = self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        orders.write_all(format!("{order}\n").as_bytes())?;
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(answer)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // The end of its input is the order to clean up.
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}
