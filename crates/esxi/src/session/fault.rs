//! What can go wrong with a session, classified by the messages of ssh.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ecoman_model::{FailureKind, NodeName, marks};

use crate::command::Command;
use crate::hosts::{Host, trust_command};

/// A connection could not be made, or a command could not be run.
///
/// [`Display`](fmt::Display) is one sentence that names node and address, [`SessionError::hint`]
/// what to do about it. A command that ran and failed is no error of the session: its exit code
/// is in [`crate::Output`].
#[derive(Clone, Debug)]
pub struct SessionError {
    /// The node.
    pub node: NodeName,
    /// Its address; with the port where that is not 22.
    pub address: String,
    /// What happened.
    pub fault: SessionFault,
}

/// What happened to a session: first the stages of connecting, then those of running a command.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionFault {
    /// The private key cannot be used.
    #[error("the private key cannot be used: {reason}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why, with the name of the file.
        reason: String,
    },
    /// ssh itself cannot load the private key; the node has never seen it.
    #[error("ssh cannot load the private key: {reason}")]
    UnusableKey {
        /// ssh's words, such as `error in libcrypto`.
        reason: String,
    },
    /// Something on this machine failed, not on the node.
    #[error("this machine cannot connect: {doing} failed")]
    Local {
        /// What we were doing.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: Arc<io::Error>,
    },
    /// The address is no known name.
    #[error("the address cannot be resolved: {reason}")]
    Unresolved {
        /// ssh's words.
        reason: String,
    },
    /// No TCP connection.
    #[error("no connection to the SSH port: {reason}")]
    Unreachable {
        /// ssh's words, such as `Connection refused`.
        reason: String,
    },
    /// Neither `ssh-keyscan` nor a person has ever pinned its host key.
    #[error("the SSH host key is not trusted yet")]
    UnknownHostKey,
    /// Another host key than the pinned one: the node was installed again, or somebody intercepts
    /// the connection.
    #[error("the SSH host key has changed")]
    ChangedHostKey,
    /// The host key is marked as revoked in a known_hosts file.
    #[error("the SSH host key is marked as revoked")]
    RevokedHostKey,
    /// The login was refused.
    #[error("login as {username} refused for this key: {reason}")]
    Authentication {
        /// The user.
        username: String,
        /// ssh's words, such as `Permission denied (publickey)`.
        reason: String,
    },
    /// The login was refused, and is not tried again for a while.
    #[error(
        "login as {username} refused for this key: {reason}. No further attempt before {}, \
         because ESXi locks accounts",
        .until.format("%Y-%m-%d %H:%M:%S UTC")
    )]
    LoginPaused {
        /// The user.
        username: String,
        /// ssh's words.
        reason: String,
        /// When it may be tried again.
        until: DateTime<Utc>,
    },
    /// ssh and the node have no algorithm in common.
    #[error("no common SSH algorithm: {reason}")]
    Negotiation {
        /// ssh's words, with what the node offers.
        reason: String,
    },
    /// It accepted the connection, but did not complete the login in time.
    #[error("connected, but the login did not complete within {} s", .limit.as_secs_f32())]
    LoginTimeout {
        /// The time that it had.
        limit: Duration,
    },
    /// It closed the connection before the login, as a node does that has too many at once.
    #[error("the host closed the connection before the login: {reason}")]
    Closed {
        /// ssh's words.
        reason: String,
    },
    /// ssh failed in a way that is not known here.
    #[error("ssh failed: {reason}")]
    Ssh {
        /// ssh's words.
        reason: String,
    },
    /// It refuses to run even one command on the connection.
    #[error("the host refuses to run commands on the connection")]
    SessionsRefused,
    /// The shell on the node did not start.
    #[error("the shell does not run commands: {}", or(.text, "it exited without output"))]
    NoShell {
        /// What it printed instead.
        text: String,
    },
    /// A command did not end in time; it was killed on the node.
    #[error("`{command}` was killed after {} s", .limit.as_secs_f32())]
    Timeout {
        /// The command.
        command: Command,
        /// The time that it had.
        limit: Duration,
    },
    /// A command was not sent: the commands before it have used up what they had together.
    #[error("not polled: {reason}")]
    Exhausted {
        /// What was used up.
        reason: Exhausted,
    },
    /// A command printed more than any command should; it was killed on the node.
    #[error("`{command}` was killed: it printed more than {}", size(*limit_bytes))]
    TooMuchOutput {
        /// The command.
        command: Command,
        /// How much is allowed, in bytes and per stream.
        limit_bytes: usize,
    },
    /// The shell on the node ended while the command ran.
    #[error("the shell ended while `{command}` was running{}", detail(.text))]
    Interrupted {
        /// The command.
        command: Command,
        /// The last that the shell printed.
        text: String,
    },
    /// The command cannot be sent: an argument contains a NUL byte.
    #[error("an argument of `{command}` contains a NUL byte")]
    InvalidArgument {
        /// The command.
        command: Command,
    },
    /// The connection was lost: connect again.
    #[error("the connection was lost{}", detail(.reason))]
    Disconnected {
        /// ssh's words; may be empty.
        reason: String,
    },
}

