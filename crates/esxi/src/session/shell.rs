//! A shell on the node that runs one command after another.

use std::time::Duration;

use memchr::memmem::Finder;
use openssh::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use uuid::Uuid;

use super::fault;
use super::output::Output;
use crate::command::Command;

/// What the node's shell runs: a reader of commands. Constant; whatever is variable comes in on
/// standard input, line by line, as data that no shell ever parses:
///
/// - the first line is the mark;
/// - `pTEXT` is a part of an argument that a line break follows, `aTEXT` the last part;
/// - `i` takes what was collected of the last argument, and its own text, as the input;
/// - `x` runs what was collected, `y` with that input; `q` ends the shell.
///
/// A command that has no input reads nothing. When it has ended, and once before the first, a line with the mark
/// and the exit code follows on both streams. The mark is random and known to no command, so no
/// output can imitate it, and it need not be at the beginning of a line.
///
/// While a command runs the shell waits for the next line. When standard input ends instead,
/// because the command was given up, or because the connection or ECoMan is gone, the shell kills
/// its process group: the command, its children and itself. sshd gives each command a group of
/// its own, and `exec` (see [`Shell::open`]) keeps us in it.
///
/// Runs in any POSIX shell; needs no program but the command itself.
const SCRIPT: &str = r#"
PATH=$PATH:/bin:/sbin:/usr/bin:/usr/sbin
export PATH
IFS=
break='
'
mark() { echo "$mark $1"; echo "$mark $1" >&2; }
read -r mark || exit
mark start
part=
input=
set --
while read -r line; do
	text=${line#?}
	case $line in
	p*) part=$part$text$break ;;
	a*) set -- "$@" "$part$text"; part= ;;
	i*) input=$part$text; part= ;;
	x) { "$@" </dev/null; mark $?; } & set -- ;;
	y) { printf %s "$input" | "$@"; mark $?; } & set -- ;;
	q) exit 0 ;;
	esac
done
kill -9 0
"#;

/// The least that is read at once.
const READ_BYTES: usize = 8 * 1024;

/// So much of an answer is looked at to learn how long it may become.
const BEGINNING_BYTES: usize = 256 * 1024;

/// What a node may print when a shell begins.
const MAX_GREETING_BYTES: usize = 64 * 1024;

/// How long a shell may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// An open shell. Dropping it kills what runs in it on the node.
pub(super) struct Shell<'s> {
    child: Child<&'s openssh::Session>,
    stdin: ChildStdin,
    stdout: Stream<ChildStdout>,
    stderr: Stream<ChildStderr>,
    mark: Finder<'static>,
    started: bool,
}

/// A shell could not be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// The node refuses another session on this connection.
    Refused,
    /// Anything else: the connection is lost or about to be.
    Failed(String),
}

/// A command could not be run to its end.
#[derive(Debug)]
pub(super) enum RunError {
    /// The shell is gone.
    Ended {
        /// Whether it had started at all.
        started: bool,
        /// The last that it printed.
        text: String,
    },
    /// The command prints more than so many bytes.
    TooMuchOutput(usize),
    /// An argument contains a NUL byte.
    InvalidArgument,
}

