//! The simulated hostd: answers the tools that call it from within the chroot.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crate::commands::{self, NO_OBJECTION, Output, Reply};
use crate::host::Host;
use crate::{Fault, Timestamp};

/// A call of a simulated tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When, by this machine's clock.
    pub at: Timestamp,
    /// `vim-cmd`, `esxcli`, `vmkfstools`, `vmware` or `python3`, whose end is not waited for.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How it ended.
    pub outcome: CallOutcome,
}

impl Call {
    /// Program and arguments with blanks between them.
    #[must_use]
    pub fn line(&self) -> String {
        std::iter::once(self.program.as_str())
            .chain(self.arguments.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It has not.
    Running,
    /// With this exit code.
    Exited(u8),
    /// The tool was killed before it had its answer.
    Killed,
}

/// A command that was asked for by SSH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCommand {
    /// When, by this machine's clock.
    pub at: Timestamp,
    /// As it was sent; `None`: a login shell.
    pub script: Option<String>,
}

/// So many calls and commands are remembered.
const REMEMBERED: usize = 100_000;

/// How often a call that waits looks whether its caller is still there.
const GLANCE: Duration = Duration::from_millis(20);

/// The longest request that is read: arguments cannot be longer on Linux.
const LONGEST_REQUEST: usize = 4 << 20;

/// The state that all calls share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    stopping: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) host: Host,
    pub(crate) calls: VecDeque<Call>,
    pub(crate) commands: VecDeque<RemoteCommand>,
    /// Calls that are forgotten: the number of the first that is not.
    forgotten: usize,
}

impl State {
    /// Forgets the calls that have ended, up to the first that has not.
    pub(crate) fn forget(&mut self) {
        while self
            .calls
            .front()
            .is_some_and(|call| call.outcome != CallOutcome::Running)
        {
            self.calls.pop_front();
            self.forgotten += 1;
        }
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something may have changed, or this time has passed.
    pub(crate) fn wait<'state>(
        &self,
        state: MutexGuard<'state, State>,
        limit: Duration,
    ) -> MutexGuard<'state, State> {
        let waited = self.changed.wait_timeout(state, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Lets every call that waits look at the state again.
    pub(crate) fn notify(&self) {
        self.changed.notify_all();
    }
}

/// The server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Hostd {
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
    /// The folder of the socket.
    folder: File,
}

impl Hostd {
    /// Listens on `hostd.sock` in `folder`.
    pub(crate) fn start(host: Host, folder: &Path) -> io::Result<Self> {
        let folder = File::open(folder)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                host,
                calls: VecDeque::new(),
                commands: VecDeque::new(),
                forgotten: 0,
            }),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let listener = UnixListener::bind(socket(&folder))?;
        let for_calls = Arc::clone(&shared);
        let acceptor = std::thread::Builder::new()
            .name("hostd".to_owned())
            .spawn(move || accept(&listener, &for_calls))?;
        Ok(Self {
            shared,
            acceptor: Some(acceptor),
            folder,
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Hostd {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.notify();
        // The acceptor notices at its next connection.
        if UnixStream::connect(socket(&self.folder)).is_ok()
            && let Some(acceptor) = self.acceptor.take()
        {
            let _ = acceptor.join();
        }
    }
}

/// The path of a socket has 107 bytes at most: the way over the open folder is short.
fn socket(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/hostd.sock", folder.as_raw_fd()))
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // Without a thread for it the caller sees its connection closed.
        let _ = std::thread::Builder::new()
            .name("hostd call".to_owned())
            .stack_size(256 << 10)
            .spawn(move || {
                let mut caller = Caller { stream };
                // A caller that was killed takes no answer: that is recorded, no error.
                let _ = serve(&mut caller, &shared);
            });
    }
}

/// The tool at the other end.
struct Caller {
    stream: UnixStream,
}

impl Caller {
    /// Program, working directory and arguments.
    fn request(&mut self) -> io::Result<Vec<String>> {
        let mut left = LONGEST_REQUEST;
        let count = self.length()?;
        let mut words = Vec::new();
        for _ in 0..count {
            let length = self.length()?;
            left = left
                .checked_sub(length)
                .ok_or_else(|| io::Error::other("the request is too long"))?;
            let mut word = vec![0; length];
            self.stream.read_exact(&mut word)?;
            words.push(String::from_utf8_lossy(&word).into_owned());
        }
        self.stream.set_nonblocking(true)?;
        Ok(words)
    }

    fn length(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 4];
        self.stream.read_exact(&mut bytes)?;
        usize::try_from(u32::from_le_bytes(bytes)).map_err(io::Error::other)
    }

    /// Whether the tool still waits for its answer.
    fn waits(&mut self) -> bool {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(read) => read > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    fn send(&mut self, channel: u8, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let mut frame = vec![channel];
        frame.extend(length.to_le_bytes());
        frame.extend(bytes);
        self.stream.set_nonblocking(false)?;
        self.stream.write_all(&frame)?;
        self.stream.set_nonblocking(true)
    }

    fn end(&mut self, code: u8) -> io::Result<()> {
        self.stream.set_nonblocking(false)?;
        self.stream.write_all(&[0, code, 0, 0, 0])
    }
}