/// What a series of commands has used up (see [`crate::Quota`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// They printed so many bytes.
    #[error("the previous output exceeds {} MiB", .0 / (1024 * 1024))]
    Bytes(usize),
    /// They took so long.
    #[error("the previous commands took more than {} s", .0.as_secs())]
    Time(Duration),
    /// So many in a row did not answer in time.
    #[error("{0} commands in a row timed out")]
    Silence(usize),
}

/// Bytes in the largest unit that they are some of.
fn size(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    match bytes {
        MIB.. => format!("{} MiB", bytes / MIB),
        _ => format!("{} KiB", bytes / 1024),
    }
}

impl SessionFault {
    /// `reason`: what ssh or the node said last, if anything.
    pub(super) fn disconnected(reason: String) -> Self {
        Self::Disconnected { reason }
    }
}

impl SessionError {
    pub(super) fn new(host: &Host, fault: SessionFault) -> Self {
        let settings = &host.settings;
        let address = match settings.port {
            22 => settings.address.clone(),
            port if settings.address.contains(':') => format!("[{}]:{port}", settings.address),
            port => format!("{}:{port}", settings.address),
        };
        Self {
            node: host.name.clone(),
            address,
            fault,
        }
    }

    /// The kind of failure: decides how soon the node is tried again.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match &self.fault {
            // It passes by itself.
            SessionFault::Local { source, .. } if is_shortage(source) => FailureKind::Disconnected,
            SessionFault::KeyFile { .. }
            | SessionFault::UnusableKey { .. }
            | SessionFault::Local { .. } => FailureKind::Configuration,
            SessionFault::Unresolved { .. } | SessionFault::Unreachable { .. } => {
                FailureKind::Unreachable
            }
            SessionFault::UnknownHostKey
            | SessionFault::ChangedHostKey
            | SessionFault::RevokedHostKey => FailureKind::HostKey,
            SessionFault::Authentication { .. } | SessionFault::LoginPaused { .. } => {
                FailureKind::Authentication
            }
            SessionFault::LoginTimeout { .. }
            | SessionFault::Timeout { .. }
            | SessionFault::Exhausted {
                reason: Exhausted::Time(_) | Exhausted::Silence(_),
            } => FailureKind::Timeout,
            SessionFault::Closed { .. }
            | SessionFault::Ssh { .. }
            | SessionFault::SessionsRefused
            | SessionFault::Interrupted { .. }
            | SessionFault::Disconnected { .. } => FailureKind::Disconnected,
            SessionFault::Negotiation { .. }
            | SessionFault::NoShell { .. }
            | SessionFault::TooMuchOutput { .. }
            | SessionFault::Exhausted {
                reason: Exhausted::Bytes(_),
            }
            | SessionFault::InvalidArgument { .. } => FailureKind::Protocol,
        }
    }

    /// What to do about it, in a sentence for the administrator.
    #[must_use]
    pub fn hint(&self) -> String {
        let Self { node, address, .. } = self;
        match &self.fault {
            SessionFault::KeyFile { .. } => {
                format!("Correct identity_file_path of {node} in hosts.yml, or the key file.")
            }
            SessionFault::UnusableKey { .. } => format!(
                "Check the key file of {node} (identity_file_path in hosts.yml) with `ssh-keygen \
                 -y -f FILE`: a pasted key often lacks its last line break, or has Windows line \
                 breaks, blank lines or leading spaces. Copy the file instead."
            ),
            SessionFault::Local { source, .. } if is_shortage(source) => {
                "The machine that runs ECoMan is out of file descriptors, processes or memory. \
                 Raise its limits (ulimit -n), or find what uses them."
                    .into()
            }
            SessionFault::Local { .. } => {
                "Install the OpenSSH client on the machine that runs ECoMan, and make its \
                 temporary directory writable (XDG_RUNTIME_DIR or TMPDIR)."
                    .into()
            }
            SessionFault::Unresolved { .. } => {
                format!("Correct addr of {node} in hosts.yml, or check DNS.")
            }
            SessionFault::Unreachable { .. } => format!(
                "Check that {node} is on, that addr and port in hosts.yml are right, that no \
                 firewall blocks it, and that SSH is enabled (Host Client: Manage > Services > \
                 TSM-SSH > Start, policy \"Start and stop with host\")."
            ),
            SessionFault::UnknownHostKey => {
                format!(
                    "Compare and trust the key with `{}`.",
                    trust_command(node.as_str())
                )
            }
            SessionFault::ChangedHostKey => format!(
                "If {node} was reinstalled, compare and trust the new key: `{}`. If not, someone \
                 may be intercepting the connection.",
                trust_command(node.as_str())
            ),
            SessionFault::RevokedHostKey => format!(
                "Create a new host key on {node}, remove the @revoked line from known_hosts, and \
                 trust the key with `{}`.",
                trust_command(node.as_str())
            ),
            SessionFault::Authentication { username, reason } => login_hint(node, username, reason),
            SessionFault::LoginPaused {
                username, reason, ..
            } => format!(
                "{} After a change of hosts.yml or the key file, ECoMan tries again at once.",
                login_hint(node, username, reason)
            ),
            SessionFault::Negotiation { .. } => {
                format!("Update {node}, or use an OpenSSH client that supports its algorithms.")
            }
            SessionFault::LoginTimeout { limit } => format!(
                "If logins to {node} are always slow (set UseDNS no in its /etc/ssh/sshd_config), \
                 set connect_timeout_seconds of {node} in hosts.yml to more than {}. Otherwise \
                 the host may be overloaded: check its Host Client (https://{}/ui/).",
                limit.as_secs(),
                host_part(address)
            ),
            SessionFault::Timeout { .. } => format!(
                "The host may be overloaded. Check its Host Client (https://{}/ui/); if hostd \
                 hangs, restart it (/etc/init.d/hostd restart).",
                host_part(address)
            ),
            SessionFault::Closed { .. } => format!(
                "{node} may have too many connections (MaxStartups of its sshd). ECoMan tries \
                 again."
            ),
            SessionFault::Ssh { reason } if reason.contains("No user exists for uid") => {
                "ssh needs an entry in /etc/passwd for the user that runs ECoMan. Add one, or run \
                 ECoMan as a user that has one (containers: a user of the image)."
                    .into()
            }
            SessionFault::Ssh { .. } => format!("Try `{}` by hand.", by_hand(address)),
            SessionFault::SessionsRefused => format!(
                "Set MaxSessions in /etc/ssh/sshd_config of {node} to at least 1, and check its \
                 /var/log/auth.log."
            ),
            SessionFault::NoShell { .. } => {
                format!("Allow the user of {node} in hosts.yml to use the ESXi Shell over SSH.")
            }
            SessionFault::Exhausted { .. } => format!(
                "Check whether {node} is overloaded. Until the next poll, the rest keeps its last \
                 known values."
            ),
            SessionFault::TooMuchOutput { command, .. } => {
                format!("Run `{command}` on {node} and check its output.")
            }
            SessionFault::Interrupted { .. } => format!(
                "{node} may be out of memory. Check /var/log/vmkernel.log; if hostd hangs, \
                 restart it (/etc/init.d/hostd restart)."
            ),
            SessionFault::InvalidArgument { .. } => "Remove the NUL byte.".into(),
            SessionFault::Disconnected { .. } => {
                format!(
                    "ECoMan reconnects to {node} automatically. If this repeats, check its \
                         network."
                )
            }
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.node, self.address, self.fault)
    }
}

