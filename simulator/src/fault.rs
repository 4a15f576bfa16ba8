//! What can be made to go wrong on a simulated node while it runs.

use std::time::Duration;

/// Which calls of simulated tools a fault touches: all that fit everything that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    vm: Option<u32>,
    command: Option<String>,
}

impl Scope {
    /// Every call.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Calls with this word among the program and its arguments: `vmsvc/get.summary`, `vim-cmd`,
    /// `filesystem`. The part before the slash may be left out.
    #[must_use]
    pub fn command(word: &str) -> Self {
        Self {
            vm: None,
            command: Some(word.to_owned()),
        }
    }

    /// Calls of `vim-cmd vmsvc/…` about this VM.
    #[must_use]
    pub fn vm(id: u32) -> Self {
        Self {
            vm: Some(id),
            command: None,
        }
    }

    /// Those of them that are about this VM.
    #[must_use]
    pub fn and_vm(mut self, id: u32) -> Self {
        self.vm = Some(id);
        self
    }

    /// Whether the call of `program` with `arguments` is meant.
    pub(crate) fn covers(&self, program: &str, arguments: &[String]) -> bool {
        let about_vm = self.vm.is_none_or(|id| {
            matches!(arguments, [verb, vm, ..]
                if verb.starts_with("vmsvc/") && *vm == id.to_string())
        });
        let of_command = self.command.as_ref().is_none_or(|wanted| {
            std::iter::once(program)
                .chain(arguments.iter().map(String::as_str))
                .any(|word| word == wanted || word.rsplit('/').next() == Some(wanted))
        });
        about_vm && of_command
    }
}

/// How the tools say that hostd is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostdDown {
    /// `vim-cmd`: `Failed to login: Connection reset by peer`.
    ConnectionReset,
    /// `vim-cmd`: `Invalid response code: 400 Bad Request`.
    BadRequest,
}

/// What can be made to go wrong on the SOAP side alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SoapFault {
    /// hostd starts: HTTP status 503 for everything.
    Starting,
    /// The next so many tickets are refused.
    TicketsRefused(u32),
    /// The file with the ticket is not there.
    TicketMissing,
    /// The next so many sign-ins are refused.
    LoginsRefused(u32),
    /// The summary of this VM is refused: HTTP status 200, and a fault in its place.
    NoPermission(u32),
    /// Filters, and with them updates, are refused.
    NoFilters,
    /// One of the paths is refused, and with it the whole question.
    UnknownPath,
    /// Answers to the question are no SOAP.
    Nonsense,
    /// The answer to the question ends after so many bytes, and with it the connection.
    CutAfter(usize),
    /// So many objects a page.
    Pages(usize),
    /// This VM is left out, though it is there.
    Forgets(u32),
    /// This VM is there twice.
    Repeats(u32),
    /// In the summary of this VM the text of an element (`numCpu`) is another one.
    Says(u32, &'static str, String),
}

/// Something that goes wrong on a node. Several can be at work at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The calls never answer, until the fault is cleared or the caller gives up.
    Hang(Scope),
    /// The calls take so much longer, in real time.
    Slow(Scope, Duration),
    /// The calls print binary nonsense and succeed.
    Garbage(Scope),
    /// What the calls print is broken by bytes that are no UTF-8.
    InvalidUtf8(Scope),
    /// The calls print these texts on standard output and standard error, and exit with this code.
    Says(Scope, String, String, u8),
    /// The calls print so many bytes at most and succeed.
    Truncated(Scope, usize),
    /// hostd is down or overloaded: `vim-cmd` and `esxcli` fail, the shell goes on.
    HostdDown(HostdDown),
    /// sshd accepts so many sessions on one connection. Cuts the connections there are.
    MaxSessions(u32),
    /// sshd lets so many connections at once, at least 1, be on their way to a login, and closes
    /// more of them unheard. Cuts the connections there are.
    MaxStartups(u32),
    /// sshd has another host key than the one in
    /// [`known_hosts_line`](crate::SimulatedNode::known_hosts_line). Cuts the connections there
    /// are.
    WrongHostKey,
    /// sshd takes no key. Cuts the connections there are.
    AuthenticationRefused,
    /// The node accepts connections and never says a word; those there are stand still.
    Unresponsive,
    /// Cuts the SSH connection that asks for the n-th command from now on (1 is the next), once.
    CutConnection(u32),
    /// No datastore has any space left.
    DiskFull,
    /// This VM has no VMware Tools.
    NoTools(u32),
    /// This VM has a question and waits for the answer: at power-on, or now if it runs.
    Question(u32),
    /// This VM is invalid: `Skipping invalid VM 'ID'` in place of its row, and not found.
    InvalidVm(u32),
    /// This VM is listed but is gone when asked about (`vmodl.fault.ManagedObjectNotFound`).
    Vanishing(u32),
    /// This VM cannot be powered on for want of memory.
    LacksMemory(u32),
    /// This VM cannot be powered on for its configuration.
    Misconfigured(u32),
    /// A change of this VM's snapshots fails when hostd has worked on it.
    SnapshotFails(u32),
    /// A file is held by another host: its path on the node.
    Held(String),
    /// hostd takes no change of this VM's `.vmx`: when it is to read it, it writes over it.
    TakesNoEdit(u32),
    /// The node's clock is wrong by so many seconds.
    ClockWrong(i64),
    /// The SOAP side of hostd fails, and the tools do not.
    Soap(SoapFault),
}

impl Fault {
    /// Whether sshd must be restarted for it to begin or end.
    pub(crate) fn concerns_sshd(&self) -> bool {
        matches!(
            self,
            Self::MaxSessions(_)
                | Self::MaxStartups(_)
                | Self::WrongHostKey
                | Self::AuthenticationRefused
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(scope: &Scope, line: &str) -> bool {
        let mut words = line.split(' ').map(str::to_owned);
        let program = words.next().unwrap_or_default();
        scope.covers(&program, &words.collect::<Vec<_>>())
    }

    #[test]
    fn a_scope_names_a_command_with_or_without_its_folder() {
        for name in ["vmsvc/get.summary", "get.summary", "vim-cmd"] {
            assert!(covers(&Scope::command(name), "vim-cmd vmsvc/get.summary 3"));
            assert!(!covers(&Scope::command(name), "esxcli system version get"));
        }
        assert!(!covers(
            &Scope::command("get"),
            "vim-cmd vmsvc/get.summary 3"
        ));
    }

    #[test]
    fn a_scope_of_a_vm_covers_only_calls_about_it() {
        assert!(covers(&Scope::vm(3), "vim-cmd vmsvc/get.summary 3"));
        assert!(!covers(&Scope::vm(3), "vim-cmd vmsvc/get.summary 33"));
        assert!(!covers(&Scope::vm(3), "vim-cmd vmsvc/getallvms"));
        let both = Scope::command("get.summary").and_vm(3);
        assert!(!covers(&both, "vim-cmd vmsvc/power.on 3"));
    }
}