fn serve(caller: &mut Caller, shared: &Shared) -> io::Result<()> {
    let mut words = caller.request()?.into_iter();
    let (Some(program), Some(directory)) = (words.next(), words.next()) else {
        return Err(io::Error::other("an empty request"));
    };
    let arguments: Vec<String> = words.collect();
    match program.as_str() {
        "sh" => return caller.end(u8::from(cut(shared, arguments.into_iter().next()))),
        "date" => {
            let state = shared.state();
            let seconds = state.host.shown(state.host.now()).timestamp();
            drop(state);
            caller.send(1, seconds.to_string().as_bytes())?;
            return caller.end(0);
        }
        // Not remembered: these are no tools of ESXi.
        "find" | "mkdir" => {
            let code = answer(caller, shared, &program, &arguments, &directory)?;
            return caller.end(code);
        }
        _ => {}
    }
    let number = {
        let mut state = shared.state();
        if state.calls.len() == REMEMBERED {
            state.calls.pop_front();
            state.forgotten += 1;
        }
        state.calls.push_back(Call {
            at: SystemTime::now().into(),
            program: program.clone(),
            arguments: arguments.clone(),
            outcome: CallOutcome::Running,
        });
        state.forgotten + state.calls.len() - 1
    };
    let outcome = answer(caller, shared, &program, &arguments, &directory);
    let mut state = shared.state();
    let place = number.checked_sub(state.forgotten);
    if let Some(call) = place.and_then(|place| state.calls.get_mut(place)) {
        call.outcome = match outcome {
            // The real one takes over.
            Ok(NO_OBJECTION) => CallOutcome::Exited(0),
            Ok(code) => CallOutcome::Exited(code),
            Err(_) => CallOutcome::Killed,
        };
    }
    drop(state);
    shared.notify();
    caller.end(outcome?)
}

/// Remembers the command, and says whether its connection is to be cut.
fn cut(shared: &Shared, script: Option<String>) -> bool {
    let mut state = shared.state();
    if state.commands.len() == REMEMBERED {
        state.commands.pop_front();
    }
    state.commands.push_back(RemoteCommand {
        at: SystemTime::now().into(),
        script,
    });
    let mut due = false;
    state.host.faults.retain_mut(|fault| match fault {
        Fault::CutConnection(left) => {
            *left = left.saturating_sub(1);
            due |= *left == 0;
            *left > 0
        }
        _ => true,
    });
    due
}

/// Answers a call and returns its exit code, but does not send that. Fails when the caller has
/// gone away.
fn answer(
    caller: &mut Caller,
    shared: &Shared,
    program: &str,
    arguments: &[String],
    directory: &str,
) -> io::Result<u8> {
    let begun = Instant::now();
    let mut state = shared.state();
    loop {
        let mut due = Some(match program {
            // What it costs is real.
            "find" | "mkdir" | "python3" | "stat" => Duration::ZERO,
            _ => state.host.spec.latency,
        });
        for fault in &state.host.faults {
            match fault {
                Fault::Hang(scope) if scope.covers(program, arguments) => due = None,
                Fault::Slow(scope, by) if scope.covers(program, arguments) => {
                    due = due.map(|due| due + *by);
                }
                _ => {}
            }
        }
        let left = due.map(|due| due.saturating_sub(begun.elapsed()));
        if left == Some(Duration::ZERO) {
            break;
        }
        state = wait(caller, shared, state, left)?;
    }
    let reply = commands::run(&mut state.host, program, arguments, directory);
    let faults = state.host.faults.clone();
    let spoil = |output: &mut Output| {
        for fault in &faults {
            spoil(output, fault, program, arguments);
        }
    };
    let output = match reply {
        Reply::Done(mut output) => {
            drop(state);
            spoil(&mut output);
            output
        }
        Reply::Later(mut first, mut rest) => {
            spoil(&mut first);
            caller.send(1, &first.stdout)?;
            let mut end = loop {
                let left = state.host.next_change();
                state = wait(caller, shared, state, left)?;
                if let Some(end) = rest(&mut state.host) {
                    break end;
                }
            };
            drop(state);
            spoil(&mut end);
            end
        }
    };
    shared.notify();
    caller.send(1, &output.stdout)?;
    caller.send(2, &output.stderr)?;
    Ok(output.code)
}

/// Waits until something has changed or some time has passed; at most until `left` is over.
fn wait<'state>(
    caller: &mut Caller,
    shared: &'state Shared,
    state: MutexGuard<'state, State>,
    left: Option<Duration>,
) -> io::Result<MutexGuard<'state, State>> {
    let pause = left.map_or(GLANCE, |left| left.min(GLANCE));
    let (state, _) = shared
        .changed
        .wait_timeout(state, pause)
        .unwrap_or_else(PoisonError::into_inner);
    if shared.stopping.load(Ordering::SeqCst) || !caller.waits() {
        return Err(io::Error::other("the caller or the node has gone away"));
    }
    Ok(state)
}

/// Binary nonsense, the same each time: no byte of it is a line end.
const NONSENSE: &[u8] =
    b"\x7fELF\x02\x01\x00\x00(vim.vm.Sum{{[\"= ,,\x1b[2J\xff\xfe\x80 \x00)))]\n";

fn spoil(output: &mut Output, fault: &Fault, program: &str, arguments: &[String]) {
    match fault {
        Fault::Garbage(scope) if scope.covers(program, arguments) => {
            *output = Output::ok(NONSENSE.repeat(4));
        }
        Fault::Says(scope, stdout, stderr, code) if scope.covers(program, arguments) => {
            *output = Output {
                stdout: stdout.clone().into_bytes(),
                stderr: stderr.clone().into_bytes(),
                code: *code,
            };
        }
        Fault::InvalidUtf8(scope) if scope.covers(program, arguments) => {
            let middle = output.stdout.len() / 2;
            let _ = output.stdout.splice(middle..middle, *b"\xff\xc3(");
        }
        Fault::Truncated(scope, bytes) if scope.covers(program, arguments) => {
            output.stdout.truncate(*bytes);
        }
        _ => {}
    }
}