impl Error for SessionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

/// What ssh printed before it gave up, read. The texts are those of OpenSSH 7.4 to 10; they are
/// not translated.
pub(super) fn classify(text: &str, username: &str, limit: Duration) -> SessionFault {
    // A node may print anything before the login.
    let text = &*marks::plain_block(text);
    let has = |needle: &str| text.contains(needle);
    let line_with = |needle: &str| {
        text.lines()
            .map(str::trim)
            .find(|line| line.contains(needle))
            .unwrap_or_default()
    };
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") || has("HOST IDENTIFICATION HAS CHANGED") {
        return SessionFault::ChangedHostKey;
    }
    if has("REVOKED HOST KEY") || has("is marked as revoked") {
        return SessionFault::RevokedHostKey;
    }
    if has("host key is known for") || has("Host key verification failed") {
        return SessionFault::UnknownHostKey;
    }
    if has("Unable to negotiate with") || has("no matching ") {
        let line = line_with("no matching ");
        let reason = line.find("no matching").and_then(|at| line.get(at..));
        return SessionFault::Negotiation {
            reason: reason.unwrap_or(line).to_owned(),
        };
    }
    if let Some(reason) = text.lines().find_map(refused_key) {
        return SessionFault::UnusableKey { reason };
    }
    if has("Permission denied (") || has("Too many authentication failures") {
        let line = if has("Permission denied (") {
            line_with("Permission denied (")
        } else {
            line_with("Too many authentication failures")
        };
        let reason = ["Permission denied", "Too many authentication failures"]
            .into_iter()
            .find_map(|words| line.find(words).and_then(|at| line.get(at..)));
        return SessionFault::Authentication {
            username: username.to_owned(),
            reason: reason.unwrap_or(line).trim_end_matches('.').to_owned(),
        };
    }
    if has("Could not resolve hostname") {
        return SessionFault::Unresolved {
            reason: after_last_colon(line_with("Could not resolve hostname")),
        };
    }
    if has("connect to host ") || has("connect to address ") {
        return SessionFault::Unreachable {
            reason: after_last_colon(line_with("connect to ")),
        };
    }
    if has("timed out during banner exchange")
        || has("Connection timed out")
        || has("timed out") && has("Connection to ")
        || has("not responding")
    {
        return SessionFault::LoginTimeout { limit };
    }
    if has("exchange_identification")
        || has("Connection closed by")
        || has("Connection reset by")
        || has("closed by remote host")
        || has("Received disconnect")
        || has("Broken pipe")
    {
        return SessionFault::Closed {
            reason: last_line(text),
        };
    }
    SessionFault::Ssh {
        reason: match last_line(text) {
            line if line.is_empty() => "it exited without output".into(),
            line => line,
        },
    }
}