impl<'s> Shell<'s> {
    pub(super) async fn open(session: &'s openssh::Session) -> Result<Self, OpenError> {
        let mut child = session
            .command("exec")
            .args(["/bin/sh", "-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await
            .map_err(|error| match is_refusal(&error) {
                true => OpenError::Refused,
                false => OpenError::Failed(error.to_string()),
            })?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (
            child.stdin().take(),
            child.stdout().take(),
            child.stderr().take(),
        ) else {
            return Err(OpenError::Failed("no pipes".into()));
        };
        let mark = Uuid::new_v4().simple().to_string();
        let mut shell = Self {
            child,
            stdin,
            stdout: Stream::new(stdout),
            stderr: Stream::new(stderr),
            mark: Finder::new(&mark).into_owned(),
            started: false,
        };
        // A shell that is gone shows by the end of its output.
        let _ = shell.stdin.write_all(format!("{mark}\n").as_bytes()).await;
        Ok(shell)
    }

    /// Runs a command. One that prints more than its limit on a stream is an error. After an error, and when the future is dropped, the shell must be dropped.
    pub(super) async fn run(&mut self, command: &Command) -> Result<Output, RunError> {
        let request = encode(command).ok_or(RunError::InvalidArgument)?;
        // As above.
        let _ = self.stdin.write_all(&request).await;
        if !self.started {
            // A greeting of the node stands before the mark.
            self.section(|_| MAX_GREETING_BYTES).await?;
            self.started = true;
        }
        let (stdout, stderr) = self.section(|begun| command.output_limit(begun)).await?;
        match stdout.label.parse() {
            Ok(exit) if stdout.label == stderr.label => Ok(Output {
                stdout: stdout.content,
                stderr: stderr.content,
                exit,
            }),
            _ => Err(self.ended(format!(
                "it says {:?} and {:?} where the exit code should be",
                stdout.label, stderr.label
            ))),
        }
    }

    /// Ends a shell in which nothing runs, and waits until the node has counted it out.
    pub(super) async fn quit(mut self) {
        let _ = self.stdin.write_all(b"q\n").await;
        // Kept open until the end: its end would be the order to kill.
        let _stdin = self.stdin;
        let _ = timeout(GRACE, self.child.wait()).await;
    }

    /// Kills what runs, and waits until the node has counted the shell out.
    pub(super) async fn kill(self) {
        drop(self.stdin);
        let _ = timeout(GRACE, self.child.wait()).await;
    }

    async fn section(
        &mut self,
        limit: impl Fn(&[u8]) -> usize,
    ) -> Result<(Section, Section), RunError> {
        let sections = tokio::try_join!(
            self.stdout.until(&self.mark, &limit),
            self.stderr.until(&self.mark, &limit)
        );
        match sections {
            Ok(sections) => Ok(sections),
            Err(StreamError::TooMuch(limit)) => Err(RunError::TooMuchOutput(limit)),
            Err(StreamError::Ended) => {
                let stderr = self.stderr.last_line().await;
                let text = match stderr.is_empty() {
                    true => self.stdout.last_line().await,
                    false => stderr,
                };
                Err(self.ended(text))
            }
        }
    }

    fn ended(&self, text: String) -> RunError {
        RunError::Ended {
            started: self.started,
            text,
        }
    }
}

/// Whether the node refuses another session on the connection.
pub(super) fn is_refusal(error: &openssh::Error) -> bool {
    // "Session open refused by peer": the crate has no other sign of it.
    matches!(error, openssh::Error::SshMux(error) if error.to_string().contains("refused by peer"))
}

/// The lines that make the shell run a command; `None` when an argument contains a NUL byte.
fn encode(command: &Command) -> Option<Vec<u8>> {
    let mut lines = Vec::new();
    for word in std::iter::once(command.program()).chain(command.arguments()) {
        push(&mut lines, word.as_bytes(), b'a')?;
    }
    match command.input() {
        None => lines.extend_from_slice(b"x\n"),
        Some(input) => {
            push(&mut lines, input, b'i')?;
            lines.extend_from_slice(b"y\n");
        }
    }
    Some(lines)
}

/// A text as lines: all but the last as parts.
fn push(lines: &mut Vec<u8>, text: &[u8], last: u8) -> Option<()> {
    if text.contains(&0) {
        return None;
    }
    let mut parts = text.split(|byte| *byte == b'\n').peekable();
    while let Some(part) = parts.next() {
        lines.push(if parts.peek().is_some() { b'p' } else { last });
        lines.extend_from_slice(part);
        lines.push(b'\n');
    }
    Some(())
}

/// What one stream carried up to a mark.
struct Section {
    content: Vec<u8>,
    /// The rest of the line after the mark.
    label: String,
}

enum StreamError {
    Ended,
    /// It carries more than so many bytes.
    TooMuch(usize),
}

struct Stream<R> {
    pipe: R,
    buffer: Vec<u8>,
    /// So much of the buffer holds no mark.
    searched: usize,
}

impl<R: AsyncRead + Unpin> Stream<R> {
    fn new(pipe: R) -> Self {
        Self {
            pipe,
            buffer: Vec::new(),
            searched: 0,
        }
    }

    /// Dropping the future loses nothing.
    ///
    /// `limit` says how much it may carry, given what it has begun with.
    async fn until(
        &mut self,
        mark: &Finder<'_>,
        limit: impl Fn(&[u8]) -> usize,
    ) -> Result<Section, StreamError> {
        let mut most = limit(&[]);
        let mut begun_with = 0;
        loop {
            if let Some(section) = self.take(mark) {
                return Ok(section);
            }
            // What the beginning shows does not change behind it.
            if self.searched > BEGINNING_BYTES && begun_with < BEGINNING_BYTES {
                begun_with = self.searched;
                most = limit(&self.buffer);
            }
            if self.searched > most {
                return Err(StreamError::TooMuch(most));
            }
            self.reserve(most);
            if matches!(self.pipe.read_buf(&mut self.buffer).await, Ok(0) | Err(_)) {
                return Err(StreamError::Ended);
            }
        }
    }

    /// Makes room for more, never for more than may come: a buffer that doubles itself would hold
    /// twice the limit.
    fn reserve(&mut self, limit: usize) {
        if self.buffer.len() < self.buffer.capacity() {
            return;
        }
        let left = limit
            .saturating_add(READ_BYTES)
            .saturating_sub(self.buffer.len());
        let more = (self.buffer.len() / 2).clamp(READ_BYTES, left.max(READ_BYTES));
        self.buffer.reserve_exact(more);
    }

    fn take(&mut self, mark: &Finder<'_>) -> Option<Section> {
        let length = mark.needle().len();
        let Some(found) = mark.find(self.buffer.get(self.searched..)?) else {
            // The buffer may end within a mark.
            self.searched = self.buffer.len().saturating_sub(length - 1);
            return None;
        };
        let start = self.searched + found;
        self.searched = start;
        let after = self.buffer.get(start + length..)?;
        let line_length = memchr::memchr(b'\n', after)?;
        let label = after.get(..line_length)?;
        let label = String::from_utf8_lossy(label).trim().to_owned();
        let rest = self.buffer.split_off(start + length + line_length + 1);
        let mut content = std::mem::replace(&mut self.buffer, rest);
        content.truncate(start);
        self.searched = 0;
        Some(Section { content, label })
    }

    /// The last line that was printed, once the stream is at its end: something for a message.
    async fn last_line(&mut self) -> String {
        const ENOUGH: usize = 4096;
        let reading = async {
            while self.buffer.len() < ENOUGH {
                if matches!(self.pipe.read_buf(&mut self.buffer).await, Ok(0) | Err(_)) {
                    break;
                }
            }
        };
        // The other stream has ended; this one does so at once, or something still holds it.
        let _ = timeout(Duration::from_millis(200), reading).await;
        let end = self.buffer.len().saturating_sub(ENOUGH);
        let text = String::from_utf8_lossy(self.buffer.get(end..).unwrap_or_default());
        fault::last_line(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mark_is_found_wherever_the_pieces_are_cut() {
        let whole = b"no line break at the end0123456789 0\n\xff\nsecond\n0123456789 17\n".to_vec();
        for size in 1..whole.len() {
            let pieces = whole.chunks(size).map(<[u8]>::to_vec).collect::<Vec<_>>();
            let (mut sender, receiver) = tokio::io::duplex(size);
            let writer = async move {
                for piece in pieces {
                    sender.write_all(&piece).await.unwrap();
                }
            };
            let mark = Finder::new("0123456789");
            let mut stream = Stream::new(receiver);
            let reader = async {
                let first = stream.until(&mark, |_| usize::MAX).await.ok().unwrap();
                let second = stream.until(&mark, |_| usize::MAX).await.ok().unwrap();
                let third = stream.until(&mark, |_| usize::MAX).await;
                assert_eq!(first.content, b"no line break at the end");
                assert_eq!(first.label, "0");
                assert_eq!(second.content, b"\xff\nsecond\n");
                assert_eq!(second.label, "17");
                assert!(matches!(third, Err(StreamError::Ended)));
            };
            tokio::join!(writer, reader);
        }
    }

    #[test]
    fn arguments_travel_line_by_line() {
        let lines = encode(&Command::exists("two\n\nbreaks and a q\n")).unwrap();
        assert_eq!(
            String::from_utf8(lines).unwrap(),
            "atest\na-e\nptwo\np\npbreaks and a q\na\nx\n"
        );
        assert!(encode(&Command::exists("a\0b")).is_none());
        let lines = encode(&Command::write_new_file("f", "one\ntwo\n".to_owned())).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        assert!(lines.ends_with("af\npone\nptwo\ni\ny\n"), "{lines}");
    }
}