/// Whether this machine had not enough of something at that moment: descriptors of the process
/// (`EMFILE`) or of the machine (`ENFILE`), processes (`EAGAIN`), memory (`ENOMEM`).
pub(super) fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(11 | 12 | 23 | 24))
}

/// The last line that says something, without ssh's name in front.
pub(super) fn last_line(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .map(|line| line.strip_prefix("ssh: ").unwrap_or(line))
        .unwrap_or_default();
    marks::plain_line(line).into_owned()
}

/// What to do about a refused login.
fn login_hint(node: &NodeName, username: &str, reason: &str) -> String {
    if takes_no_keys(reason) {
        return format!(
            "{node} does not accept public keys. Set PubkeyAuthentication yes in its \
             /etc/ssh/sshd_config and restart SSH (/etc/init.d/SSH restart)."
        );
    }
    format!(
        "Add the public key to /etc/ssh/keys-{username}/authorized_keys on {node} (RSA or ECDSA; \
         ESXi refuses Ed25519). Check that the user can log in (lockdown mode, locked account)."
    )
}

/// Whether the ways to log in that the node offers, in `Permission denied (…)`, lack public keys.
fn takes_no_keys(reason: &str) -> bool {
    reason
        .split_once('(')
        .and_then(|(_, offered)| offered.split_once(')'))
        .is_some_and(|(offered, _)| !offered.split(',').any(|way| way.trim() == "publickey"))
}

/// Why ssh did not load the key, by its line `Load key "FILE": REASON`. It goes on to the login
/// without it, which is refused then: the node has never seen the key.
fn refused_key(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("Load key \"")?;
    let (_, reason) = rest.rsplit_once("\": ")?;
    Some(marks::plain_line(reason.trim()).into_owned())
}

fn after_last_colon(line: &str) -> String {
    line.rsplit(": ").next().unwrap_or(line).to_owned()
}

/// The host in an address, as a link has it: an IPv6 address in brackets.
fn host_part(address: &str) -> Cow<'_, str> {
    match address.rsplit_once(':') {
        Some((host, _)) if host.starts_with('[') || !host.contains(':') => Cow::Borrowed(host),
        Some(_) => Cow::Owned(format!("[{address}]")),
        None => Cow::Borrowed(address),
    }
}

/// How one connects to an address by hand.
fn by_hand(address: &str) -> String {
    match address.rsplit_once(':') {
        Some((host, port)) if host.starts_with('[') || !host.contains(':') => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            format!("ssh -p {port} {host}")
        }
        _ => format!("ssh {address}"),
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn detail(text: &str) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| match text {
        "" => Ok(()),
        text => write!(f, ": {text}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(text: &str) -> SessionFault {
        classify(text, "root", Duration::from_secs(10))
    }

    /// Texts of OpenSSH 7.4 to 10.0, names and numbers changed.
    #[test]
    fn the_words_of_ssh_are_understood() {
        const CHANGED: &str = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n\
            @    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n\
            @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n\
            IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n\
            Someone could be eavesdropping on you right now (man-in-the-middle attack)!\r\n\
            It is also possible that a host key has just been changed.\r\n\
            The fingerprint for the ECDSA key sent by the remote host is\n\
            SHA256:pCfa7nssH6x8WVkgusB7uf4MJG6v5AM6ykoy47v5A9M.\r\n\
            Please contact your system administrator.\r\n\
            Offending ECDSA key in /data/known_hosts:3\r\n\
            Host key for 192.0.2.1 has changed and you have requested strict checking.\r\n\
            Host key verification failed.\r\n";
        const REVOKED: &str = "@       WARNING: REVOKED HOST KEY DETECTED!               @\r\n\
            The ECDSA host key for 192.0.2.1 is marked as revoked.\r\n\
            Host key verification failed.\r\n";
        for (text, kind, shown) in [
            (
                "No ED25519 host key is known for [192.0.2.1]:2222 and you have requested strict \
                 checking.\r\nHost key verification failed.\r\n",
                FailureKind::HostKey,
                "the SSH host key is not trusted yet",
            ),
            (
                CHANGED,
                FailureKind::HostKey,
                "the SSH host key has changed",
            ),
            (
                REVOKED,
                FailureKind::HostKey,
                "the SSH host key is marked as revoked",
            ),
            (
                "Load key \"/run/ecoman/0/key\": error in libcrypto\r\nroot@192.0.2.1: Permission \
                 denied (publickey,keyboard-interactive).\r\n",
                FailureKind::Configuration,
                "ssh cannot load the private key: error in libcrypto",
            ),
            (
                "root@192.0.2.1: Permission denied (publickey,keyboard-interactive).\r\n",
                FailureKind::Authentication,
                "login as root refused for this key: Permission denied \
                 (publickey,keyboard-interactive)",
            ),
            (
                "Permission denied (publickey).\r\n",
                FailureKind::Authentication,
                "login as root refused for this key: Permission denied (publickey)",
            ),
            (
                "Received disconnect from 192.0.2.1 port 22:2: Too many authentication \
                 failures\r\nDisconnected from 192.0.2.1 port 22\r\n",
                FailureKind::Authentication,
                "login as root refused for this key: Too many authentication failures",
            ),
            (
                "ssh: Could not resolve hostname nope.example.net: Name or service not known\r\n",
                FailureKind::Unreachable,
                "the address cannot be resolved: Name or service not known",
            ),
            (
                "ssh: Could not resolve hostname nope.example.net: Temporary failure in name \
                 resolution\r\n",
                FailureKind::Unreachable,
                "the address cannot be resolved: Temporary failure in name resolution",
            ),
            (
                "ssh: connect to host 192.0.2.1 port 22: Connection refused\r\n",
                FailureKind::Unreachable,
                "no connection to the SSH port: Connection refused",
            ),
            (
                "ssh: connect to host 192.0.2.1 port 22: No route to host\r\n",
                FailureKind::Unreachable,
                "no connection to the SSH port: No route to host",
            ),
            (
                "ssh: connect to host 192.0.2.1 port 22: Network is unreachable\r\n",
                FailureKind::Unreachable,
                "no connection to the SSH port: Network is unreachable",
            ),
            (
                "ssh: connect to host 192.0.2.1 port 22: Connection timed out\r\n",
                FailureKind::Unreachable,
                "no connection to the SSH port: Connection timed out",
            ),
            (
                "Connection timed out during banner exchange\r\nConnection to 192.0.2.1 port 22 \
                 timed out\r\n",
                FailureKind::Timeout,
                "connected, but the login did not complete within 10 s",
            ),
            (
                "Connection to 192.0.2.1 port 22 timed out\r\n",
                FailureKind::Timeout,
                "connected, but the login did not complete within 10 s",
            ),
            (
                "kex_exchange_identification: Connection closed by remote host\r\nConnection \
                 closed by 192.0.2.1 port 22\r\n",
                FailureKind::Disconnected,
                "the host closed the connection before the login: Connection closed by 192.0.2.1 \
                 port 22",
            ),
            (
                "kex_exchange_identification: read: Connection reset by peer\r\nConnection reset \
                 by 192.0.2.1 port 22\r\n",
                FailureKind::Disconnected,
                "the host closed the connection before the login: Connection reset by 192.0.2.1 \
                 port 22",
            ),
            (
                "ssh_exchange_identification: Connection closed by remote host\r\n",
                FailureKind::Disconnected,
                "the host closed the connection before the login: ssh_exchange_identification: \
                 Connection closed by remote host",
            ),
            (
                "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. \
                 Their offer: ssh-dss\r\n",
                FailureKind::Protocol,
                "no common SSH algorithm: no matching host key type found. Their offer: ssh-dss",
            ),
            (
                "command-line: line 0: Bad configuration option: nonsense\r\n",
                FailureKind::Disconnected,
                "ssh failed: command-line: line 0: Bad configuration option: nonsense",
            ),
            (
                "",
                FailureKind::Disconnected,
                "ssh failed: it exited without output",
            ),
        ] {
            let error = SessionError {
                node: "hoge".parse().unwrap(),
                address: "192.0.2.1".into(),
                fault: classified(text),
            };
            assert_eq!(error.kind(), kind, "{text}");
            assert_eq!(error.to_string(), format!("hoge (192.0.2.1): {shown}"));
            assert!(error.hint().ends_with('.'), "{}", error.hint());
        }
    }

    #[test]
    fn a_node_that_offers_no_public_keys_gets_another_hint() {
        let hint = |text: &str| {
            SessionError {
                node: "hoge".parse().unwrap(),
                address: "192.0.2.1".into(),
                fault: classified(text),
            }
            .hint()
        };
        let without = hint("root@192.0.2.1: Permission denied (keyboard-interactive).\r\n");
        assert!(without.contains("PubkeyAuthentication yes"), "{without}");
        let with = hint("root@192.0.2.1: Permission denied (publickey,password).\r\n");
        assert!(with.contains("authorized_keys"), "{with}");
    }

    #[test]
    fn a_banner_before_the_reason_does_not_hide_it() {
        let text = "Authorized users only. Permission is given by the owner.\r\n\
                    root@192.0.2.1: Permission denied (publickey).\r\n";
        assert!(matches!(
            classified(text),
            SessionFault::Authentication { reason, .. } if reason == "Permission denied (publickey)"
        ));
    }

    #[test]
    fn the_hint_leads_to_the_page_of_the_node_whatever_the_ssh_port() {
        assert_eq!(host_part("hoge.example.org"), "hoge.example.org");
        assert_eq!(host_part("hoge.example.org:2222"), "hoge.example.org");
        assert_eq!(host_part("[2001:db8::1]:2222"), "[2001:db8::1]");
        assert_eq!(host_part("2001:db8::1"), "[2001:db8::1]");
        assert_eq!(by_hand("[2001:db8::1]:2222"), "ssh -p 2222 2001:db8::1");
        assert_eq!(by_hand("hoge:2222"), "ssh -p 2222 hoge");
        assert_eq!(by_hand("2001:db8::1"), "ssh 2001:db8::1");
    }
}
